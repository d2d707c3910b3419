"""Products, running sums and products, norms, sums of exponentials."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad import dtypes
from fastgrad.arrays import as_array
from fastgrad.autograd.graph import record
from fastgrad.autograd.mode import state
from fastgrad.errors import bad_type
from fastgrad.ops import extremes
from fastgrad.ops.operands import as_tensor, check_dim, check_dims
from fastgrad.ops.reduction import repeat_back
from fastgrad.ops.reduction import sum as sum_

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = ["cumprod", "cumsum", "diff", "logsumexp", "norm", "prod"]

Array = np.ndarray
Needs = tuple[bool, ...]
_add: Any = np.add.reduce
_multiply: Any = np.multiply.reduce


def _exclusive(x: Array, dim: int) -> Array:
    """For each element the product of all others along `dim`; zeros need no special case."""
    ones = np.ones_like(np.take(x, [0], dim))
    n = x.shape[dim]
    before = np.cumprod(np.concatenate([ones, np.take(x, range(n - 1), dim)], dim), dim)
    turned = np.flip(x, dim)
    after = np.flip(np.cumprod(np.concatenate([ones, np.take(turned, range(n - 1), dim)], dim), dim), dim)
    return before * after


def prod(x: Any, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Product of all elements, or along a dimension.

    Parameters
    ----------
    x : Tensor
    dim : int, optional
        The dimension.
    keepdim : bool
        Keep it with size 1.
    dtype : numpy dtype, optional
        To convert `x` to beforehand; integers and bool become int64 by default.

    Returns
    -------
    Tensor

    Notes
    -----
    The gradient of an element is dy times the product of all others. Source: ``torch.prod``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.tensor([2.0, 3.0]).prod()
    tensor(6.)
    """
    x = as_tensor("prod", "x", x)
    if dtype is not None:
        x = x.to(dtypes.as_dtype("prod", dtype))
    if dim is None:
        return prod(x.reshape(-1), 0)
    xd = x.data
    dim = check_dim("prod", dim, xd.ndim)
    if not xd.ndim:
        return x.clone()  # type: ignore[no-any-return]
    y = state.quiet(lambda: _multiply(xd, dim, None if xd.dtype.kind == "f" else dtypes.int64, None, keepdim))

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        if not xd.size:
            return (np.zeros_like(xd),)
        return ((dy if keepdim else np.expand_dims(dy, dim)) * _exclusive(xd, dim),)

    return record(y, (x,), rule, (x,))


def cumsum(x: Any, dim: int, *, dtype: Any = None) -> Tensor:
    """Running sums along a dimension: y_i = Σ_{j ≤ i} x_j.

    Notes
    -----
    Source: ``torch.cumsum``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.tensor([1.0, 2.0, 3.0]).cumsum(0)
    tensor([1., 3., 6.])
    """
    x = as_tensor("cumsum", "x", x)
    if dtype is not None:
        x = x.to(dtypes.as_dtype("cumsum", dtype))
    xd = x.data
    dim = check_dim("cumsum", dim, xd.ndim)
    if not xd.ndim:
        return x.clone()  # type: ignore[no-any-return]

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        return (np.flip(np.cumsum(np.flip(dy, dim), dim), dim),)

    kind = None if xd.dtype.kind == "f" else dtypes.int64
    return record(state.quiet(lambda: np.cumsum(xd, dim, kind)), (x,), rule)


def cumprod(x: Any, dim: int, *, dtype: Any = None) -> Tensor:
    """Running products along a dimension: y_i = Π_{j ≤ i} x_j.

    Notes
    -----
    dx_j = Σ_{i ≥ j} dy_i Π_{l ≤ i, l ≠ j} x_l, element by element of the dimension. Source:
    ``torch.cumprod``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.tensor([1.0, 2.0, 3.0]).cumprod(0)
    tensor([1., 2., 6.])
    """
    x = as_tensor("cumprod", "x", x)
    if dtype is not None:
        x = x.to(dtypes.as_dtype("cumprod", dtype))
    xd = x.data
    dim = check_dim("cumprod", dim, xd.ndim)
    if not xd.ndim:
        return x.clone()  # type: ignore[no-any-return]

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        a, g = np.moveaxis(xd, dim, 0), np.moveaxis(dy, dim, 0)
        dx = np.zeros_like(a)
        for j in range(len(a)):
            rest = np.concatenate([np.prod(a[:j], 0, keepdims=True), a[j + 1 :]])
            dx[j] = (g[j:] * np.cumprod(rest, 0)).sum(0)
        return (np.moveaxis(dx, 0, dim),)

    kind = None if xd.dtype.kind == "f" else dtypes.int64
    return record(state.quiet(lambda: np.cumprod(xd, dim, kind)), (x,), rule, (x,))


def norm(x: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False) -> Tensor:
    """Vector norm of all elements, or over some dimensions: (Σ \\|x\\|^p)^(1/p).

    Parameters
    ----------
    x : Tensor
    p : number or "fro"
        The order; ``"fro"`` is 2; ``inf`` and ``-inf`` are the largest and smallest absolute value, 0 counts.
    dim : int or tuple of int, optional
        The dimensions; all by default.
    keepdim : bool
        Keep them with size 1.

    Returns
    -------
    Tensor
        Its gradient is 0 where the norm is.

    Raises
    ------
    TypeError
        For integers and bool.

    Notes
    -----
    Source: ``torch.norm``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.tensor([3.0, 4.0]).norm()
    tensor(5.)
    """
    x = as_tensor("norm", "x", x)
    if x.data.dtype.kind != "f":
        raise bad_type("norm", "x", f"of dtype {x.data.dtype}", "float32 or float64")
    p = 2.0 if p in ("fro", None) else float(p)
    if math.isinf(p):
        return (extremes.amax if p > 0 else extremes.amin)(x.abs(), () if dim is None else dim, keepdim)
    if p == 0:
        return sum_((x != 0).to(x.data.dtype), dim, keepdim)
    if p == 1:
        return sum_(x.abs(), dim, keepdim)
    if p != 2:
        return sum_(x.abs() ** p, dim, keepdim) ** (1 / p)  # type: ignore[no-any-return]
    return _euclidean(x, dim, keepdim)


def _euclidean(x: Tensor, dim: Any, keepdim: bool) -> Tensor:
    xd = x.data
    dims = None if dim is None or not xd.ndim else check_dims("norm", dim, xd.ndim)
    y = as_array(state.quiet(lambda: np.sqrt(_add(xd * xd, dims, None, None, keepdim))))

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        scale = as_array(np.where(y == 0, dy.dtype.type(0), dy / y))
        return (xd * repeat_back(scale, xd.shape, dims, keepdim),)

    rule.__qualname__ = "norm"
    return record(y, (x,), rule, (x,), True)


def diff(x: Any, n: int = 1, dim: int = -1) -> Tensor:
    """Differences of neighbours along a dimension, `n` times over. Source: ``torch.diff``.

    >>> import fastgrad as fg
    >>> fg.tensor([1, 4, 9]).diff()
    tensor([3, 5])
    """
    x = as_tensor("diff", "x", x)
    dim = check_dim("diff", dim, x.data.ndim)
    for _ in range(n):
        size = x.data.shape[dim]
        x = x.narrow(dim, min(1, size), max(size - 1, 0)) - x.narrow(dim, 0, max(size - 1, 0))
    return x  # type: ignore[no-any-return]


def logsumexp(x: Any, dim: Any, keepdim: bool = False) -> Tensor:
    """ln Σ e^x over some dimensions, without overflow.

    Parameters
    ----------
    x : Tensor
    dim : int or tuple of int
        The dimensions.
    keepdim : bool
        Keep them with size 1.

    Returns
    -------
    Tensor

    Notes
    -----
    dx = dy · e^(x − y). Source: ``torch.logsumexp``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.tensor([1.0, 1.0]).logsumexp(0)
    tensor(1.6931)
    """
    x = as_tensor("logsumexp", "x", x)
    xd = x.data if x.data.dtype.kind == "f" else x.data.astype(dtypes.get_default_dtype())
    dims = check_dims("logsumexp", dim, xd.ndim) if xd.ndim and dim != () else None
    axes = tuple(range(xd.ndim)) if dims is None else dims

    def compute() -> Any:
        largest = zero = xd.dtype.type(0)
        if all(xd.shape[axis] for axis in axes):
            largest = np.max(xd, axis=axes, keepdims=True)
            largest = np.where(np.isfinite(largest), largest, zero)
        return np.log(_add(np.exp(xd - largest), axes, None, None, True)) + largest

    full = as_array(state.quiet(compute))
    y = full if keepdim else full.squeeze(axes)

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        dx = repeat_back(dy, xd.shape, dims, keepdim) * np.exp(xd - full)
        return (dx if x_dtype == dx.dtype else dx.astype(x_dtype),)

    x_dtype = x.data.dtype
    return record(y, (x,), rule, (x,))
