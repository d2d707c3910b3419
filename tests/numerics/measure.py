"""The largest error of each activation and of the matrix products, on the instruction set in use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fastgrad import _cpu
from tests import reference_linear as ref
from tests.accuracy import gamma, inputs32, inputs64, truth32, truth64, ulp_error
from tests.reference import Array, Row

# m, n, k: the lecture's network, wide and deep ones, one row, one column, and a long sum
PRODUCTS = (
    (128, 100, 841),
    (128, 256, 784),
    (256, 512, 512),
    (1, 300, 1000),
    (300, 1, 257),
    (17, 19, 20_000),
)


class Worst(NamedTuple):
    """The largest error, in ULP, and where it is."""

    ulp: float
    at: float
    got: float
    truth: float


def _worst(got: Array, truth: Array, at: Array) -> Worst:
    errors = ulp_error(got, truth)
    i = int(errors.argmax())
    return Worst(float(errors[i]), float(at[i]), float(got[i]), float(truth[i]))


def run_forward(row: Row, parameters: tuple[float, ...], x: Array) -> Array:
    y = np.full(x.shape, np.nan, x.dtype)
    _cpu.activation_forward(y, x, _cpu.Activation(row.name, *parameters))
    return y


def run_derivative(row: Row, parameters: tuple[float, ...], saved: Array) -> Array:
    """What the kernel multiplies an incoming gradient of 1 by, given the saved input or output."""
    dx = np.full(saved.shape, np.nan, saved.dtype)
    _cpu.activation_backward(dx, np.ones_like(saved), saved, _cpu.Activation(row.name, *parameters))
    return dx


def reads(row: Row, parameters: tuple[float, ...]) -> str:
    """Whether the derivative reads the saved "input", "output" or "nothing"."""
    return str(_cpu.Activation(row.name, *parameters).reads)


def forward32(row: Row, parameters: tuple[float, ...]) -> Worst:
    """The value, over all magnitudes of float32."""
    x = inputs32(row, parameters)
    return _worst(run_forward(row, parameters, x), truth32(row, parameters)[0], x)


def derivative32(row: Row, parameters: tuple[float, ...]) -> Worst:
    """The derivative at the saved float32: every input, or every output that the kernel gives for one."""
    x = inputs32(row, parameters)
    if reads(row, parameters) == "output":
        saved = run_forward(row, parameters, x)
        with np.errstate(all="ignore"):
            truth = row.derivative_of_output(saved, parameters)
    else:
        saved, truth = x, truth32(row, parameters)[1]
    got = run_derivative(row, parameters, saved)
    if row.piecewise:  # which piece a NaN belongs to is not defined
        known = ~np.isnan(saved)
        saved, truth, got = saved[known], truth[known], got[known]
    return _worst(got, truth, saved)


def _worst64(got: Array, truth: Array, at: Array, slope: Array) -> Worst:
    """As `_worst`, but a unit is at least what one unit of the input does to the result: half a ULP of
    float64 cannot be told from the input's own rounding close to a root, and nowhere else is a kernel
    allowed more."""
    unit = np.maximum(np.maximum(np.spacing(np.abs(truth)), 2e-321), np.spacing(np.abs(at)) * np.abs(slope))
    with np.errstate(all="ignore"):
        errors = np.where(got == truth, 0.0, np.abs(got - truth) / unit)
    i = int(errors.argmax())
    return Worst(float(errors[i]), float(at[i]), float(got[i]), float(truth[i]))


def _slope(function: Callable[[Array], Array], at: Array) -> Array:
    """Roughly the slope of a formula, one-sided."""
    step = 1e-6 * np.abs(at) + 1e-300
    with np.errstate(all="ignore"):
        return np.nan_to_num((function(at + step) - function(at)) / step, posinf=0.0, neginf=0.0)


def forward64(row: Row, parameters: tuple[float, ...]) -> Worst:
    """The value against mpmath, on a few hundred float64."""
    x = inputs64(row, parameters)
    value, derivative = truth64(row, parameters)
    return _worst64(run_forward(row, parameters, x), value, x, derivative)


def derivative64(row: Row, parameters: tuple[float, ...]) -> Worst:
    """The derivative against mpmath, or where it reads the output against the formula of the output."""
    x = inputs64(row, parameters)
    if reads(row, parameters) == "output":
        saved = run_forward(row, parameters, x)
        truth = row.derivative_of_output(saved, parameters)
        slope = _slope(lambda v: row.derivative_of_output(v, parameters), saved)
    else:
        saved, truth = x, truth64(row, parameters)[1]
        slope = _slope(lambda v: row.derivative(v, *parameters), x)
    return _worst64(run_derivative(row, parameters, saved), truth, saved, slope)


def product_errors(dtype: Any) -> dict[str, float]:
    """The largest |error| / (gamma |a| |b|) of each product of a linear layer, over sizes and magnitudes."""
    worst = {"y = x wᵀ + b": 0.0, "dx = dz w": 0.0, "dw = dzᵀ x": 0.0, "a b": 0.0}

    def note(name: str, got: Array, truth: Array, bound: Array, terms: int) -> None:
        with np.errstate(all="ignore"):
            ratio = np.abs(got - truth) / (gamma(terms, dtype) * bound)
        worst[name] = max(worst[name], float(np.nanmax(np.where(bound == 0, 0.0, ratio))))

    for m, n, k in PRODUCTS:
        rng = np.random.default_rng(m + n + k)
        # One sign lets nothing cancel (the sum grows, and its error); widely different magnitudes lose the
        # small ones.
        for draw in (rng.standard_normal, rng.random, lambda s, rng=rng: np.exp(6 * rng.standard_normal(s))):
            x, w, b, dz = (draw(shape).astype(dtype) for shape in ((m, k), (n, k), (n,), (m, n)))
            y, dx, dw, ab = (np.full(s, np.nan, dtype) for s in ((m, n), (m, k), (n, k), (m, n)))
            _cpu.linear_forward(y, None, x, w, b, None)
            note("y = x wᵀ + b", y, ref.linear(x, w, b), ref.linear_bound(x, w, b), k + 1)
            _cpu.linear_backward(dx, dw, None, dz, None, x, w, None)
            truth = ref.linear_backward(dz, x, w)
            bound = ref.linear_backward(np.abs(dz), np.abs(x), np.abs(w))
            note("dx = dz w", dx, truth[0], bound[0], n)
            note("dw = dzᵀ x", dw, truth[1], bound[1], m)
            _cpu.matmul(ab, x, w.T)
            note("a b", ab, ref.linear(x, w), ref.linear_bound(x, w), k)
    return worst
