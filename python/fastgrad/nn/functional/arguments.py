"""Checks and conversions that the functions of this package share."""

from __future__ import annotations

import warnings
from typing import Any

from fastgrad.arrays import is_on_device, is_start
from fastgrad.errors import bad_type, bad_value
from fastgrad.ops.operands import as_tensor, check_dim, check_flag
from fastgrad.tensor import Tensor
from fastgrad.traced import Traced

__all__ = [
    "as_floating",
    "as_tensor",
    "check_dim",
    "check_flag",
    "check_int",
    "check_nonnegative",
    "check_number",
    "check_reduction",
    "check_unit",
    "implicit_dim",
    "is_one",
]


def as_floating(function: str, argument: str, value: Any) -> Tensor:
    """`value` as a float32 or float64 tensor; other dtypes are an error, as they hold no gradients."""
    tensor = as_tensor(function, argument, value)
    if tensor.data.dtype.kind != "f":
        raise bad_type(function, argument, f"of dtype {tensor.data.dtype}", "float32 or float64")
    return tensor


def check_int(function: str, argument: str, value: Any) -> int:
    """`value` as an int."""
    try:
        return int(value.__index__())
    except AttributeError:
        raise bad_type(function, argument, f"a {type(value).__name__}", "an int") from None


def check_number(function: str, argument: str, value: Any) -> float:
    """`value` as a float."""
    try:
        if isinstance(value, str):
            raise TypeError
        return float(value)
    except TypeError:
        raise bad_type(function, argument, f"a {type(value).__name__}", "a number") from None


def check_nonnegative(function: str, argument: str, value: Any) -> float:
    """`value` as a float that is at least 0, which NaN is not."""
    number = check_number(function, argument, value)
    if not number >= 0.0:
        raise bad_value(function, argument, repr(value), "at least 0")
    return number


def check_unit(function: str, argument: str, value: Any) -> float:
    """`value` as a float between 0 and 1."""
    number = check_number(function, argument, value)
    if not 0.0 <= number <= 1.0:
        raise bad_value(function, argument, repr(value), "between 0 and 1")
    return number


def check_reduction(function: str, reduction: str) -> None:
    """Let only the three reductions pass."""
    if reduction not in ("none", "mean", "sum"):
        raise bad_value(function, "reduction", repr(reduction), "'none', 'mean' or 'sum'")


def is_one(dy: Any) -> bool:
    """Whether a loss's gradient is the number 1, as it is where backward begins, and need not be multiplied with."""
    if is_on_device(dy):
        return is_start(dy)
    if dy.__class__ is Traced:
        return dy.ndim == 0 and dy.recorder.is_constant(dy.array) and bool(dy.array == 1)
    return dy.ndim == 0 and float(dy) == 1.0  # a tenth of the time of dy == 1


def implicit_dim(function: str, ndim: int) -> int:
    """The dimension torch takes where softmax is given none."""
    dim = 0 if ndim in (0, 1, 3) else 1
    warnings.warn(f"{function}(): no dim given, taking dim={dim}; say which is meant", UserWarning, stacklevel=3)
    return dim
