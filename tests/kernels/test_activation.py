"""activation_forward, activation_backward and the class Activation. Accuracy is tested under rule 25."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from fastgrad import _cpu
from tests.accuracy import ulp_error
from tests.kernels.common import (
    blank,
    broadcasts,
    dtypes,
    layouts,
    normal,
    same_bits,
    same_for_any_threads,
    unchanged,
)
from tests.reference import ACTIVATIONS, BY_NAME, CASE_IDS, CASES, Array

cases = pytest.mark.parametrize(("row", "parameters"), CASES, ids=CASE_IDS)


def forward(x: Array, activation: object) -> Array:
    y = blank(x.shape, x.dtype)
    with unchanged(x):
        _cpu.activation_forward(y, x, activation)
    return y


def backward(dy: Array, saved: Array | None, activation: object) -> Array:
    dx = blank(dy.shape, dy.dtype)
    with unchanged(dy, saved):
        _cpu.activation_backward(dx, dy, saved, activation)
    return dx


def varied(count: int, dtype: object) -> Array:
    """Numbers from all parts of the line, so that every branch meets every other within a vector."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(count) * 10.0 ** rng.integers(-3, 3, count)
    x[::17], x[5::31], x[7::41], x[3::57] = 0.0, np.inf, -np.inf, np.nan
    return x.astype(dtype)


def test_every_activation_has_a_row_and_every_row_an_activation():
    listed = {entry["name"]: entry for entry in _cpu.activations() if entry["name"] != "prelu"}
    assert sorted(listed) == sorted(BY_NAME)
    for row in ACTIVATIONS:
        defaults = tuple(parameter["default"] for parameter in listed[row.name]["parameters"])
        assert defaults == row.parameters[0], row.name
        for key in ("module", "formula", "derivative", "source", "reads"):
            assert listed[row.name][key], (row.name, key)


@dtypes
@cases
def test_every_length_and_position_gives_the_same_bits(isa, dtype, row, parameters):
    """An element's result depends on the element alone: not on its place in a vector."""
    activation = _cpu.Activation(row.name, *parameters)
    x = varied(150, dtype)
    dy, saved = normal(150, dtype, 1), x
    y, dx = forward(x, activation), backward(dy, saved, activation)
    for n in (0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 100):
        for start in (0, 1, 49):
            part = slice(start, start + n)
            assert same_bits(forward(x[part], activation), y[part]), (n, start)
            assert same_bits(backward(dy[part], saved[part], activation), dx[part]), (n, start)


@dtypes
@cases
def test_backward_multiplies_by_the_derivative(isa, dtype, row, parameters):
    activation = _cpu.Activation(row.name, *parameters)
    x = normal(500, dtype) * 3
    saved = x if activation.reads == "input" else forward(x, activation)
    derivative = backward(np.ones_like(x), saved, activation)
    dy = normal(500, dtype, 1)
    # The derivative may be known to more digits than it is rounded to: half a unit, and a half for the
    # product.
    assert ulp_error(backward(dy, saved, activation), dy.astype(float) * derivative).max() <= 1.5
    exact = row.derivative(x.astype(float), *parameters)
    np.testing.assert_allclose(derivative, exact, rtol=1e-3, atol=1e-5)


@dtypes
@pytest.mark.parametrize("row", ACTIVATIONS, ids=lambda row: row.name)
def test_layouts_and_in_place(isa, dtype, row):
    activation = _cpu.Activation(row.name)
    x, dy = varied(13 * 11 * 3, dtype).reshape(13, 11, 3), normal((13, 11, 3), dtype, 1)
    y, dx = forward(x, activation), backward(dy, x, activation)
    for name, v in layouts(x).items():
        assert same_bits(forward(v, activation), y), name
        assert same_bits(backward(dy, v, activation), dx), name
    for name, v in layouts(dy).items():
        assert same_bits(backward(v, x, activation), dx), name
    for name, v in broadcasts(x.shape, dtype).items():
        assert same_bits(forward(v, activation), forward(v.copy(), activation)), name
        assert same_bits(backward(v, x, activation), backward(v.copy(), x, activation)), name
        assert same_bits(backward(dy, v, activation), backward(dy, v.copy(), activation)), name
    buffer = x.copy()
    _cpu.activation_forward(buffer, buffer, activation)
    assert same_bits(buffer, y)
    buffer = dy.copy()
    _cpu.activation_backward(buffer, buffer, x, activation)
    assert same_bits(buffer, dx)
    one = forward(np.ones(1, dtype), activation)
    for shape in ((), (0,), (3, 0, 2), (1, 1, 1, 1, 4)):
        assert same_bits(forward(np.ones(shape, dtype), activation), np.full(shape, one))


@pytest.mark.parametrize("name", ["tanh", "gelu", "softplus", "relu"])
def test_any_number_of_threads_gives_the_same_bits(isa, name):
    activation = _cpu.Activation(name)
    x, dy = varied(300_001, np.float32), normal(300_001, np.float32)
    same_for_any_threads(lambda: (forward(x, activation), backward(dy, x, activation)))


@pytest.mark.parametrize("row", ACTIVATIONS, ids=lambda row: row.name)
def test_an_activation_is_a_value(row):
    for parameters in row.parameters:
        a = _cpu.Activation(row.name, *parameters)
        assert a.name == row.name
        assert a.parameters == parameters
        assert a.reads in ("input", "output", "nothing")
        assert row.from_output is not None or a.reads == "input"
        for b in (_cpu.Activation(row.name, *parameters), pickle.loads(pickle.dumps(a)), copy.deepcopy(a)):
            assert a == b
            assert hash(a) == hash(b)
            assert b.parameters == parameters
        assert a != _cpu.Activation("sigmoid" if row.name != "sigmoid" else "tanh")
        assert a != row.name
        assert row.name in repr(a)
        for attribute in ("name", "parameters", "reads"):
            with pytest.raises(AttributeError):
                setattr(a, attribute, None)
    assert _cpu.Activation(row.name).parameters == row.parameters[0], "the defaults"


def test_what_the_derivative_reads_depends_on_the_sign_of_a_slope():
    for name in ("elu", "leaky_relu"):
        assert _cpu.Activation(name, -0.5).reads == "input", name


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("nothing", ()), ("", ()), ("ReLU", ()), ("relu", (1.0,)), ("tanh", (1.0, 2.0)),
        ("elu", (1.0, 2.0)), ("elu", (np.nan,)), ("softplus", (np.inf, 20.0)),
        ("celu", (0.0,)), ("hardtanh", (1.0, -1.0)), ("hardtanh", (0.0, 1.0, 2.0)),
        ("softplus", (1.0, 20.0, 3.0)),
    ],
)  # fmt: skip
def test_bad_activations_are_errors(name, parameters):
    with pytest.raises((ValueError, TypeError), match=rf"{name or 'Activation'}|Activation"):
        _cpu.Activation(name, *parameters)


def test_an_activation_of_other_types_is_an_error():
    for bad in (None, 3, ["relu"]):
        with pytest.raises(TypeError):
            _cpu.Activation(bad)
    for bad in ("1.0", None, [1.0], 1j):
        with pytest.raises(TypeError):
            _cpu.Activation("elu", bad)
