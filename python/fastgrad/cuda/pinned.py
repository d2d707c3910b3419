"""Memory of the processor that a GPU reads by itself."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from fastgrad.cuda import library

__all__ = ["is_pinned", "pin"]


def pin(array: Any) -> Any:
    """A copy of an array in such memory."""
    library.cupy()
    pinned = import_module("cupyx").empty_pinned(array.shape, array.dtype, "F" if array.flags.fnc else "C")
    np.copyto(pinned, array)
    return pinned


def is_pinned(array: Any) -> bool:
    """Whether an array is in such memory; it cannot be where there is no CUDA."""
    return library.number_of_devices() > 0 and library.is_pinned(array)
