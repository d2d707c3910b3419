"""Elements in order, and where they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad.arrays import as_array
from fastgrad.autograd.graph import wrap
from fastgrad.errors import bad_value
from fastgrad.ops.extremes import ValuesIndices, check_not_empty, taken
from fastgrad.ops.operands import as_tensor, check_dim

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = ["argsort", "median", "sort", "topk"]

Array = np.ndarray


def _order(x: Array, dim: int, descending: bool) -> Array:
    """Stable in both directions: equal elements keep their order. NaN counts as the largest."""
    if not x.ndim:
        return np.zeros((), np.int64, like=x)
    if not descending:
        return np.argsort(x, axis=dim, kind="stable")
    order = np.argsort(np.flip(x, dim), axis=dim, kind="stable")
    return x.shape[dim] - 1 - np.flip(order, dim)  # type: ignore[no-any-return]


def sort(x: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> ValuesIndices:
    """The elements in order along a dimension, and where they were; equal ones keep their order.

    Notes
    -----
    Source: ``torch.sort``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.tensor([3, 1, 2]).sort().indices
    tensor([1, 2, 0])
    """
    x = as_tensor("sort", "x", x)
    dim = check_dim("sort", dim, x.data.ndim)
    if not x.data.ndim:
        return ValuesIndices(x.clone(), wrap(np.zeros((), np.int64, like=x.data)))
    return taken("sort", x, dim, _order(x.data, dim, descending), True)


def argsort(x: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """The places of the elements in order along a dimension. Source: ``torch.argsort``."""
    x = as_tensor("argsort", "x", x)
    return wrap(as_array(_order(x.data, check_dim("argsort", dim, x.data.ndim), descending)))


def topk(x: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> ValuesIndices:
    """The `k` largest (or smallest) elements along a dimension, in order, and their places.

    Raises
    ------
    ValueError
        If the dimension has fewer elements.

    Notes
    -----
    Source: ``torch.topk``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.tensor([3.0, 1.0, 2.0]).topk(2).values
    tensor([3., 2.])
    """
    x = as_tensor("topk", "x", x)
    dim = check_dim("topk", dim, x.data.ndim)
    size = x.data.shape[dim] if x.data.ndim else 1
    if not 0 <= k <= size:
        raise bad_value("topk", "k", str(k), f"between 0 and {size}")
    if not x.data.ndim:
        return ValuesIndices(x.clone(), wrap(np.zeros((), np.int64, like=x.data)))
    order = _order(x.data, dim, largest)
    return taken("topk", x, dim, np.take(order, range(k), dim), True)


def median(x: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The middle element, the lower of the two for an even number; along a dimension with its place.

    Source: ``torch.median``.

    >>> import fastgrad as fg
    >>> fg.tensor([3.0, 1.0, 2.0, 9.0]).median()
    tensor(2.)
    """
    x = as_tensor("median", "x", x)
    if dim is None:
        return median(x.reshape(-1), 0).values
    dim = check_dim("median", dim, x.data.ndim)
    if not x.data.ndim:
        return ValuesIndices(x.clone(), wrap(np.zeros((), np.int64, like=x.data)))
    check_not_empty("median", x.data, (dim,))
    order = _order(x.data, dim, False)
    middle = np.take(order, [(x.data.shape[dim] - 1) // 2], dim)
    if x.data.dtype.kind == "f":  # a NaN is the median of what it is in; it is sorted to the end
        last = np.take(order, [-1], dim)
        middle = np.where(np.isnan(np.take_along_axis(x.data, last, dim)), last, middle)
    return taken("median", x, dim, middle, keepdim)
