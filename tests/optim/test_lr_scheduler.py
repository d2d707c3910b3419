"""Schedules against torch's sequences of learning rates."""

from __future__ import annotations

import warnings

import pytest

import fastgrad as fg
from fastgrad.optim import SGD, Adam, lr_scheduler
from tests.optim.common import CHAINED, both, lrs, optimizers


@pytest.mark.parametrize("name", CHAINED)
def test_sequence_equals_torch(name):
    a, ours, b, theirs = both(CHAINED[name])
    assert lrs(a) == lrs(b)
    for _ in range(60):
        a.step()
        b.step()
        ours.step()
        theirs.step()
        assert lrs(a) == lrs(b)
        assert ours.get_last_lr() == theirs.get_last_lr() == lrs(a)
        assert ours.last_epoch == theirs.last_epoch


@pytest.mark.parametrize("first", ["exponential", "linear", "cosine back"])
@pytest.mark.parametrize("second", ["step 7", "milestones", "linear down"])
def test_combined_schedules_equal_torch(first, second):
    a, ours, b, theirs = both(lambda o, s: [CHAINED[first](o, s), CHAINED[second](o, s)])
    for _ in range(40):
        a.step()
        b.step()
        for scheduler in (*ours, *theirs):
            scheduler.step()
        assert lrs(a) == lrs(b)


def test_warning_when_the_order_is_wrong():
    a, _ = optimizers()
    scheduler = lr_scheduler.ExponentialLR(a, 0.9)
    with pytest.warns(UserWarning, match=r"before optimizer\.step"):
        scheduler.step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scheduler.step()
        b, _ = optimizers()
        scheduler = lr_scheduler.ExponentialLR(b, 0.9)
        b.step()
        scheduler.step()


def test_no_warning_for_optimizers_with_a_step_of_their_own():
    class Idle(fg.optim.Optimizer):
        def step(self, closure=None):
            pass

    optimizer = Idle([fg.tensor([1.0], requires_grad=True)], {"lr": 1.0})
    scheduler = lr_scheduler.StepLR(optimizer, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scheduler.step()
    assert lrs(optimizer) == [0.1]


def test_schedule_moves_the_parameters():
    w = fg.tensor([0.0], requires_grad=True)
    optimizer = SGD([w], lr=1.0)
    scheduler = lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    w.grad = fg.tensor([1.0])
    for _ in range(3):
        optimizer.step()
        scheduler.step()
    assert w.item() == -1.75


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda o: lr_scheduler.StepLR("SGD", 1), TypeError, "'optimizer' is str"),
        (lambda o: lr_scheduler.StepLR(o, 0), ValueError, "step_size"),
        (lambda o: lr_scheduler.StepLR(o, 1, last_epoch=3), KeyError, "initial_lr"),
        (lambda o: lr_scheduler.LinearLR(o, start_factor=0.0), ValueError, "start_factor"),
        (lambda o: lr_scheduler.LinearLR(o, start_factor=1.5), ValueError, "start_factor"),
        (lambda o: lr_scheduler.LinearLR(o, end_factor=-0.5), ValueError, "end_factor"),
        (lambda o: lr_scheduler.LinearLR(o, total_iters=0), ValueError, "total_iters"),
        (lambda o: lr_scheduler.CosineAnnealingLR(o, 0), ValueError, "T_max"),
        (lambda o: lr_scheduler.LambdaLR(o, [abs]), ValueError, "1 functions, expected 2"),
        (lambda o: lr_scheduler.LambdaLR(o, 0.5), TypeError, "lr_lambda"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, factor=1.0), ValueError, "factor"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, mode="low"), ValueError, "mode"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, threshold_mode="x"), ValueError, "threshold_mode"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, min_lr=[1.0]), ValueError, "min_lr"),
        (lambda o: lr_scheduler.OneCycleLR(o, 1.0), ValueError, "total_steps"),
        (lambda o: lr_scheduler.OneCycleLR(o, 1.0, epochs=3), ValueError, "total_steps"),
        (lambda o: lr_scheduler.OneCycleLR(o, 1.0, total_steps=0), ValueError, "total_steps"),
        (
            lambda o: lr_scheduler.OneCycleLR(o, 1.0, epochs=2, steps_per_epoch=0.5),
            ValueError,
            "steps_per_epoch",
        ),
        (lambda o: lr_scheduler.OneCycleLR(o, 1.0, 10, pct_start=2.0), ValueError, "pct_start"),
        (lambda o: lr_scheduler.OneCycleLR(o, 1.0, 10, anneal_strategy="x"), ValueError, "anneal_strategy"),
        (lambda o: lr_scheduler.OneCycleLR(o, [1.0], 10), ValueError, "max_lr"),
        (
            lambda o: lr_scheduler.StepLR(o, 1).load_state_dict({"state": {}}),
            ValueError,
            "a schedule's state",
        ),
    ],
)
def test_bad_arguments(make, error, message):
    optimizer = Adam([{"params": [fg.tensor([1.0], requires_grad=True)]} for _ in range(2)], lr=0.5)
    with pytest.raises(error, match=message):
        make(optimizer)
    assert lrs(optimizer) == [0.5, 0.5]
    assert "max_lr" not in optimizer.param_groups[0]
