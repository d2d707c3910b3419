"""Elements picked by tensors of places or truth values along dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad.arrays import as_array, check, scattered
from fastgrad.autograd.graph import record
from fastgrad.devices import check_same
from fastgrad.errors import bad_index, bad_type, bad_value
from fastgrad.ops.indexing import getitem
from fastgrad.ops.operands import as_tensor, check_dim

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = ["gather", "index_select", "masked_select", "take_along_dim"]

Array = np.ndarray
Needs = tuple[bool, ...]


def index_select(x: Any, dim: int, index: Any) -> Tensor:
    """A copy of `x` with the places of dimension `dim` that the one-dimensional `index` lists.

    Notes
    -----
    Source: ``torch.index_select``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.tensor([[1, 2, 3]]).index_select(1, fg.tensor([2, 0]))
    tensor([[3, 1]])
    """
    x, index = as_tensor("index_select", "x", x), as_tensor("index_select", "index", index)
    dim = check_dim("index_select", dim, x.data.ndim)
    if index.data.ndim > 1 or index.data.dtype.kind != "i":
        raise bad_value("index_select", "index", f"{index.dtype} of shape {index.shape}", "integers in one dimension")
    return getitem(x, (*(slice(None),) * dim, index.data.reshape(-1)))


def _index_grid(function: str, x: Array, dim: int, index: Any) -> tuple[Any, ...]:
    """For each element of `index` the place in `x` it stands for: its own, but along `dim` what it says."""
    index = as_tensor(function, "index", index).data
    check_same(function, x=x, index=index)
    if index.dtype.kind != "i":
        raise bad_type(function, "index", f"of dtype {index.dtype}", "int64")
    n = max(x.ndim, 1)
    if max(index.ndim, 1) != n or any(
        a > b for d, (a, b) in enumerate(zip(index.shape, x.shape, strict=False)) if d != dim
    ):
        raise bad_value(function, "index", f"of shape {index.shape}", f"at most {x.shape} except in dimension {dim}")
    size = x.shape[dim] if x.ndim else 1

    def check_range(index: Array) -> None:
        if index.size and (index.min() < 0 or index.max() >= size):
            wrong = index[(index < 0) | (index >= size)].reshape(-1)[0]
            raise bad_index(function, "index", str(wrong), f"between 0 and {size - 1}")

    check(check_range, index)
    if not index.ndim or not x.ndim:
        return (index.reshape(x.shape),) if x.ndim else ()
    grid: list[Any] = list(np.ogrid[tuple(slice(m) for m in index.shape)]) if index.ndim > 1 else [None]
    grid[dim] = index
    return tuple(grid)


def gather(x: Any, dim: int, index: Any) -> Tensor:
    """Elements of `x` whose places along `dim` are given: y[i, j] = x[index[i, j], j] for ``dim=0``.

    Parameters
    ----------
    x : Tensor
    dim : int
    index : Tensor
        Integers, of as many dimensions as `x`, no larger than `x` in the other ones.

    Returns
    -------
    Tensor
        Of the shape of `index`.

    Raises
    ------
    IndexError
        If an index is out of range.
    ValueError
        If the shapes do not fit.

    Notes
    -----
    Source: ``torch.gather``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.tensor([[1, 2], [3, 4]]).gather(1, fg.tensor([[0], [1]]))
    tensor([[1],
            [4]])
    """
    x = as_tensor("gather", "x", x)
    dim = check_dim("gather", dim, x.data.ndim)
    grid = _index_grid("gather", x.data, dim, index)
    shape = x.data.shape

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        return (scattered(shape, grid, dy),)

    return record(as_array(x.data[grid]), (x,), rule)


def take_along_dim(x: Any, index: Any, dim: int | None = None) -> Tensor:
    """As `gather`, the other dimensions broadcast; over the flattened `x` without `dim`.

    Source: ``torch.take_along_dim``.
    """
    x, index = as_tensor("take_along_dim", "x", x), as_tensor("take_along_dim", "index", index)
    if dim is None:
        return gather(x.reshape(-1), 0, index.reshape(-1))
    dim = check_dim("take_along_dim", dim, x.data.ndim)
    lengths = [max(a, b) for a, b in zip(x.data.shape, index.data.shape, strict=True)]
    lengths[dim] = -1
    return gather(x.expand(*lengths), dim, index.expand(*lengths))


def masked_select(x: Any, mask: Any) -> Tensor:
    """The elements of `x` where `mask` is true, in one dimension; the shapes broadcast.

    Source: ``torch.masked_select``.
    """
    x, mask = as_tensor("masked_select", "x", x), as_tensor("masked_select", "mask", mask)
    if mask.data.dtype.kind != "b":
        raise bad_type("masked_select", "mask", f"of dtype {mask.data.dtype}", "bool")
    shape = np.broadcast_shapes(x.data.shape, mask.data.shape)
    return getitem(x.expand(*shape), mask.expand(*shape))
