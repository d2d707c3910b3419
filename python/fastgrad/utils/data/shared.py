"""Batches through shared memory that has no name: nothing can be left behind.

A worker writes the arrays of a batch into a *slab*, a piece of memory that it shares with the parent by a file
descriptor, and sends the rest as a small message. Batches given out are views of slabs. When the last view is gone, the
slab goes back to its worker and is used again; of batches beyond a certain number the parent makes copies.
"""

from __future__ import annotations

import mmap
import os
import pickle
import weakref
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Parcel", "SlabReader", "SlabWriter"]

ALIGNMENT = 64
INLINE = 4096  # bytes of arrays, or of the rest, that travel in the message itself
GRANULE = 1 << 16


class Parcel(NamedTuple):
    """A batch on its way.

    Attributes
    ----------
    pickled : bytes
        The batch without its arrays; empty if that is in the slab too, as the last span.
    arrays : list of bytes
        Small arrays.
    spans : list of (int, int)
        Begin and end of each array in the slab.
    slab : int
        Number of the slab, -1 for none.
    size : int
        Bytes of the slab, if it is a new one whose descriptor follows, else 0.
    dropped : list of int
        Slabs that will not be used any more.
    """

    pickled: bytes
    arrays: list[bytes]
    spans: list[tuple[int, int]]
    slab: int
    size: int
    dropped: list[int]


def _anonymous_memory(size: int) -> int:
    """A descriptor of memory, or of a file without a name."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("fastgrad-batch", os.MFD_CLOEXEC)
    else:
        from tempfile import TemporaryFile

        with TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size)
    return descriptor


class SlabWriter:
    """The worker's side."""

    def __init__(self) -> None:
        self._slabs: dict[int, mmap.mmap] = {}
        self._free: list[int] = []
        self._count = 0

    def take_back(self, numbers: list[int]) -> None:
        """Slabs that the parent does not need any more."""
        self._free += numbers

    def pack(self, batch: Any) -> tuple[Parcel, int | None]:
        """A batch as a parcel, and the descriptor to be sent after it and closed then, if there is one."""
        buffers: list[pickle.PickleBuffer] = []
        pickled = pickle.dumps(batch, 5, buffer_callback=buffers.append)
        pieces = [buffer.raw() for buffer in buffers]
        if sum(piece.nbytes for piece in pieces) <= INLINE >= len(pickled):
            return Parcel(pickled, [bytes(piece) for piece in pieces], [], -1, 0, []), None
        if len(pickled) > INLINE:
            pieces.append(memoryview(pickled))
            pickled = b""
        spans, end = [], 0
        for piece in pieces:
            spans.append((end, end + piece.nbytes))
            end += -(-piece.nbytes // ALIGNMENT) * ALIGNMENT
        number, size, descriptor, dropped = self._find(end)
        with memoryview(self._slabs[number]) as memory:
            for piece, (start, stop) in zip(pieces, spans, strict=True):
                memory[start:stop] = piece
        return Parcel(pickled, [], spans, number, size, dropped), descriptor

    def _find(self, size: int) -> tuple[int, int, int | None, list[int]]:
        """Number of a free slab; if it had to be made its size, descriptor, and the one that it takes the place of."""
        for place, number in enumerate(self._free):
            if len(self._slabs[number]) >= size:
                del self._free[place]
                return number, 0, None, []
        dropped = [self._free.pop()] if self._free else []
        for number in dropped:
            self._slabs.pop(number).close()
        size = -(-(size + size // 4) // GRANULE) * GRANULE
        descriptor = _anonymous_memory(size)
        self._count += 1
        self._slabs[self._count] = mmap.mmap(descriptor, size)
        return self._count, size, descriptor, dropped


class SlabReader:
    """The parent's side, for one worker.

    Parameters
    ----------
    lend : int
        Slabs that batches may hold at one time; further batches are copied.
    """

    def __init__(self, lend: int) -> None:
        self.freed: list[int] = []  # to be told to the worker
        self._lend = lend
        self._slabs: dict[int, mmap.mmap] = {}
        self._lent: dict[int, weakref.ref[Any]] = {}

    def arrive(self, parcel: Parcel, descriptor: int | None) -> None:
        """Take note of a parcel's slab; the descriptor is closed."""
        for number in parcel.dropped:
            self._slabs.pop(number, None)
        if descriptor is not None:
            try:
                self._slabs[parcel.slab] = mmap.mmap(descriptor, parcel.size)
            finally:
                os.close(descriptor)

    def discard(self, parcel: Parcel) -> None:
        """Give the slab of a parcel back that nobody will open."""
        if parcel.slab >= 0:
            self.freed.append(parcel.slab)

    def open(self, parcel: Parcel) -> Any:
        """The batch."""
        if parcel.slab < 0:
            return pickle.loads(parcel.pickled, buffers=[bytearray(piece) for piece in parcel.arrays])
        number, end = parcel.slab, parcel.spans[-1][1]
        memory = np.frombuffer(self._slabs[number], np.uint8, end)
        if len(self._lent) < self._lend:
            lent, freed = self._lent, self.freed

            def give_back(_: Any) -> None:
                if lent.pop(number, None) is not None:
                    freed.append(number)

            lent[number] = weakref.ref(memory, give_back)
        else:
            memory = memory.copy()
            self.freed.append(number)
        pieces = [memory[start:stop] for start, stop in parcel.spans]
        pickled: Any = parcel.pickled or pieces.pop()
        return pickle.loads(pickled, buffers=pieces)
