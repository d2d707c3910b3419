"""The letters A-Z as pictures of 29×29 pixels, from the fonts that matplotlib ships, each a little different."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

__all__ = ["ALPHABET", "FINE", "FONTS", "SIDE", "drawn", "letters", "moved"]

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SIDE = 29  # pixels
# Upright and slanted, light and bold; with and without serifs, and typewriters.
FONTS = (
    *(f"DejaVuSans{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSansMono{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSerif{style}" for style in ("", "-Bold", "-Italic", "-BoldItalic")),
    *(f"STIXGeneral{style}" for style in ("", "Bol", "Italic", "BolIta")),
    *(f"cm{style}10" for style in ("r", "b", "ss", "tt", "mi")),
)
FINE = 4  # letters are drawn so many times finer, and averaged down
HEIGHT, WIDTH = 19, 25  # pixels, at most, of an H and of the widest letter of a font


def letters(
    count: int,
    seed: int = 0,
    rotation: float = 10.0,
    shift: float = 2.0,
    scale: float = 0.12,
    fonts: Sequence[str] = FONTS,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw letters, every letter equally often, each in a font, place, size and slope chosen at random.

    Parameters
    ----------
    count : int
        Number of pictures.
    seed : int
        The same seed gives the same pictures.
    rotation : float
        Largest rotation to either side, in degrees.
    shift : float
        Largest shift in each direction, in pixels.
    scale : float
        Largest change of size: from ``1 - scale`` to ``1 + scale`` times.
    fonts : sequence of str
        Some of `FONTS`.

    Returns
    -------
    x : ndarray of float32, shape (count, 29, 29)
        Brightness from 0, the ground, to 1, the letter.
    y : ndarray of int64, shape (count,)
        Which letter: 0 for A, …, 25 for Z. In random order.

    Examples
    --------
    >>> x, y = letters(52)
    >>> x.shape, x.dtype.name, sorted(y.tolist())[:4]
    ((52, 29, 29), 'float32', [0, 0, 1, 1])
    """
    generator = np.random.default_rng(seed)
    y = generator.permutation(np.arange(count, dtype=np.int64) % len(ALPHABET))
    which = generator.integers(len(fonts), size=count)
    angles = np.radians(generator.uniform(-rotation, rotation, count))
    sizes = generator.uniform(1 - scale, 1 + scale, count)
    shifts = FINE * generator.uniform(-shift, shift, (count, 2))
    x = np.empty((count, SIDE, SIDE), np.float32)
    for i in range(count):
        x[i] = moved(drawn(fonts[which[i]], ALPHABET[y[i]]), angles[i], sizes[i], shifts[i])
    return x, y


@functools.cache
def drawn(font: str, letter: str) -> Image.Image:
    """Draw a letter, white on black, in the middle of a picture FINE times too large."""
    image = Image.new("L", (FINE * SIDE, FINE * SIDE))
    middle = FINE * SIDE / 2
    left, top, right, bottom = _font(font).getbbox(letter)
    place = (middle - (left + right) / 2, middle - (top + bottom) / 2)
    ImageDraw.Draw(image).text(place, letter, fill=255, font=_font(font))
    return image


@functools.cache
def _font(name: str) -> ImageFont.FreeTypeFont:
    """Load a font in the size in which its letters fit."""
    import matplotlib

    path = str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf")
    font = ImageFont.truetype(path, 100)
    _, top, _, bottom = font.getbbox("H")
    boxes = [font.getbbox(letter) for letter in ALPHABET]
    widest = max(right - left for left, _, right, _ in boxes)
    return ImageFont.truetype(path, 100 * FINE * min(HEIGHT / (bottom - top), WIDTH / widest))


def moved(image: Image.Image, angle: float, size: float, shift: np.ndarray) -> np.ndarray:
    """Turn by radians, scale and shift by fine pixels what was drawn, and average it down: float32, SIDE×SIDE."""
    middle = FINE * SIDE / 2
    a, b = math.cos(angle) / size, math.sin(angle) / size
    dx, dy = middle + shift[0], middle + shift[1]
    # where each pixel of the result comes from: (a b; -b a)(p - middle - shift) + middle
    back = (a, b, middle - a * dx - b * dy, -b, a, middle + b * dx - a * dy)
    moved = image.transform(image.size, Image.Transform.AFFINE, back, Image.Resampling.BILINEAR)
    fine = np.asarray(moved, np.float32).reshape(SIDE, FINE, SIDE, FINE)
    return fine.mean((1, 3)) / 255
