"""The parts of the command line that need no subprocess: text, files, timing blocks, advice."""

from __future__ import annotations

import math
import os
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastgrad.cli.doctor import advice
from fastgrad.cli.errors import UserError
from fastgrad.cli.files import check_writable, write_whole
from fastgrad.cli.report import Comparison, as_json, columns, duration, summary
from fastgrad.cli.settings import Settings
from fastgrad.cli.source import Data
from fastgrad.cli.training import Record, largest_difference, train


def make_data(rows: int = 10) -> Data:
    x = np.arange(2.0 * rows, dtype=np.float32).reshape(rows, 2)
    return Data("toy", ["a", "b"], x, np.arange(rows) % 2, x[:4], np.array([0, 1, 1, 1]))


class Fake:
    """A contestant that writes down what it is given and always answers class 1."""

    version, note = "1", "fake"

    def __init__(self, name: str, log: list[tuple[str, list[float]]]) -> None:
        self.name, self.log = name, log

    def run(self, x: Any, y: Any, order: Any, batch_size: int) -> list[float]:
        batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
        self.log += [(self.name, x[rows, 0].tolist()) for rows in batches]
        return [float(len(rows)) for rows in batches]

    def weights(self) -> dict[str, Any]:
        return {"w": np.array([float(len(self.log))])}

    def logits(self, x: Any) -> Any:
        return np.tile([0.0, 1.0], (len(x), 1))


def test_contestants_see_the_same_batches_and_take_turns() -> None:
    log: list[tuple[str, list[float]]] = []
    advanced: list[int] = []
    settings = Settings(epochs=3, batch_size=4)
    one, other = train(
        settings,
        make_data(),
        [Fake("fastgrad", log), Fake("torch", log)],
        lambda steps, _: advanced.append(steps),
    )
    ours = [rows for name, rows in log if name == "fastgrad"]
    assert ours == [rows for name, rows in log if name == "torch"]
    assert [len(rows) for rows in ours] == [4, 4, 2] * 3
    for epoch in range(3):  # every row once in an epoch, in an order of its own
        assert sorted(chain(*ours[3 * epoch : 3 * epoch + 3])) == list(range(0, 20, 2))
    assert ours[:3] != ours[3:6]
    assert [log[block][0] for block in (0, 3, 6, 9, 12, 15)] == [
        "fastgrad", "torch", "torch", "fastgrad", "fastgrad", "torch",
    ]  # fmt: skip
    assert sum(advanced) == 18
    assert one.loss == other.loss == [(4 * 4 + 4 * 4 + 2 * 2) / 10] * 3
    assert one.accuracy == [0.75] * 3
    assert len(one.step_seconds) == 1 + 1 + 1  # half of two full batches is warm-up, and the smaller one is not timed
    assert len(one.weights) == 2


def test_one_step_alone_is_timed() -> None:
    (record,) = train(Settings(epochs=1, batch_size=64), make_data(), [Fake("fastgrad", [])], lambda *_: None)
    assert len(record.step_seconds) == 1


def test_largest_difference_sees_every_weight_and_nan() -> None:
    one = Record("a", "", "", weights=[{"w": np.array([1.0, 2.0]), "b": np.zeros(0)}])
    other = Record("b", "", "", weights=[{"w": np.array([1.0, 2.5]), "b": np.zeros(0)}])
    assert largest_difference(one, other, 0) == 0.5
    other.weights[0]["w"][0] = np.nan
    assert math.isnan(largest_difference(one, other, 0))


def make_comparison(names: tuple[str, ...] = ("fastgrad", "torch")) -> Comparison:
    records = [
        Record(name, "1.0", "SGD", [0.5, 0.25], [0.9, 0.955], [1e-4 * scale] * 3, [{"w": np.ones(1)}] * 2)
        for name, scale in zip(names, (1, 4), strict=False)
    ]
    return Comparison(Settings(epochs=2), make_data(), 2, records, "")


def test_summary_with_both() -> None:
    lines = summary(make_comparison()).splitlines()
    assert lines[0].split() == ["loss", "accuracy"]
    assert lines[1].split() == ["epoch", "fastgrad", "torch", "fastgrad", "torch"]
    assert lines[3].split() == ["2", "0.2500", "0.2500", "95.50", "%", "95.50", "%"]
    assert len({len(line) for line in lines[1:4]}) == 1
    assert any(line.startswith("torch / fastgrad") and line.endswith("4.00") for line in lines)


def test_summary_alone() -> None:
    text = summary(make_comparison(("fastgrad",)))
    assert "torch" not in text
    assert "100 µs" in text


def test_json_has_no_nan() -> None:
    comparison = make_comparison()
    comparison.records[0].loss[1] = float("nan")
    assert '"loss": [\n        0.5,\n        null\n' in as_json(comparison)
    assert "diverged" in summary(comparison)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1.234e-6, "1.23 µs"),
        (9.996e-4, "1.00 ms"),
        (0.0123, "12.3 ms"),
        (0.1234, "123 ms"),
        (12.0, "12.00 s"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_columns_are_aligned() -> None:
    assert columns([["a", "bbb"], ["cc", "d"]]) == " a  bbb\ncc    d"


def test_write_whole_replaces_only_when_done(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o640)

    def fail(file: Path) -> None:
        file.write_text("half", encoding="utf-8")
        raise OSError(28, "No space left on device")

    with pytest.raises(UserError, match=r"--json: cannot write .*No space left"):
        write_whole("--json", path, fail)
    assert path.read_text(encoding="utf-8") == "old"
    write_whole("--json", path, lambda file: file.write_text("new", encoding="utf-8"))
    assert path.read_text(encoding="utf-8") == "new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_write_whole_follows_links_and_keeps_devices(tmp_path: Path) -> None:
    real, link = tmp_path / "real.txt", tmp_path / "link.txt"
    real.write_text("old", encoding="utf-8")
    link.symlink_to(real)
    write_whole("--json", link, lambda file: file.write_text("new", encoding="utf-8"))
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") == "new"
    check_writable("--json", Path(os.devnull))
    write_whole("--json", Path(os.devnull), lambda file: file.write_text("gone", encoding="utf-8"))
    assert not Path(os.devnull).is_file()


def test_check_writable_leaves_nothing(tmp_path: Path) -> None:
    check_writable("--plot", tmp_path / "new.png")
    assert list(tmp_path.iterdir()) == []
    for path, words in ((tmp_path, "is a folder"), (tmp_path / "no" / "new.png", "does not exist")):
        with pytest.raises(UserError, match=words):
            check_writable("--plot", path)


AVX512 = {"avx512f", "avx512vl", "avx512bw", "avx512dq", "avx2", "fma"}
BUILD = {"isa": "avx512", "isas": ["baseline", "avx2", "avx512"], "cuda": None}


@pytest.mark.parametrize(
    ("build", "features", "threads", "cpus", "nvidia", "words"),
    [
        ({**BUILD, "isa": "avx2"}, AVX512, 1, 1, False, "avx2 is chosen though the processor has avx512"),
        ({**BUILD, "isa": "avx2", "isas": ["avx2"]}, AVX512, 1, 1, False, "for which no kernels are built"),
        (BUILD, AVX512, 1, 2, False, "1 of 2 processors are used"),
        (BUILD, AVX512, 1, 1, True, "NVIDIA GPU"),
    ],
)
def test_advice(
    build: dict[str, Any], features: set[str], threads: int, cpus: int, nvidia: bool, words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.delenv("FASTGRAD_ISA", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: cpus)
    monkeypatch.setattr("fastgrad.cli.doctor.why_not", lambda: "CUDA cannot be used: no driver")
    assert any(words in hint for hint in advice(build, features, threads, cpus, nvidia))
    assert not any(words in hint for hint in advice(BUILD, AVX512, cpus, cpus, False))


def test_advice_names_the_variable_that_holds_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTGRAD_ISA", "avx2")
    hints = advice({**BUILD, "isa": "avx2"}, AVX512, 1, 1, False)
    assert any(hint.startswith("FASTGRAD_ISA=avx2 holds it to avx2") for hint in hints)
