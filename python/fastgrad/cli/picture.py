"""Loss, accuracy and time per step of a comparison, as one picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from fastgrad.cli.errors import UserError
from fastgrad.cli.report import Comparison, duration
from fastgrad.cli.training import Record

__all__ = ["check_picture", "draw"]

SUFFIXES = (".png", ".svg", ".pdf")
# Blue and vermilion of Okabe and Ito's palette are told apart under every common colour blindness; the
# shapes differ as well, because two libraries that compute the same lie on top of each other.
STYLES = {
    "torch": {"color": "#D55E00", "linewidth": 5.0, "alpha": 0.45, "solid_capstyle": "round"},
    "fastgrad": {"color": "#0072B2", "linewidth": 1.6, "marker": "o", "markersize": 4.0},
}
INK, FAINT = "#222222", "#DDDDDD"


def check_picture(path: Path) -> None:
    """Make sure, before any training, that a picture can be drawn into a file of that name.

    Raises
    ------
    UserError
        If matplotlib is missing or the file's suffix is none it is drawn for.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f"--plot: {path} ends in {path.suffix!r}, expected {', '.join(SUFFIXES)}")
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise UserError("--plot: matplotlib is not installed: pip install 'fastgrad[compare]'") from None


def draw(comparison: Comparison, path: Path) -> None:
    """Draw the comparison; works without a display.

    Parameters
    ----------
    comparison : Comparison
        What to show.
    path : Path
        The picture, in the format of its suffix.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    style: Any = {"font.size": 10, "axes.edgecolor": INK, "text.color": INK, "svg.hashsalt": "fastgrad"}
    with rc_context(style):
        figure = Figure(
            figsize=(13, 4.6), layout=ConstrainedLayoutEngine(w_pad=0.14, h_pad=0.09, wspace=0.02)
        )
        FigureCanvasAgg(figure)
        loss, accuracy, time = figure.subplots(1, 3, width_ratios=(1, 1, 1.1))
        for record in reversed(comparison.records):  # the broad pale line of torch lies below
            epochs = np.arange(1, len(record.loss) + 1)
            loss.plot(epochs, record.loss, label=record.name, **STYLES[record.name])
            accuracy.plot(epochs, 100 * np.array(record.accuracy), label=record.name, **STYLES[record.name])
        _curve(loss, "Training loss", "mean cross-entropy", comparison)
        _curve(accuracy, "Test accuracy", "test rows classified rightly, %", comparison)
        if all(value > 0 for record in comparison.records for value in record.loss):
            loss.set_yscale("log")
            _plain_log_ticks(loss)
        loss.legend(*_legend(loss), framealpha=0.8, edgecolor="none", loc="upper right")
        accuracy.legend(*_legend(accuracy), framealpha=0.8, edgecolor="none", loc="lower right")
        difference = comparison.weight_difference(0)
        if difference is not None:
            loss.text(0.04, 0.05, f"weights after epoch 1 differ\nby at most {difference:.1e}",
                      transform=loss.transAxes, fontsize=9)  # fmt: skip
        _bars(time, comparison)
        figure.suptitle(_title(comparison), fontsize=12, fontweight="bold")
        figure.savefig(path, dpi=150, facecolor="white", format=path.suffix.lower()[1:])


def _legend(axes: Any) -> tuple[list[Any], list[str]]:
    handles, names = axes.get_legend_handles_labels()
    return handles[::-1], names[::-1]


def _curve(axes: Any, title: str, label: str, comparison: Comparison) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_title(title)
    axes.set_xlabel("epoch")
    axes.set_ylabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if len(comparison.records[0].loss) == 1:
        axes.set_xlim(0.5, 1.5)


def _plain_log_ticks(axes: Any) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _bars(axes: Any, comparison: Comparison) -> None:
    """One bar a library: the median, with a whisker over the middle half of the steps.

    On a busy machine single blocks of steps can take a thousand times longer: a whisker that would make the bars
    invisible ends in an arrow at twice the longest bar.
    """
    records, medians = comparison.records, comparison.median_steps
    scale, unit = (1e6, "µs") if max(medians) < 1e-3 else (1e3, "ms")
    longest = 2 * scale * max(medians)
    tops = []
    for position, (record, median) in enumerate(zip(records, medians, strict=True)):
        low, high = scale * np.percentile(record.step_seconds, (25, 75))
        top = min(high, longest)
        colour = STYLES[record.name]["color"]
        axes.barh(position, scale * median, height=0.55, color=colour)
        axes.plot([low, top], [position, position], color=INK, linewidth=1.4)
        axes.plot(low, position, color=INK, marker="|", markersize=9)
        axes.plot(
            top, position, color=INK, marker="|" if top == high else ">", markersize=9 if top == high else 6
        )
        axes.annotate(duration(median), (top, position), xytext=(9, 0),
                      textcoords="offset points", va="center", fontweight="bold")  # fmt: skip
        tops.append(top)
    axes.set_yticks(range(len(records)), [_name(record) for record in records])
    axes.set_ylim(len(records) - 0.4, -0.6)
    axes.set_xlim(0, 1.28 * max(tops))
    axes.set_title(_verdict(comparison.ratio))
    axes.set_xlabel(f"{unit} (median, and the middle half of all steps)")
    axes.grid(axis="x", color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _verdict(ratio: float | None) -> str:
    if ratio is None:
        return "Time per step"
    times = max(ratio, 1 / ratio)
    figure = f"{times:.1f}" if times < 10 else f"{times:.0f}"
    return f"Time per step: fastgrad {figure}\N{MULTIPLICATION SIGN} {'faster' if ratio >= 1 else 'slower'}"


def _name(record: Record) -> str:
    return f"{record.name}\n{record.version.split('+')[0]}"


def _title(comparison: Comparison) -> str:
    settings, data = comparison.settings, comparison.data
    sizes = "-".join(str(size) for size in (data.x_train.shape[1], *settings.hidden, len(data.classes)))
    activation = f" {settings.activation}" if settings.hidden else ""
    threads = f"{comparison.threads} thread{'s' if comparison.threads > 1 else ''}"
    return f"{data.name}: {sizes}{activation}, batch {settings.batch_size}, {settings.dtype}, {threads}"
