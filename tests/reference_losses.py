"""Oracles for the losses, each with its gradient, in float64, from the formulas in torch's documentation.

Each function returns (loss, dx): with reduction "none" the loss of each row or element, and dx the gradient
of each one's own loss; otherwise a 0-dim loss and its gradient.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.reference import Array
from tests.reference_linear import f64, log_softmax, softmax


def reduce(loss: Array, dx: Array, reduction: str, divisor: float) -> tuple[Array, Array]:
    """Apply a reduction to per-item losses and gradients; `divisor` is what the mean divides by."""
    if reduction == "none":
        return loss, dx
    if reduction == "sum":
        return np.asarray(loss.sum()), dx
    with np.errstate(all="ignore"):
        # Where everything is ignored the mean is 0/0, but no input has an influence: the gradient stays 0,
        # as in torch.
        return np.asarray(loss.sum() / np.float64(divisor)), dx / divisor if divisor != 0 else dx


def cross_entropy(
    x: Any,
    target: Array,
    weight: Any = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> tuple[Array, Array]:
    """Minus the sum over classes of weight * target * log_softmax(x), for class indices or class
    probabilities.

    With label smoothing e every target becomes (1 - e) target + e / c. The mean divides by the summed
    weights of the targets (class indices) or by the number of rows (class probabilities).
    """
    x = f64(x)
    n, c = x.shape
    w = np.ones(c) if weight is None else f64(weight)
    if target.ndim == 1:
        kept = target != ignore_index
        row_weight = np.where(kept, w[np.where(kept, target, 0)], 0.0)
        t = np.zeros((n, c))
        t[np.arange(n)[kept], target[kept]] = 1.0
        divisor = float(row_weight.sum())
    else:
        kept, t, divisor = np.ones(n, bool), f64(target), float(n)
    t = (1.0 - label_smoothing) * t + label_smoothing / c
    coefficient = np.where(kept[:, None], w * t, 0.0)
    with np.errstate(all="ignore"):
        log_p, p = log_softmax(x), softmax(x)
        # A class of coefficient 0 takes no part, also where its log-probability is -inf - unless the whole
        # row is NaN.
        terms = np.where((coefficient == 0) & ~np.isnan(log_p), 0.0, coefficient * log_p)
        loss = np.where(kept, -terms.sum(axis=1), 0.0)
        dx = np.where(kept[:, None], p * coefficient.sum(axis=1, keepdims=True) - coefficient, 0.0)
    return reduce(loss, dx, reduction, divisor)


def nll_loss(
    x: Any, target: Array, weight: Any = None, ignore_index: int = -100, reduction: str = "mean"
) -> tuple[Array, Array]:
    """Minus weight[target] * x[row, target], x (n, c) log-probabilities; mean: over the summed weights."""
    x = f64(x)
    n, c = x.shape
    w = np.ones(c) if weight is None else f64(weight)
    kept = np.flatnonzero(target != ignore_index)
    picked = target[kept]
    loss, dx = np.zeros(n), np.zeros((n, c))
    loss[kept] = -w[picked] * x[kept, picked]
    dx[kept, picked] = -w[picked]
    return reduce(loss, dx, reduction, float(w[picked].sum()))


def _bce(x: Array, t: Array, w: Array) -> tuple[Array, Array]:
    # torch clamps each logarithm to at least -100, and the gradient's denominator to at least 1e-12.
    with np.errstate(divide="ignore"):
        loss = -w * (t * np.maximum(np.log(x), -100.0) + (1.0 - t) * np.maximum(np.log1p(-x), -100.0))
    return loss, w * (x - t) / np.maximum(x * (1.0 - x), 1e-12)


def _bce_with_logits(x: Array, t: Array, w: Array, pos: Array) -> tuple[Array, Array]:
    # -w (pos t log(s) + (1 - t) log(1 - s)) with s = sigmoid(x), log(s) = -log(1 + exp(-x)).
    loss = w * (pos * t * np.logaddexp(0.0, -x) + (1.0 - t) * np.logaddexp(0.0, x))
    e = np.exp(-np.abs(x))
    s, complement = np.where(x >= 0, 1.0, e) / (1.0 + e), np.where(x >= 0, e, 1.0) / (1.0 + e)
    return loss, w * ((1.0 - t) * s - pos * t * complement)


def pointwise(
    kind: str,
    x: Any,
    target: Any,
    weight: Any = None,
    pos_weight: Any = None,
    parameter: float = 0.0,
    reduction: str = "mean",
) -> tuple[Array, Array]:
    """The losses of element against element; `parameter`: beta of smooth_l1_loss, delta of huber_loss."""
    x, t = f64(x), f64(target)
    w = np.ones_like(x) if weight is None else f64(weight)
    d = x - t
    with np.errstate(all="ignore"):
        if kind == "mse_loss":
            loss, dx = d * d, 2.0 * d
        elif kind == "l1_loss" or (kind == "smooth_l1_loss" and parameter == 0):
            loss, dx = np.abs(d), np.sign(d)
        elif kind == "smooth_l1_loss":
            near = np.abs(d) < parameter
            loss = np.where(near, 0.5 * d * d / parameter, np.abs(d) - 0.5 * parameter)
            dx = np.where(near, d / parameter, np.sign(d))
        elif kind == "huber_loss":
            near = np.abs(d) <= parameter
            loss = np.where(near, 0.5 * d * d, parameter * (np.abs(d) - 0.5 * parameter))
            dx = np.where(near, d, parameter * np.sign(d))
        elif kind == "binary_cross_entropy":
            loss, dx = _bce(x, t, w)
        elif kind == "binary_cross_entropy_with_logits":
            loss, dx = _bce_with_logits(x, t, w, np.ones_like(x) if pos_weight is None else f64(pos_weight))
        else:
            raise ValueError(f"no loss is called {kind}")
    return reduce(loss, dx, reduction, float(x.size))


POINTWISE: tuple[tuple[str, float], ...] = (
    ("mse_loss", 0.0),
    ("l1_loss", 0.0),
    ("smooth_l1_loss", 1.0),
    ("smooth_l1_loss", 0.25),
    ("smooth_l1_loss", 0.0),
    ("huber_loss", 1.0),
    ("huber_loss", 0.5),
    ("binary_cross_entropy", 0.0),
    ("binary_cross_entropy_with_logits", 0.0),
)
