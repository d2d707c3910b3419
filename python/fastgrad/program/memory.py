"""Where the buffers of a program lie: those that are not needed at the same time share memory."""

from __future__ import annotations

from collections.abc import Sequence

from fastgrad.program.ir import Buffer, Command

__all__ = ["place"]

_ALIGNMENT = 64


def place(commands: Sequence[Command]) -> tuple[dict[Buffer, int], int]:
    """Give every internal buffer a place in one block of memory.

    Parameters
    ----------
    commands : sequence of Command

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
    first: dict[Buffer, int] = {}
    last: dict[Buffer, int] = {}
    for i, command in enumerate(commands):
        for ref in (*command.reads, *command.writes):
            buffer = ref.buffer
            if buffer.kind == "internal":
                first.setdefault(buffer, i)
                last[buffer] = i
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
