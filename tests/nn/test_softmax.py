"""Softmax and log-softmax."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import fastgrad as fg
from fastgrad.nn import functional as F
from tests.nn.compare import DTYPES, agree, close, normal

NAMES = ["softmax", "log_softmax"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("shape", "dim"),
    [
        ((5,), 0),
        ((5,), -1),
        ((3, 4), 0),
        ((3, 4), 1),
        ((3, 4), -2),
        ((2, 3, 4), 1),
        ((2, 3, 4), 0),
        ((2, 3, 4), -1),
        ((), 0),
        ((), -1),
        ((0, 3), 1),
        ((0, 3), 0),
        ((3, 0), 1),
        ((3, 1), 1),
    ],
)
def test_function_is_torchs(dtype: str, name: str, shape: tuple[int, ...], dim: int) -> None:
    agree(
        lambda x: getattr(F, name)(x, dim),
        lambda x: getattr(torch.nn.functional, name)(x, dim),
        [normal(0, *shape, dtype=dtype)],
    )


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(NAMES), st.lists(st.integers(1, 5), min_size=1, max_size=4), st.data())
def test_any_shape_and_dim(name: str, shape: list[int], data: st.DataObject) -> None:
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    agree(
        lambda x: getattr(F, name)(x, dim),
        lambda x: getattr(torch.nn.functional, name)(x, dim),
        [normal(0, *shape)],
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_extremes(dtype: str, name: str) -> None:
    x = np.array(
        [[1e4, -1e4, 0], [np.inf, 0, 0], [-np.inf] * 3, [-np.inf, 0, 1], [np.nan, 0, 0], [1, 2, 3]], dtype
    )
    close(getattr(F, name)(fg.tensor(x), 1), getattr(torch.nn.functional, name)(torch.tensor(x), 1))


@pytest.mark.parametrize("name", NAMES)
def test_gradcheck(name: str) -> None:
    for dim in (0, 1, 2):
        x = fg.tensor(normal(dim, 2, 3, 4), requires_grad=True)
        assert fg.autograd.gradcheck(lambda x: getattr(F, name)(x, dim), (x,))  # noqa: B023


@pytest.mark.parametrize("name", NAMES)
def test_dtype_converts_first(name: str) -> None:
    x = normal(0, 3, 4, dtype="float32")
    a, b = fg.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y = getattr(F, name)(a, 1, fg.float64)
    t = getattr(torch.nn.functional, name)(b, 1, dtype=torch.float64)
    close(y, t)
    (y * y).sum().backward()
    (t * t).sum().backward()
    close(a.grad, b.grad)
    assert getattr(F, name)(fg.tensor([[1, 2]]), 1, fg.float32).dtype == fg.float32


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 4), (2, 3, 4, 5)])
@pytest.mark.parametrize("name", NAMES)
def test_without_a_dim_torchs_choice_with_a_warning(name: str, shape: tuple[int, ...]) -> None:
    x = normal(0, *shape)
    with pytest.warns(UserWarning, match="dim"):
        y = getattr(F, name)(fg.tensor(x))
    with pytest.warns(UserWarning, match="dim"):
        t = getattr(torch.nn.functional, name)(torch.tensor(x))
    close(y, t)


def test_modules_are_torchs() -> None:
    for ours, theirs in (
        (fg.nn.Softmax(dim=1), torch.nn.Softmax(dim=1)),
        (fg.nn.LogSoftmax(dim=-1), torch.nn.LogSoftmax(dim=-1)),
    ):
        agree(ours, theirs, [normal(0, 3, 4)])
        assert repr(ours).split("(")[1] == f"dim={ours.dim})"


@pytest.mark.parametrize("name", NAMES)
def test_wrong_arguments(name: str) -> None:
    function = getattr(F, name)
    with pytest.raises(IndexError, match=rf"{name}\(\).*'dim' is 2"):
        function(fg.zeros(2, 3), 2)
    with pytest.raises(TypeError, match=rf"{name}\(\).*'dim'"):
        function(fg.zeros(2, 3), 1.5)
    with pytest.raises(TypeError, match=rf"{name}\(\).*int64"):
        function(fg.tensor([1, 2]), 0)
