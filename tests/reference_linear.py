"""Oracles for linear layers, products, PReLU, softmax and gathered rows, in float64, from the formulas."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.reference import Array


def f64(a: Any) -> Array:
    """The same numbers in float64 (exact for both kernel precisions)."""
    return np.asarray(a).astype(np.float64)


def linear(x: Any, w: Any, b: Any = None) -> Array:
    """z = x w^T + b for x (m, k), w (n, k), b (n,) or None."""
    z = f64(x) @ f64(w).T
    return z if b is None else z + f64(b)


def linear_backward(dz: Any, x: Any, w: Any) -> tuple[Array, Array, Array]:
    """(dx, dw, db) for dz (m, n): dz w, dz^T x, and the sum of dz over the rows."""
    dz = f64(dz)
    return dz @ f64(w), dz.T @ f64(x), dz.sum(axis=0)


def linear_bound(x: Any, w: Any, b: Any = None) -> Array:
    """|x| |w|^T + |b|: what the rounding error of a linear layer is proportional to."""
    return linear(np.abs(f64(x)), np.abs(f64(w)), None if b is None else np.abs(f64(b)))


def prelu(x: Any, a: Any) -> Array:
    """x where x > 0, else a x, for x (outer, channels, inner) and a (channels,) or (1,)."""
    x = f64(x)
    return np.where(x > 0, x, f64(a)[None, :, None] * x)


def prelu_backward(dy: Any, x: Any, a: Any) -> tuple[Array, Array]:
    """(dx, da): dy or a dy; and the sum of dy x over the elements that are not positive."""
    dy, x, a = f64(dy), f64(x), f64(a)
    dx = np.where(x > 0, dy, a[None, :, None] * dy)
    per_channel = np.where(x > 0, 0.0, dy * x).sum(axis=(0, 2))
    return dx, per_channel if len(a) == x.shape[1] else per_channel.sum(keepdims=True)


def log_softmax(x: Any) -> Array:
    """x - log(sum(exp(x))) over the last axis; a row with +inf or of -inf only is NaN."""
    x = f64(x)
    with np.errstate(all="ignore"):
        shifted = x - x.max(axis=-1, keepdims=True, initial=-np.inf)
        return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def softmax(x: Any) -> Array:
    """exp(log_softmax(x)), divided once so that rows add up to one."""
    x = f64(x)
    with np.errstate(all="ignore"):
        e = np.exp(x - x.max(axis=-1, keepdims=True, initial=-np.inf))
        return e / e.sum(axis=-1, keepdims=True)


def softmax_backward(dy: Any, y: Any) -> Array:
    """dx = y (dy - sum(dy y)) from the saved y = softmax(x)."""
    dy, y = f64(dy), f64(y)
    return y * (dy - (dy * y).sum(axis=-1, keepdims=True))


def log_softmax_backward(dy: Any, y: Any) -> Array:
    """dx = dy - exp(y) sum(dy) from the saved y = log_softmax(x)."""
    dy, y = f64(dy), f64(y)
    return dy - np.exp(y) * dy.sum(axis=-1, keepdims=True)


def embedding_backward(dy: Any, index: Array, rows: int, padding_idx: int = -1) -> Array:
    """dw (rows, d): each row of dy added to the row of dw it came from; the padding row stays 0."""
    dy = f64(dy)
    dw = np.zeros((rows, dy.shape[1]))
    np.add.at(dw, index, dy)
    if padding_idx >= 0:
        dw[padding_idx] = 0.0
    return dw
