"""Stands for cupyx."""

from __future__ import annotations

from typing import Any

import numpy as np
from cupy._pinned import Pinned


class _PinnedArray(np.ndarray):
    """Keeps its block alive."""

    block: Any


def empty_pinned(shape: Any, dtype: Any = float, order: str = "C") -> np.ndarray:
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    block = Pinned(size)
    owner = np.ndarray(block.size, np.uint8, block.array).view(_PinnedArray)
    owner.block = block
    return np.ndarray(shape, dtype, memoryview(owner), 0, None, order)  # type: ignore[call-overload]
