"""Memory of a GPU that is not there: numpy's, with addresses, owners and a pool that counts."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

BLOCK = 512  # what cupy's pool rounds up to

_living: weakref.WeakValueDictionary[int, Memory] = weakref.WeakValueDictionary()


class Memory:
    """A block that the pool has given out."""

    def __init__(self, size: int, device_id: int) -> None:
        self.size = -(-max(size, 1) // BLOCK) * BLOCK
        self.device_id = device_id
        self.bytes = np.zeros(self.size, np.uint8)
        self.ptr = self.bytes.ctypes.data
        _living[self.ptr] = self
        pool._taken(self.size)

    def __del__(self) -> None:
        pool.used -= self.size


def owner_of(address: int) -> Memory:
    """The block that an address lies in."""
    for memory in list(_living.values()):
        if memory.ptr <= address < memory.ptr + memory.size:
            return memory
    raise ValueError(f"{address} is no memory of the device")


class MemoryPointer:
    """A place in a block."""

    def __init__(self, mem: Memory, offset: int) -> None:
        self.mem = mem
        self.ptr = mem.ptr + offset

    @property
    def device_id(self) -> int:
        return self.mem.device_id

    @property
    def device(self) -> Any:
        from cupy.cuda import Device

        return Device(self.mem.device_id)

    def __add__(self, offset: int) -> MemoryPointer:
        return MemoryPointer(self.mem, self.ptr - self.mem.ptr + offset)


class MemoryPool:
    """Counts what is used, and what was taken from the device and not given back."""

    def __init__(self) -> None:
        self.used = self.total = 0

    def _taken(self, size: int) -> None:
        self.used += size
        self.total = max(self.total, self.used)

    def malloc(self, size: int) -> MemoryPointer:
        from cupy.cuda import runtime

        return MemoryPointer(Memory(size, runtime.getDevice()), 0)

    def used_bytes(self) -> int:
        return self.used

    def total_bytes(self) -> int:
        return self.total

    def free_all_blocks(self, stream: Any = None) -> None:
        self.total = self.used


pool = MemoryPool()
