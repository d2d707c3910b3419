"""Sums and what is made of them: mean, variance, norms, products, running sums."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad import dtypes
from fastgrad.arrays import as_array, is_on_device, row_major, strided
from fastgrad.autograd.graph import Value, record
from fastgrad.autograd.mode import state
from fastgrad.errors import bad_type
from fastgrad.ops.operands import as_tensor, check_dims

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = ["mean", "repeat_back", "std", "std_mean", "sum", "var", "var_mean"]

Array = np.ndarray
Needs = tuple[bool, ...]
_reduce: Any = np.add.reduce


def repeat_back(dy: Array, shape: tuple[int, ...], dims: tuple[int, ...] | None, keepdim: bool) -> Array:
    """The array of a reduction over `dims` (None:

    over all) as a read-only view of `shape`, the argument's shape.
    """
    if dy.shape == shape:
        return dy
    if (dims is None or not dy.shape) and not is_on_device(dy):
        # As np.broadcast_to, in a fifth of its time.
        return strided(row_major(dy), shape, (0,) * len(shape))  # type: ignore[no-any-return]
    if dims is not None and dy.shape and not keepdim:
        dy = np.expand_dims(dy, dims)
    return np.broadcast_to(dy, shape)


def _dims(function: str, x: Value, dim: Any) -> tuple[int, ...] | None:
    """The dimensions to reduce, None for all of them.

    A 0-dimensional tensor has none, whatever is asked for.
    """
    if dim is None or dim == ():
        return None
    dims = check_dims(function, dim, x.data.ndim)
    return dims if x.data.ndim else None


def sum(x: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Sum of all elements, or over some dimensions.

    Parameters
    ----------
    x : Tensor
    dim : int or tuple of int, optional
        The dimensions to sum over; all by default.
    keepdim : bool
        Keep them with size 1.
    dtype : numpy dtype, optional
        To convert `x` to beforehand; integers and bool become int64 by default.

    Returns
    -------
    Tensor

    Raises
    ------
    IndexError
        If there is no such dimension.

    Notes
    -----
    Source: ``torch.sum``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.tensor([[1.0, 2.0], [3.0, 4.0]]).sum(dim=1)
    tensor([3., 7.])
    """
    if not isinstance(x, Value):
        x = as_tensor("sum", "x", x)
    xd = x.data
    before = xd.dtype
    if dtype is not None:
        xd = xd.astype(dtypes.as_dtype("sum", dtype), copy=False)
    dims = None if dim is None else _dims("sum", x, dim)
    kind = xd.dtype.kind
    y = state.quiet(_reduce, xd, dims, None if kind == "f" else dtypes.int64, None, keepdim)
    shape = xd.shape

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        dy = repeat_back(dy, shape, dims, keepdim)
        return (dy if dy.dtype == before else dy.astype(before),)

    return record(y, (x,), rule)


def _count(shape: tuple[int, ...], dims: tuple[int, ...] | None) -> int:
    return math.prod(shape) if dims is None else math.prod([shape[d] for d in dims])


def mean(x: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Mean of all elements, or over some dimensions; NaN over nothing.

    Parameters
    ----------
    x : Tensor
    dim : int or tuple of int, optional
        The dimensions to average over; all by default.
    keepdim : bool
        Keep them with size 1.
    dtype : numpy dtype, optional
        To convert `x` to beforehand.

    Returns
    -------
    Tensor

    Raises
    ------
    IndexError
        If there is no such dimension.
    TypeError
        For integers and bool.

    Notes
    -----
    Source: ``torch.mean``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.tensor([[1.0, 2.0], [3.0, 4.0]]).mean()
    tensor(2.5000)
    """
    x = _floating("mean", x, dtype)
    xd = x.data
    dims = None if dim is None else _dims("mean", x, dim)
    shape = xd.shape
    n = _count(shape, dims)
    y = state.quiet(np.true_divide, state.quiet(_reduce, xd, dims, None, None, keepdim), xd.dtype.type(n))

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        return (repeat_back(as_array(dy / n), shape, dims, keepdim),)

    return record(y, (x,), rule)


def _floating(function: str, x: Any, dtype: Any = None) -> Tensor:
    """A tensor of floating-point numbers; integers are an error, as a mean of integers is none."""
    x = as_tensor(function, "x", x)
    if dtype is not None:
        x = x.to(dtypes.as_dtype(function, dtype))
    if x.data.dtype.kind != "f":
        raise bad_type(function, "x", f"of dtype {x.data.dtype}", "float32 or float64")
    return x  # type: ignore[no-any-return]


def _moments(function: str, x: Any, dim: Any, correction: Any, unbiased: Any, keepdim: bool) -> tuple[Any, ...]:
    """The tensor, its dims, deviations from the mean, mean, variance and divisor."""
    if isinstance(dim, bool):  # var(x, unbiased), as in torch
        dim, unbiased = None, dim
    x = _floating(function, x)
    if unbiased is not None:
        correction = 1 if unbiased else 0
    dims = None if dim is None else _dims(function, x, dim)
    xd = x.data

    def compute() -> tuple[Any, Any, Any, float]:
        n = _count(xd.shape, dims)
        mean = _reduce(xd, dims, None, None, True) / xd.dtype.type(n)
        deviation = as_array(xd - mean)
        left = max(n - correction, 0)
        return (
            deviation,
            mean,
            _reduce(deviation * deviation, dims, None, None, True) / xd.dtype.type(left),
            left,
        )

    deviation, mean, var, left = state.quiet(compute)
    axes = tuple(range(xd.ndim)) if dims is None else dims
    if not keepdim:
        mean, var = np.squeeze(mean, axes), np.squeeze(var, axes)
    return x, dims, deviation, mean, as_array(var), left


def var(x: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: float = 1) -> Tensor:
    """Variance of all elements, or over some dimensions: Σ (x − mean)² / (n − correction).

    Parameters
    ----------
    x : Tensor
    dim : int or tuple of int, optional
        The dimensions; all by default.
    unbiased : bool, optional
        True is ``correction=1``, False is ``correction=0``.
    keepdim : bool
        Keep the dimensions with size 1.
    correction : number
        Subtracted from the number of elements.

    Returns
    -------
    Tensor
        NaN where n ≤ correction.

    Raises
    ------
    IndexError
        If there is no such dimension.
    TypeError
        For integers and bool.

    Notes
    -----
    dx = dy · 2 (x − mean) / (n − correction). Source: ``torch.var``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.tensor([1.0, 2.0, 3.0]).var()
    tensor(1.)
    """
    x, dims, deviation, _, y, left = _moments("var", x, dim, correction, unbiased, keepdim)

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        return (repeat_back(dy, deviation.shape, dims, keepdim) * (deviation * (2 / left if left else math.nan)),)

    return record(y, (x,), rule)


def std(x: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: float = 1) -> Tensor:
    """Standard deviation of all elements, or over some dimensions:

    the square root of `var`, with its parameters.

    Notes
    -----
    dx = dy · (x − mean) / ((n − correction) · y), and 0 where y = 0. Source: ``torch.std``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.tensor([1.0, 3.0]).std(unbiased=False)
    tensor(1.)
    """
    x, dims, deviation, _, variance, left = _moments("std", x, dim, correction, unbiased, keepdim)
    y = as_array(np.sqrt(variance))

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        scale = as_array(np.where(y == 0, dy.dtype.type(0), dy / (y * left)))
        return (repeat_back(scale, deviation.shape, dims, keepdim) * deviation,)

    return record(y, (x,), rule, (), True)


def var_mean(
    x: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: float = 1
) -> tuple[Tensor, Tensor]:
    """Variance and mean. Source: ``torch.var_mean``."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    return var(x, dim, unbiased, keepdim, correction=correction), mean(x, dim, keepdim)


def std_mean(
    x: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: float = 1
) -> tuple[Tensor, Tensor]:
    """Standard deviation and mean. Source: ``torch.std_mean``."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    return std(x, dim, unbiased, keepdim, correction=correction), mean(x, dim, keepdim)
