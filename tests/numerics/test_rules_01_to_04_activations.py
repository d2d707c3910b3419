"""Rules 1 to 4: ReLU and its leaky kin at 0 and NaN, expm1 in ELU's family, saturation."""

from __future__ import annotations

import numpy as np
import pytest

import fastgrad.nn.functional as F
from fastgrad import _cpu
from tests.kernels.common import dtypes
from tests.numerics.public import both_ways, gradients
from tests.reference import BY_NAME, CASE_IDS, CASES

INF = np.inf


@dtypes
def test_rule_01_relu_keeps_nan_and_has_no_slope_at_zero(isa, dtype):
    x = np.array([np.nan, 0.0, -0.0, 1.0, -1.0, INF, -INF] * 5, dtype)  # vectors and their tail
    for y, dx in both_ways(BY_NAME["relu"], (), x):
        assert np.isnan(y[::7]).all()
        assert y.reshape(5, 7)[:, 1:].tolist() == [[0, 0, 1, 0, INF, 0]] * 5
        assert dx.reshape(5, 7)[:, 1:].tolist() == [[0, 0, 1, 0, 1, 0]] * 5


@dtypes
@pytest.mark.parametrize("slope", [0.25, -0.5])
def test_rule_02_leaky_relu_at_zero_and_nan(isa, dtype, slope):
    x = np.array([np.nan, 0.0, -0.0, 2.0, -2.0, INF] * 5, dtype)
    for y, dx in both_ways(BY_NAME["leaky_relu"], (slope,), x):
        assert np.isnan(y[::6]).all()
        assert y.reshape(5, 6)[:, 1:].tolist() == [[0, 0, 2, -2 * slope, INF]] * 5
        assert dx.reshape(5, 6)[:, 1:].tolist() == [[slope, slope, 1, slope, 1]] * 5


@dtypes
@pytest.mark.parametrize("slopes", [[0.25], [0.25, -0.5, 2.0]], ids=["one slope", "one per channel"])
def test_rule_02_prelu_at_zero_and_nan(isa, dtype, slopes):
    x = np.array([[0.0] * 3, [-0.0] * 3, [3.0] * 3], dtype)
    a = np.array(slopes, dtype)
    y, (dx, da) = gradients(F.prelu, x, a)
    assert y.tolist() == [[0] * 3, [0] * 3, [3] * 3]
    each = np.broadcast_to(a, 3).tolist()
    assert dx.tolist() == [each, each, [1] * 3]
    assert da.tolist() == [0.0] * len(slopes)
    x[1, 1] = np.nan
    y, _ = gradients(F.prelu, x, a)
    assert np.isnan(y[1, 1])
    assert np.isnan(y).sum() == 1


@dtypes
@pytest.mark.parametrize(("name", "parameters"), [("elu", (1.75,)), ("elu", (-1.5,)), ("celu", (2.0,)), ("selu", ())])
def test_rule_03_elu_celu_selu_near_zero(isa, dtype, name, parameters):
    row = BY_NAME[name]
    tiny = np.finfo(dtype).tiny
    x = -np.array([tiny / 4, tiny, 1e-30, 1e-12, 1e-7, 1e-4, 1e-2, 0.0], dtype)
    truth, slope = (function(x.astype(float), *parameters) for function in (row.forward, row.derivative))
    for y, dx in both_ways(row, parameters, x):
        np.testing.assert_allclose(y, truth, rtol=4 * np.finfo(dtype).eps, atol=np.finfo(dtype).smallest_subnormal)
        np.testing.assert_allclose(dx, slope, rtol=4 * np.finfo(dtype).eps)
        expected = {"elu": parameters[:1], "celu": (1.0,), "selu": (1.7580993408473766,)}[name][0]
        assert dx[-1] == dtype(expected), "at 0 the slope is alpha * scale"


def test_rule_03_backward_reads_the_output_only_where_it_tells_the_sides_apart():
    assert _cpu.Activation("elu", 1.0).reads == "output"
    assert _cpu.Activation("elu", -1.0).reads == "input"
    x = np.linspace(-3, 3, 121, dtype=np.float64)
    for _, dx in both_ways(BY_NAME["elu"], (-1.5,), x):
        np.testing.assert_allclose(dx, np.where(x > 0, 1.0, -1.5 * np.exp(x)), rtol=1e-14)


@dtypes
@pytest.mark.parametrize(("row", "parameters"), CASES, ids=CASE_IDS)
def test_rule_04_saturation(isa, dtype, row, parameters):
    """At +-1e20 and +-inf: the limits, no NaN, and the limit's slope."""
    x = np.array([1e20, -1e20, INF, -INF] * 5, dtype)
    with np.errstate(all="ignore"):
        truth = row.forward(x.astype(float), *parameters)
        slope = row.derivative(x.astype(float), *parameters)
    for y, dx in both_ways(row, parameters, x):
        np.testing.assert_allclose(y, truth, rtol=1e-6, atol=1e-30)
        # A constant like SELU's rounds before it saturates: its slope is 0 but for that rounding.
        np.testing.assert_allclose(dx, slope, rtol=1e-6, atol=np.finfo(dtype).eps)
        if row.name in ("sigmoid", "tanh", "silu", "softplus"):
            assert dx[1] == dx[3] == 0


@dtypes
def test_rule_04_softplus_far_left_and_above_its_threshold(isa, dtype):
    row = BY_NAME["softplus"]
    x = np.array([-80.0, -50.0, -30.0, -20.0, -10.0, -5.0] * 3, dtype)
    for y, _ in both_ways(row, (1.0, 20.0), x):
        np.testing.assert_allclose(y, np.log1p(np.exp(x.astype(float))), rtol=4 * np.finfo(dtype).eps)
    x = np.array([2.5, np.nextafter(dtype(2.5), dtype(3)), 3.0, 100.0], dtype)
    for y, dx in both_ways(row, (2.0, 5.0), x):
        assert y[1:].tolist() == x[1:].tolist()
        assert y[0] > x[0]
        assert dx[1:].tolist() == [1, 1, 1]
        assert dx[0] < 1
