"""Elements repeated, with copies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad.arrays import to_host
from fastgrad.errors import bad_value
from fastgrad.ops.indexing import getitem
from fastgrad.ops.operands import as_tensor, check_dim

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = ["repeat", "repeat_interleave", "tile"]


def repeat(x: Any, *sizes: Any) -> Tensor:
    """A copy of the tensor set side by side `sizes` times along each dimension;

    further dimensions may come in front.

    Notes
    -----
    Source: ``torch.Tensor.repeat``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    x = as_tensor("repeat", "x", x)
    times = tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else sizes
    if len(times) < x.data.ndim or any(n < 0 for n in times):
        raise bad_value("repeat", "sizes", str(times), f"a number of at least 0 for each of {x.data.ndim} dimensions")
    shape = (1,) * (len(times) - x.data.ndim) + x.data.shape
    # Every size n repeated m times is a pair (m, n), of which the copies are the first.
    pairs = [length for pair in zip(times, shape, strict=True) for length in pair]
    ones = [length for n in shape for length in (1, n)]
    return x.reshape(ones).expand(pairs).reshape([m * n for m, n in zip(times, shape, strict=True)]).clone()  # type: ignore[no-any-return]


def tile(x: Any, *dims: Any) -> Tensor:
    """As `repeat`; missing counts in front are 1. Source: ``torch.tile``."""
    x = as_tensor("tile", "x", x)
    times = tuple(dims[0]) if len(dims) == 1 and isinstance(dims[0], (tuple, list)) else dims
    return repeat(x, (1,) * (x.data.ndim - len(times)) + tuple(times))


def repeat_interleave(x: Any, repeats: Any, dim: int | None = None) -> Tensor:
    """A copy with every element along `dim` (without it: of the flattened tensor) `repeats` times in a row.

    Notes
    -----
    Source: ``torch.repeat_interleave``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.tensor([1, 2]).repeat_interleave(2)
    tensor([1, 1, 2, 2])
    """
    x = as_tensor("repeat_interleave", "x", x)
    if dim is None:
        x, dim = x.reshape(-1), 0
    dim = check_dim("repeat_interleave", dim, x.data.ndim)
    counts = repeats if isinstance(repeats, int) else to_host(as_tensor("repeat_interleave", "repeats", repeats).data)
    index = np.repeat(np.arange(x.data.shape[dim]), counts)
    return getitem(x, (*(slice(None),) * dim, index))
