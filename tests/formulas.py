"""The activations and their derivatives as formulas stable in float64, for `tests.reference`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946
INF = math.inf

Array = np.ndarray[Any, np.dtype[Any]]
_erfc = np.frompyfunc(math.erfc, 1, 1)


def erfc(x: Array) -> Array:
    """The C library's erfc, element by element (numpy has none)."""
    return np.asarray(_erfc(x), np.float64)


def sigmoid(x: Array) -> Array:
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, e) / (1.0 + e)


def sigmoid_derivative(x: Array) -> Array:
    e = np.exp(-np.abs(x))
    return e / (1.0 + e) ** 2


def tanh_derivative(x: Array) -> Array:
    e = np.exp(-2.0 * np.abs(x))
    return 4.0 * e / (1.0 + e) ** 2


def leaky(x: Array, slope: float) -> Array:
    return np.where(x > 0, x, slope * x)


def step(x: Array, below: float | Array, above: float = 1.0) -> Array:
    """`above` where x > 0, `below` elsewhere, NaN at NaN."""
    return np.where(np.isnan(x), x, np.where(x > 0, above, below))


def elu(x: Array, alpha: float) -> Array:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0.0)))


def celu(x: Array, alpha: float) -> Array:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0.0) / alpha))


def selu_from_output(y: Array) -> Array:
    return step(y, y + SELU_SCALE * SELU_ALPHA, SELU_SCALE)


def normal_cdf(x: Array) -> Array:
    return 0.5 * erfc(-x / math.sqrt(2.0))


def finite(x: Array, y: Array, left: float, right: float) -> Array:
    """y, with the limits put in at -inf and +inf, where formulas say inf * 0."""
    return np.where(np.isposinf(x), right, np.where(np.isneginf(x), left, y))


def gelu(x: Array) -> Array:
    return finite(x, x * normal_cdf(x), 0.0, INF)


def gelu_derivative(x: Array) -> Array:
    density = np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
    return finite(x, normal_cdf(x) + x * density, 0.0, 1.0)


K = math.sqrt(2.0 / math.pi)


def gelu_tanh(x: Array) -> Array:
    return finite(x, x * sigmoid(2.0 * K * x * (1.0 + 0.044715 * x * x)), 0.0, INF)


def gelu_tanh_derivative(x: Array) -> Array:
    v = np.clip(x, -40.0, 40.0)
    u = 2.0 * K * v * (1.0 + 0.044715 * v * v)
    return sigmoid(u) + v * sigmoid_derivative(u) * 2.0 * K * (1.0 + 3.0 * 0.044715 * v * v)


def silu(x: Array) -> Array:
    return finite(x, x * sigmoid(x), 0.0, INF)


def silu_derivative(x: Array) -> Array:
    return finite(x, sigmoid(x) * (1.0 + x * sigmoid(-x)), 0.0, 1.0)


def mish(x: Array) -> Array:
    w = np.exp(np.minimum(x, 40.0))
    n = w * (w + 2.0)
    return finite(x, x * (n / (n + 2.0)), 0.0, INF)


def mish_derivative(x: Array) -> Array:
    v = np.minimum(x, 40.0)
    w = np.exp(v)
    n = w * (w + 2.0)
    return finite(x, n / (n + 2.0) + v * 4.0 * w * (w + 1.0) / (n + 2.0) ** 2, 0.0, 1.0)


def softplus(x: Array, beta: float, threshold: float) -> Array:
    return np.where(beta * x > threshold, x, np.logaddexp(0.0, np.minimum(beta * x, threshold)) / beta)


def softsign(x: Array) -> Array:
    return finite(x, x / (1.0 + np.abs(x)), -1.0, 1.0)


def hardtanh(x: Array, low: float, high: float) -> Array:
    return np.clip(x, low, high)


def inside(x: Array, low: float, high: float) -> Array:
    return np.where(np.isnan(x), x, np.where((x > low) & (x < high), 1.0, 0.0))


def hardswish(x: Array) -> Array:
    v = np.clip(x, -3.0, 3.0)
    return np.where(x > 3.0, x, v * (v + 3.0) / 6.0)


def hardswish_derivative(x: Array) -> Array:
    return np.where(np.isnan(x), x, np.where(x <= -3.0, 0.0, np.where(x < 3.0, (2.0 * x + 3.0) / 6.0, 1.0)))
