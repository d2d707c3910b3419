"""One look for all pictures: readable small, and by people who see colours differently."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

__all__ = ["COLOURS", "FAINT", "INK", "SEQUENTIAL", "picture"]

# Okabe and Ito's palette, which is told apart under every common colour blindness; the darkest first.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#555555")
INK, FAINT = "#222222", "#DDDDDD"
SEQUENTIAL = "cividis"  # the colour map of heights and heat maps, made for colour-blind readers

STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.8,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "legend.frameon": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "figure.titlesize": 13,
    "figure.titleweight": "bold",
    "image.cmap": SEQUENTIAL,
}
DOTS_PER_INCH = 110


@contextmanager
def picture(
    path: Path, title: str, rows: int = 1, columns: int = 2, size: tuple[float, float] = (11, 4.4), **subplots: Any
) -> Iterator[tuple[Figure, Any]]:
    """Draw a picture of one or more axes; it is written to `path` at the end. Works without a display.

    Parameters
    ----------
    path : Path
        A ``.png`` file.
    title : str
        What the picture shows: the finding, in a few words.
    rows, columns : int
        Of axes.
    size : tuple of float
        Width and height in inches.
    **subplots
        As for matplotlib's ``Figure.subplots``: ``width_ratios``, ``sharey``, …

    Yields
    ------
    figure, axes : Figure, and Axes or ndarray of Axes
    """
    with rc_context({**STYLE, "axes.prop_cycle": _cycle()}):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        figure.get_layout_engine().set(w_pad=0.1, h_pad=0.08)
        axes = figure.subplots(rows, columns, **subplots)
        figure.suptitle(title, x=0.01, ha="left")
        yield figure, axes
        figure.savefig(path, dpi=DOTS_PER_INCH, facecolor="white", metadata={"Software": None})
    _shrink(path)


def _cycle() -> Any:
    from cycler import cycler

    return cycler(color=COLOURS)


def _shrink(path: Path) -> None:
    """Write the picture again with a palette of 256 colours, in a third of the bytes."""
    from PIL import Image

    with Image.open(path) as image:
        small = image.convert("RGB").quantize(256)
    small.save(path, optimize=True)
