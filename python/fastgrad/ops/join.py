"""Several tensors made into one, and one into several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad import dtypes
from fastgrad.arrays import as_array, is_on_device
from fastgrad.autograd.graph import record
from fastgrad.devices import check_same
from fastgrad.errors import bad_type, bad_value
from fastgrad.ops.indexing import getitem, select
from fastgrad.ops.operands import as_tensor, check_dim

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = [
    "cat",
    "chunk",
    "hstack",
    "split",
    "stack",
    "unbind",
    "vstack",
]

Array = np.ndarray
Needs = tuple[bool, ...]


def _several(function: str, tensors: Any) -> list[Tensor]:
    if not isinstance(tensors, (list, tuple)) and not hasattr(tensors, "__iter__"):
        raise bad_type(function, "tensors", f"a {type(tensors).__name__}", "a sequence of Tensors")
    found = [as_tensor(function, f"tensors[{i}]", t) for i, t in enumerate(tensors)]
    if not found:
        raise bad_value(function, "tensors", "empty", "at least one Tensor")
    return found


def _common(function: str, tensors: list[Tensor]) -> list[Array]:
    """Their arrays in one dtype."""
    if any([is_on_device(t.data) for t in tensors]):
        check_same(function, **{f"tensors[{i}]": t.data for i, t in enumerate(tensors)})
    dtype = tensors[0].data.dtype
    for t in tensors[1:]:
        if t.data.dtype != dtype:
            dtype = dtypes.promote(dtype, t.data.dtype)
    return [t.data if t.data.dtype == dtype else t.data.astype(dtype) for t in tensors]


def cat(tensors: Any, dim: int = 0) -> Tensor:
    """Tensors one after the other along a dimension that they have.

    Parameters
    ----------
    tensors : sequence of Tensor
        Of equal shapes but in dimension `dim`; one-dimensional ones without elements are left out.
    dim : int
        The dimension.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If there are none or the shapes do not fit.
    IndexError
        If there is no such dimension.

    Notes
    -----
    Source: ``torch.cat``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.cat([fg.tensor([1, 2]), fg.tensor([3])])
    tensor([1, 2, 3])
    """
    given = _several("cat", tensors)
    found = [t for t in given if t.data.shape != (0,)] or given
    arrays = _common("cat", given)
    kept = [a for t, a in zip(given, arrays, strict=True) if any(t is f for f in found)]
    first = kept[0]
    if not first.ndim:
        raise bad_value("cat", "tensors", "without dimensions", "tensors of at least one dimension; see stack")
    dim = check_dim("cat", dim, first.ndim)
    for i, a in enumerate(kept):
        if a.ndim != first.ndim or a.shape[:dim] + a.shape[dim + 1 :] != first.shape[:dim] + first.shape[dim + 1 :]:
            raise bad_value(
                "cat",
                f"tensors[{i}]",
                f"of shape {a.shape}",
                f"shape {first.shape} except in dimension {dim}",
            )
    ends = np.cumsum([a.shape[dim] for a in kept]).tolist()
    kinds = [t.data.dtype for t in found]

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        before = (slice(None),) * dim
        parts = []
        for start, end, kind, need in zip([0, *ends], ends, kinds, needs, strict=False):
            place = (*before, slice(start, end))
            parts.append(dy[place].astype(kind, copy=False) if need else None)
        return tuple(parts)

    return record(np.concatenate(kept, dim), tuple(found), rule)


def stack(tensors: Any, dim: int = 0) -> Tensor:
    """Tensors of one shape along a new dimension.

    Parameters
    ----------
    tensors : sequence of Tensor
        Of equal shapes.
    dim : int
        The place of the new dimension.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If there are none or the shapes differ.
    IndexError
        If `dim` is no place in the result.

    Notes
    -----
    Source: ``torch.stack``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.stack([fg.tensor([1, 2]), fg.tensor([3, 4])], dim=1)
    tensor([[1, 3],
            [2, 4]])
    """
    found = _several("stack", tensors)
    arrays = _common("stack", found)
    shape = arrays[0].shape
    for i, a in enumerate(arrays):
        if a.shape != shape:
            raise bad_value("stack", f"tensors[{i}]", f"of shape {a.shape}", f"shape {shape}, that of the first")
    dim = check_dim("stack", dim, len(shape) + 1)
    kinds = [t.data.dtype for t in found]

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        parts = np.moveaxis(dy, dim, 0)
        pairs = zip(parts, kinds, needs, strict=True)
        return tuple([as_array(part).astype(kind, copy=False) if need else None for part, kind, need in pairs])

    return record(np.stack(arrays, dim), tuple(found), rule)


def vstack(tensors: Any) -> Tensor:
    """Tensors below each other, vectors as rows. Source: ``torch.vstack``."""
    found = _several("vstack", tensors)
    return cat([t.reshape(1, -1) if t.ndim < 2 else t for t in found], 0)


def hstack(tensors: Any) -> Tensor:
    """Tensors beside each other, vectors end to end. Source: ``torch.hstack``."""
    found = [t.reshape(1) if t.ndim == 0 else t for t in _several("hstack", tensors)]
    return cat(found, 0 if found[0].ndim == 1 else 1)


def split(x: Any, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of consecutive parts along a dimension.

    Parameters
    ----------
    x : Tensor
    split_size_or_sections : int or list of int
        The size of each part, the last one perhaps smaller; or all sizes.
    dim : int
        The dimension.

    Returns
    -------
    tuple of Tensor

    Raises
    ------
    ValueError
        If the size is not positive, or sizes do not add up to that of the dimension.

    Notes
    -----
    Source: ``torch.split``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.arange(5).split(2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    x = as_tensor("split", "x", x)
    dim = check_dim("split", dim, x.data.ndim)
    if not x.data.ndim:
        raise bad_value("split", "x", "without dimensions", "at least one dimension")
    n = x.data.shape[dim]
    if isinstance(split_size_or_sections, (list, tuple)):
        sizes = [int(size) for size in split_size_or_sections]
        if sum(sizes) != n or any(size < 0 for size in sizes):
            raise bad_value("split", "split_size_or_sections", str(sizes), f"sizes that add up to {n}")
    else:
        size = split_size_or_sections
        if size < 0 or (size == 0 and n):
            raise bad_value("split", "split_size_or_sections", str(size), "at least 1")
        sizes = [min(size, n - start) for start in range(0, n, size)] if n else [0]
    before = (slice(None),) * dim
    ends = np.cumsum(sizes).tolist()
    return tuple([getitem(x, (*before, slice(end - size, end))) for size, end in zip(sizes, ends, strict=True)])


def chunk(x: Any, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of at most `chunks` parts of equal size along a dimension, the last one perhaps smaller.

    Raises
    ------
    ValueError
        If `chunks` is not positive.

    Notes
    -----
    Source: ``torch.chunk``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.arange(5).chunk(2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    x = as_tensor("chunk", "x", x)
    if chunks < 1:
        raise bad_value("chunk", "chunks", str(chunks), "at least 1")
    dim = check_dim("chunk", dim, x.data.ndim)
    n = x.data.shape[dim] if x.data.ndim else 1
    return split(x, [0] * chunks if n == 0 else -(-n // chunks), dim)


def unbind(x: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Views at every place of a dimension, without it. Source: ``torch.unbind``."""
    x = as_tensor("unbind", "x", x)
    dim = check_dim("unbind", dim, x.data.ndim)
    return tuple([select(x, dim, i) for i in range(x.data.shape[dim])])
