"""How the functions of this package draw numbers, check a tensor and write into it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastgrad import random
from fastgrad.arrays import beside, is_writable
from fastgrad.errors import bad_type, bad_value
from fastgrad.tensor import Tensor

__all__ = ["check_floating", "check_matrix", "fans", "fill", "rng"]


def rng(generator: Any) -> np.random.Generator:
    return random.numpy_generator(generator)


def fill(function: str, tensor: Tensor, value: Any) -> Tensor:
    """Write `value` into the tensor's memory, unrecorded, as an in-place change."""
    if not isinstance(tensor, Tensor):
        raise bad_type(function, "tensor", type(tensor).__name__, "a Tensor")
    if not is_writable(tensor.data):
        raise bad_value(function, "tensor", "read-only", "memory that can be written")
    tensor.data[...] = beside(tensor.data, value) if isinstance(value, np.ndarray) else value
    tensor.version.count += 1
    return tensor


def check_floating(function: str, tensor: Tensor) -> None:
    if not isinstance(tensor, Tensor):
        raise bad_type(function, "tensor", type(tensor).__name__, "a Tensor")
    if tensor.data.dtype.kind != "f":
        raise bad_type(function, "tensor", f"of dtype {tensor.data.dtype}", "float32 or float64")


def check_matrix(function: str, tensor: Tensor) -> None:
    check_floating(function, tensor)
    if tensor.data.ndim != 2:
        raise bad_value(function, "tensor", f"of shape {tensor.data.shape}", "two dimensions")


def fans(function: str, tensor: Tensor) -> tuple[int, int]:
    """Number of inputs and outputs of one unit: (out, in, *receptive field)."""
    check_floating(function, tensor)
    shape = tensor.data.shape
    if len(shape) < 2:
        raise bad_value(function, "tensor", f"of shape {shape}", "at least two dimensions (out, in)")
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field
