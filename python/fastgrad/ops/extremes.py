"""The largest and the smallest, where they are, and sorting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fastgrad.arrays import as_array
from fastgrad.autograd.graph import Value, record, wrap
from fastgrad.errors import bad_value
from fastgrad.ops.operands import as_tensor, check_dim, check_dims
from fastgrad.ops.products import maximum, minimum
from fastgrad.ops.reduction import repeat_back

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = [
    "ValuesIndices",
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "count_nonzero",
    "max",
    "min",
]

Array = np.ndarray
Needs = tuple[bool, ...]
_reduce: Any = np.add.reduce


class ValuesIndices(NamedTuple):
    """Values and the places (int64) where they were found."""

    values: Any
    indices: Any


def check_not_empty(function: str, x: Array, dims: tuple[int, ...]) -> None:
    if any_zero := [d for d in dims if x.ndim and x.shape[d] == 0]:
        raise bad_value(function, "x", f"of shape {x.shape}", f"a size greater than 0 in dimension {any_zero[0]}")


def _whole(function: str, reduce: Any, x: Tensor, dims: tuple[int, ...], keepdim: bool) -> Tensor:
    """The extremum over `dims`; elements that share it share the gradient."""
    xd = x.data
    check_not_empty(function, xd, dims)
    axes = dims if xd.ndim else ()
    full = as_array(reduce(xd, axis=axes, keepdims=True)) if axes else xd.copy()
    y = full if keepdim or not axes else full.squeeze(axes)

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        chosen = (xd == full) | (np.isnan(full) & np.isnan(xd))
        count = _reduce(chosen, axes, dy.dtype, None, True) if axes else 1
        return (chosen * (repeat_back(dy, xd.shape, axes, keepdim) / count).astype(dy.dtype, copy=False),)

    rule.__qualname__ = function
    return record(y, (x,), rule, (x,), True)


def _along(function: str, find: Any, x: Tensor, dim: int, keepdim: bool) -> ValuesIndices:
    """The extremum along one dimension and its place; the first of equals gets the gradient."""
    xd = x.data
    dim = check_dim(function, dim, xd.ndim)
    if not xd.ndim:
        return ValuesIndices(x.clone(), wrap(np.zeros((), np.int64, like=xd)))
    check_not_empty(function, xd, (dim,))
    index = np.expand_dims(find(xd, axis=dim), dim)
    return taken(function, x, dim, index, keepdim)


def taken(function: str, x: Tensor, dim: int, index: Array, keepdim: bool) -> ValuesIndices:
    """Values of `x` at `index` along `dim`, recorded."""
    xd = x.data
    values = np.take_along_axis(xd, index, dim)

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        dx = np.zeros(xd.shape, xd.dtype, like=dy)
        np.put_along_axis(dx, index, dy if keepdim else np.expand_dims(dy, dim), dim)
        return (dx,)

    rule.__qualname__ = function
    if not keepdim:
        values = values.squeeze(dim)
    return ValuesIndices(record(values, (x,), rule), wrap(as_array(index if keepdim else index.squeeze(dim))))


def _extremum(function: str, reduce: Any, find: Any, pairwise: Any, x: Any, dim: Any, keepdim: bool, other: Any) -> Any:
    if isinstance(dim, Value):
        other = dim
    if other is not None:
        return pairwise(x, other)
    x = as_tensor(function, "x", x)
    if dim is None:
        if not x.data.size:
            raise bad_value(function, "x", f"of shape {x.data.shape}", "at least one element")
        return _whole(function, reduce, x, tuple(range(x.data.ndim)), False)
    return _along(function, find, x, dim, keepdim)


def max(x: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """The largest element;

    or along a dimension the largest elements and their places; or of two tensors `maximum`.

    Parameters
    ----------
    x : Tensor
    dim : int, optional
        The dimension; or a second tensor.
    keepdim : bool
        Keep the dimension with size 1.

    Returns
    -------
    Tensor, or named tuple (values, indices)
        Without `dim` a tensor, and equal largest elements share the gradient; with it the first of them has
        it all.

    Raises
    ------
    ValueError
        If there is nothing to choose from.
    IndexError
        If there is no such dimension.

    Notes
    -----
    NaN counts as the largest. Source: ``torch.max``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> values, indices = fg.tensor([[1, 5], [7, 2]]).max(dim=1)
    >>> values, indices
    (tensor([5, 7]), tensor([1, 0]))
    """
    return _extremum("max", np.max, np.argmax, maximum, x, dim, keepdim, other)


def min(x: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """The smallest element, or elements and places, or `minimum`; as `max`. Source: ``torch.min``.

    >>> import fastgrad as fg
    >>> fg.tensor([[1, 5], [7, 2]]).min()
    tensor(1)
    """
    return _extremum("min", np.min, np.argmin, minimum, x, dim, keepdim, other)


def amax(x: Any, dim: Any = (), keepdim: bool = False) -> Tensor:
    """The largest elements over some dimensions (all by default); equal ones share the gradient.

    Source: ``torch.amax``.

    >>> import fastgrad as fg
    >>> fg.tensor([[1, 5], [7, 2]]).amax(0)
    tensor([7, 5])
    """
    x = as_tensor("amax", "x", x)
    return _whole("amax", np.max, x, check_dims("amax", dim, x.data.ndim), keepdim)


def amin(x: Any, dim: Any = (), keepdim: bool = False) -> Tensor:
    """The smallest elements over some dimensions (all by default); equal ones share the gradient.

    Source: ``torch.amin``.
    """
    x = as_tensor("amin", "x", x)
    return _whole("amin", np.min, x, check_dims("amin", dim, x.data.ndim), keepdim)


def _place(function: str, find: Any, x: Any, dim: Any, keepdim: bool) -> Tensor:
    x = as_tensor(function, "x", x)
    xd = x.data
    if dim is None:
        check_not_empty(function, xd, tuple(range(xd.ndim)))
        return wrap(as_array(find(xd)).reshape((1,) * xd.ndim if keepdim else ()))
    dim = check_dim(function, dim, xd.ndim)
    check_not_empty(function, xd, (dim,))
    return wrap(as_array(find(xd, axis=dim, keepdims=keepdim) if xd.ndim else np.zeros((), np.int64, like=xd)))


def argmax(x: Any, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The place of the largest element, in row-major order, or along a dimension; the first of equals.

    Source: ``torch.argmax``.

    >>> import fastgrad as fg
    >>> fg.tensor([[1, 5], [7, 2]]).argmax(dim=1)
    tensor([1, 0])
    """
    return _place("argmax", np.argmax, x, dim, keepdim)


def argmin(x: Any, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The place of the smallest element, in row-major order, or along a dimension; the first of equals.

    Source: ``torch.argmin``.
    """
    return _place("argmin", np.argmin, x, dim, keepdim)


def _truth(function: str, reduce: Any, x: Any, dim: Any, keepdim: bool) -> Tensor:
    x = as_tensor(function, "x", x)
    axes = check_dims(function, dim, x.data.ndim) if x.data.ndim else None
    y = as_array(reduce(x.data, axis=axes, keepdims=keepdim))
    return wrap(y.astype(np.uint8) if x.data.dtype == np.uint8 else y)


def all(x: Any, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether all elements are not 0, altogether or over dimensions. Source: ``torch.all``.

    >>> import fastgrad as fg
    >>> fg.tensor([[True, False], [True, True]]).all(dim=1)
    tensor([False,  True])
    """
    return _truth("all", np.all, x, dim, keepdim)


def any(x: Any, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether at least one element is not 0, altogether or over dimensions. Source: ``torch.any``."""
    return _truth("any", np.any, x, dim, keepdim)


def count_nonzero(x: Any, dim: Any = None) -> Tensor:
    """How many elements are not 0, altogether or over dimensions. Source: ``torch.count_nonzero``."""
    x = as_tensor("count_nonzero", "x", x)
    axes = check_dims("count_nonzero", dim, x.data.ndim) if x.data.ndim else None
    return wrap(as_array(np.count_nonzero(x.data, axis=axes)))
