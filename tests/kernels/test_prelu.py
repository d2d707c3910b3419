"""prelu_forward and prelu_backward: one slope or one per channel, any shape and layout."""

from __future__ import annotations

import numpy as np
import pytest

from fastgrad import _cpu
from tests import reference_linear as ref
from tests.kernels.common import (
    assert_close,
    blank,
    broadcasts,
    dtypes,
    layouts,
    normal,
    same_bits,
    same_for_any_threads,
    unchanged,
)
from tests.reference import Array

SHAPES = [
    (3, 4, 5),
    (1, 1, 1),
    (7, 33, 1),
    (2, 3, 1000),
    (40, 1, 17),
    (0, 3, 2),
    (2, 3, 0),
    (1, 65, 1),
    (129, 5, 3),
]


def forward(x: Array, a: Array) -> Array:
    y = blank(x.shape, x.dtype)
    with unchanged(x, a):
        _cpu.prelu_forward(y, x, a)
    return y


def backward(dy: Array, x: Array, a: Array) -> tuple[Array, Array]:
    dx, da = blank(x.shape, x.dtype), blank(a.shape, x.dtype)
    with unchanged(dy, x, a):
        _cpu.prelu_backward(dx, da, dy, x, a)
    return dx, da


def check(dy: Array, x: Array, a: Array, what: str = "") -> None:
    assert_close(forward(x, a), ref.prelu(x, a), scale=0, what=what)
    dx, da = backward(dy, x, a)
    truth, slope = ref.prelu_backward(dy, x, a)
    _, size = ref.prelu_backward(np.abs(dy), -np.abs(x), a)
    assert_close(dx, truth, scale=0, what=what)
    assert_close(da, slope, scale=np.abs(size) * (1 + np.log2(1 + x.size)), what=what)


@dtypes
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("shared", [True, False], ids=["shared", "per-channel"])
def test_oracle(isa, dtype, shape, shared):
    x, dy = normal(shape, dtype), normal(shape, dtype, 1)
    check(dy, x, normal(1 if shared else shape[1], dtype, 2))


@dtypes
def test_layouts(isa, dtype):
    x, dy, a = normal((5, 6, 7), dtype), normal((5, 6, 7), dtype, 1), normal(6, dtype, 2)
    for name, v in (layouts(x) | broadcasts(x.shape, dtype)).items():
        check(dy, v, a, f"x {name}")
    for name, v in (layouts(dy) | broadcasts(dy.shape, dtype)).items():
        check(v, x, a, f"dy {name}")
    for name, v in (layouts(a) | broadcasts(a.shape, dtype)).items():
        check(dy, x, v, f"a {name}")


@dtypes
def test_at_zero_and_nan(isa, dtype):
    """Rule 2: at 0 the input gradient is a dy and the slope's is 0; NaN gives NaN."""
    x = np.array([0.0, -0.0, np.nan, -2.0, 3.0, np.inf, -np.inf], dtype).reshape(1, 1, 7)
    dy = np.array([2.0, 3.0, 5.0, 7.0, 11.0, 13.0, 0.5], dtype).reshape(1, 1, 7)
    a = np.array([0.25], dtype)
    y = forward(x, a).ravel()
    assert y[[0, 1, 3, 4, 5, 6]].tolist() == [0, 0, -0.5, 3, np.inf, -np.inf]
    assert np.isnan(y[2])
    finite = [0, 1, 3, 4]
    dx, da = backward(dy[..., finite], x[..., finite], a)
    assert dx.ravel().tolist() == [0.5, 0.75, 1.75, 11.0]
    assert da.tolist() == [-14.0]
    _, da = backward(dy, x, a)
    assert np.isnan(da[0])


@dtypes
def test_each_gradient_alone_and_any_number_of_threads(isa, dtype):
    x, dy, a = normal((50, 20, 130), dtype), normal((50, 20, 130), dtype, 1), normal(20, dtype, 2)
    dx, da = backward(dy, x, a)
    alone_x, alone_a = blank(dx.shape, dtype), blank(da.shape, dtype)
    _cpu.prelu_backward(alone_x, None, dy, x, a)
    _cpu.prelu_backward(None, alone_a, dy, x, a)
    assert same_bits(alone_x, dx)
    assert same_bits(alone_a, da)
    for slope in (a, a[:1]):
        same_for_any_threads(lambda slope=slope: (forward(x, slope), *backward(dy, x, slope)))
