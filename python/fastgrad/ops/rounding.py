"""Functions whose gradient is zero almost everywhere: rounding, remainders' quotients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad.arrays import check
from fastgrad.autograd.graph import record
from fastgrad.errors import bad_value
from fastgrad.ops.operands import as_tensor, fit, operate

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = [
    "ceil",
    "floor",
    "floor_divide",
    "fmod",
    "remainder",
    "rfloor_divide",
    "round",
    "rounded_quotient",
    "rremainder",
    "trunc",
]

Needs = tuple[bool, ...]


def _zero_rule(dy: np.ndarray, needs: Needs) -> tuple[Any, ...]:
    return (np.zeros_like(dy),)


def _rounded(function: str, ufunc: Any, x: Any) -> Tensor:
    x = as_tensor(function, "x", x)
    xd = x.data
    return record(xd.copy() if xd.dtype.kind != "f" else ufunc(xd), (x,), _zero_rule)


def floor(x: Any) -> Tensor:
    """The largest integer not above each element. Its gradient is 0. Source: ``torch.floor``.

    >>> import fastgrad as fg
    >>> fg.floor(fg.tensor([1.5, -1.5]))
    tensor([ 1., -2.])
    """
    return _rounded("floor", np.floor, x)


def ceil(x: Any) -> Tensor:
    """The smallest integer not below each element. Its gradient is 0. Source: ``torch.ceil``.

    >>> import fastgrad as fg
    >>> fg.ceil(fg.tensor([1.5, -1.5]))
    tensor([ 2., -1.])
    """
    return _rounded("ceil", np.ceil, x)


def trunc(x: Any) -> Tensor:
    """Each element without its fraction. Its gradient is 0. Source: ``torch.trunc``.

    >>> import fastgrad as fg
    >>> fg.trunc(fg.tensor([1.5, -1.5]))
    tensor([ 1., -1.])
    """
    return _rounded("trunc", np.trunc, x)


def round(x: Any, *, decimals: int = 0) -> Tensor:
    """The nearest number of `decimals` decimals, half to even. Its gradient is 0. Source: ``torch.round``.

    >>> import fastgrad as fg
    >>> fg.round(fg.tensor([0.5, 1.5, 2.6]))
    tensor([0., 2., 3.])
    """
    return _rounded("round", lambda xd: np.round(xd, decimals), x)


def check_divisor(function: str, b: np.ndarray) -> None:
    """Raise if integers are to be divided by zero."""

    def check_zero(b: np.ndarray) -> None:
        if (b == 0).any():
            raise ZeroDivisionError(f"{function}(): an integer is divided by zero")

    check(check_zero, b)


def rounded_quotient(x: Any, y: Any, mode: str) -> Tensor:
    """x / y rounded towards zero (``"trunc"``) or downwards (``"floor"``); see `div`."""
    if mode not in ("trunc", "floor"):
        raise bad_value("div", "rounding_mode", repr(mode), "None, 'trunc' or 'floor'")

    def divide(a: np.ndarray, b: np.ndarray) -> Any:
        if a.dtype.kind == "f":
            return np.floor_divide(a, b) if mode == "floor" else np.trunc(a / b)
        if a.size:
            check_divisor("div", b)
        q = np.floor_divide(a, b)
        return q if mode == "floor" else q + ((q < 0) & (q * b != a)).astype(q.dtype)

    z, a, b, _, _ = operate("div", divide, x, y)
    ad, bd = a.data, b.data

    def rule(dz: np.ndarray, needs: Needs) -> tuple[Any, ...]:
        return np.zeros_like(ad) if needs[0] else None, np.zeros_like(bd) if needs[1] else None

    rule.__qualname__ = "div"
    return record(z, (a, b), rule)


def floor_divide(x: Any, y: Any) -> Tensor:
    """x / y rounded downwards; what ``x // y`` calls. Its gradient is 0. Source: ``torch.floor_divide``.

    >>> import fastgrad as fg
    >>> fg.tensor([7.0, -7.0]) // 2
    tensor([ 3., -4.])
    """
    return rounded_quotient(x, y, "floor")


def rfloor_divide(x: Any, y: Any) -> Tensor:
    """``y // x``: what the operator calls when the tensor is on its right."""
    return rounded_quotient(y, x, "floor")


def _remainder(function: str, ufunc: Any, x: Any, y: Any) -> Tensor:
    def divide(a: np.ndarray, b: np.ndarray) -> Any:
        if a.dtype.kind != "f" and a.size:
            check_divisor(function, b)
        return ufunc(a, b)

    z, a, b, cx, cy = operate(function, divide, x, y)
    ad, bd = a.data, b.data

    def rule(dz: np.ndarray, needs: Needs) -> tuple[Any, ...]:
        if not needs[1]:
            return fit(dz, ad), None
        quotient = np.floor_divide(cx, cy) if function == "remainder" else np.trunc(cx / cy)
        return fit(dz, ad) if needs[0] else None, fit(-dz * quotient, bd)

    rule.__qualname__ = function
    return record(z, (a, b), rule, () if b.node is None else (a, b))


def remainder(x: Any, y: Any) -> Tensor:
    """What is left of x after taking whole multiples of y, with the sign of y; what ``x % y`` calls.

    Notes
    -----
    dx = dz, dy = −dz · ⌊x / y⌋. Source: ``torch.remainder``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.tensor([7.0, -7.0]) % 4
    tensor([3., 1.])
    """
    return _remainder("remainder", np.remainder, x, y)


def fmod(x: Any, y: Any) -> Tensor:
    """What is left of x after taking whole multiples of y, with the sign of x. Source: ``torch.fmod``.

    >>> import fastgrad as fg
    >>> fg.fmod(fg.tensor([7.0, -7.0]), 4)
    tensor([ 3., -3.])
    """
    return _remainder("fmod", np.fmod, x, y)


def rremainder(x: Any, y: Any) -> Tensor:
    """``y % x``: what the operator calls when the tensor is on its right."""
    return remainder(y, x)
