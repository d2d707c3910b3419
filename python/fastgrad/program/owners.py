"""Who owns memory, and whether anybody does but a recording."""

from __future__ import annotations

import sys
import weakref
from typing import Any

from fastgrad.arrays import base, bytes_at, is_on_device

__all__ = ["Watch", "memory_id"]

_HELD_BY_WATCH = 2  # references: its own, and that of the question


class Watch:
    """What knows whether anybody else holds an array's memory.

    numpy's arrays own their memory. On a GPU a block of memory is an object that all arrays in it refer to.

    Parameters
    ----------
    array : ndarray
        The one that owns the memory, or any in a block on a GPU.
    address, nbytes : int
        The part of the block that counts.
    """

    __slots__ = ("_address", "_nbytes", "_owner")

    def __init__(self, array: Any, address: int, nbytes: int) -> None:
        self._owner = array.data.mem if is_on_device(array) else weakref.ref(array)
        self._address, self._nbytes = address, nbytes

    def array(self) -> Any:
        """The memory as an array, or None if nobody else holds it."""
        if isinstance(self._owner, weakref.ref):
            return self._owner()
        if sys.getrefcount(self._owner) <= _HELD_BY_WATCH:
            return None
        return bytes_at(self._owner, self._address, self._nbytes)


def memory_id(x: Any) -> int:
    """The same number for all arrays in the memory of x, as long as one of them lives."""
    return id(x.data.mem) if is_on_device(x) else id(base(x))
