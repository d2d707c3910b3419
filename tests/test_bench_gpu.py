"""``python -m bench gpu`` where there is no GPU: what it would do, what it prints, and how it says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench import gpu, gpu_limits
from bench.__main__ import _parser
from bench.cases import CASES, Case, start
from bench.gpu_cases import EPOCHS, GPU_CASES, GpuCase, by_name
from bench.gpu_limits import GpuLimits
from bench.optimizers import OPTIMIZERS
from bench.peers.numpy_peer import ByHand

import fastgrad as fg

ROOT = Path(__file__).parent.parent
NO_GPU = os.environ | {"CUDA_VISIBLE_DEVICES": ""}


def timed(microseconds: float) -> dict[str, Any]:
    seconds = microseconds / 1e6
    rounds = {"median": seconds, "min": 0.9 * seconds, "max": 1.1 * seconds, "rounds": [seconds]}
    return {"setup_seconds": 0.5, "error": 0.1, "seconds": rounds}


def row(name: str, part: str = "step", **outcomes: Any) -> dict[str, Any]:
    case = by_name(name)
    return {"part": part, "case": name, "batch": case.batch, "precision": case.precision, "steps": 4,
            "flop": case.flop, "bytes": case.bytes, "limit_seconds": 1e-6,
            "targets": [case.against_eager, case.against_graphs],
            "outcomes": {name.replace("_", " "): outcome for name, outcome in outcomes.items()}}  # fmt: skip


def test_the_cases() -> None:
    names = [case.name for case in GPU_CASES]
    assert names[: len(CASES)] == [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert {case.precision for case in GPU_CASES} == {"float32", "tf32", "bf16"}
    assert {(by_name(f"{case}-{batch}").sizes, batch) for case in ("rl", "lecture") for batch in (4096, 65536)} == {
        (by_name(case).sizes, batch) for case in ("rl", "lecture") for batch in (4096, 65536)
    }
    assert by_name("field").batch == 2**18
    # small widths and large batches have a target of their own
    for case in GPU_CASES:
        if max(case.sizes[1:]) <= 128 and case.batch >= 65536:
            assert (case.against_eager, case.against_graphs) == (3, 2)
    assert set(EPOCHS) <= set(gpu.names())


def test_work_and_traffic() -> None:
    case = GpuCase("any", (3, 5, 2), "relu", 7)
    assert case.flop == 2 * 7 * (3 * (3 * 5 + 5 * 2) - 3 * 5)
    assert case.parameters == 3 * 5 + 5 + 5 * 2 + 2
    assert case.bytes == 4 * 7 * 3 + 8 * 7 + 2 * 4 * 7 * 5 + 2 * 4 * case.parameters
    halves = GpuCase("any", (3, 5, 2), "relu", 7, "mse_loss", "bf16")
    assert halves.bytes == 4 * 7 * 3 + 4 * 7 * 2 + 2 * 2 * 7 * 5 + 2 * 4 * case.parameters


def test_the_longer_of_two_times_is_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = GpuLimits()
    monkeypatch.setattr(limits, "_flops", {"float32": 10.0, "bf16": 100.0})
    monkeypatch.setattr(limits, "_bytes", 5.0)
    assert limits.seconds(100, 5) == 10
    assert limits.seconds(100, 5, "bf16") == 1
    assert limits.seconds(1, 50) == 10


def test_mean_squared_error_by_hand() -> None:
    case = Case("numbers", (2, 8, 3), "tanh", 5, "mse_loss")
    by_hand = ByHand(case, start(case, "float64"), OPTIMIZERS["sgd"])
    begin = start(case, "float64")
    assert begin.target.shape == (5, 3)
    pairs = zip(begin.weights, begin.biases, strict=True)
    tensors = [fg.from_numpy(array).requires_grad_() for pair in pairs for array in pair]
    hidden = fg.tanh(fg.nn.functional.linear(fg.from_numpy(begin.x), *tensors[:2]))
    loss = fg.nn.functional.mse_loss(fg.nn.functional.linear(hidden, *tensors[2:]), fg.from_numpy(begin.target))
    loss.backward()
    by_hand.step()
    assert by_hand.loss == pytest.approx(loss.item())
    for found, tensor in zip(by_hand.results(), tensors, strict=True):
        np.testing.assert_allclose(found, tensor.detach().numpy() - 0.01 * tensor.grad.numpy(), rtol=1e-12)


def test_the_tables() -> None:
    rows = [
        row("tiny", torch_eager=timed(400), torch_fused=timed(300), torch_compiled=timed(200), torch_graph=timed(30),
            fastgrad_eager=timed(100), fastgrad_recorded=timed(10)),
        row("wide-bf16", torch_eager=timed(500), fastgrad_recorded={"failed": "ValueError: none"}),
        row("tiny", "epoch", torch_graph=timed(40), fastgrad_epoch=timed(8)),
    ]  # fmt: skip
    times, ratios, shares, epochs = gpu.report(rows, 16).split("\n\n")[1::2]
    cells = [line.split() for line in times.splitlines()]
    assert cells[1] == ["tiny", "32", "400", "300", "200", "-", "30.0", "-", "100", "10.0", "1.00"]
    assert cells[2] == ["wide-bf16", "512", "bf16", "500", *["-"] * 6, "failed", "1.00"]
    cells = [line.split() for line in ratios.splitlines()]
    assert cells[1][:8] == ["tiny", "3.00", "30.00", "20", "3.00", "1.5", "20", "%"]
    assert cells[2][:6] == ["wide-bf16", "-", "-", "1.05", "-", "1"]
    cells = [line.split() for line in shares.splitlines()]
    assert cells[1][-4:] == ["10.0", "%", "3.3", "%"]
    assert epochs.splitlines()[1].split()[:6] == ["tiny", "32", "4", "10.00", "2.00", "5.00"]


def test_what_was_measured_where() -> None:
    machine = {"date": "today", "command": "python -m bench gpu", "processor": "any", "versions": {"torch": "2"}}
    card = {"name": "a card", "driver": "1.2"}
    text = gpu.preface(machine, {"card": card, "flop_per_second": {"tf32": 4e14}, "copy_bytes_per_second": 3e12})
    for words in ("today", "python -m bench gpu", "torch 2", "a card", "driver: 1.2", "tf32 400.0 TFLOP", "3,000 GB/s"):
        assert words in text


def test_arguments() -> None:
    options = _parser().parse_args(["gpu", "--cases", "tiny,wide", "--seconds", "30"])
    assert (options.only, options.seconds, options.threads) == (["tiny", "wide"], 30.0, "all")


def test_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_limits.library, "why_not", lambda: "no driver")
    assert gpu.missing() == "no driver"
    monkeypatch.setattr(gpu_limits.library, "why_not", lambda: None)
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "nothing to compare with: torch 2" in (gpu.missing() or "")
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "torch cannot be imported" in (gpu.missing() or "")


def test_without_a_gpu_the_command_says_so() -> None:
    done = subprocess.run([sys.executable, "-m", "bench", "gpu"], cwd=ROOT, env=NO_GPU, capture_output=True, text=True,
                          timeout=60, check=False)  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("bench gpu: CUDA cannot be used: ")
    assert len(done.stderr.splitlines()) == 1
