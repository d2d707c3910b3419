"""Memory that a GPU could read by itself."""

from __future__ import annotations

import weakref

import numpy as np


class Pinned:
    """A block of page-locked memory, or what stands for it."""

    def __init__(self, size: int) -> None:
        self.array = np.zeros(max(size, 1), np.uint8)
        self.size = self.array.nbytes
        self.ptr = self.array.ctypes.data
        pinned[self.ptr] = self


pinned: weakref.WeakValueDictionary[int, Pinned] = weakref.WeakValueDictionary()
