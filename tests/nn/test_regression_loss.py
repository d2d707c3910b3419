"""MSE, L1, smooth L1 and Huber losses."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import fastgrad as fg
from fastgrad.nn import functional as F
from tests.nn.compare import DTYPES, agree, close, normal

CASES: list[tuple[str, dict[str, Any]]] = [
    ("mse_loss", {}),
    ("l1_loss", {}),
    ("smooth_l1_loss", {}),
    ("smooth_l1_loss", {"beta": 0.3}),
    ("smooth_l1_loss", {"beta": 0.0}),
    ("huber_loss", {}),
    ("huber_loss", {"delta": 0.4}),
]
MODULES = {
    "mse_loss": "MSELoss",
    "l1_loss": "L1Loss",
    "smooth_l1_loss": "SmoothL1Loss",
    "huber_loss": "HuberLoss",
}
REDUCTIONS = ["mean", "sum", "none"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [(), (7,), (3, 4), (2, 3, 4), (0, 3)])
@pytest.mark.parametrize(("name", "options"), CASES)
def test_function_is_torchs(
    dtype: str, reduction: str, shape: tuple[int, ...], name: str, options: dict
) -> None:
    options = {**options, "reduction": reduction}
    arrays = [normal(0, *shape, dtype=dtype), normal(1, *shape, dtype=dtype)]
    agree(
        lambda x, t: getattr(F, name)(x, t, **options),
        lambda x, t: getattr(torch.nn.functional, name)(x, t, **options),
        arrays,
    )


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(("name", "options"), CASES)
def test_module_is_torchs(reduction: str, name: str, options: dict) -> None:
    ours = getattr(fg.nn, MODULES[name])(reduction=reduction, **options)
    theirs = getattr(torch.nn, MODULES[name])(reduction=reduction, **options)
    agree(ours, theirs, [normal(0, 5, 3), normal(1, 5, 3)])
    assert repr(ours) == repr(theirs)
    assert ours.state_dict() == {}


@pytest.mark.parametrize(("name", "options"), CASES)
def test_gradcheck(name: str, options: dict) -> None:
    x, t = (fg.tensor(normal(i, 4, 3), requires_grad=True) for i in range(2))
    for reduction in REDUCTIONS:
        check = functools.partial(getattr(F, name), reduction=reduction, **options)
        assert fg.autograd.gradcheck(check, (x, t))


@pytest.mark.parametrize("name", MODULES)
def test_gradient_is_zero_where_both_are_equal(name: str) -> None:
    x = fg.ones(3, requires_grad=True)
    getattr(F, name)(x, fg.ones(3), reduction="sum").backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.zeros(3, np.float32))


def test_backward_twice_with_a_retained_graph_adds_up() -> None:
    x = fg.tensor(normal(0, 5), requires_grad=True)
    loss = F.mse_loss(x, fg.zeros(5, dtype=fg.float64))
    loss.backward(retain_graph=True)
    first = x.grad.numpy().copy()
    loss.backward()
    close(x.grad, 2 * first)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(MODULES)), st.sampled_from(REDUCTIONS), st.data())
def test_broadcasting_is_torchs_with_a_warning(name: str, reduction: str, data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    mask = data.draw(st.lists(st.booleans(), min_size=len(shape), max_size=len(shape)))
    other = [1 if m else n for m, n in zip(mask, shape, strict=True)]
    if other == shape:
        other = [1, *shape]
    pair = [normal(0, *shape), normal(1, *other)]
    if data.draw(st.booleans()):
        pair.reverse()
    with pytest.warns(UserWarning, match=r"shape|size"):
        agree(
            lambda x, t: getattr(F, name)(x, t, reduction=reduction),
            lambda x, t: getattr(torch.nn.functional, name)(x, t, reduction=reduction),
            pair,
        )


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss"])
def test_element_weights_are_torchs(reduction: str, name: str) -> None:
    weight = np.abs(normal(2, 4, 3))
    agree(
        lambda x, t, w: getattr(F, name)(x, t, reduction=reduction, weight=w),
        lambda x, t, w: getattr(torch.nn.functional, name)(x, t, reduction=reduction, weight=w),
        [normal(0, 4, 3), normal(1, 4, 3)],
        [weight],
    )


def test_dtypes_are_promoted_as_torch_does() -> None:
    x = fg.tensor(normal(0, 3, dtype="float32"), requires_grad=True)
    loss = F.mse_loss(x, fg.tensor(normal(1, 3)))
    assert loss.dtype == fg.float64
    loss.backward()
    assert x.grad.dtype == fg.float32
    assert F.mse_loss(x, fg.tensor([1, 2, 3])).dtype == fg.float32


@pytest.mark.parametrize("layout", ["F", "reversed", "strided", "broadcast"])
def test_layouts_agree(layout: str) -> None:
    x = {
        "F": np.asfortranarray(normal(0, 4, 6)),
        "reversed": normal(0, 4, 6)[::-1, ::-1],
        "strided": normal(0, 8, 12)[::2, ::2],
        "broadcast": np.broadcast_to(normal(0, 6), (4, 6)),
    }[layout]
    t = normal(1, 4, 6)
    for name in MODULES:
        close(
            getattr(F, name)(fg.from_numpy(x), fg.tensor(t)),
            getattr(torch.nn.functional, name)(torch.tensor(x.copy()), torch.tensor(t)),
        )


def test_options_out_of_range_are_errors() -> None:
    x = fg.zeros(3)
    for call in (
        lambda: F.smooth_l1_loss(x, x, beta=-1.0),
        lambda: F.huber_loss(x, x, delta=0.0),
        lambda: fg.nn.SmoothL1Loss(beta=-1.0),
        lambda: fg.nn.HuberLoss(delta=0.0),
        lambda: F.mse_loss(x, x, reduction="average"),
        lambda: fg.nn.L1Loss(reduction="average"),
        lambda: F.l1_loss(x, fg.zeros(4)),
        lambda: F.mse_loss(x, x, weight=fg.ones(4)),
    ):
        with pytest.raises(ValueError, match="expected"):
            call()
    with pytest.raises(TypeError, match=r"mse_loss\(\).*int64"):
        F.mse_loss(fg.tensor([1]), fg.tensor([2]))
