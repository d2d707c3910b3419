"""Stands for cupyx."""

from __future__ import annotations

from typing import Any

import numpy as np
from cupy._pinned import new_block


def empty_pinned(shape: Any, dtype: Any = float, order: str = "C") -> np.ndarray:
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    return np.ndarray(shape, dtype, new_block(size), 0, None, order)  # type: ignore[call-overload]
