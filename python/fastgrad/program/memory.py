"""Where the buffers of a program lie: those that are not needed at the same time share memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastgrad import arrays
from fastgrad.arrays import bytes_like, is_on_device
from fastgrad.program.fuse import Plan
from fastgrad.program.ir import Buffer, Command, Ref

__all__ = ["Arrays", "aligned", "overwrite", "place", "view"]

_ALIGNMENT = 64


def overwrite(plan: Plan) -> None:
    """Let the gradients of class scores take the place of the scores, where nobody needs these any more."""
    for i, command in enumerate(plan.commands):
        if command.name not in ("cross_entropy", "nll_loss") or command.function is not None:
            continue
        _, dx, x, target = command.args[:4]
        smoothing = command.args[6] if command.name == "cross_entropy" else 0
        if dx is None or len(target.shape) != 1 or smoothing != 0 or dx.layout != x.layout or x.shape[0] < 2:
            continue
        whole = dx.is_whole and x.is_whole and plan.is_private(dx.buffer) and plan.is_private(x.buffer)
        if whole and dx.buffer is not x.buffer and plan.users(x.buffer)[-1] == i and plan.users(dx.buffer)[0] == i:
            for other in plan.commands[i:]:
                other.replace(dx.buffer, x.buffer)


def place(commands: Sequence[Command], teams: Sequence[tuple[int, int]] = ()) -> tuple[dict[Buffer, int], int]:
    """Give every internal buffer a place in one block of memory.

    Parameters
    ----------
    commands : sequence of Command
    teams : sequence of (int, int)
        Ranges of commands that are run together: what one of them needs, all do.

    Returns
    -------
    places : dict of Buffer to int
        Offsets in bytes.
    nbytes : int
        The size of the block.

    Notes
    -----
    A buffer lives from the first command that touches it to the last, or from the beginning if it has to hold
    something then. The largest are placed first, each at the lowest place that no other one takes in its lifetime.
    """
    begin_of, end_of = list(range(len(commands))), list(range(len(commands)))
    for begin, end in teams:
        begin_of[begin:end] = [begin] * (end - begin)
        end_of[begin:end] = [end - 1] * (end - begin)
    first: dict[Buffer, int] = {}
    last: dict[Buffer, int] = {}
    for i, command in enumerate(commands):
        for ref in (*command.reads, *command.writes):
            buffer = ref.buffer
            if buffer.kind == "internal":
                first.setdefault(buffer, begin_of[i])
                last[buffer] = end_of[i]
    places: dict[Buffer, int] = {}
    top = 0
    for buffer in sorted(first, key=lambda b: (-b.nbytes, b.number)):
        size = max(_ALIGNMENT, -(-buffer.nbytes // _ALIGNMENT) * _ALIGNMENT)
        taken = sorted(
            (places[other], places[other] + max(_ALIGNMENT, other.nbytes))
            for other in places
            if first[other] <= last[buffer] and first[buffer] <= last[other]
        )
        at = 0
        for begin, end in taken:
            if at + size <= begin:
                break
            at = max(at, -(-end // _ALIGNMENT) * _ALIGNMENT)
        places[buffer] = at
        top = max(top, at + size)
    return places, top


def aligned(nbytes: int, like: Any = None) -> Any:
    """Memory that begins at a multiple of 64 bytes, on the GPU of `like` if that is on one."""
    block = bytes_like(like, nbytes + _ALIGNMENT)
    skip = -arrays.address(block) % _ALIGNMENT
    return block[skip : skip + nbytes]


def view(address: int, ref: Ref, owner: Any) -> Any:
    """The array that a Ref of fixed memory at an address stands for; it holds what owns the memory."""
    if is_on_device(owner):
        offset = address + ref.offset - arrays.address(owner)
        return arrays.strided(owner, ref.shape, ref.strides, offset, ref.dtype)
    return np.asarray(_Memory(address, ref, owner))


class _Memory:
    """Fixed memory as numpy wants to be told of it."""

    def __init__(self, address: int, ref: Ref, owner: np.ndarray) -> None:
        self.owner = owner
        self.__array_interface__ = {
            "version": 3,
            "data": (address + ref.offset, not owner.flags.writeable),
            "shape": ref.shape,
            "strides": ref.strides,
            "typestr": ref.dtype.str,
        }


class Arrays:
    """The arrays that commands work on."""

    def __init__(self, places: dict[Buffer, int], nbytes: int, like: Any) -> None:
        self.places = places
        self.blocks = {False: aligned(nbytes)}  # of the processor's memory, and of the GPU's
        if like is not None:
            self.blocks[True] = aligned(nbytes, like)
        self.owners: list[Any] = list(self.blocks.values())  # the program has to keep them

    def address(self, buffer: Buffer) -> tuple[int, Any]:
        """Where a buffer lies, and who owns that."""
        if buffer.kind == "internal":
            block = self.blocks[buffer.on_device]
            return arrays.address(block) + self.places[buffer], block
        assert buffer.array is not None
        return buffer.address, buffer.array

    def array(self, x: Any) -> Any:
        """The array that a Ref stands for; anything else is returned as it is."""
        if not isinstance(x, Ref):
            return x
        address, owner = self.address(x.buffer)
        if not any(owner is each for each in self.owners):
            self.owners.append(owner)
        return view(address, x, owner)
