"""The array behind data that somebody hands in."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastgrad.arrays import is_array, is_on_device
from fastgrad.devices import of
from fastgrad.errors import bad_device, bad_type, bad_value
from fastgrad.tensor import Tensor

__all__ = ["array_of"]


def array_of(function: str, argument: str, x: Any) -> np.ndarray:
    """The array behind data: an ndarray or Tensor of numbers.

    Raises
    ------
    TypeError
        If `x` is something else, or not of numbers.
    ValueError
        If it requires a gradient, which would be lost.
    RuntimeError
        While a step is recorded.
    """
    if not isinstance(x, Tensor) and not is_array(x):
        raise bad_type(function, argument, f"a {type(x).__name__}", "an ndarray or Tensor")
    if isinstance(x, Tensor) and x.requires_grad:
        expected = "data without one: this is no operation of the tape; detach() it first"
        raise bad_value(function, argument, "a Tensor that requires a gradient", expected)
    array = x.data if isinstance(x, Tensor) else x
    if is_on_device(array):
        raise bad_device(function, argument, of(array), "cpu, which changes data")
    if not isinstance(array, np.ndarray):
        raise RuntimeError(f"{function}(): change data before the recorded step: it is not done again at replay")
    if array.dtype.kind not in "fiub":
        raise bad_type(function, argument, f"of dtype {array.dtype}", "numbers")
    return array
