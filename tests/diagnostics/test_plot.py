"""Figures: what is drawn is what was collected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from fastgrad import diagnostics
from fastgrad.diagnostics.plot import PANELS, draw
from tests.diagnostics.common import Training


@pytest.fixture(scope="module")
def record() -> Any:
    training = Training("mlp")
    record = diagnostics.watch(training.net, training.opt, every=2)
    training.run(7)
    record.detach()
    return record


def drawn(record: Any, panel: str) -> Any:
    axes = Figure().add_subplot()
    draw(record, panel, axes)
    return axes


@pytest.mark.parametrize(
    ("panel", "number", "names"),
    [
        ("activations", "activation_mean", "024"),
        ("gradients", "gradient", "024"),
        ("saturation", "saturation", "02"),
        ("updates", "update_ratio", "024"),
    ],
)
def test_lines(record: Any, panel: str, number: str, names: str) -> None:
    axes = drawn(record, panel)
    assert len(axes.lines) == len(names)
    for line, name in zip(axes.lines, names, strict=True):
        assert line.get_label() == record[name].title
        assert list(line.get_xdata()) == [0, 2, 4, 6]
        expected = getattr(record[name], number)
        shown = np.where((expected == 0) & (panel in ("gradients", "updates")), np.nan, expected)
        np.testing.assert_array_equal(line.get_ydata(), shown)
    assert axes.get_yscale() == ("log" if panel in ("gradients", "updates") else "linear")


def test_the_spread_is_a_band_around_the_mean(record: Any) -> None:
    axes = drawn(record, "activations")
    assert len(axes.collections) == 3
    (path,) = axes.collections[0].get_paths()
    mean, std = record["0"].activation_mean, record["0"].activation_std
    assert path.vertices[:, 1].max() == pytest.approx((mean + std).max())
    assert path.vertices[:, 1].min() == pytest.approx((mean - std).min())


def test_histograms(record: Any) -> None:
    axes = drawn(record, "histograms")
    assert [text.get_text() for text in axes.texts] == ["0 Linear + sigmoid", "2 Linear + relu", "4 Linear"]
    for mesh, layer in zip(axes.collections, record, strict=True):
        expected = (layer.histogram / layer.histogram.sum(1, keepdims=True)).T
        np.testing.assert_allclose(np.square(mesh.get_array().reshape(expected.shape)), expected)


def test_plot_saves_all_panels(record: Any, tmp_path: Path) -> None:
    figure = record.plot(tmp_path / "all.png", panels=list(PANELS))
    assert len(figure.axes) == len(PANELS)
    assert (tmp_path / "all.png").read_bytes().startswith(b"\x89PNG")
    assert len(record.plot().axes) == 4
    assert len(record.plot(panels="updates").axes) == 1


def test_what_is_missing_is_left_out() -> None:
    """A record whose layers do not saturate."""
    training = Training("mlp")
    record = diagnostics.watch(training.net, every=1, layers=["4"])
    training.run(1)
    record.step()
    axes = drawn(record, "saturation")
    assert len(axes.lines) == 0
    assert axes.get_legend() is None
    record.detach()


def test_errors(record: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    panels = "some of activations, gradients, saturation, histograms, updates"
    with pytest.raises(ValueError, match=rf"plot\(\): argument 'panels' is with 'loss', expected {panels}"):
        record.plot(panels=["loss"])
    with pytest.raises(ValueError, match=rf"plot\(\): argument 'panels' is empty, expected {panels}"):
        record.plot(panels=[])
    training = Training("mlp")
    with (
        diagnostics.watch(training.net) as empty,
        pytest.raises(ValueError, match=r"plot\(\): argument 'record' is empty, expected at least one observed step"),
    ):
        empty.plot()
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(ModuleNotFoundError, match=r"plot\(\): matplotlib is not installed, expected it"):
        record.plot()
