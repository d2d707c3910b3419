"""Schedules against torch's sequences of learning rates."""

from __future__ import annotations

import copy
import math
import pickle
import warnings

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.optim import SGD, Adam, lr_scheduler

torch = pytest.importorskip("torch")

LRS = (0.5, 0.03)


def optimizers(kind="SGD", **options):
    """The same optimiser, of two groups, from both libraries."""
    ours = [{"params": [fg.tensor([1.0], requires_grad=True)], "lr": lr} for lr in LRS]
    theirs = [{"params": [torch.tensor([1.0], requires_grad=True)], "lr": lr} for lr in LRS]
    return getattr(fg.optim, kind)(ours, **options), getattr(torch.optim, kind)(theirs, **options)


def both(make, kind="SGD", **options):
    a, b = optimizers(kind, **options)
    return a, make(a, lr_scheduler), b, make(b, torch.optim.lr_scheduler)


def lrs(optimizer):
    return [group["lr"] for group in optimizer.param_groups]


CHAINED = {
    "step 1": lambda o, s: s.StepLR(o, 1),
    "step 7": lambda o, s: s.StepLR(o, step_size=7, gamma=0.3),
    "step growing": lambda o, s: s.StepLR(o, 3, gamma=1.5),
    "milestones": lambda o, s: s.MultiStepLR(o, [3, 10, 11], gamma=0.5),
    "milestones twice": lambda o, s: s.MultiStepLR(o, (30, 2, 2, 5)),
    "milestone zero": lambda o, s: s.MultiStepLR(o, [0, 4]),
    "exponential": lambda o, s: s.ExponentialLR(o, 0.9),
    "exponential growing": lambda o, s: s.ExponentialLR(o, gamma=1.1),
    "linear": lambda o, s: s.LinearLR(o),
    "linear down": lambda o, s: s.LinearLR(o, start_factor=1.0, end_factor=0.1, total_iters=20),
    "linear to zero": lambda o, s: s.LinearLR(o, 0.5, 0.0, 12),
    "cosine": lambda o, s: s.CosineAnnealingLR(o, 50),
    "cosine back": lambda o, s: s.CosineAnnealingLR(o, T_max=7, eta_min=0.01),
    "cosine 1": lambda o, s: s.CosineAnnealingLR(o, T_max=1),
    "lambda": lambda o, s: s.LambdaLR(o, lambda epoch: 0.95**epoch),
    "lambdas": lambda o, s: s.LambdaLR(o, [lambda epoch: 1 / (1 + epoch), lambda epoch: epoch // 30]),
}


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


ALL = {
    **CHAINED,
    "one cycle": lambda o, s: s.OneCycleLR(o, 1.0, total_steps=100),
    "plateau": lambda o, s: s.ReduceLROnPlateau(o, patience=1),
}


def advance(optimizer, scheduler, epochs):
    for i in range(epochs):
        optimizer.step()
        scheduler.step(*([1.0 + i] if "Plateau" in type(scheduler).__name__ else []))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("source", ["fastgrad", "torch"])
def test_state_goes_on_where_it_was(name, source):
    a, ours, b, theirs = both(ALL[name], momentum=0.9)
    advance(a, ours, 9)
    advance(b, theirs, 9)
    new, _ = optimizers(momentum=0.9)
    loaded = ALL[name](new, lr_scheduler)
    loaded.load_state_dict(copy.deepcopy((ours if source == "fastgrad" else theirs).state_dict()))
    new.load_state_dict(a.state_dict())
    assert loaded.get_last_lr() == ours.get_last_lr()
    advance(a, ours, 9)
    advance(new, loaded, 9)
    assert lrs(new) == lrs(a)
    assert "optimizer" not in ours.state_dict()


@pytest.mark.parametrize("name", [name for name in ALL if "lambda" not in name])
def test_pickle_with_the_optimizer(name):
    a, ours, *_ = both(ALL[name], momentum=0.9)
    advance(a, ours, 5)
    new, loaded = pickle.loads(pickle.dumps((a, ours)))
    assert loaded.optimizer is new
    advance(a, ours, 5)
    advance(new, loaded, 5)
    assert lrs(new) == lrs(a)


@pytest.mark.parametrize(
    "name", ["step 7", "exponential", "linear down", "cosine back", "lambda", "milestones"]
)
def test_resuming_with_last_epoch_equals_torch(name):
    kinds = {"step 7": ("StepLR", (7, 0.3)), "exponential": ("ExponentialLR", (0.9,))}
    kinds |= {"linear down": ("LinearLR", (1.0, 0.1, 20)), "lambda": ("LambdaLR", (lambda t: 0.9**t,))}
    kinds |= {
        "cosine back": ("CosineAnnealingLR", (7, 0.01)),
        "milestones": ("MultiStepLR", ([3, 10, 11], 0.5)),
    }
    kind, arguments = kinds[name]
    a, ours, b, theirs = both(lambda o, s: getattr(s, kind)(o, *arguments))
    advance(a, ours, 9)
    advance(b, theirs, 9)
    ours = getattr(lr_scheduler, kind)(a, *arguments, last_epoch=8)
    theirs = getattr(torch.optim.lr_scheduler, kind)(b, *arguments, last_epoch=8)
    for _ in range(12):
        assert lrs(a) == lrs(b)
        advance(a, ours, 1)
        advance(b, theirs, 1)


class Warmup:
    """A callable object, whose attributes are a part of the state."""

    def __init__(self, epochs):
        self.epochs = epochs

    def __call__(self, epoch):
        return min(1.0, (epoch + 1) / self.epochs)


def test_lambda_objects_are_saved():
    a, _ = optimizers()
    one = lr_scheduler.LambdaLR(a, Warmup(4))
    b, _ = optimizers()
    other = lr_scheduler.LambdaLR(b, Warmup(100))
    advance(a, one, 2)
    other.load_state_dict(one.state_dict())
    advance(b, other, 1)
    assert lrs(b) == [0.5, 0.03]


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
