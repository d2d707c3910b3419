"""A contact sheet: what an augmentation makes of some pictures."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from typing import Any

import numpy as np

from fastgrad.errors import bad_type, bad_value
from fastgrad.utils.data.arrays import array_of

__all__ = ["contact_sheet"]


def contact_sheet(
    pictures: Any,
    augmentation: Callable[[Any], Any],
    rows: int | None = None,
    columns: int = 10,
    scale: int = 1,
    gap: int = 2,
    path: str | PathLike[str] | None = None,
) -> np.ndarray:
    """Pictures side by side: one row each, first as it is and then as an augmentation changes it again and again.

    Parameters
    ----------
    pictures : ndarray or Tensor
        uint8, float32 or float64, of shape N×H×W, N×1×H×W or N×3×H×W.
    augmentation : callable
        Changes a batch of pictures, such as `Compose` or one of its steps.
    rows : int, optional
        How many of the pictures are shown, from the first on; all by default.
    columns : int
        How often each is shown, the original included: at least 2.
    scale : int
        How many pixels high and wide one value becomes.
    gap : int
        The white pixels between pictures and around them.
    path : str or path, optional
        A file to write, such as ``"sheet.png"``; needs Pillow.

    Returns
    -------
    ndarray
        The sheet, uint8, of shape (height, width), or (height, width, 3) for pictures with 3 channels. Black and white
        of floats are the augmentation's ``limits``, or the least and greatest of all values if it has none.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If there is no picture, an argument is out of range, or `augmentation` returns another shape.
    ImportError
        If there is a path, and no Pillow.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> from fastgrad.data.augment import Rotate, contact_sheet
    >>> pictures = np.random.default_rng(0).random((4, 8, 8))
    >>> contact_sheet(pictures, Rotate(30), columns=6, scale=3).shape
    (106, 158)
    """
    array = array_of("contact_sheet", "pictures", pictures)
    if array.ndim not in (3, 4) or 0 in array.shape or (array.ndim == 4 and array.shape[1] not in (1, 3)):
        expected = "shape N×H×W, N×1×H×W or N×3×H×W with N >= 1"
        raise bad_value("contact_sheet", "pictures", f"of shape {array.shape}", expected)
    if not callable(augmentation):
        raise bad_type("contact_sheet", "augmentation", f"a {type(augmentation).__name__}", "a callable")
    rows = len(array) if rows is None else _check_integer("rows", rows, 1, len(array))
    columns = _check_integer("columns", columns, 2)
    scale = _check_integer("scale", scale, 1)
    gap = _check_integer("gap", gap, 0)

    given = np.repeat(array[:rows], columns - 1, axis=0)
    changed = augmentation(given)
    if getattr(changed, "shape", None) != given.shape:
        got = f"a {type(changed).__name__}" if not hasattr(changed, "shape") else f"an array of shape {changed.shape}"
        raise bad_value("contact_sheet", "augmentation", f"a callable that returns {got}", f"shape {given.shape}")
    changed = array_of("contact_sheet", "augmentation(pictures)", changed)
    shape = array.shape[1:] if array.ndim == 4 else (1, *array.shape[1:])
    both = np.concatenate(
        [array[:rows].reshape(rows, 1, *shape), changed.reshape(rows, columns - 1, *shape)], axis=1
    )  # (rows, columns, channels, height, width)
    sheet = _laid_out(_as_bytes(both, getattr(augmentation, "limits", (0.0, 1.0))), scale, gap)
    if path is not None:
        _write(sheet, path)
    return sheet


def _check_integer(argument: str, value: Any, least: int, most: int | None = None) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise bad_type("contact_sheet", argument, repr(value), "an integer")
    if value < least or (most is not None and value > most):
        expected = f"at least {least}" if most is None else f"between {least} and {most}, the number of pictures"
        raise bad_value("contact_sheet", argument, value, expected)
    return int(value)


def _as_bytes(pictures: np.ndarray, limits: tuple[float, float] | None) -> np.ndarray:
    """Grey values from 0 to 255."""
    if pictures.dtype == np.uint8:
        return pictures
    black, white = limits or (float(pictures.min()), float(pictures.max()))
    y = (pictures.astype(np.float64) - black) * (255.0 / (white - black) if white > black else 0.0)
    return np.array(y.clip(0.0, 255.0).round(), np.uint8)


def _laid_out(pictures: np.ndarray, scale: int, gap: int) -> np.ndarray:
    rows, columns, channels, height, width = pictures.shape
    pictures = pictures.repeat(scale, axis=3).repeat(scale, axis=4)
    height, width = height * scale + gap, width * scale + gap
    sheet = np.full((rows * height + gap, columns * width + gap, channels), 255, np.uint8)
    for i in range(rows):
        for j in range(columns):
            y, x = gap + i * height, gap + j * width
            sheet[y : y + height - gap, x : x + width - gap] = pictures[i, j].transpose(1, 2, 0)
    return sheet if channels == 3 else sheet.reshape(sheet.shape[:2])


def _write(sheet: np.ndarray, path: str | PathLike[str]) -> None:
    try:
        from PIL import Image
    except ImportError:
        raise ImportError("contact_sheet(): a path needs Pillow, which is not installed: pip install pillow") from None
    Image.fromarray(sheet).save(path)
