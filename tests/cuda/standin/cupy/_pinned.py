"""Memory that a GPU could read by itself."""

from __future__ import annotations

import weakref

import numpy as np

blocks: weakref.WeakValueDictionary[int, np.ndarray] = weakref.WeakValueDictionary()


def new_block(size: int) -> np.ndarray:
    block = np.zeros(max(size, 1), np.uint8)
    blocks[block.ctypes.data] = block
    return block


def is_pinned(address: int) -> bool:
    return any(begin <= address < begin + block.size for begin, block in list(blocks.items()))
