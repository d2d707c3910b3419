"""Adam and AdamW against torch over their arguments."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.optim import Adam, AdamW

torch = pytest.importorskip("torch")

SHAPES = [(5, 7), (7,), (1, 33), (2, 3, 4), (), (0, 3)]
GRID = [
    {"betas": betas, "eps": eps, "weight_decay": decay, "amsgrad": amsgrad, "maximize": maximize, "l1": l1}
    for betas, eps, decay, amsgrad, maximize, l1 in itertools.product(
        ((0.9, 0.999), (0.0, 0.5)), (1e-8, 0.1), (0, 0.1), (False, True), (False, True), (0.0, 0.02)
    )
]


def run_both(kind, options, dtype, steps, order="C", seed=0):
    """Parameters after some steps, and torch's in float64.

    Torch has no L1: Adam gets it as a part of the gradient, AdamW as a move of the weights ahead of the step.
    """
    rng = np.random.default_rng(seed)
    start = [rng.normal(size=shape).astype(dtype) for shape in SHAPES]
    ours = [fg.tensor(w, requires_grad=True) for w in start]
    for w in ours:
        w.data = np.array(w.data, order=order)
    theirs = [torch.tensor(w.astype("f8"), requires_grad=True) for w in start]
    options = dict(options)
    optimizer = kind(ours, lr=0.02, **options)
    l1 = options.pop("l1")
    reference = getattr(torch.optim, kind.__name__)(theirs, lr=0.02, **options)
    for _ in range(steps):
        for w, v in zip(ours, theirs, strict=True):
            dw = rng.normal(size=w.shape).astype(dtype)
            w.grad = fg.tensor(dw)
            penalty = l1 * torch.sign(v.detach())
            if kind is AdamW:
                v.data -= 0.02 * penalty / (1 - 0.02 * options["weight_decay"])
                penalty = torch.zeros_like(v)
            v.grad = torch.tensor(dw.astype("f8")) + (-penalty if options["maximize"] else penalty)
        optimizer.step()
        reference.step()
    return [w.detach().numpy() for w in ours], [v.detach().numpy() for v in theirs]


@pytest.mark.parametrize("kind", [Adam, AdamW])
@pytest.mark.parametrize("options", GRID, ids=str)
def test_float64_equals_torch(kind, options):
    for w, v in zip(*run_both(kind, options, "f8", 20), strict=True):
        np.testing.assert_allclose(w, v, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("kind", [Adam, AdamW])
@pytest.mark.parametrize("options", GRID[::3], ids=str)
def test_float32_stays_near_torch_in_float64(kind, options):
    for w, v in zip(*run_both(kind, options, "f4", 20), strict=True):
        assert w.dtype == np.float32
        np.testing.assert_allclose(w, v, rtol=0, atol=20 * 4 * 2.0**-24)


@pytest.mark.parametrize("amsgrad", [False, True])
def test_memory_orders_agree_bit_for_bit(amsgrad):
    options = {"amsgrad": amsgrad, "weight_decay": 0.1, "maximize": False, "l1": 0.01}
    plain, _ = run_both(Adam, options, "f4", 5)
    ordered, _ = run_both(Adam, options, "f4", 5, "F")
    for a, b in zip(plain, ordered, strict=True):
        np.testing.assert_array_equal(a, b)


def test_decoupled_weight_decay_makes_adam_adamw():
    results = []
    for kind, options in ((Adam, {"decoupled_weight_decay": True}), (AdamW, {})):
        w = fg.tensor([1.0, -2.0], requires_grad=True)
        optimizer = kind([w], weight_decay=0.1, lr=0.1, **options)
        w.grad = fg.tensor([0.5, 0.25])
        optimizer.step()
        optimizer.step()
        results.append(w.tolist())
    assert results[0] == results[1]


def test_each_parameter_counts_its_own_steps():
    a, b = (fg.tensor([1.0], requires_grad=True) for _ in range(2))
    optimizer = Adam([a, b], lr=0.1)
    a.grad = fg.tensor([1.0])
    optimizer.step()
    b.grad = fg.tensor([1.0])
    optimizer.step()
    assert [optimizer.state[p]["step"] for p in (a, b)] == [2, 1]
    # Bias correction makes the first step of each as long as lr.
    np.testing.assert_allclose(b.item(), 0.9, rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "error", "name"),
    [
        ({"lr": -1.0}, ValueError, "lr"),
        ({"eps": -1.0}, ValueError, "eps"),
        ({"weight_decay": -1.0}, ValueError, "weight_decay"),
        ({"l1": -1.0}, ValueError, "l1"),
        ({"betas": (1.0, 0.9)}, ValueError, r"betas\[0\]"),
        ({"betas": (0.9, -0.1)}, ValueError, r"betas\[1\]"),
        ({"betas": (0.9,)}, ValueError, "betas"),
        ({"betas": 0.9}, TypeError, "betas"),
        ({"eps": "small"}, TypeError, "eps"),
    ],
)
@pytest.mark.parametrize("kind", [Adam, AdamW])
def test_bad_options(kind, options, error, name):
    with pytest.raises(error, match=rf"{kind.__name__}\(\): argument '{name}'"):
        kind([fg.tensor([1.0], requires_grad=True)], **options)
