"""The arrays that a recording meets: what stands for each, the memory that it lies in, and what that holds."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastgrad.arrays import address, base, is_memory, is_on_device, native_of
from fastgrad.program.ir import Buffer, Ref, map_leaves
from fastgrad.program.owners import memory_id
from fastgrad.program.witness import Witness
from fastgrad.traced import Traced, TracedOnDevice

__all__ = ["Memories"]


class Memories(Witness):
    """What a function computes with.

    Attributes
    ----------
    buffers : dict
        The memory that commands have touched, by its identity.
    example : array or None
        An empty one on a GPU, if the function works on one.
    """

    def __init__(self, function: str) -> None:
        super().__init__(function)
        self.buffers: dict[int, Buffer] = {}
        self.example: Any = None
        self._traced: dict[int, Traced] = {}
        self._fixed: set[Buffer] = set()  # memory of tensors that were there before
        self._defined: set[Buffer] = set()  # memory whose content comes from commands, or is kept in `start`
        self._kept: list[np.ndarray] = []  # every array met, so that no memory comes twice

    @property
    def native(self) -> Any:
        """The native module whose programs run what is recorded."""
        return native_of(self.example)

    def trace(self, array: Any) -> Any:
        """The array's stand-in; what is no array stays what it is."""
        if not is_memory(array):
            return array
        traced = self._traced.get(id(array))
        if traced is None:
            kind = TracedOnDevice if is_on_device(array) else Traced
            traced = self._traced[id(array)] = kind(array, self)
            self._kept.append(array)
            if is_on_device(array) and self.example is None:
                self.example = np.empty(0, array.dtype, like=array)
        return traced

    def empty(self, like: Any, shape: tuple[int, ...] | None = None) -> Any:
        """A new array of another's dtype and shape, or of another shape, for a kernel to fill."""
        array = np.empty_like(like.array) if shape is None else np.empty(shape, like.dtype, like=self._beside(like))
        self._defined.add(self.buffer(array))
        return self.trace(array)

    @staticmethod
    def _beside(x: Any) -> Any:
        """What numpy's ``like=`` needs to make arrays where x is."""
        return x.array if is_on_device(x) else None

    def buffer(self, array: np.ndarray) -> Buffer:
        """The memory that an array lies in."""
        key = memory_id(array)
        buffer = self.buffers.get(key)
        if buffer is None:
            buffer = self.buffers[key] = Buffer(len(self.buffers), base(array))
        return buffer

    def ref(self, array: np.ndarray) -> Ref:
        """The array as commands know it."""
        buffer = self.buffer(array)
        self._kept.append(array)
        offset = address(array) - buffer.address
        return Ref(buffer, offset, array.shape, array.strides, array.dtype)

    def is_known(self, array: np.ndarray) -> bool:
        """Whether commands have touched the array's memory."""
        return memory_id(array) in self.buffers

    def is_constant(self, array: np.ndarray) -> bool:
        """Whether the array holds the same in every run: nothing writes it, and it is no tensor from outside."""
        buffer = self.buffer(array)
        return buffer not in self._defined and buffer not in self._fixed

    def argument(self, array: np.ndarray) -> None:
        """An array stands for an argument."""
        self._fixed.add(self.buffer(array))

    def _plain(self, tree: Any) -> Any:
        return map_leaves(lambda x: x.array if isinstance(x, Traced) else x, tree)

    def _refs(self, tree: Any) -> Any:
        return map_leaves(lambda x: self.ref(x) if is_memory(x) else x, tree)

    def _will_write(self, array: np.ndarray) -> None:
        """Before a write: keep what the memory holds, if that was there before any command."""
        buffer = self.buffer(array)
        if buffer in self._defined or buffer in self._fixed:
            return
        self._defined.add(buffer)
        assert buffer.array is not None
        buffer.start = buffer.array.copy("K")

    def _define(self, written: list[Ref]) -> None:
        self._defined.update(ref.buffer for ref in written if ref.is_whole)

    def shape_at(self, x: Traced, index: Any) -> tuple[int, ...]:
        """The shape of x[index], which is not written down."""
        return self._plain(x)[self._plain(index)].shape  # type: ignore[no-any-return]

    def let_go(self) -> None:
        """Drop the arrays that only the recording holds."""
        self._made.clear()
        self._traced.clear()
        self._kept.clear()
        for buffer in self.buffers.values():
            buffer.array = None
