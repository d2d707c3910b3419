"""Sums and differences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad.autograd.graph import Value, named, record
from fastgrad.autograd.mode import state
from fastgrad.ops.operands import fit, operate
from fastgrad.ops.products import mul

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = ["add", "rsub", "sub"]

_add, _subtract = np.add, np.subtract
Needs = tuple[bool, ...]
# The classes that go to numpy as they are; bool, numpy's scalars and others take the general way.
_NUMBERS = (float, int)


@named("add")
def _add_rule(dy: np.ndarray, needs: Needs) -> tuple[Any, ...]:
    return dy, dy


@named("add")
def _number_rule(dy: np.ndarray, needs: Needs) -> tuple[Any, ...]:
    return (dy,)


@named("sub")
def _sub_rule(dy: np.ndarray, needs: Needs) -> tuple[Any, ...]:
    return dy, (-dy if needs[1] else None)


@named("rsub")
def _rsub_rule(dy: np.ndarray, needs: Needs) -> tuple[Any, ...]:
    return (-dy,)


def add(x: Any, y: Any, *, alpha: float = 1) -> Tensor:
    """Sum of two tensors: z = x + alpha · y, the shapes broadcast.

    Parameters
    ----------
    x, y : Tensor, ndarray or number
        Of shapes that broadcast.
    alpha : number
        Factor of `y`.

    Returns
    -------
    Tensor
        Of the common shape.

    Raises
    ------
    ValueError
        If the shapes do not broadcast.

    Notes
    -----
    Source: ``torch.add``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.add(fg.tensor([1, 2]), 0.5)
    tensor([1.5000, 2.5000])
    """
    if alpha != 1:
        y = mul(y, alpha)
    if isinstance(x, Value):
        xd = x.data
        if isinstance(y, Value):
            yd = y.data
            if xd.shape == yd.shape and xd.dtype is yd.dtype and type(xd) is type(yd):
                return record(state.quiet(_add, xd, yd), (x, y), _add_rule)
        elif y.__class__ in _NUMBERS and xd.dtype.kind == "f":
            return record(state.quiet(_add, xd, y), (x,), _number_rule)
    z, a, b, _, _ = operate("add", _add, x, y)
    ad, bd = a.data, b.data

    def rule(dy: np.ndarray, needs: Needs) -> tuple[Any, ...]:
        return fit(dy, ad) if needs[0] else None, fit(dy, bd) if needs[1] else None

    return record(z, (a, b), rule)


def sub(x: Any, y: Any, *, alpha: float = 1) -> Tensor:
    """Difference of two tensors: z = x − alpha · y, the shapes broadcast.

    Parameters
    ----------
    x, y : Tensor, ndarray or number
        Of shapes that broadcast.
    alpha : number
        Factor of `y`.

    Returns
    -------
    Tensor
        Of the common shape.

    Raises
    ------
    ValueError
        If the shapes do not broadcast.
    TypeError
        If both are bool.

    Notes
    -----
    Source: ``torch.sub``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.sub(fg.tensor([1.0, 2.0]), fg.tensor([[1.0], [2.0]]))
    tensor([[ 0.,  1.],
            [-1.,  0.]])
    """
    if alpha != 1:
        y = mul(y, alpha)
    if isinstance(x, Value):
        xd = x.data
        if isinstance(y, Value):
            yd = y.data
            if xd.shape == yd.shape and xd.dtype is yd.dtype and type(xd) is type(yd) and xd.dtype.kind == "f":
                return record(state.quiet(_subtract, xd, yd), (x, y), _sub_rule)
        elif y.__class__ in _NUMBERS and xd.dtype.kind == "f":
            return record(state.quiet(_subtract, xd, y), (x,), _number_rule)
    z, a, b, _, _ = operate("sub", _subtract, x, y)
    ad, bd = a.data, b.data

    def rule(dy: np.ndarray, needs: Needs) -> tuple[Any, ...]:
        return fit(dy, ad) if needs[0] else None, -fit(dy, bd) if needs[1] else None

    return record(z, (a, b), rule)


def rsub(x: Any, y: Any, *, alpha: float = 1) -> Tensor:
    """Difference the other way round: z = y − alpha · x.

    Notes
    -----
    Source: ``torch.rsub``; it is what ``2.0 - x`` calls.

    Examples
    --------
    >>> import fastgrad as fg
    >>> 1 - fg.tensor([1.0, 2.0])
    tensor([ 0., -1.])
    """
    if y.__class__ in _NUMBERS and alpha == 1 and isinstance(x, Value) and x.data.dtype.kind == "f":
        return record(state.quiet(_subtract, y, x.data), (x,), _rsub_rule)
    return sub(y, x, alpha=alpha)
