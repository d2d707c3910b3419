"""Dropout with counter-based random numbers: which elements stay depends on seed and position alone."""

from __future__ import annotations

from typing import Any

from fastgrad import backend, random
from fastgrad.autograd.graph import is_recording, record, wrap
from fastgrad.autograd.mode import state
from fastgrad.nn.functional.arguments import as_floating, check_unit
from fastgrad.tensor import Tensor

__all__ = ["dropout"]

xp = backend.xp


def dropout(x: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """Set each element to zero with probability `p` and scale the others by 1 / (1 − p).

    Parameters
    ----------
    x : Tensor
        Any shape.
    p : float
        Probability of a zero, between 0 and 1.
    training : bool
        Whether anything is done at all.

    Returns
    -------
    Tensor
        The shape of `x`; `x` itself where nothing is to be done.

    Raises
    ------
    ValueError
        If `p` is not between 0 and 1.
    TypeError
        If `x` is not floating-point.

    Notes
    -----
    Source: Srivastava et al. 2014, "Dropout"; ``torch.nn.functional.dropout``. The bits do not depend on the
    number of threads; backward makes the mask again instead of keeping it.

    Examples
    --------
    >>> import fastgrad as fg
    >>> _ = fg.manual_seed(0)
    >>> y = fg.nn.functional.dropout(fg.ones(1000), p=0.5)
    >>> sorted(set(y.numpy().tolist()))
    [0.0, 2.0]
    """
    p = check_unit("dropout", "p", p)
    x = as_floating("dropout", "x", x)
    xd = x.data
    if not training or p == 0.0 or xd.size == 0:
        return x
    seed, offset = random.philox_counter(xd.size)

    def masked(array: Any) -> Any:
        if p == 1.0:
            return state.quiet(xp.multiply, array, array.dtype.type(0))
        y = xp.empty(array.shape, array.dtype, like=array)
        backend.kernels.dropout(y, array, p, seed, offset)
        return y

    y = masked(xd)
    if not is_recording(x):
        return wrap(y)

    def rule(dy: Any, needs: tuple[bool, ...]) -> tuple[Any, ...]:
        return (masked(dy),)

    return record(y, (x,), rule)
