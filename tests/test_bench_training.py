"""The benchmarks that train: every peer does the same, for every optimiser, and is checked for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bench import batch, memory, step, training
from bench.cases import CASES, start
from bench.harness import Effort
from bench.machine import Limits
from bench.optimizers import OPTIMIZERS, Optimizer
from bench.options import Options
from bench.peers import numpy_peer
from bench.tables import refusals

from tests import reference_updates

TINY = CASES[1]
QUICK = Effort(1, 0.0002)


def options(**choices: Any) -> Options:
    return Options(1, QUICK, ("tiny",), quick=True, **choices)


@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, None])
def test_step_with_every_optimizer(optimizer: str | None) -> None:
    chosen = options(optimizer=optimizer) if optimizer else options(forward=True)
    (row,) = step.run(chosen, Limits(1, 0.005))
    assert refusals([row]) == ""
    assert {"fastgrad eager", "fastgrad recorded", "torch eager", "numpy"} <= set(row["outcomes"])
    assert row["flop"] == (TINY.flop if optimizer else TINY.forward_flop)
    assert row["outcomes"]["fastgrad recorded"]["setup_seconds"] > 0
    lines = step.report([row], 1).splitlines()
    assert (f"training step, {optimizer}" if optimizer else "forward pass") in lines[0]
    assert [line.split()[0] for line in lines if "tiny" in line] == ["tiny", "tiny"]


@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, None])
def test_jax(optimizer: str | None) -> None:
    pytest.importorskip("jax")
    from bench.peers.jax_peer import Jitted

    rule = OPTIMIZERS[optimizer] if optimizer else None
    peer, reference = Jitted(TINY, start(TINY), rule), numpy_peer.ByHand(TINY, start(TINY, "float64"), rule)
    for _ in range(4):
        peer.step()
        reference.step()
    for array, right in zip(peer.results(), reference.results(), strict=True):
        np.testing.assert_allclose(array, right, rtol=1e-4, atol=1e-5)
    if optimizer:
        assert memory._planned(peer) > 0


@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, "adam with penalties"])
def test_rules_by_hand(optimizer: str) -> None:
    penalised = Optimizer("Adam", {"lr": 0.1, "weight_decay": 0.2}, 0.3)
    rule = OPTIMIZERS.get(optimizer, penalised)
    generator = np.random.default_rng(0)
    w = generator.standard_normal((5, 3))
    w[0, 0] = 0
    right, state, buffers = w.copy(), {}, [None, np.zeros_like(w), np.zeros_like(w)]
    for number in range(1, 5):
        dw = generator.standard_normal(w.shape)
        if rule.kind == "SGD":
            right, buffers[0] = reference_updates.sgd(
                right, dw, buffers[0], **rule.options, l1=rule.l1, first=number == 1
            )
        else:
            right, *buffers[1:], _ = reference_updates.adam(
                right, dw, *buffers[1:], None, number, **rule.options, l1=rule.l1
            )
        numpy_peer.RULES[rule.kind](w, dw.copy(), state, **rule.options, l1=rule.l1)
        np.testing.assert_allclose(w, right, rtol=1e-13)


def test_another_rule_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def peers(case: Any, optimizer: Any, quick: bool) -> Any:
        yield numpy_peer.ByHand(case, start(case), OPTIMIZERS["momentum"])

    monkeypatch.setattr(training, "peers", peers)
    row = training.measure(TINY, options(), Limits(1, 0.005))
    assert "seconds" not in row["outcomes"]["numpy"]
    assert refusals([row]).startswith("refused: numpy on tiny")


def test_batch_draws(tmp_path: Path) -> None:
    rows = batch.run(Options(1, QUICK, ("1", "2"), picture=True, quick=True), Limits(1, 0.005))
    assert [(row["case"], row["batch"]) for row in rows] == [("rl", 1), ("rl", 2)]
    results = [{"threads": 1, "rows": rows}, {"threads": 2, "rows": rows}]
    batch.draw(results, tmp_path / "batch.png")
    assert (tmp_path / "batch.png").read_bytes().startswith(b"\x89PNG")


def test_memory() -> None:
    (row,) = memory.run(options(), Limits(1, 0.005))
    parameters = sum(array.nbytes for array in (*start(TINY).weights, *start(TINY).biases))
    assert row["parameter_bytes"] == parameters
    for name in ("torch eager", "torch fused", "fastgrad eager"):  # they hold gradients of that size
        assert parameters < row["outcomes"][name]["bytes"] < 20 * parameters
    assert 0 < row["outcomes"]["fastgrad recorded"]["bytes"] < 20 * parameters
    assert len(memory.report([row], 1).splitlines()) == 4


@pytest.mark.parametrize(
    ("peak", "make"),
    [
        (memory.torch_peak, lambda: torch.ones(1 << 18)),
        (memory.traced_peak, lambda: np.ones(1 << 18, np.float32)),
    ],
)
def test_peaks(peak: Any, make: Any) -> None:
    before = make()

    def steps() -> None:
        x = make()
        y = x + before
        del x
        z = y + y
        del y, z
        make()

    assert peak(steps) == pytest.approx(2 << 20, rel=0.02)
