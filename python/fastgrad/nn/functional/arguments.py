"""Checks and conversions that the functions of this package share."""

from __future__ import annotations

import warnings
from typing import Any

from fastgrad.errors import bad_type, bad_value
from fastgrad.ops.operands import as_tensor, check_dim
from fastgrad.tensor import Tensor

__all__ = ["as_floating", "as_tensor", "check_dim", "check_reduction", "implicit_dim"]


def as_floating(function: str, argument: str, value: Any) -> Tensor:
    """`value` as a float32 or float64 tensor; other dtypes are an error, as they hold no gradients."""
    tensor = as_tensor(function, argument, value)
    if tensor.data.dtype.kind != "f":
        raise bad_type(function, argument, f"of dtype {tensor.data.dtype}", "float32 or float64")
    return tensor


def check_reduction(function: str, reduction: str) -> None:
    """Let only the three reductions pass."""
    if reduction not in ("none", "mean", "sum"):
        raise bad_value(function, "reduction", repr(reduction), "'none', 'mean' or 'sum'")


def implicit_dim(function: str, ndim: int) -> int:
    """The dimension torch takes where softmax is given none."""
    dim = 0 if ndim in (0, 1, 3) else 1
    warnings.warn(
        f"{function}(): no dim given, taking dim={dim}; say which is meant", UserWarning, stacklevel=3
    )
    return dim
