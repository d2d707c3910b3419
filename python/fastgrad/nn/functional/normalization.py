"""Normalisation to zero mean and unit variance, per example (layer) or per feature (batch)."""

from __future__ import annotations

import math
from typing import Any

from fastgrad import backend
from fastgrad.arrays import as_array, beside
from fastgrad.autograd.graph import is_recording, record, wrap
from fastgrad.autograd.mode import state
from fastgrad.devices import check_same
from fastgrad.errors import bad_type, bad_value
from fastgrad.nn.functional.arguments import as_floating
from fastgrad.tensor import Tensor

__all__ = ["batch_norm", "layer_norm"]

xp = backend.xp


def _mean(array: Any, axis: Any) -> Any:
    """Mean over `axis`, kept with length one; summed in float64, as float32 loses digits."""
    return xp.mean(array, axis=axis, dtype=xp.float64, keepdims=True).astype(array.dtype)


def _row_mean(rows: Any) -> Any:
    """Mean of each row of a matrix, as a column; numpy sums the last axis pairwise, which is accurate."""
    return xp.add.reduce(rows, axis=1, keepdims=True) / rows.dtype.type(max(rows.shape[1], 1))


def _sum(array: Any, axis: Any) -> Any:
    return xp.sum(array, axis=axis, dtype=xp.float64).astype(array.dtype)


def _affine(function: str, argument: str, value: Any, x: Tensor, shape: tuple[int, ...]) -> Tensor | None:
    """The optional scale or shift `value`, of x's dtype and the given shape."""
    if value is None:
        return None
    tensor = as_floating(function, argument, value)
    if type(tensor.data) is not type(x.data):
        check_same(function, **{"x": x.data, argument: tensor.data})
    if tensor.shape != shape:
        raise bad_value(function, argument, f"of shape {tensor.shape}", f"shape {shape}")
    if tensor.dtype != x.dtype:
        raise bad_type(function, argument, f"of dtype {tensor.dtype}", f"{x.dtype}, the dtype of x")
    return tensor


def layer_norm(
    x: Tensor,
    normalized_shape: int | tuple[int, ...],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each example over its last dimensions: y = (x − mean) / √(var + ε) · weight + bias.

    Parameters
    ----------
    x : Tensor
        Shape (\\*, \\*normalized_shape).
    normalized_shape : int or tuple of int
        The dimensions that mean and (biased) variance are taken over.
    weight, bias : Tensor, optional
        Shape `normalized_shape`.
    eps : float
        What is added to the variance.

    Returns
    -------
    Tensor
        The shape of `x`.

    Raises
    ------
    ValueError
        If shapes do not fit each other.
    TypeError
        If the dtypes are not all float32 or all float64.

    Notes
    -----
    Source: Ba et al. 2016, "Layer normalization"; ``torch.nn.functional.layer_norm``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.functional.layer_norm(fg.tensor([[1.0, 3.0]]), 2, eps=0.0).numpy()
    array([[-1.,  1.]], dtype=float32)
    """
    x = as_floating("layer_norm", "x", x)
    inner = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not inner:
        raise bad_value("layer_norm", "normalized_shape", "empty", "at least one dimension")
    if x.shape[-len(inner) :] != inner:
        raise bad_value("layer_norm", "x", f"of shape {x.shape}", f"shape (*, {', '.join(map(str, inner))})")
    weight = _affine("layer_norm", "weight", weight, x, inner)
    bias = _affine("layer_norm", "bias", bias, x, inner)
    shape = x.shape
    rows = math.prod(shape[: len(shape) - len(inner)])
    flat = x.data.reshape(rows, math.prod(inner))
    w = None if weight is None else weight.data.reshape(-1)

    def forward() -> tuple[Any, Any, Any]:
        """The normalised input, what it was scaled by, and the result."""
        normal = flat - _row_mean(flat)
        scale = 1 / xp.sqrt(_row_mean(normal * normal) + flat.dtype.type(eps))
        normal *= scale
        y = normal if w is None else normal * w
        return normal, scale, y if bias is None else y + bias.data.reshape(-1)

    normal, scale, y = state.quiet(forward)

    def rule(dy: Any, needs: tuple[bool, ...]) -> tuple[Any, ...]:
        dy = dy.reshape(normal.shape)  # not flat's: the rule would keep x alive
        dx = dw = db = None
        if needs[0]:
            g = dy if w is None else dy * w
            dx = g - _row_mean(g)
            dx -= normal * _row_mean(g * normal)
            dx *= scale
            dx = dx.reshape(shape)
        if weight is not None and needs[1]:
            dw = _sum(dy * normal, 0).reshape(inner)
        if bias is not None and needs[-1]:
            db = _sum(dy, 0).reshape(inner)
        return _present(dx, weight, dw, bias, db)

    return _finish(y.reshape(shape), x, weight, bias, rule)


def _present(dx: Any, weight: Any, dw: Any, bias: Any, db: Any) -> tuple[Any, ...]:
    """The gradients of those inputs that are there."""
    return (dx, *(() if weight is None else (dw,)), *(() if bias is None else (db,)))


def _finish(y: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, rule: Any) -> Tensor:
    parents = tuple(tensor for tensor in (x, weight, bias) if tensor is not None)
    if not is_recording(*parents):
        return wrap(y)
    return record(y, parents, rule, saved=(weight,) if weight is not None and x.requires_grad else ())


def batch_norm(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each feature over the batch: y = (x − mean) / √(var + ε) · weight + bias.

    Parameters
    ----------
    x : Tensor
        Shape (batch, features) or (batch, features, \\*).
    running_mean, running_var : Tensor or None
        Shape (features,). Used instead of the batch's statistics while not training; updated in place while
        training: running = (1 − momentum) · running + momentum · batch, with the unbiased variance.
    weight, bias : Tensor, optional
        Shape (features,).
    training : bool
        Whether mean and (biased) variance are the batch's own.
    momentum : float
        Weight of the new batch in the running statistics.
    eps : float
        What is added to the variance.

    Returns
    -------
    Tensor
        The shape of `x`.

    Raises
    ------
    ValueError
        If shapes do not fit each other, if there is one value per feature to be trained on, or if running
        statistics are needed and missing.
    TypeError
        If the dtypes are not all float32 or all float64.

    Notes
    -----
    Source: Ioffe and Szegedy 2015, "Batch normalization"; ``torch.nn.functional.batch_norm``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.functional.batch_norm(fg.tensor([[1.0], [3.0]]), None, None, training=True, eps=0.0).numpy()
    array([[-1.],
           [ 1.]], dtype=float32)
    """
    x = as_floating("batch_norm", "x", x)
    shape = x.shape
    if len(shape) < 2:
        raise bad_value("batch_norm", "x", f"of shape {shape}", "shape (batch, features, *)")
    features = shape[1]
    weight = _affine("batch_norm", "weight", weight, x, (features,))
    bias = _affine("batch_norm", "bias", bias, x, (features,))
    running_mean = _affine("batch_norm", "running_mean", running_mean, x, (features,))
    running_var = _affine("batch_norm", "running_var", running_var, x, (features,))
    axes = (0, *range(2, len(shape)))
    spread = (1, features) + (1,) * (len(shape) - 2)
    count = math.prod(shape) // features if features else 0
    statistics = None
    if training:
        if count <= 1:
            expected = "more than one value per feature while training"
            raise bad_value("batch_norm", "x", f"of shape {shape}", expected)
    elif running_mean is None or running_var is None:
        raise bad_value("batch_norm", "running_mean", "None", "running statistics where training is False")
    else:
        statistics = running_mean.data.reshape(spread), running_var.data.reshape(spread)
    w = None if weight is None else weight.data.reshape(spread)

    def forward() -> tuple[Any, Any, Any]:
        """The normalised input, what it was scaled by, and the result."""
        if statistics is None:
            mean = _mean(x.data, axes)
            normal = x.data - mean
            var = _mean(normal * normal, axes)
            _update(running_mean, mean, momentum)
            _update(running_var, var * (count / (count - 1)), momentum)
        else:
            normal = x.data - statistics[0]
            var = statistics[1]
        scale = 1 / xp.sqrt(var + x.dtype.type(eps))
        normal *= scale
        y = normal if w is None else normal * w
        return normal, scale, y if bias is None else y + bias.data.reshape(spread)

    normal, scale, y = state.quiet(forward)

    def rule(dy: Any, needs: tuple[bool, ...]) -> tuple[Any, ...]:
        dx = dw = db = None
        if needs[0]:
            dx = dy if w is None else dy * w
            if training:
                dx = dx - _mean(dx, axes) - normal * _mean(dx * normal, axes)
            dx = dx * scale
        if weight is not None and needs[1]:
            dw = _sum(dy * normal, axes)
        if bias is not None and needs[-1]:
            db = _sum(dy, axes)
        return _present(dx, weight, dw, bias, db)

    return _finish(y, x, weight, bias, rule)


def _update(running: Tensor | None, batch: Any, momentum: Any) -> None:
    """Move a running statistic towards the batch's, not on the tape; `momentum` is a number or an array of one."""
    if running is not None:
        data = running.data
        old, new = (beside(data, as_array(share).astype(data.dtype)) for share in (1 - momentum, momentum))
        data[...] = old * data + new * batch.reshape(-1)
        running.version.count += 1
