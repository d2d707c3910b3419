"""Figures of a record: what its layers did while the network learned."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad.errors import bad_value

if TYPE_CHECKING:
    from fastgrad.diagnostics.record import Record

__all__ = ["PANELS", "draw", "plot"]

_USUAL = ("activations", "gradients", "saturation", "updates")


def plot(record: Record, path: str | os.PathLike[str] | None = None, panels: str | Sequence[str] | None = None) -> Any:
    """Draw a figure of several panels; see `Record.plot`."""
    names = _USUAL if panels is None else (panels,) if isinstance(panels, str) else tuple(panels)
    for name in names:
        _check(name)
    if not names:
        raise bad_value("plot", "panels", "empty", f"some of {', '.join(PANELS)}")
    figure_class = _figure_class()
    columns = 1 if len(names) == 1 else 2
    rows = -(-len(names) // columns)
    figure = figure_class(figsize=(6 * columns, 3.4 * rows), layout="constrained")
    for i, name in enumerate(names):
        draw(record, name, figure.add_subplot(rows, columns, i + 1))
    if path is not None:
        figure.savefig(path, dpi=110)
    return figure


def _figure_class() -> Any:
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "plot(): matplotlib is not installed, expected it (pip install matplotlib)"
        ) from error
    return Figure


def _check(panel: str) -> None:
    if panel not in PANELS:
        raise bad_value("plot", "panels", f"with {panel!r}", f"some of {', '.join(PANELS)}")


def draw(record: Record, panel: str, axes: Any) -> None:
    """Draw one panel into axes of one's own.

    Parameters
    ----------
    record : Record
        What was collected.
    panel : {"activations", "gradients", "saturation", "histograms", "updates"}
        Mean and spread of each layer's activations; mean absolute gradients; the share of saturated activations;
        their histograms (the darker, the more values); update-to-weight ratios.
    axes : matplotlib.axes.Axes
        Where to draw.

    Raises
    ------
    ValueError
        If the panel is unknown, or nothing was observed.

    Examples
    --------
    >>> import fastgrad as fg
    >>> from matplotlib.figure import Figure
    >>> net = fg.nn.Sequential(fg.nn.Linear(3, 2), fg.nn.Tanh())
    >>> with fg.diagnostics.watch(net, every=1) as record:
    ...     for _ in range(3):
    ...         y = net(fg.randn(5, 3))
    ...         record.step()
    >>> axes = Figure().add_subplot()
    >>> draw(record, "activations", axes)
    >>> axes.get_title()
    'activations: mean ± standard deviation'
    """
    _check(panel)
    if not record.steps:
        raise bad_value("plot", "record", "empty", "at least one observed step")
    PANELS[panel](record, axes)


def _colours(record: Record) -> list[Any]:
    """From the first layer to the last: dark to light."""
    from matplotlib import colormaps

    names = list(record.layers)
    return [colormaps["viridis"](0.9 * i / max(1, len(names) - 1)) for i in range(len(names))]


def _lines(record: Record, axes: Any, name: str, title: str, logarithmic: bool) -> None:
    drawn = False
    for layer, colour in zip(record, _colours(record), strict=True):
        values = np.array(layer.values[name])
        if logarithmic:
            values[values == 0] = np.nan  # it has no place there
        if not np.isnan(values).all():
            drawn = True
            axes.plot(record.steps, values, color=colour, label=layer.title, marker="." if len(values) < 30 else "")
    axes.set_title(title)
    axes.set_xlabel("step")
    if logarithmic and drawn:
        axes.set_yscale("log")
    if drawn:
        axes.legend(fontsize="small")


def _activations(record: Record, axes: Any) -> None:
    for layer, colour in zip(record, _colours(record), strict=True):
        mean, std = layer.activation_mean, layer.activation_std
        if np.isnan(mean).all():
            continue
        axes.plot(record.steps, mean, color=colour, label=layer.title, marker="." if len(mean) < 30 else "")
        axes.fill_between(record.steps, mean - std, mean + std, color=colour, alpha=0.15, linewidth=0)
    axes.set_title("activations: mean ± standard deviation")
    axes.set_xlabel("step")
    if axes.get_lines():
        axes.legend(fontsize="small")


def _gradients(record: Record, axes: Any) -> None:
    _lines(record, axes, "gradient", "mean absolute gradient of the activations", True)


def _updates(record: Record, axes: Any) -> None:
    _lines(record, axes, "update_ratio", "update-to-weight ratio ‖Δw‖/‖w‖", True)


def _saturation(record: Record, axes: Any) -> None:
    _lines(record, axes, "saturation", "share of saturated activations", False)
    axes.set_ylim(-0.03, 1.03)


def _histograms(record: Record, axes: Any) -> None:
    """One band per layer, the first at the top: its bins upwards, steps to the right, dark where many values are."""
    layers = [layer for layer in record if any(counts.any() for counts in layer.counts)]
    steps = np.array([*record.steps, record.steps[-1] + record.every])
    ticks: list[float] = []
    ends: list[str] = []
    for i, layer in enumerate(layers):
        counts = layer.histogram.T
        shares = counts / np.maximum(counts.sum(0), 1)
        bottom = 1.3 * (len(layers) - 1 - i)
        heights = bottom + np.linspace(0, 1, len(layer.edges))
        axes.pcolormesh(steps, heights, shares**0.5, cmap="Greys", vmin=0, vmax=1, rasterized=True)
        ticks += [bottom, bottom + 1]
        ends += [f"{layer.edges[0]:g}", f"{layer.edges[-1]:g}"]
        axes.text(steps[0], bottom + 1.03, layer.title, fontsize="small", va="bottom")
    axes.set_yticks(ticks, ends)
    axes.set_ylim(-0.1, 1.3 * len(layers))
    axes.set_title("histograms of the activations")
    axes.set_xlabel("step")


PANELS: dict[str, Callable[[Record, Any], None]] = {
    "activations": _activations,
    "gradients": _gradients,
    "saturation": _saturation,
    "histograms": _histograms,
    "updates": _updates,
}
