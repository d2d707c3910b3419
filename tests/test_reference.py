"""The oracles themselves: against mpmath, against torch in float64, and against published values."""

from __future__ import annotations

import numpy as np
import pytest

from tests.accuracy import exact_derivative, exact_value, inputs32, inputs64, neighbours, truth32, ulp_error
from tests.reference import BY_NAME, CASE_IDS, CASES, Row

cases = pytest.mark.parametrize(("row", "parameters"), CASES, ids=CASE_IDS)


def sample(row: Row, parameters: tuple[float, ...]) -> np.ndarray:
    """Inputs of every magnitude: all that are measured, thinned out."""
    x = inputs32(row, parameters)
    x = x[np.isfinite(x)]
    close = x[(np.abs(x) < 120) & (np.abs(x) > 1e-4)]
    picked = np.concatenate([x[::2311], close[::797], [0.0, 1e20, -1e20]]).astype(np.float64)
    for point in row.points(*parameters):
        picked = picked[np.abs(picked - point) > 1e-5]
    return picked


@cases
def test_float64_formulas_are_the_definition(row, parameters):
    x = sample(row, parameters)
    value = np.array([float(exact_value(row, v, parameters)) for v in x])
    derivative = np.array([float(exact_derivative(row, v, parameters)) for v in x])
    with np.errstate(all="ignore"):
        got, got_derivative = row.forward(x, *parameters), row.derivative(x, *parameters)
    # A hundredth of a float32 unit (6e-8): the oracle's own error must not be seen in a measurement.
    for name, a, b in (("value", got, value), ("derivative", got_derivative, derivative)):
        big = np.abs(b) > 1e-45  # what a float32 can tell from zero
        error = np.abs(a - b)[big] / np.abs(b)[big]
        assert error.max() < 6e-10, (name, x[big][error.argmax()], error.max())
        assert (np.abs(a - b)[~big] <= 1e-47).all(), name


def determined_by_output(row: Row, parameters: tuple[float, ...]) -> bool:
    return row.from_output is not None and not (row.name in ("elu", "leaky_relu") and parameters[0] < 0)


@pytest.mark.parametrize(("row", "parameters"), [case for case in CASES if determined_by_output(*case)])
def test_derivative_from_output_is_the_derivative(row, parameters):
    x = np.linspace(-8, 8, 4001)
    y = np.asarray(row.forward(x, *parameters))
    np.testing.assert_allclose(
        row.derivative_of_output(y, parameters), row.derivative(x, *parameters), rtol=1e-7, atol=1e-12
    )


@cases
def test_formulas_are_torchs(row, parameters):
    torch = pytest.importorskip("torch")
    import torch.nn.functional as F

    x = np.concatenate([np.linspace(-30, 30, 1201), list(row.kinks(*parameters))])
    function = {
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "gelu_tanh": lambda v: F.gelu(v, approximate="tanh"),
    }.get(row.name) or getattr(F, row.name)
    v = torch.tensor(x, requires_grad=True)
    y = function(v, *parameters)
    (dx,) = torch.autograd.grad(y.sum(), v)
    np.testing.assert_allclose(row.forward(x, *parameters), y.detach().numpy(), rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(row.derivative(x, *parameters), dx.numpy(), rtol=1e-9, atol=1e-14)


@cases
def test_limits_and_nan(row, parameters):
    x = np.array([-np.inf, np.inf, np.nan])
    with np.errstate(all="ignore"):
        value, derivative = row.forward(x, *parameters), row.derivative(x, *parameters)
        far, far_derivative = (
            function(np.array([-1e300, 1e300]), *parameters) for function in (row.forward, row.derivative)
        )
    assert np.isnan(value[2])
    assert not np.isnan(value[:2]).any()
    assert not np.isnan(derivative[:2]).any()
    bounded = np.abs(far) < 1e250
    np.testing.assert_allclose(value[:2][bounded], far[bounded], atol=1e-200)
    assert (value[:2][~bounded] == np.copysign(np.inf, far[~bounded])).all()
    np.testing.assert_allclose(derivative[:2], far_derivative, atol=1e-200)


@pytest.mark.parametrize("name", ["gelu", "gelu_tanh", "silu", "mish"])
def test_points_are_roots_of_the_derivative(name):
    row = BY_NAME[name]
    (root,) = row.points()
    window = neighbours(root, 2000)
    signs = np.sign(row.derivative(window.astype(np.float64)))
    assert signs[0] == -signs[-1] != 0
    assert np.abs(row.derivative(np.float64(root))) < 1e-9


def test_ulp_error_counts_units():
    one = np.float32(1)
    got = np.array(
        [1, np.nextafter(one, 2), np.nextafter(one, 0), np.nan, np.inf, np.inf, 0.0, 1e-45, np.nan, 1.0],
        np.float32,
    )
    truth = np.array([1, 1, 1, np.nan, np.inf, 1e39, -0.0, 0.0, 1.0, np.nan])
    np.testing.assert_allclose(ulp_error(got, truth), [0, 1, 0.5, 0, 0, 0, 0, 1, np.inf, np.inf])


def test_the_measured_inputs_hold_everything_special():
    row = BY_NAME["silu"]
    x = inputs32(row, ())
    assert len(x) > 250_000
    assert np.isnan(x).any()
    assert np.isposinf(x).any()
    assert np.isneginf(x).any()
    tiny = np.finfo(np.float32).tiny
    assert ((x > 0) & (x < tiny)).any()
    assert ((x < 0) & (x > -tiny)).any()
    assert len(inputs64(row, ())) > 200
    value, derivative = truth32(row, ())
    assert value.shape == derivative.shape == x.shape
