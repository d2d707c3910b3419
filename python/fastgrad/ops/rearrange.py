"""Elements moved within a tensor, or set to zero outside a triangle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad.autograd.graph import record
from fastgrad.errors import bad_value
from fastgrad.ops.operands import as_tensor, check_dims

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = ["flip", "roll", "tril", "triu"]

Array = np.ndarray
Needs = tuple[bool, ...]


def _triangle(function: str, keep: Any, x: Any, diagonal: int) -> Tensor:
    x = as_tensor(function, "x", x)
    if x.data.ndim < 2:
        raise bad_value(function, "x", f"of shape {x.data.shape}", "at least two dimensions")

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        return (keep(dy, diagonal),)

    rule.__qualname__ = function
    return record(keep(x.data, diagonal), (x,), rule)


def tril(x: Any, diagonal: int = 0) -> Tensor:
    """The lower triangle of matrices, zeros above `diagonal`. Source: ``torch.tril``."""
    return _triangle("tril", np.tril, x, diagonal)


def triu(x: Any, diagonal: int = 0) -> Tensor:
    """The upper triangle of matrices, zeros below `diagonal`. Source: ``torch.triu``."""
    return _triangle("triu", np.triu, x, diagonal)


def flip(x: Any, *dims: Any) -> Tensor:
    """A copy with some dimensions reversed.

    Notes
    -----
    Source: ``torch.flip``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.arange(3).flip(0)
    tensor([2, 1, 0])
    """
    x = as_tensor("flip", "x", x)
    axes = check_dims("flip", dims[0] if len(dims) == 1 and isinstance(dims[0], (tuple, list)) else dims, x.data.ndim)

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        return (np.flip(dy, axes),)

    return record(np.flip(x.data, axes).copy(), (x,), rule)


def roll(x: Any, shifts: Any, dims: Any = None) -> Tensor:
    """Elements moved along dimensions (without `dims`:

    in row-major order), those that fall off coming in again at the start.

    Notes
    -----
    Source: ``torch.roll``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.arange(4).roll(1)
    tensor([3, 0, 1, 2])
    """
    x = as_tensor("roll", "x", x)
    axes = None if dims is None else check_dims("roll", dims, x.data.ndim)
    steps = tuple(shifts) if isinstance(shifts, (tuple, list)) else (shifts,)
    if axes is not None and len(steps) != len(axes):
        raise bad_value("roll", "shifts", str(shifts), f"as many as dims={dims}")
    amount: Any = steps if axes is not None else steps[0]
    back = tuple(-s for s in steps) if axes is not None else -steps[0]

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        return (np.roll(dy, back, axes),)

    return record(np.roll(x.data, amount, axes), (x,), rule)
