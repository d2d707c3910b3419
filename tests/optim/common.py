"""What the tests of the optimisers share."""

from __future__ import annotations

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.optim import SGD, Adam, AdamW, lr_scheduler

KINDS = {
    "sgd": (SGD, {"lr": 0.1, "momentum": 0.9}),
    "adam": (Adam, {"lr": 0.1, "amsgrad": True}),
    "adamw": (AdamW, {"lr": 0.1}),
}


def leaf(value, dtype="f8"):
    return fg.tensor(np.asarray(value, dtype), requires_grad=True)


def give_gradients(params, seed):
    rng = np.random.default_rng(seed)
    for p in params:
        p.grad = fg.tensor(rng.normal(size=p.shape).astype(p.data.dtype))


def values(params):
    return [p.detach().numpy().copy() for p in params]


def assert_equal(some, others):
    for a, b in zip(some, others, strict=True):
        np.testing.assert_array_equal(a, b)


LRS = (0.5, 0.03)


def optimizers(kind="SGD", **options):
    """The same optimiser, of two groups, from both libraries."""
    torch = pytest.importorskip("torch")
    ours = [{"params": [fg.tensor([1.0], requires_grad=True)], "lr": lr} for lr in LRS]
    theirs = [{"params": [torch.tensor([1.0], requires_grad=True)], "lr": lr} for lr in LRS]
    return getattr(fg.optim, kind)(ours, **options), getattr(torch.optim, kind)(theirs, **options)


def both(make, kind="SGD", **options):
    """Optimiser and what `make(optimiser, schedules)` makes, from both libraries."""
    torch = pytest.importorskip("torch")
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
