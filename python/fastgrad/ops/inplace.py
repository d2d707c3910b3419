"""Arithmetic in place; the names end in an underscore."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad import dtypes
from fastgrad.arrays import clip_into, full, is_writable
from fastgrad.autograd.graph import Value
from fastgrad.autograd.mode import state
from fastgrad.errors import bad_type, bad_value
from fastgrad.ops.change import change
from fastgrad.ops.operands import binary_operands, fit
from fastgrad.ops.products import mul

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = ["add_", "check_broadcast", "clamp_", "div_", "mul_", "neg_", "pow_", "sub_"]

Array = np.ndarray
Needs = tuple[bool, ...]


def check_broadcast(function: str, x: Array, y: Array, name: str = "y") -> None:
    """Raise unless `y` can be repeated to the shape of `x`."""
    a, b = x.shape, y.shape
    if a != b and (len(b) > len(a) or any(n not in (1, m) for m, n in zip(a[len(a) - len(b) :], b, strict=True))):
        raise bad_value(function, name, f"of shape {b}", f"a shape that broadcasts to {a}, the shape of x")


def _prepare(
    function: str, ufunc: Any, x: Any, y: Any, floating: bool = False
) -> tuple[Callable[[], Any], Tensor, Array, Array, tuple[Value, ...]]:
    """How to write ``ufunc(x, y)`` into x;

    y as a tensor; x and y in the result's dtype; what the rule reads of y.
    """
    _, b, xd, yd = binary_operands(function, x, y, floating)
    data = x.data
    if dtypes.category(xd.dtype) > dtypes.category(data.dtype):
        raise bad_type(function, "x", f"of dtype {data.dtype}", f"a dtype to which the result's {xd.dtype} can be cast")
    check_broadcast(function, data, yd)
    if b.version is x.version:
        yd = yd.copy()

    def write() -> None:
        state.quiet(ufunc, xd, yd, out=data, casting="unsafe")

    return write, b, xd, yd, () if b.version is x.version else (b,)


def _quickly(ufunc: Any, x: Any, y: Any) -> bool:
    """Do it at once, if nothing has to be converted or recorded; say whether that was so."""
    xd = x.data
    if xd.dtype.kind != "f" or not is_writable(xd) or (state.enabled and x.node is not None):
        return False
    if isinstance(y, Value):
        yd = y.data
        if yd.dtype is not xd.dtype or yd.shape != xd.shape or type(yd) is not type(xd):
            return False
        if state.enabled and y.node is not None:
            return False
        state.quiet(ufunc, xd, yd, xd)
    elif y.__class__ is float or y.__class__ is int:
        state.quiet(ufunc, xd, y, xd)
    else:
        return False
    x.version.count += 1
    return True


def add_(x: Any, y: Any, *, alpha: float = 1) -> Tensor:
    """Add to a tensor in place: x ← x + alpha · y.

    Parameters
    ----------
    x : Tensor
        What is changed.
    y : Tensor, ndarray or number
        Of a shape that broadcasts to that of `x`.
    alpha : number
        Factor of `y`.

    Returns
    -------
    Tensor
        `x`.

    Raises
    ------
    RuntimeError
        If operations are recorded and `x` is a leaf that requires a gradient.
    ValueError
        If `y` does not broadcast to `x` or the memory of `x` is read-only.
    TypeError
        If the result cannot be cast to the dtype of `x`.

    Notes
    -----
    Source: ``torch.Tensor.add_``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> x = fg.tensor([1.0, 2.0])
    >>> x.add_(1, alpha=0.5)
    tensor([1.5000, 2.5000])
    """
    if alpha != 1:
        y = mul(y, alpha)
    if _quickly(np.add, x, y):
        return x  # type: ignore[no-any-return]
    write, b, _, _, _ = _prepare("add_", np.add, x, y)
    bd = b.data

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        return dy, fit(dy, bd) if needs[1] else None

    rule.__qualname__ = "add"
    return change("add_", x, write, (b,), rule)


def sub_(x: Any, y: Any, *, alpha: float = 1) -> Tensor:
    """Subtract in place: x ← x − alpha · y; otherwise as `add_`. Source: ``torch.Tensor.sub_``.

    >>> import fastgrad as fg
    >>> fg.tensor([1.0, 2.0]).sub_(1)
    tensor([0., 1.])
    """
    if alpha != 1:
        y = mul(y, alpha)
    if _quickly(np.subtract, x, y):
        return x  # type: ignore[no-any-return]
    write, b, _, _, _ = _prepare("sub_", np.subtract, x, y)
    bd = b.data

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        return dy, -fit(dy, bd) if needs[1] else None

    rule.__qualname__ = "sub"
    return change("sub_", x, write, (b,), rule)


def mul_(x: Any, y: Any) -> Tensor:
    """Multiply in place: x ← x · y; otherwise as `add_`. Source: ``torch.Tensor.mul_``.

    >>> import fastgrad as fg
    >>> fg.tensor([1.0, 2.0]).mul_(3)
    tensor([3., 6.])
    """
    if _quickly(np.multiply, x, y):
        return x  # type: ignore[no-any-return]
    write, b, xd, yd, reads = _prepare("mul_", np.multiply, x, y)
    ad, bd = x.data, b.data
    # The factor's gradient reads x as it was.
    old = xd.copy() if state.enabled and b.node is not None else xd

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        return fit(dy * yd, ad) if needs[0] else None, fit(dy * old, bd) if needs[1] else None

    rule.__qualname__ = "mul"
    return change("mul_", x, write, (b,), rule, reads if x.node is not None else ())


def div_(x: Any, y: Any) -> Tensor:
    """Divide in place: x ← x / y; otherwise as `add_`. Source: ``torch.Tensor.div_``.

    >>> import fastgrad as fg
    >>> fg.tensor([1.0, 2.0]).div_(2)
    tensor([0.5000, 1.0000])
    """
    if _quickly(np.true_divide, x, y):
        return x  # type: ignore[no-any-return]
    write, b, xd, yd, reads = _prepare("div_", np.true_divide, x, y, floating=True)
    ad, bd = x.data, b.data
    old = xd.copy() if state.enabled and b.node is not None else xd

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        dx = dy / yd
        return fit(dx, ad) if needs[0] else None, fit(-dx * (old / yd), bd) if needs[1] else None

    rule.__qualname__ = "div"
    return change("div_", x, write, (b,), rule, reads)


def pow_(x: Any, exponent: float) -> Tensor:
    """Raise to the power of a number in place: x ← x^p. Source: ``torch.Tensor.pow_``."""
    if not isinstance(exponent, (int, float)):
        raise bad_type("pow_", "exponent", f"a {type(exponent).__name__}", "a number")
    old = x.data.copy()
    p = exponent

    def write() -> None:
        x.data[...] = state.quiet(np.power, old, p)

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        return (np.zeros_like(dy) if p == 0 else dy * (np.power(old, p - 1) * p),)

    rule.__qualname__ = "pow"
    return change("pow_", x, write, (), rule)


def neg_(x: Any) -> Tensor:
    """Negate in place: x ← −x. Source: ``torch.Tensor.neg_``."""

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        return (-dy,)

    rule.__qualname__ = "neg"
    return change("neg_", x, lambda: np.negative(x.data, out=x.data), (), rule)


def clamp_(x: Any, min: float | None = None, max: float | None = None) -> Tensor:
    """Limit to [`min`, `max`] in place. Source: ``torch.Tensor.clamp_``.

    >>> import fastgrad as fg
    >>> fg.tensor([1.0, 5.0]).clamp_(max=2)
    tensor([1., 2.])
    """
    if min is None and max is None:
        raise bad_value("clamp_", "min", "None beside max=None", "at least one of the two")
    data = x.data
    inside = full(data.shape, True, np.bool_, like=data)
    if min is not None:
        inside &= ~(data < min)
    if max is not None:
        inside &= ~(data > max)

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        return (dy * inside,)

    rule.__qualname__ = "clamp"
    return change("clamp_", x, lambda: clip_into(data, min, max), (), rule)
