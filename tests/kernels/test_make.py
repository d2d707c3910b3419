"""The kernels that make their outputs: the bits of those that are given them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from fastgrad import _cpu
from tests.kernels.common import blank, normal, same_bits

TARGET = np.array([0, 2, 1, 2])


def layer(order: str, dtype: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    w = np.array(normal((3, 5), dtype, 1), order=order)
    return normal((4, 5), dtype), w, normal((3,), dtype, 2)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(("name", "saves"), [(None, None), ("relu", "output"), ("gelu", "input")])
@pytest.mark.parametrize("biased", [True, False])
def test_linear(isa, dtype, order, name, saves, biased):
    x, w, b = layer(order, dtype)
    b = b if biased else None
    f = None if name is None else _cpu.Activation(name)
    y, z = blank((4, 3), dtype), blank((4, 3), dtype) if f is not None else None
    _cpu.linear_forward(y, z, x, w, b, f)
    for recording in (True, False):
        made, saved = _cpu.make_linear_forward(x, w, b, f, recording)
        assert same_bits(made, y)
        assert (saved is made) == (recording and saves == "output")
        if recording and saves == "input":
            assert same_bits(saved, z)
        elif saved is not made:
            assert saved is None
    dy, saved = normal((4, 3), dtype, 3), z if saves == "input" else y
    dx, dw, db = blank((4, 5), dtype), np.array(blank((3, 5), dtype), order=order), blank((3,), dtype)
    _cpu.linear_backward(dx, dw, db, dy, saved, x, w, f)
    expected = (dx, dw, db) if biased else (dx, dw)
    for needs in itertools.product((True, False), repeat=len(expected)):
        found = _cpu.make_linear_backward(needs, dy, saved, x if needs[1] else None, w, b, f)
        assert len(found) == len(needs)
        for want, have, right in zip(needs, found, expected, strict=True):
            assert same_bits(have, right) if want else have is None
        if needs[1]:
            assert found[1].strides == w.strides


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_cross_entropy(isa, dtype, reduction):
    x = normal((4, 3), dtype)
    loss, dx = blank((4,) if reduction == "none" else (), dtype), blank((4, 3), dtype)
    _cpu.cross_entropy(loss, dx, x, TARGET, None, 1, 0.1, reduction)
    for recording in (True, False):
        made, gradient = _cpu.make_cross_entropy(x, TARGET, 1, 0.1, reduction, recording)
        assert same_bits(made, loss)
        assert same_bits(gradient, dx) if recording else gradient is None


def test_errors_are_those_of_the_kernel():
    x, w, b = layer("C", "f4")
    with pytest.raises(ValueError, match=r"linear_forward\(\): argument 'x' is of shape \(5,\)"):
        _cpu.make_linear_forward(x[0], w, b, None, True)
    with pytest.raises(ValueError, match=r"linear_forward\(\): argument 'b' is of shape \(2,\)"):
        _cpu.make_linear_forward(x, w, b[:2], None, True)
    with pytest.raises(TypeError, match=r"linear_forward\(\): argument 'w' is of dtype float64"):
        _cpu.make_linear_forward(x, w.astype("f8"), b, None, True)
    for needs in ((True, True), [True, True, True], None):
        with pytest.raises(ValueError, match=r"linear_backward\(\): argument 'needs' .*, expected a tuple of 3 bools"):
            _cpu.make_linear_backward(needs, x @ w.T, None, x, w, b, None)
    with pytest.raises(ValueError, match=r"cross_entropy\(\): argument 'target' is of shape \(2, 2\)"):
        _cpu.make_cross_entropy(x, TARGET.reshape(2, 2), -100, 0.0, "mean", True)
    with pytest.raises(IndexError, match=r"cross_entropy\(\): argument 'target' is 5 at position 0"):
        _cpu.make_cross_entropy(x, TARGET + 5, -100, 0.0, "mean", True)
