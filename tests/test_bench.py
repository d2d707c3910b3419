"""The benchmarks: they run, they refuse what is wrong, their figures hang together."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from bench import process
from bench.cases import CASES, start
from bench.harness import Contestant, Effort, contest, deviation, interleave
from bench.machine import Limits, bandwidth
from bench.options import Options
from bench.tables import best_peer, duration, microseconds, percent, ratio, refusals, spread, table

ROOT = Path(__file__).parent.parent
QUICK = Effort(2, 0.0002)


def check_rows(rows: list[dict[str, Any]]) -> None:
    assert rows
    for row in rows:
        assert row["limit_seconds"] > 0
        assert any(name.startswith("fastgrad") for name in row["outcomes"])
        for outcome in row["outcomes"].values():
            assert outcome["seconds"]["min"] <= outcome["seconds"]["median"] <= outcome["seconds"]["max"]
    assert refusals(rows) == ""


def test_the_command(tmp_path: Path) -> None:
    answer = tmp_path / "out.json"
    command = [sys.executable, "-m", "bench", "step", "--quick", "--threads", "1", "--only", "tiny,rl"]
    command += ["--json", str(answer)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert "torch eager  fused  compiled  jax jit  numpy  fastgrad eager  recorded  limit" in lines[2]
    assert "best torch / eager  best torch / recorded  best peer / recorded" in lines[8]
    for begin in (3, 9):
        assert [line.split()[0] for line in lines[begin : begin + 2]] == ["tiny", "rl"]
    record = json.loads(answer.read_text(encoding="utf-8"))
    assert record["subject"] == "step"
    assert {"date", "command", "processor", "versions", "fastgrad_build"} <= set(record)
    (process,) = record["processes"]
    assert process["threads"] == 1
    check_rows(process["rows"])
    for row in process["rows"]:
        assert {"fastgrad eager", "fastgrad recorded", "torch eager", "numpy"} <= set(row["outcomes"])


@pytest.mark.parametrize(
    ("subject", "only", "choices"),
    [
        ("linear", "64x100x100,1x32x32", {}),
        ("linear", "64x26x100,8x8x8", {"dtype": "float64"}),
        ("activations", "relu,gelu_tanh", {}),
        ("losses", "", {}),
        ("update", "", {}),
        ("threads", "awake", {}),
        ("loader", "table", {}),
        ("batch", "1,32", {"optimizer": "momentum"}),
    ],
)
def test_every_subject_runs(subject: str, only: str, choices: dict[str, str]) -> None:
    module = import_module(f"bench.{subject}")
    options = Options(1, QUICK, tuple(only.split(",")) if only else (), quick=True, **choices)
    assert set(options.only) <= set(module.names())
    rows = module.run(options, Limits(1, 0.005))
    check_rows(rows)
    report = module.report(rows, 1)
    assert len(report.splitlines()) == len(rows) + 3
    assert all(choice in report.splitlines()[0] for choice in choices.values())


def test_the_grid_of_linear() -> None:
    sizes = [tuple(map(int, name.split("x"))) for name in import_module("bench.linear").names()]
    assert len(set(sizes)) == len(sizes)
    assert {max(size) for size in sizes} >= {2**power for power in range(12)}
    assert {m for m, _, _ in sizes} >= {1, 64, 512}
    assert {width for size in sizes for width in size} >= {100, 841, 26, 10}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["step", "--only", "huge"], "'huge' is unknown, expected some of online, tiny"),
        (["step", "--forward", "--optimizer", "adam"], "--forward: nothing is updated"),
        (["losses", "--optimizer", "adam"], "unrecognized arguments: --optimizer adam"),
        (["step", "--optimizer", "lbfgs"], "invalid choice: 'lbfgs'"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(arguments: list[str], words: str) -> None:
    command = [sys.executable, "-m", "bench", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert words in done.stderr


def test_defaults() -> None:
    parser = import_module("bench.__main__")._parser()
    assert parser.parse_args(["memory"]).threads == "1"
    step = parser.parse_args(["step"])
    assert (step.threads, step.optimizer, step.forward) == ("1,all", "sgd", False)
    assert "dtype" not in step


def test_a_wrong_result_is_not_timed() -> None:
    calls = []
    right = Contestant("right", lambda: None, lambda: 0.5, 3.0)
    wrong = Contestant("wrong", lambda: calls.append(1), lambda: float("inf"))
    outcomes = contest([right, wrong], 1.0, QUICK)
    assert calls == []
    assert "seconds" not in outcomes["wrong"]
    assert outcomes["right"]["setup_seconds"] == 3.0
    assert len(outcomes["right"]["seconds"]["rounds"]) == 2
    assert microseconds(outcomes, "wrong") == "refused"
    assert refusals([{"case": "c", "threads": 1, "outcomes": outcomes}]).startswith("refused: wrong on c")


def test_rounds_alternate_the_order() -> None:
    order: list[str] = []
    interleave({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, Effort(2, 1e-9))
    rounds = "".join(order)[-8:]  # blocks of one call, each after one that is not counted
    assert rounds == "aabbbbaa"


def test_deviation() -> None:
    one = np.array([1.0, -4.0])
    assert deviation([one + 0.02], [one]) == pytest.approx(0.005)
    assert deviation([np.zeros(3)], [np.zeros(3)]) == 0
    assert deviation([one], [one, one]) == np.inf
    assert deviation([one[:1]], [one]) == np.inf
    assert deviation([np.array([1.0, np.nan])], [one]) == np.inf


@pytest.mark.parametrize(("name", "mflop"), [("online", 0.01), ("mnist", 129), ("wide", 23471)])
def test_flop_of_the_cases(name: str, mflop: float) -> None:
    (case,) = (case for case in CASES if case.name == name)
    assert case.flop / 1e6 == pytest.approx(mflop, rel=0.005, abs=0.005)
    assert case.flop / 3 < case.forward_flop < case.flop


def test_start_is_the_same_in_both_dtypes() -> None:
    single, double = start(CASES[1]), start(CASES[1], "float64")
    assert single.weights[0].dtype == np.float32
    assert double.weights[0].dtype == np.float64
    np.testing.assert_array_equal(single.weights[0], double.weights[0])
    np.testing.assert_array_equal(single.x, double.x)


def test_bandwidth_is_positive() -> None:
    assert bandwidth(1 << 16, 1, 0.01) > 0
    assert bandwidth(1 << 16, 2, 0.01) > 0


def test_cells() -> None:
    outcomes = {"a": {"seconds": {"median": 2e-6, "min": 1e-6, "max": 3e-6}}}
    assert microseconds(outcomes, "a") == "2.00"
    assert microseconds(outcomes, "b") == "-"
    assert spread(outcomes, "a") == "100 %"
    assert ratio(4e-6, 2e-6) == "2.00"
    assert ratio(None, 2e-6) == "-"
    assert percent(1e-6, 4e-6) == "25 %"
    assert duration(None) == "-"
    assert duration(0.0123) == "12.3 ms"
    assert duration(2.34) == "2.3 s"
    numpy = {"seconds": {"median": 3e-6}}
    assert best_peer({**outcomes, "numpy": numpy, "fastgrad eager": {"seconds": {"median": 1e-6}}}) == 2e-6
    assert best_peer({"fastgrad eager": numpy}) is None
    assert table("t", ["x", "y"], [["long", "1"]]) == "t\n\nx     y\nlong  1\n"


def test_a_process_goes_on_where_another_one_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    codes = iter([1, 1, 0])

    def run(answer: Path, threads: int, only: list[str], seconds: float) -> int:
        asked.append(list(only))
        names = (only or ["a", "b", "c", "d"])[:2]  # the second row is of what failed
        answer.write_text(json.dumps({"limits": {}, "rows": [{"name": name, "case": name * 2} for name in names]}))
        return next(codes)

    monkeypatch.setattr(process, "_run", run)
    monkeypatch.setitem(sys.modules, "bench.any", SimpleNamespace(names=lambda: ["a", "b", "c", "d", "e"]))
    options = argparse.Namespace(subject="any", only=[], json=tmp_path / "all.json")
    result = process.measure(options, 1)
    assert asked == [[], ["c", "d", "e"], ["e"]]
    assert [row["name"] for row in result["rows"]] == ["a", "b", "c", "d", "e"]
    assert not result["complete"]
    assert not list(tmp_path.iterdir())


def test_without_names_of_rows_a_failure_is_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(answer: Path, threads: int, only: list[str], seconds: float) -> int:
        answer.write_text(json.dumps({"rows": [{"case": "a"}]}))
        return 1

    monkeypatch.setattr(process, "_run", run)
    monkeypatch.setitem(sys.modules, "bench.any", SimpleNamespace(names=lambda: ["a", "b"]))
    options = argparse.Namespace(subject="any", only=[], json=None)
    assert process.measure(options, 1) == {"rows": [{"case": "a"}], "complete": False}
    monkeypatch.setattr(process, "_run", lambda *_: 1)
    with pytest.raises(SystemExit):
        process.measure(options, 1)
