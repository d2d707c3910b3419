"""Oracles for the update rules, one parameter and one step at a time, in float64, from torch's documentation.

The l1 penalty adds l1 * sign(p) to whatever weight decay adds weight_decay * p to: to the gradient, or
(AdamW) straight to the step.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.reference import Array
from tests.reference_linear import f64


def _penalised(p: Array, g: Array, weight_decay: float, l1: float, maximize: bool) -> Array:
    g = -g if maximize else g
    return g + weight_decay * p + l1 * np.sign(p)


def sgd(
    p: Any,
    g: Any,
    buffer: Any = None,
    *,
    lr: float,
    momentum: float = 0.0,
    dampening: float = 0.0,
    weight_decay: float = 0.0,
    l1: float = 0.0,
    nesterov: bool = False,
    maximize: bool = False,
    first: bool = False,
) -> tuple[Array, Array | None]:
    """(new p, new momentum buffer); the first buffer is the gradient itself, without dampening."""
    p = f64(p)
    g = _penalised(p, f64(g), weight_decay, l1, maximize)
    if momentum == 0:
        return p - lr * g, None
    buffer = g if first else momentum * f64(buffer) + (1.0 - dampening) * g
    step = g + momentum * buffer if nesterov else buffer
    return p - lr * step, buffer


def adam(
    p: Any,
    g: Any,
    m: Any,
    v: Any,
    v_max: Any,
    step: int,
    *,
    lr: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    l1: float = 0.0,
    decoupled: bool = False,
    maximize: bool = False,
) -> tuple[Array, Array, Array, Array | None]:
    """(new p, m, v, v_max) of Adam, or of AdamW (decoupled); v_max None: no amsgrad. `step` counts from 1."""
    p = f64(p)
    if decoupled:
        g = _penalised(p, f64(g), 0.0, 0.0, maximize)
        p = p - lr * (weight_decay * p + l1 * np.sign(p))
    else:
        g = _penalised(p, f64(g), weight_decay, l1, maximize)
    m = beta1 * f64(m) + (1.0 - beta1) * g
    v = beta2 * f64(v) + (1.0 - beta2) * g * g
    largest = v
    if v_max is not None:
        largest = v_max = np.maximum(f64(v_max), v)
    denominator = np.sqrt(largest) / math.sqrt(1.0 - beta2**step) + eps
    return p - lr / (1.0 - beta1**step) * m / denominator, m, v, v_max
