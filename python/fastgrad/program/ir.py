"""The list of commands: buffers, the views that commands have of them, and the commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastgrad import arrays
from fastgrad.program.owners import Watch

__all__ = ["Buffer", "Command", "Ref", "byte_bounds", "leaves", "map_leaves", "overlap"]


def byte_bounds(array: np.ndarray) -> tuple[int, int]:
    """The lowest address of an array's elements, and how many bytes they span."""
    address = arrays.address(array)
    if not array.size:
        return address, 0
    reach = [(n - 1) * s for n, s in zip(array.shape, array.strides, strict=True)]
    low = sum(r for r in reach if r < 0)
    return address + low, sum(r for r in reach if r > 0) - low + array.itemsize


def overlap(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether the memory that two arrays span has bytes in common."""
    (begin, nbytes), (other, other_nbytes) = byte_bounds(a), byte_bounds(b)
    return begin < other + other_nbytes and other < begin + nbytes


class Buffer:
    """A piece of memory that commands read or write.

    Attributes
    ----------
    address, nbytes : int
        Where it lay while the function was recorded.
    array : ndarray or None
        The memory itself, where its content counts or it has to stay where it is; see `kind`.
    kind : str
        ``"internal"``: only commands know it, and it can lie anywhere. ``"external"``: fixed memory that existed
        before or is seen from outside. ``"input"``: an argument of the call. ``"output"``: made anew for every call.
    start : ndarray or None
        What an internal buffer has to hold when the program begins.
    on_device : bool
        Whether it is memory of a GPU.
    """

    __slots__ = ("_watch", "address", "array", "kind", "nbytes", "number", "on_device", "start")

    def __init__(self, number: int, array: Any = None, nbytes: int = 0, on_device: bool = False) -> None:
        self.address, self.nbytes = (0, nbytes) if array is None else byte_bounds(array)
        self._watch = None if array is None else Watch(array, self.address, self.nbytes)
        self.on_device = on_device if array is None else arrays.is_on_device(array)
        self.array = array
        self.kind = "internal"
        self.number = number
        self.start: np.ndarray | None = None

    def held(self) -> Any:
        """The memory as an array if somebody outside the recording holds it, once `array` is None."""
        return None if self._watch is None else self._watch.array()

    def let_go(self) -> None:
        """Nobody will ask any more who holds the memory: on a GPU, finding out keeps it."""
        self._watch = None

    def __repr__(self) -> str:
        return f"{self.kind[0]}{self.number}"


@dataclass(frozen=True, eq=False, slots=True)
class Ref:
    """A view of a buffer: an array without its memory."""

    buffer: Buffer
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def nbytes(self) -> int:
        """The bytes of its elements."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    def same(self, other: Ref) -> bool:
        """Whether both are the same elements in the same order."""
        return self.buffer is other.buffer and self.layout == other.layout

    @property
    def layout(self) -> tuple[Any, ...]:
        """Where its elements lie, but for the buffer; the stride of an axis of one element says nothing."""
        strides = tuple([s if n != 1 else 0 for n, s in zip(self.shape, self.strides, strict=True)])
        return self.offset, self.shape, strides, self.dtype

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the buffer."""
        return self.nbytes == self.buffer.nbytes


@dataclass(eq=False, slots=True)
class Command:
    """A kernel or a numpy function with its arguments, in which arrays are `Ref`.

    Attributes
    ----------
    name : str
        The kernel's, or the function's.
    function : callable or None
        What runs it in Python; None for a kernel.
    args, kwargs : tuple, dict
        As it was called.
    writes, reads : list of Ref
        A Ref that is changed is in both.
    update : object or None
        The optimiser's step that it belongs to.
    """

    name: str
    function: Callable[..., Any] | None
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    writes: list[Ref]
    reads: list[Ref]
    update: Any = None
    results: list[Ref] = field(default_factory=list)

    def touches(self, buffer: Buffer) -> bool:
        """Whether it reads or writes the buffer."""
        return self.is_reading(buffer) or self.is_writing(buffer)

    def is_reading(self, buffer: Buffer) -> bool:
        """Whether it reads the buffer."""
        return any(ref.buffer is buffer for ref in self.reads)

    def is_writing(self, buffer: Buffer) -> bool:
        """Whether it writes to the buffer."""
        return any(ref.buffer is buffer for ref in self.writes)

    def replace(self, old: Buffer, new: Buffer) -> None:
        """Let it use another buffer of the same layout."""

        def swap(x: Any) -> Any:
            if isinstance(x, Ref) and x.buffer is old:
                return Ref(new, x.offset, x.shape, x.strides, x.dtype)
            return x

        self.args, self.kwargs = map_leaves(swap, self.args), map_leaves(swap, self.kwargs)
        for refs in (self.writes, self.reads, self.results):
            refs[:] = [swap(ref) for ref in refs]


def map_leaves(f: Callable[[Any], Any], tree: Any) -> Any:
    """`tree` (tuples, lists, dicts) with every leaf x replaced by f(x)."""
    kind = tree.__class__
    if kind is tuple or kind is list:
        return kind([map_leaves(f, x) for x in tree])
    if kind is dict:
        return {key: map_leaves(f, x) for key, x in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return kind(*[map_leaves(f, x) for x in tree])
    return f(tree)


def leaves(tree: Any) -> Iterator[Any]:
    """All leaves of nested tuples, lists and dicts: those that `map_leaves` replaces."""
    kind = tree.__class__
    if kind is tuple or kind is list or (isinstance(tree, tuple) and hasattr(tree, "_fields")):
        for x in tree:
            yield from leaves(x)
    elif kind is dict:
        for x in tree.values():
            yield from leaves(x)
    else:
        yield tree
