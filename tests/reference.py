"""The activations' oracles: one row per activation, written from torch's documentation, in float64.

A row holds the parameters to try, the value, the derivative as a function of the input and (where the output
determines it) of the output, the mathematical definition for mpmath, and the inputs where something happens:
kinks, thresholds and roots of the derivative. ``tests/test_reference.py`` checks every row against mpmath
and torch.

The other oracles live beside it: ``reference_linear``, ``reference_losses``, ``reference_updates``,
``reference_random``; how an error is measured lives in ``accuracy``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from mpmath import mp

from tests import formulas as f
from tests.formulas import Array


@dataclass(frozen=True)
class Row:
    """What the tests know about one activation.

    Parameters
    ----------
    forward, derivative : functions of (x float64, *parameters); both are limits at +-inf and NaN at NaN
    from_output : the derivative as a function of (y float64, *parameters), or None where y does not
    determine it;
        called through `derivative_of_output`
    exact : the definition, a function of (mpf, *parameters)
    parameters : sets to try, the defaults first. All are exact in float32, so that every precision means the
    same function
        (leaky ReLU's default slope of 0.01 is the exception, and harmless: nothing cancels)
    kinks : function of the parameters -> {input: derivative there}, torch's choice where both sides differ
    points : function of the parameters -> other inputs to look at closely (roots of value or derivative,
    thresholds)
    piecewise : which piece a NaN belongs to is not defined, so the tests leave the derivative there open
    rounded : from_output takes the kernel's precision too, as a last argument, because it depends on a
    rounded constant
    ulp : the largest error allowed in float32, of value and derivative
    """

    name: str
    forward: Callable[..., Array]
    derivative: Callable[..., Array]
    from_output: Callable[..., Array] | None
    exact: Callable[..., Any]
    parameters: tuple[tuple[float, ...], ...] = ((),)
    kinks: Callable[..., dict[float, float]] = lambda *p: {}
    points: Callable[..., tuple[float, ...]] = lambda *p: ()
    piecewise: bool = False
    ulp: float = 4.0

    def derivative_of_output(self, y: Array, parameters: tuple[float, ...]) -> Array:
        """The derivative at a saved output y of the kernel's precision, in float64."""
        assert self.from_output is not None, f"the output of {self.name} does not determine its derivative"
        return self.from_output(y.astype(np.float64), *parameters)


def _mp_clamp(x: Any, low: float, high: float) -> Any:
    return mp.mpf(low) if x < low else mp.mpf(high) if x > high else x


def _mp_gelu(x: Any) -> Any:
    if abs(x) > 1e9:  # mpmath's erfc does not take it
        return max(x, mp.mpf(0))
    return x * mp.erfc(-x / mp.sqrt(2)) / 2


def _mp_gelu_tanh(x: Any) -> Any:
    return x / (1 + mp.exp(-2 * mp.sqrt(2 / mp.pi) * (x + mp.mpf("0.044715") * x**3)))


_SLOPES = ((0.01,), (0.25,), (-0.5,), (2.0,))
_ALPHAS = ((1.0,), (0.5,), (1.75,), (-1.5,))

ACTIVATIONS: tuple[Row, ...] = (
    Row("sigmoid", f.sigmoid, f.sigmoid_derivative, lambda y: y * (1.0 - y), lambda x: 1 / (1 + mp.exp(-x))),
    Row("tanh", np.tanh, f.tanh_derivative, lambda y: (1.0 - y) * (1.0 + y), mp.tanh),
    Row(
        "relu",
        lambda x: np.maximum(x, 0.0),
        lambda x: f.step(x, 0.0),
        lambda y: f.step(y, 0.0),
        lambda x: max(x, mp.mpf(0)),
        kinks=lambda: {0.0: 0.0},
        piecewise=True,
    ),
    Row(
        "leaky_relu",
        f.leaky,
        f.step,
        lambda y, a: f.step(y, a),
        lambda x, a: x if x > 0 else mp.mpf(a) * x,
        _SLOPES,
        kinks=lambda a: {0.0: a},
        piecewise=True,
    ),
    Row(
        "elu",
        f.elu,
        lambda x, a: f.step(x, a * np.exp(np.minimum(x, 0.0))),
        lambda y, a: f.step(y, y + a),
        lambda x, a: x if x > 0 else mp.mpf(a) * mp.expm1(x),
        (*_ALPHAS, (0.0,)),
        kinks=lambda a: {0.0: a},
        piecewise=True,
    ),
    Row(
        "celu",
        f.celu,
        lambda x, a: f.step(x, np.exp(np.minimum(x, 0.0) / a)),
        lambda y, a: f.step(y, (y + a) / a),
        lambda x, a: x if x > 0 else mp.mpf(a) * mp.expm1(x / a),
        ((1.0,), (0.5,), (2.0,)),
        kinks=lambda a: {0.0: 1.0},
        piecewise=True,
    ),
    Row(
        "selu",
        lambda x: f.SELU_SCALE * f.elu(x, f.SELU_ALPHA),
        lambda x: f.step(x, f.SELU_SCALE * f.SELU_ALPHA * np.exp(np.minimum(x, 0.0)), f.SELU_SCALE),
        f.selu_from_output,
        lambda x: mp.mpf(f.SELU_SCALE) * (x if x > 0 else mp.mpf(f.SELU_ALPHA) * mp.expm1(x)),
        kinks=lambda: {0.0: f.SELU_SCALE * f.SELU_ALPHA},
        piecewise=True,
    ),
    Row(
        "gelu",
        f.gelu,
        f.gelu_derivative,
        None,
        _mp_gelu,
        points=lambda: (-0.7517915241,),
    ),
    Row(
        "gelu_tanh",
        f.gelu_tanh,
        f.gelu_tanh_derivative,
        None,
        _mp_gelu_tanh,
        points=lambda: (-0.7524614220710,),
    ),
    Row(
        "silu",
        f.silu,
        f.silu_derivative,
        None,
        lambda x: x / (1 + mp.exp(-x)),
        points=lambda: (-1.2784645427610738,),
    ),
    Row(
        "mish",
        f.mish,
        f.mish_derivative,
        None,
        lambda x: x * mp.tanh(mp.log1p(mp.exp(x))),
        points=lambda: (-1.1924312145154936,),
    ),
    Row(
        "softplus",
        f.softplus,
        lambda x, b, t: np.where(b * x > t, 1.0, f.sigmoid(b * x)),
        None,
        lambda x, b, t: x if b * x > t else mp.log1p(mp.exp(b * x)) / b,
        ((1.0, 20.0), (0.5, 20.0), (2.0, 5.0), (3.0, 18.0)),
        kinks=lambda b, t: {t / b: float(f.sigmoid(np.float64(t)))},
    ),
    Row(
        "softsign",
        f.softsign,
        lambda x: (1.0 / (1.0 + np.abs(x))) ** 2,
        lambda y: (1.0 - np.abs(y)) ** 2,
        lambda x: x / (1 + abs(x)),
        points=lambda: (0.0,),
    ),
    Row(
        "hardtanh",
        f.hardtanh,
        f.inside,
        f.inside,
        _mp_clamp,
        ((-1.0, 1.0), (-2.0, 0.5), (0.25, 3.0)),
        kinks=lambda low, high: {low: 0.0, high: 0.0},
        piecewise=True,
    ),
    Row(
        "relu6",
        lambda x: np.clip(x, 0.0, 6.0),
        lambda x: f.inside(x, 0.0, 6.0),
        lambda y: f.inside(y, 0.0, 6.0),
        lambda x: _mp_clamp(x, 0.0, 6.0),
        kinks=lambda: {0.0: 0.0, 6.0: 0.0},
        piecewise=True,
    ),
    Row(
        "hardswish",
        f.hardswish,
        f.hardswish_derivative,
        None,
        lambda x: x * _mp_clamp(x + 3, 0, 6) / 6,
        kinks=lambda: {-3.0: 0.0, 3.0: 1.0},
        points=lambda: (-1.5,),
        piecewise=True,
    ),
    Row(
        "logsigmoid",
        lambda x: -np.logaddexp(0.0, -x),
        lambda x: f.sigmoid(-x),
        lambda y: -np.expm1(y),
        lambda x: -mp.log1p(mp.exp(-x)),
    ),
)

BY_NAME = {row.name: row for row in ACTIVATIONS}
CASES = [(row, parameters) for row in ACTIVATIONS for parameters in row.parameters]
CASE_IDS = [f"{row.name}{list(parameters) if parameters else ''}" for row, parameters in CASES]
