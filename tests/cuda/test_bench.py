"""``python -m bench gpu`` on a GPU or its stand-in: results are checked, times taken, tables written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from bench import gpu, gpu_kernels, gpu_training
from bench.gpu_cases import GpuCase
from bench.gpu_timing import Clock, DeviceLost, contest
from bench.harness import Contestant, Effort
from bench.options import Options
from bench.peers import torch_gpu
from bench.tables import refusals

import fastgrad as fg
from tests.cuda.compare import IS_STANDIN
from tests.cuda.conftest import HAS_GPU

# torch's own, in a thread whose first work is a gradient
pytestmark = pytest.mark.filterwarnings("ignore:Attempting to run cuBLAS", "ignore:The AccumulateGrad node")
EFFORT = Effort(2, 0.0005)
RATES = SimpleNamespace(seconds=lambda flop, moved, precision="float32": max(flop / 1e12, moved / 1e11))
SMALL = {
    "small": GpuCase("small", (5, 7, 3), "relu", 4),
    "numbers": GpuCase("numbers", (2, 8, 8, 1), "tanh", 16, "mse_loss"),
}


@pytest.fixture(autouse=True)
def _torch_without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Where there is no GPU torch computes on the processor, and a graph is a function."""
    if not HAS_GPU:

        def capture(step: Callable[[], object]) -> Any:
            step()
            return SimpleNamespace(replay=step)

        monkeypatch.setattr(torch_gpu, "DEVICE", "cpu")
        monkeypatch.setattr(torch_gpu, "capture", capture)
        monkeypatch.setattr(gpu_kernels, "DEVICE", "cpu")
    yield
    torch.set_float32_matmul_precision("highest")


def check(outcomes: dict[str, Any], names: set[str]) -> None:
    assert set(outcomes) == names
    for name, outcome in outcomes.items():
        if IS_STANDIN and "no recorded steps" in outcome.get("failed", ""):
            continue
        assert outcome["error"] < 1, name
        for clock in ("seconds", "wall_seconds"):
            assert 0 < outcome[clock]["min"] <= outcome[clock]["median"]
            assert len(outcome[clock]["rounds"]) == EFFORT.rounds


@pytest.mark.parametrize("name", SMALL)
def test_a_step(name: str) -> None:
    def peers(case: GpuCase, begin: Any) -> Any:
        return gpu_training.step_peers(case, begin, compiled=False)

    row = gpu_training.step(SMALL[name], EFFORT, RATES, peers)
    names = {"fastgrad eager", "fastgrad recorded", "torch eager", "torch fused", "torch graph"}
    check(row["outcomes"], names)
    report = gpu.report([row], 1)
    assert [line.split()[0] for line in report.splitlines() if line.startswith(name)] == [name] * 3


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # torch's own, of its compiler
def test_a_compiled_step() -> None:
    def peers(case: GpuCase, begin: Any) -> Any:
        built = gpu_training.step_peers(case, begin)
        return {name: build for name, build in built.items() if name in ("torch compiled", "torch compiled graph")}

    row = gpu_training.step(SMALL["small"], EFFORT, RATES, peers)
    check(row["outcomes"], {"torch compiled", "torch compiled graph"})


def test_an_epoch() -> None:
    row = gpu_training.epoch(SMALL["small"], 3, EFFORT, RATES, gpu_training.epoch_peers)
    check(row["outcomes"], {"fastgrad epoch", "torch graph"})
    assert "small" in gpu.report([row], 1)


@pytest.mark.parametrize("part", ["linear", "activations"])
def test_kernels(part: str) -> None:
    rows = list(getattr(gpu_kernels, part)(EFFORT, RATES, True))
    for row in rows:
        check(row["outcomes"], {"kernel", "torch"})
    lines = gpu.report(rows, 1).splitlines()
    assert [line.split()[1] for line in lines[3:]] == ["forward", "backward"] * (len(rows) // 2)


def test_a_wrong_result_is_refused_and_a_failure_is_its_own() -> None:
    def fails() -> Contestant:
        raise ValueError("no such thing")

    outcomes = contest(
        {
            "right": lambda: Contestant("right", lambda: None, lambda: 0.5),
            "wrong": lambda: Contestant("wrong", lambda: None, lambda: 2.0),
            "broken": fails,
        },
        1.0,
        EFFORT,
    )
    assert set(outcomes["right"]) == {"setup_seconds", "error", "seconds", "wall_seconds"}
    assert "seconds" not in outcomes["wrong"]
    assert outcomes["broken"]["failed"] == "ValueError: no such thing"
    text = refusals([{"case": "any", "outcomes": outcomes}])
    assert text.splitlines() == [
        "refused: wrong on any: off by 2.0e+00, allowed 1.0e+00",
        "failed: broken on any: ValueError: no such thing",
    ]


def test_the_clock_counts_calls() -> None:
    calls = []
    clock = Clock()
    seconds = clock(lambda: calls.append(1), 30)
    assert seconds > 0
    assert len(calls) == 34  # 4 of them to warm up


def test_a_run_ends_in_time_and_goes_on_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: Any) -> Any:
        raise ValueError("a broken case")

    monkeypatch.setattr(gpu_training, "step", fails)
    rows = list(gpu.run(Options(1, EFFORT, ("tiny", "rl")), RATES))
    assert [(row["case"], row["failed"]) for row in rows] == [
        ("tiny", "ValueError: a broken case"), ("rl", "ValueError: a broken case")]  # fmt: skip
    (row,) = gpu.run(Options(1, EFFORT, ("tiny",), seconds=-1), RATES)
    assert row["failed"].startswith("no time left")


@pytest.mark.parametrize("is_noticed", [True, False])
def test_a_lost_gpu_ends_the_process_and_is_known_by_its_case(
    monkeypatch: pytest.MonkeyPatch, is_noticed: bool
) -> None:
    def loses(*arguments: Any) -> Any:
        raise DeviceLost("after an error") if is_noticed else ValueError("an illegal address")

    def fails() -> None:
        raise RuntimeError("an illegal address")

    monkeypatch.setattr(gpu_training, "step", loses)
    monkeypatch.setattr(fg.cuda, "synchronize", fails)
    rows = gpu.run(Options(1, EFFORT, ("tiny", "rl")), RATES)
    row = next(rows)
    assert row["name"] == "tiny"
    assert row["failed"] == ("after an error" if is_noticed else "after ValueError: an illegal address")
    with pytest.raises(DeviceLost):
        next(rows)
