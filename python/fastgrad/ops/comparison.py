"""Comparisons and logic: their results are bool and have no gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad.arrays import is_array
from fastgrad.autograd.graph import Value, wrap
from fastgrad.devices import check_same
from fastgrad.errors import bad_type
from fastgrad.ops.operands import as_tensor, operate

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = [
    "allclose",
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "eq",
    "equal",
    "ge",
    "gt",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "le",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "lt",
    "ne",
]


def _compare(function: str, ufunc: Any, x: Any, y: Any) -> Tensor:
    if isinstance(x, Value) and isinstance(y, Value):
        xd, yd = x.data, y.data
        if xd.dtype is yd.dtype and xd.shape == yd.shape and type(xd) is type(yd):
            return wrap(ufunc(xd, yd))
    return wrap(operate(function, ufunc, x, y)[0])


def _comparable(y: Any) -> bool:
    return is_array(y) or isinstance(y, (Value, np.generic, int, float, list, tuple))


def eq(x: Any, y: Any) -> Tensor:
    """Where x = y. Source: ``torch.eq``.

    >>> import fastgrad as fg
    >>> fg.tensor([1, 2]) == 2
    tensor([False,  True])
    """
    if not _comparable(y):
        return NotImplemented  # type: ignore[no-any-return]  # what == has to give for strangers
    return _compare("eq", np.equal, x, y)


def ne(x: Any, y: Any) -> Tensor:
    """Where x ≠ y. Source: ``torch.ne``."""
    if not _comparable(y):
        return NotImplemented  # type: ignore[no-any-return]
    return _compare("ne", np.not_equal, x, y)


def lt(x: Any, y: Any) -> Tensor:
    """Where x < y. Source: ``torch.lt``.

    >>> import fastgrad as fg
    >>> fg.tensor([1, 2]) < 2
    tensor([ True, False])
    """
    return _compare("lt", np.less, x, y)


def le(x: Any, y: Any) -> Tensor:
    """Where x ≤ y. Source: ``torch.le``."""
    return _compare("le", np.less_equal, x, y)


def gt(x: Any, y: Any) -> Tensor:
    """Where x > y. Source: ``torch.gt``."""
    return _compare("gt", np.greater, x, y)


def ge(x: Any, y: Any) -> Tensor:
    """Where x ≥ y. Source: ``torch.ge``."""
    return _compare("ge", np.greater_equal, x, y)


def _logic(function: str, ufunc: Any, x: Any, y: Any) -> Tensor:
    return wrap(operate(function, ufunc, x, y)[0])


def logical_and(x: Any, y: Any) -> Tensor:
    """Where both are not 0. Source: ``torch.logical_and``."""
    return _logic("logical_and", np.logical_and, x, y)


def logical_or(x: Any, y: Any) -> Tensor:
    """Where at least one is not 0. Source: ``torch.logical_or``."""
    return _logic("logical_or", np.logical_or, x, y)


def logical_xor(x: Any, y: Any) -> Tensor:
    """Where exactly one is not 0. Source: ``torch.logical_xor``."""
    return _logic("logical_xor", np.logical_xor, x, y)


def logical_not(x: Any) -> Tensor:
    """Where x is 0. Source: ``torch.logical_not``."""
    return wrap(np.logical_not(as_tensor("logical_not", "x", x).data))


def bitwise_and(x: Any, y: Any) -> Tensor:
    """The bits set in both; what ``x & y`` calls. Source: ``torch.bitwise_and``.

    >>> import fastgrad as fg
    >>> fg.tensor([True, False]) & True
    tensor([ True, False])
    """
    return _logic("bitwise_and", np.bitwise_and, x, y)


def bitwise_or(x: Any, y: Any) -> Tensor:
    """The bits set in at least one; what ``x | y`` calls. Source: ``torch.bitwise_or``."""
    return _logic("bitwise_or", np.bitwise_or, x, y)


def bitwise_xor(x: Any, y: Any) -> Tensor:
    """The bits set in exactly one; what ``x ^ y`` calls. Source: ``torch.bitwise_xor``."""
    return _logic("bitwise_xor", np.bitwise_xor, x, y)


def bitwise_not(x: Any) -> Tensor:
    """All bits turned over; what ``~x`` calls. Source: ``torch.bitwise_not``."""
    x = as_tensor("bitwise_not", "x", x)
    if x.data.dtype.kind == "f":
        raise bad_type("bitwise_not", "x", f"of dtype {x.data.dtype}", "an integer dtype or bool")
    return wrap(np.invert(x.data))


def isnan(x: Any) -> Tensor:
    """Where x is not a number. Source: ``torch.isnan``."""
    return wrap(np.isnan(as_tensor("isnan", "x", x).data))


def isinf(x: Any) -> Tensor:
    """Where x is infinite. Source: ``torch.isinf``."""
    return wrap(np.isinf(as_tensor("isinf", "x", x).data))


def isfinite(x: Any) -> Tensor:
    """Where x is neither infinite nor NaN. Source: ``torch.isfinite``."""
    return wrap(np.isfinite(as_tensor("isfinite", "x", x).data))


def isclose(x: Any, y: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """Where \\|x − y\\| ≤ atol + rtol · \\|y\\|. Source: ``torch.isclose``."""
    x, y = as_tensor("isclose", "x", x), as_tensor("isclose", "y", y)
    if x.data.dtype != y.data.dtype:
        raise bad_type("isclose", "y", f"of dtype {y.data.dtype}", f"{x.data.dtype}, the dtype of x")
    check_same("isclose", x=x.data, y=y.data)
    return wrap(np.isclose(x.data, y.data, rtol, atol, equal_nan))


def allclose(x: Any, y: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether `isclose` holds everywhere. Source: ``torch.allclose``.

    >>> import fastgrad as fg
    >>> fg.allclose(fg.tensor([1.0]), fg.tensor([1.0 + 1e-6]))
    True
    """
    return bool(isclose(x, y, rtol, atol, equal_nan).data.all())


def equal(x: Any, y: Any) -> bool:
    """Whether two tensors have the same shape and elements. Source: ``torch.equal``."""
    xd, yd = as_tensor("equal", "x", x).data, as_tensor("equal", "y", y).data
    check_same("equal", x=xd, y=yd)
    return bool(np.array_equal(xd, yd))
