"""Products and quotients, the larger and the smaller of two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad.autograd.graph import Value, record
from fastgrad.autograd.mode import state
from fastgrad.ops.operands import as_tensor, fit, operate

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = ["div", "maximum", "minimum", "mul", "rdiv"]

_multiply, _divide = np.multiply, np.true_divide
Needs = tuple[bool, ...]
# The classes that go to numpy as they are; bool, numpy's scalars and others take the general way.
_NUMBERS = (float, int)


def mul(x: Any, y: Any) -> Tensor:
    """Product of two tensors, element by element: z = x · y, the shapes broadcast.

    Parameters
    ----------
    x, y : Tensor, ndarray or number
        Of shapes that broadcast.

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
    dx = dz · y, dy = dz · x. Source: ``torch.mul``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.mul(fg.tensor([1.0, 2.0]), fg.tensor([3.0, 4.0]))
    tensor([3., 8.])
    """
    if isinstance(x, Value):
        xd = x.data
        if isinstance(y, Value):
            yd = y.data
            if xd.shape == yd.shape and xd.dtype is yd.dtype and type(xd) is type(yd):

                def rule(dz: np.ndarray, needs: Needs) -> tuple[Any, ...]:
                    return dz * yd if needs[0] else None, dz * xd if needs[1] else None

                return record(state.quiet(_multiply, xd, yd), (x, y), rule, _read_by_mul(x, y))
        elif y.__class__ in _NUMBERS and xd.dtype.kind == "f":

            def scale(dz: np.ndarray, needs: Needs) -> tuple[Any, ...]:
                return (dz * y,)

            return record(state.quiet(_multiply, xd, y), (x,), scale)
    z, a, b, cx, cy = operate("mul", _multiply, x, y)
    ad, bd = a.data, b.data

    def broadcast(dz: np.ndarray, needs: Needs) -> tuple[Any, ...]:
        return fit(dz * cy, ad) if needs[0] else None, fit(dz * cx, bd) if needs[1] else None

    return record(z, (a, b), broadcast, _read_by_mul(a, b))


def _read_by_mul(x: Value, y: Value) -> tuple[Value, ...]:
    """The factors whose memory the rule of a product reads: each is read for the other's gradient."""
    if x.node is None:
        return (x,)
    return (y,) if y.node is None else (x, y)


def div(x: Any, y: Any, *, rounding_mode: str | None = None) -> Tensor:
    """Quotient of two tensors:

    z = x / y, the shapes broadcast; integers are divided as floating-point numbers.

    Parameters
    ----------
    x, y : Tensor, ndarray or number
        Of shapes that broadcast.
    rounding_mode : {None, "trunc", "floor"}
        Round the quotient towards zero or downwards; there is no gradient then, and integers stay integers.

    Returns
    -------
    Tensor
        Of the common shape.

    Raises
    ------
    ValueError
        If the shapes do not broadcast or the mode is unknown.

    Notes
    -----
    dx = dz / y, dy = −dz · z / y. Source: ``torch.div``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.div(fg.tensor([1, 3]), 2)
    tensor([0.5000, 1.5000])
    >>> fg.div(fg.tensor([-1.0, 3.0]), 2, rounding_mode="floor")
    tensor([-1.,  1.])
    """
    if rounding_mode is not None:
        from fastgrad.ops.rounding import rounded_quotient

        return rounded_quotient(x, y, rounding_mode)
    if y.__class__ in _NUMBERS and isinstance(x, Value) and x.data.dtype.kind == "f":

        def scale(dz: np.ndarray, needs: Needs) -> tuple[Any, ...]:
            return (dz / y,)

        return record(state.quiet(_divide, x.data, y), (x,), scale)
    z, a, b, cx, cy = operate("div", _divide, x, y, floating=True)
    ad, bd = a.data, b.data

    def rule(dz: np.ndarray, needs: Needs) -> tuple[Any, ...]:
        dx = dz / cy
        return fit(dx, ad) if needs[0] else None, fit(-dx * (cx / cy), bd) if needs[1] else None

    return record(z, (a, b), rule, (b,) if b.node is None else (a, b))


def rdiv(x: Any, y: Any) -> Tensor:
    """``y / x``: what the operator calls when the tensor is on its right."""
    return div(y, x)


def _extremum(function: str, ufunc: Any, x: Any, y: Any) -> Tensor:
    z, a, b, cx, cy = operate(function, ufunc, as_tensor(function, "x", x), as_tensor(function, "y", y))
    ad, bd = a.data, b.data

    def rule(dz: np.ndarray, needs: Needs) -> tuple[Any, ...]:
        # Where the two are equal each gets half. Beside a NaN both get all, as in torch.
        low, high = (cx, cy) if ufunc is np.maximum else (cy, cx)
        dz = np.where(cx == cy, dz / 2, dz)
        zero = dz.dtype.type(0)
        dx = fit(np.where(low < high, zero, dz), ad) if needs[0] else None
        dy = fit(np.where(low > high, zero, dz), bd) if needs[1] else None
        return dx, dy

    rule.__qualname__ = function
    return record(z, (a, b), rule, (a, b))


def maximum(x: Any, y: Any) -> Tensor:
    """The larger of two tensors, element by element; NaN if one of them is.

    Parameters
    ----------
    x, y : Tensor or ndarray
        Of shapes that broadcast.

    Returns
    -------
    Tensor
        Of the common shape. Where both are equal, each gets half of the gradient.

    Notes
    -----
    Source: ``torch.maximum``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.maximum(fg.tensor([1.0, 5.0]), fg.tensor([3.0, 4.0]))
    tensor([3., 5.])
    """
    return _extremum("maximum", np.maximum, x, y)


def minimum(x: Any, y: Any) -> Tensor:
    """The smaller of two tensors, element by element; NaN if one of them is.

    Parameters
    ----------
    x, y : Tensor or ndarray
        Of shapes that broadcast.

    Returns
    -------
    Tensor
        Of the common shape. Where both are equal, each gets half of the gradient.

    Notes
    -----
    Source: ``torch.minimum``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.minimum(fg.tensor([1.0, 5.0]), fg.tensor([3.0, 4.0]))
    tensor([1., 4.])
    """
    return _extremum("minimum", np.minimum, x, y)
