"""Tables, files and TensorBoard."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import diagnostics, nn
from fastgrad.diagnostics.series import NUMBERS
from tests.diagnostics.common import Training, same


@pytest.fixture(scope="module")
def record() -> Any:
    training = Training("mlp")
    record = diagnostics.watch(training.net, training.opt, every=2)
    training.run(5)
    record.detach()
    return record


def test_table(record: Any) -> None:
    lines = record.table(1).splitlines()
    assert lines[0] == "step 2, 2 of 3 observed"
    assert " ".join(lines[1].split()) == "layer units mean std saturated dead |dL/dy| |dL/dw| ‖w‖ ‖Δw‖/‖w‖"
    assert [line[:18] for line in lines[2:]] == ["0 Linear + sigmoid", "2 Linear + relu   ", "4 Linear          "]
    assert len({len(line) for line in lines[1:]}) == 1
    cells = lines[3].split()
    layer = record["2"]
    assert cells[4] == "7"
    assert float(cells[5]) == pytest.approx(layer.activation_mean[1], rel=0.05)
    assert float(cells[7]) == pytest.approx(100 * layer.saturation[1], abs=0.05)
    assert float(cells[-1]) == pytest.approx(layer.update_ratio[1], rel=0.05)
    assert lines[4].split()[5] == "–"  # scores do not saturate
    assert str(record) == record.table() == record.table(-1) == record.table(2)


def test_table_of_a_step_that_is_not_there(record: Any) -> None:
    for step in (3, -4):
        expected = rf"table\(\): argument 'step' is {step}, expected one of 3 observed steps"
        with pytest.raises(IndexError, match=expected):
            record.table(step)


def test_texts(record: Any) -> None:
    assert repr(record) == "<Record of 5 layers, 3 observed steps>"
    assert repr(record["2"]) == "<Layer 2 Linear + relu, 7 units, 3 observed steps>"
    net = nn.Linear(2, 2)
    with diagnostics.watch(net) as empty:
        assert str(empty) == repr(empty) == "<Record of 1 layers, 0 observed steps>"


def test_json(record: Any, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    record.save(path)
    again = diagnostics.load(path)
    assert same(again.to_dict(), record.to_dict())
    assert str(again) == str(record)
    assert again["2"].dead_units().tolist() == record["2"].dead_units().tolist()
    for layer in record:
        for name in NUMBERS:
            np.testing.assert_array_equal(getattr(again[layer.name], name), getattr(layer, name))
        np.testing.assert_array_equal(again[layer.name].histogram, layer.histogram)
        assert (again[layer.name].low, again[layer.name].high) == (layer.low, layer.high)
    with pytest.raises(RuntimeError, match=r"step\(\): the record was read from a file"):
        again.step()
    again.detach()


def test_json_of_a_record_whose_options_are_numpys(tmp_path: Path) -> None:
    net = nn.Linear(1, 1)
    with diagnostics.watch(net, every=np.int64(1), bins=np.int32(3)) as record:  # type: ignore[arg-type]
        net(fg.ones(2, 1))
        record.step()
    record.save(tmp_path / "record.json")
    again = diagnostics.load(tmp_path / "record.json")
    assert again.every == 1
    assert again[""].histogram.shape == (1, 3)
    assert again[""].title == "Linear"


def test_json_holds_what_is_not_finite(tmp_path: Path) -> None:
    net = nn.Linear(1, 1)
    with diagnostics.watch(net, every=1) as record:
        net(fg.tensor([[math.inf], [1.0]]))
        record.step()
    record.save(tmp_path / "record.json")
    text = (tmp_path / "record.json").read_text()
    assert "NaN" not in text
    json.loads(text)
    assert same(diagnostics.load(tmp_path / "record.json").to_dict(), record.to_dict())


def test_csv(record: Any, tmp_path: Path) -> None:
    record.save(tmp_path / "record.csv")
    with (tmp_path / "record.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["step"], row["layer"]) for row in rows] == [(str(s), name) for s in (0, 2, 4) for name in "024"]
    for name in NUMBERS:
        found = [float(row[name]) for row in rows if row["layer"] == "2"]
        np.testing.assert_array_equal(found, getattr(record["2"], name))


def test_errors_of_files(record: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"save\(\): argument 'path' is '.*a.txt', expected a name that ends in"):
        record.save(tmp_path / "a.txt")
    (tmp_path / "a.json").write_text('{"layers": 3}')
    with pytest.raises(ValueError, match=r"load\(\): argument 'path' is '.*a.json', .* in it, expected a record"):
        diagnostics.load(tmp_path / "a.json")
    with pytest.raises(TypeError, match=r"load\(\): argument 'path' is a int, expected a path"):
        diagnostics.load(3)  # type: ignore[arg-type]


class Writer:
    """What tensorboardX's SummaryWriter would be called with."""

    def __init__(self) -> None:
        self.scalars: dict[tuple[str, int], float] = {}
        self.histograms: dict[tuple[str, int], dict[str, Any]] = {}

    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> None:
        self.scalars[tag, global_step] = scalar_value

    def add_histogram_raw(
        self, tag: str, min: float, max: float, num: int, sum: float, sum_squares: float,
        bucket_limits: list[float], bucket_counts: list[int], global_step: int,
    ) -> None:  # fmt: skip
        assert len(bucket_limits) == len(bucket_counts)
        self.histograms[tag, global_step] = {
            "range": (min, max), "num": num, "sum": sum, "squares": sum_squares, "counts": bucket_counts
        }  # fmt: skip


def test_tensorboard(record: Any) -> None:
    writer = Writer()
    record.to_tensorboard(writer, since=2)
    assert {step for _, step in writer.scalars} == {2, 4}
    assert writer.scalars["gradient/2", 4] == record["2"].gradient[2]
    assert ("saturation/4", 4) not in writer.scalars  # there is none
    assert len(writer.scalars) == 2 * (3 * len(NUMBERS) - 1)
    assert len(writer.histograms) == 6
    found, layer = writer.histograms["activations/0", 2], record["0"]
    assert found["counts"] == layer.histogram[1].tolist()
    assert found["num"] == 72
    assert found["sum"] == pytest.approx(72 * layer.activation_mean[1])
    variance = found["squares"] / 72 - (found["sum"] / 72) ** 2
    assert math.sqrt(variance) == pytest.approx(layer.activation_std[1])
    assert 0 < found["range"][0] < found["range"][1] < 1


def test_errors_of_tensorboard(record: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tensorboardX", None)
    with pytest.raises(ModuleNotFoundError, match=r"to_tensorboard\(\): tensorboardX is not installed, expected it"):
        record.to_tensorboard(tmp_path)
    with pytest.raises(TypeError, match=r"to_tensorboard\(\): argument 'target' is a int, expected a path or a writer"):
        record.to_tensorboard(3)


def test_tensorboard_into_a_folder(record: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in for tensorboardX: a context that is opened for the folder, and closed."""
    opened: list[Any] = []

    class SummaryWriter(Writer):
        def __init__(self, logdir: str) -> None:
            super().__init__()
            self.logdir, self.is_open = logdir, False
            opened.append(self)

        def __enter__(self) -> SummaryWriter:
            self.is_open = True
            return self

        def __exit__(self, *exception: object) -> None:
            self.is_open = False

    module = type("Module", (), {"SummaryWriter": SummaryWriter})
    monkeypatch.setitem(__import__("sys").modules, "tensorboardX", module)
    record.to_tensorboard(tmp_path)
    (writer,) = opened
    assert writer.logdir == str(tmp_path)
    assert not writer.is_open
    assert len(writer.scalars) == 3 * (3 * len(NUMBERS) - 1)
