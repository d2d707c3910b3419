"""Arguments that cannot be used: an error that names function and argument, and nothing is changed."""

from __future__ import annotations

import math

import pytest

import fastgrad as fg
from fastgrad.optim import SGD, Adam, lr_scheduler

BAD = [
    ("ExponentialLR", "gamma", "a", TypeError, lambda o, v: lr_scheduler.ExponentialLR(o, v)),
    ("CosineAnnealingLR", "eta_min", "a", TypeError, lambda o, v: lr_scheduler.CosineAnnealingLR(o, 5, v)),
    ("CosineAnnealingLR", "T_max", "a", TypeError, lambda o, v: lr_scheduler.CosineAnnealingLR(o, v)),
    ("MultiStepLR", "milestones[0]", "ab", TypeError, lambda o, v: lr_scheduler.MultiStepLR(o, v)),
    ("MultiStepLR", "milestones", 3, TypeError, lambda o, v: lr_scheduler.MultiStepLR(o, v)),
    ("StepLR", "gamma", math.nan, ValueError, lambda o, v: lr_scheduler.StepLR(o, 2, gamma=v)),
    ("StepLR", "step_size", "a", TypeError, lambda o, v: lr_scheduler.StepLR(o, v)),
    ("LinearLR", "end_factor", "a", TypeError, lambda o, v: lr_scheduler.LinearLR(o, end_factor=v)),
    ("OneCycleLR", "max_lr", "a", TypeError, lambda o, v: lr_scheduler.OneCycleLR(o, v, total_steps=5)),
    ("LambdaLR", "lr_lambda(0)", "a", TypeError, lambda o, v: lr_scheduler.LambdaLR(o, lambda epoch: v)),
    ("ReduceLROnPlateau", "patience", -1, ValueError, lambda o, v: lr_scheduler.ReduceLROnPlateau(o, patience=v)),
    ("ReduceLROnPlateau", "min_lr", "a", TypeError, lambda o, v: lr_scheduler.ReduceLROnPlateau(o, min_lr=v)),
    ("ReduceLROnPlateau.step", "metrics", "a", TypeError, lambda o, v: lr_scheduler.ReduceLROnPlateau(o).step(v)),
    ("SGD", "lr", math.inf, ValueError, lambda o, v: SGD([fg.ones(1)], lr=v)),
    ("SGD", "lr", math.nan, ValueError, lambda o, v: SGD([fg.ones(1)], lr=v)),
    ("Adam", "lr", math.inf, ValueError, lambda o, v: Adam([fg.ones(1)], lr=v)),
    ("SGD.step", "closure", 3, TypeError, lambda o, v: o.step(v)),
]


@pytest.mark.parametrize(
    ("function", "argument", "value", "error", "call"), BAD, ids=[f"{b[0]}-{b[1]}-{b[2]}" for b in BAD]
)
def test_error_names_function_and_argument(function, argument, value, error, call):
    w = fg.ones(2, requires_grad=True)
    optimizer = SGD([w], lr=0.5, momentum=0.9)
    w.grad = fg.ones(2)
    before = dict(optimizer.param_groups[0])
    with pytest.raises(error) as caught:
        call(optimizer, value)
    assert str(caught.value).startswith(f"{function}(): argument '{argument}' is ")
    assert optimizer.param_groups[0] == before
    assert w.tolist() == [1, 1]


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_learning_rate_that_became_no_number(kind):
    w, z = fg.ones(2, requires_grad=True), fg.ones(2, requires_grad=True)
    optimizer = kind([{"params": [w]}, {"params": [z]}], lr=0.5)
    w.grad = z.grad = fg.ones(2)
    optimizer.param_groups[1]["lr"] = "a"
    with pytest.raises(TypeError, match=r"step\(\): argument 'param_groups\[1\]\['lr'\]' is a str, expected a num"):
        optimizer.step()
    assert w.tolist() == z.tolist() == [1, 1]
    assert not optimizer.state
