"""Powers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad import dtypes
from fastgrad.arrays import as_array, check
from fastgrad.autograd.graph import Value, record
from fastgrad.autograd.mode import state
from fastgrad.errors import bad_value
from fastgrad.ops.operands import as_tensor, fit, operate

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = ["pow", "rpow"]

Array = np.ndarray
Needs = tuple[bool, ...]


def pow(x: Any, exponent: Any) -> Tensor:
    """The first operand to the power of the second: z = x^p, the shapes broadcast.

    Parameters
    ----------
    x, exponent : Tensor, ndarray or number
        Of shapes that broadcast.

    Returns
    -------
    Tensor
        Of the common shape.

    Raises
    ------
    ValueError
        If the shapes do not broadcast, or an integer is to be raised to a negative integer power.

    Notes
    -----
    dx = dz · p · x^(p−1), and 0 where p = 0; dp = dz · z · ln x, and 0 where z = 0 because x = 0. Source:
    ``torch.pow``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.tensor([1.0, 2.0, 3.0]) ** 2
    tensor([1., 4., 9.])
    """
    if isinstance(exponent, (int, float)) and not isinstance(exponent, bool) and isinstance(x, Value):
        return _fixed(x, exponent)
    return _general(x, exponent)


def rpow(x: Any, base: Any) -> Tensor:
    """``base ** x``: what the operator calls when the tensor is on its right."""
    return pow(base, x)


def _fixed(x: Value, p: float) -> Tensor:
    """The exponent is a Python number."""
    xd = x.data
    if xd.dtype.kind != "f":
        if isinstance(p, int):
            if p < 0:
                raise bad_value("pow", "exponent", repr(p), "at least 0 for integers")
            dtype = dtypes.int64 if xd.dtype.kind == "b" else xd.dtype
            return record(np.power(xd.astype(dtype, copy=False), p), (x,), _no_rule)
        xd = xd.astype(dtypes.get_default_dtype())
    p = float(p) if not isinstance(p, int) else p
    if p == 2:
        y = state.quiet(np.square, xd)
    elif p == 0.5:
        y = state.quiet(np.sqrt, xd)
    else:
        y = state.quiet(np.power, xd, p)

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        if p == 0:
            return (np.zeros_like(dy),)
        if p == 2:
            return (dy * (xd * 2),)
        return (dy * (np.power(xd, p - 1) * p),)

    rule.__qualname__ = "pow"
    return record(y, (x,), rule, (x,))


def _no_rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
    return (None,)


def _integers(a: Array, b: Array) -> Any:
    if a.dtype.kind == "f":
        return np.power(a, b)
    check(_check_exponent, b)
    return np.power(a, b)


def _check_exponent(b: Array) -> None:
    if (b < 0).any():
        raise bad_value("pow", "exponent", "negative in places", "at least 0 for integers")


def _general(x: Any, exponent: Any) -> Tensor:
    if not isinstance(x, Value) and not isinstance(exponent, Value):
        x = as_tensor("pow", "x", x)
    z, a, b, cx, cp = operate("pow", _integers, x, exponent)
    z = as_array(z)
    ad, bd = a.data, b.data

    def rule(dz: Array, needs: Needs) -> tuple[Any, ...]:
        dx = dp = None
        if needs[0]:
            dx = fit(np.where(cp == 0, dz.dtype.type(0), dz * (cp * np.power(cx, cp - 1))), ad)
        if needs[1]:
            zero = (cx == 0) & (cp >= 0)
            dp = fit(np.where(zero, dz.dtype.type(0), dz * (z * np.log(cx))), bd)
        return dx, dp

    rule.__qualname__ = "pow"
    return record(z, (a, b), rule, (a, b), b.node is not None)
