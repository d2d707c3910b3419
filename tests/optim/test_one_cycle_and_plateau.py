"""OneCycleLR and ReduceLROnPlateau against torch."""

from __future__ import annotations

import math

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.optim import lr_scheduler
from tests.optim.common import both, lrs, optimizers

ONE_CYCLE = [
    {"total_steps": 40},
    {"epochs": 4, "steps_per_epoch": 10, "pct_start": 0.25},
    {"total_steps": 40, "three_phase": True},
    {"total_steps": 40, "anneal_strategy": "linear", "div_factor": 10.0, "final_div_factor": 100.0},
    {"total_steps": 41, "three_phase": True, "anneal_strategy": "linear", "pct_start": 0.4},
    {"total_steps": 40, "cycle_momentum": False},
    {"total_steps": 40, "base_momentum": [0.7, 0.6], "max_momentum": [0.9, 0.8]},
    {"total_steps": 40, "pct_start": 0.0},
    {"total_steps": 40, "pct_start": 1.0},
]


@pytest.mark.parametrize("options", ONE_CYCLE, ids=str)
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("max_lr", [1.0, [1.0, 0.1]], ids=str)
def test_one_cycle_equals_torch(options, kind, max_lr):
    a, ours, b, theirs = both(lambda o, s: s.OneCycleLR(o, max_lr, **options), kind)
    names = ("lr", "momentum", "betas", "max_lr", "min_lr", "initial_lr", "max_momentum", "base_momentum")
    for _ in range(39):  # torch divides by zero in the next one when pct_start is 1
        a.step()
        b.step()
        ours.step()
        theirs.step()
        for group, wanted in zip(a.param_groups, b.param_groups, strict=True):
            for name in names:
                assert group.get(name) == wanted.get(name), name
    assert ours.get_last_lr() == theirs.get_last_lr()


def test_one_cycle_ends():
    a, _ = optimizers(momentum=0.9)
    scheduler = lr_scheduler.OneCycleLR(a, 1.0, total_steps=2)
    a.step()
    scheduler.step()
    scheduler.step()
    before = lrs(a), scheduler.last_epoch
    with pytest.raises(ValueError, match="called 3 times, expected at most 2"):
        scheduler.step()
    assert (lrs(a), scheduler.last_epoch) == before


def test_one_cycle_phase_of_no_steps_is_at_its_end():
    a, _ = optimizers(momentum=0.9)
    scheduler = lr_scheduler.OneCycleLR(a, 1.0, total_steps=10, pct_start=0.1)
    assert scheduler.get_last_lr() == [1.0, 1.0]
    assert a.param_groups[0]["momentum"] == 0.85


METRICS = {
    "falling": [1 / (1 + i) for i in range(60)],
    "flat": [1.0] * 60,
    "noisy": list(np.random.default_rng(0).normal(size=60)),
    "rising": [0.1 * i for i in range(60)],
    "nan": [1.0, 0.5, *[math.nan] * 20, 0.1, *[0.2] * 20],
    "negative": [-1.0, -1.00001, -1.1, *[-1.1001] * 40],
}
PLATEAU = [
    {"patience": 3},
    {"patience": 0, "factor": 0.5, "cooldown": 4},
    {"patience": 2, "mode": "max", "threshold": 0.05},
    {"patience": 2, "threshold_mode": "abs", "threshold": 0.1},
    {"patience": 2, "mode": "max", "threshold_mode": "abs", "min_lr": [0.1, 0.001]},
    {"patience": 1, "eps": 0.01, "min_lr": 1e-3},
]


@pytest.mark.parametrize("options", PLATEAU, ids=str)
@pytest.mark.parametrize("metrics", METRICS)
def test_plateau_equals_torch(options, metrics):
    a, ours, b, theirs = both(lambda o, s: s.ReduceLROnPlateau(o, **options))
    for i, metric in enumerate(METRICS[metrics]):
        ours.step(fg.tensor(metric, dtype=fg.float64) if i % 2 else metric)
        theirs.step(metric)
        assert lrs(a) == lrs(b)
        assert (ours.num_bad_epochs, ours.in_cooldown) == (theirs.num_bad_epochs, theirs.in_cooldown)
        assert ours.get_last_lr() == theirs.get_last_lr()


def test_plateau_with_a_group_added():
    a, _ = optimizers()
    one, several = (lr_scheduler.ReduceLROnPlateau(a, patience=0, min_lr=low) for low in (0.0, [0.0, 0.0]))
    a.add_param_group({"params": [fg.tensor([1.0], requires_grad=True)], "lr": 1.0})
    one.step(1.0)
    one.step(1.0)
    assert a.param_groups[2]["lr"] == 0.1
    several.step(1.0)
    with pytest.raises(RuntimeError, match="a group was added"):
        several.step(1.0)
