"""Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011), counter-based."""

from __future__ import annotations

import numpy as np

from tests.reference import Array

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)


def philox4x32(counter: Array, key: tuple[int, int], rounds: int = 10) -> Array:
    """Four random words for each counter of four words (lowest first): (n, 4) -> (n, 4), uint32."""
    c0, c1, c2, c3 = (counter[:, i].astype(np.uint64) for i in range(4))
    k0, k1 = key
    for _ in range(rounds):
        product0, product1 = _MULTIPLIERS[0] * c0, _MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (
            (product1 >> _SHIFT) ^ c1 ^ np.uint64(k0),
            product1 & _LOW,
            (product0 >> _SHIFT) ^ c3 ^ np.uint64(k1),
            product0 & _LOW,
        )
        k0, k1 = (k0 + _KEY_STEPS[0]) & 0xFFFFFFFF, (k1 + _KEY_STEPS[1]) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3], axis=1).astype(np.uint32)


def words(seed: int, offset: int, count: int) -> Array:
    """Word (offset + i) % 4 of block (offset + i) // 4, for each i < count."""
    position = np.uint64(offset) + np.arange(count, dtype=np.uint64)  # wraps at 2**64, as the kernel's counter does
    block = position >> np.uint64(2)
    zero = np.zeros_like(block)
    counter = np.stack([block & _LOW, block >> _SHIFT, zero, zero], axis=1)
    table = philox4x32(counter, (seed & 0xFFFFFFFF, seed >> 32))
    return table[np.arange(count), (position & np.uint64(3)).astype(np.int64)]
