"""Elements taken from one place or another: where, limits, masks, triangles, reversals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad import dtypes
from fastgrad.arrays import full, is_array, is_on_device
from fastgrad.autograd.graph import Value, record, wrap
from fastgrad.autograd.mode import state
from fastgrad.errors import bad_type, bad_value
from fastgrad.ops.operands import as_tensor, binary_operands, fit, together

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = ["clamp", "masked_fill", "nan_to_num", "nonzero", "rwhere", "where"]

Array = np.ndarray
Needs = tuple[bool, ...]


def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """Elements of x where the condition is true, else of y; the three shapes broadcast.

    Parameters
    ----------
    condition : Tensor
        bool.
    x, y : Tensor or number
        If both are left out, the places of the true elements are returned, as a tuple of index tensors.

    Returns
    -------
    Tensor
        Of the common shape.

    Raises
    ------
    TypeError
        If the condition is not bool.
    ValueError
        If the shapes do not broadcast.

    Notes
    -----
    Source: ``torch.where``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> x = fg.tensor([-1.0, 2.0])
    >>> fg.where(x > 0, x, 0)
    tensor([0., 2.])
    """
    c = as_tensor("where", "condition", condition).data
    if x is None and y is None:
        return tuple(wrap(i) for i in np.nonzero(c))
    if c.dtype.kind != "b":
        raise bad_type("where", "condition", f"of dtype {c.dtype}", "bool")
    a, b, xd, yd = binary_operands("where", x, y)
    if is_on_device(c) or is_on_device(xd) or is_on_device(yd):
        c, xd, yd = together("where", condition=c, x=xd, y=yd)
    try:
        z = np.where(c, xd, yd)
    except ValueError:
        shapes = f"of shape {c.shape} beside {xd.shape} and {yd.shape}"
        raise bad_value("where", "condition", shapes, "three shapes that broadcast") from None
    ad, bd = a.data, b.data
    c = c.copy()  # the mask is often changed or reused by its owner; no version guards it

    def rule(dz: Array, needs: Needs) -> tuple[Any, ...]:
        zero = dz.dtype.type(0)
        return (
            fit(np.where(c, dz, zero), ad) if needs[0] else None,
            fit(np.where(c, zero, dz), bd) if needs[1] else None,
        )

    return record(z, (a, b), rule)


def rwhere(x: Any, condition: Any, y: Any) -> Tensor:
    """``x.where(condition, y)``: elements of `x` where the condition is true, else of `y`."""
    return where(condition, x, y)  # type: ignore[no-any-return]


def clamp(x: Any, min: Any = None, max: Any = None) -> Tensor:
    """Elements limited to [`min`, `max`]; NaN stays.

    Parameters
    ----------
    x : Tensor
    min, max : number or Tensor, optional
        The limits, of which one may be left out; tensors broadcast. Where ``min > max`` the result is `max`.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If there is no limit.

    Notes
    -----
    The gradient passes where min ≤ x ≤ max, both included. Source: ``torch.clamp``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.tensor([-2.0, 0.5, 2.0]).clamp(-1, 1)
    tensor([-1.0000,  0.5000,  1.0000])
    """
    if min is None and max is None:
        raise bad_value("clamp", "min", "None beside max=None", "at least one of the two")
    x = as_tensor("clamp", "x", x)
    if any(isinstance(limit, Value) or is_array(limit) for limit in (min, max)):
        return _clamp_by_tensors(x, min, max)
    xd = x.data
    limits = [v for v in (min, max) if v is not None]
    dtype = xd.dtype
    if xd.dtype.kind != "f" and any(isinstance(v, float) for v in limits):
        dtype = dtypes.get_default_dtype()
    y = xd.astype(dtype, copy=False)
    if min is not None:
        y = np.maximum(y, dtype.type(min))
    if max is not None:
        y = np.minimum(y, dtype.type(max))
    if y is xd:
        y = xd.copy()

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        inside = full(xd.shape, True, np.bool_, like=xd)
        if min is not None:
            inside &= xd >= min
        if max is not None:
            inside &= xd <= max
        return (np.where(inside, dy, dy.dtype.type(0)),)

    return record(y, (x,), rule, (x,))


def _clamp_by_tensors(x: Tensor, min: Any, max: Any) -> Tensor:
    """Each limit gets the gradient where it took effect."""
    for low, limit in ((True, min), (False, max)):
        if limit is None:
            continue
        a, b, xd, yd = binary_operands("clamp", x, limit)
        y = np.maximum(xd, yd) if low else np.minimum(xd, yd)
        x = record(y, (a, b), _limit_rule(a.data, b.data, xd, yd, low), (a, b))
    return x


def _limit_rule(ad: Array, bd: Array, xd: Array, yd: Array, low: bool) -> Any:
    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        inside = xd >= yd if low else xd <= yd
        outside = xd < yd if low else xd > yd
        zero = dy.dtype.type(0)
        return fit(np.where(inside, dy, zero), ad), fit(np.where(outside, dy, zero), bd) if needs[1] else None

    rule.__qualname__ = "clamp"
    return rule


def masked_fill(x: Any, mask: Any, value: Any) -> Tensor:
    """`x` with one value where `mask` is true; the shapes broadcast.

    Raises
    ------
    TypeError
        If the mask is not bool.

    Notes
    -----
    Source: ``torch.masked_fill``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.ones(2).masked_fill(fg.tensor([True, False]), -1)
    tensor([-1.,  1.])
    """
    x, mask = as_tensor("masked_fill", "x", x), as_tensor("masked_fill", "mask", mask)
    value = as_tensor("masked_fill", "value", value)
    if value.data.ndim:
        raise bad_value(
            "masked_fill", "value", f"of shape {value.data.shape}", "a number or a tensor without dimensions"
        )
    if value.data.dtype != x.data.dtype:
        if dtypes.category(value.data.dtype) > dtypes.category(x.data.dtype):
            raise bad_type("masked_fill", "value", f"of dtype {value.data.dtype}", f"one that fits {x.data.dtype}")
        value = value.to(x.data.dtype)
    return where(mask, value, x)  # type: ignore[no-any-return]


def nonzero(x: Any, *, as_tuple: bool = False) -> Any:
    """The places of the elements that are not 0:

    one row each, or with `as_tuple` one index tensor per dimension.

    Notes
    -----
    Source: ``torch.nonzero``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nonzero(fg.tensor([0, 3, 4]))
    tensor([[1],
            [2]])
    """
    x = as_tensor("nonzero", "x", x)
    return tuple(wrap(i) for i in np.nonzero(x.data)) if as_tuple else wrap(np.argwhere(x.data))


def nan_to_num(x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Tensor:
    """`x` with numbers in place of NaN and the infinities, whose gradient is then 0.

    Source: ``torch.nan_to_num``.
    """
    x = as_tensor("nan_to_num", "x", x)
    xd = x.data

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        return (np.where(np.isfinite(xd), dy, dy.dtype.type(0)),)

    return record(state.quiet(lambda: np.nan_to_num(xd, nan=nan, posinf=posinf, neginf=neginf)), (x,), rule, (x,))
