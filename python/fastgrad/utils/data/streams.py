"""Random numbers while a batch is made: a function of seed, epoch and the batch's number, in whatever process."""

from __future__ import annotations

import struct
from types import TracebackType
from typing import Any

import numpy as np

from fastgrad.random import default_generator
from fastgrad.utils.data import numpy_state

__all__ = ["Streams", "mix", "seed_streams"]


def mix(*numbers: int) -> int:
    """A number of 63 bits made of others, each taken modulo 2⁶⁴, that has nothing to do with its neighbours."""
    return int.from_bytes(_digest(numbers, 8), "little") >> 1


def _digest(numbers: tuple[int, ...], size: int) -> bytes:
    from hashlib import blake2b

    packed = struct.pack(f"<{len(numbers)}Q", *[number % 2**64 for number in numbers])
    return blake2b(packed, digest_size=size).digest()


def seed_streams(*numbers: int) -> None:
    """Start Python's `random`, numpy's global generator and fastgrad's default generator anew."""
    import random

    digest = _digest(numbers, 32)
    random.seed(int.from_bytes(digest[:8], "little"))
    np.random.seed(np.frombuffer(digest, np.uint32, 4, 8))
    default_generator.manual_seed(int.from_bytes(digest[24:], "little"))


class Streams:
    """Within ``with Streams(*numbers):`` the three sources start from `numbers`; afterwards they are as before.

    Examples
    --------
    >>> import random
    >>> with Streams(0, 1, 2):
    ...     first = random.random()
    >>> with Streams(0, 1, 2):
    ...     random.random() == first
    True
    """

    def __init__(self, *numbers: int) -> None:
        self.numbers = numbers

    def __enter__(self) -> None:
        import random

        default = default_generator
        self._before: tuple[Any, ...] = random.getstate(), numpy_state.keep(), (
            default._seed, default._offset, default._numpy,
        )  # fmt: skip
        seed_streams(*self.numbers)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import random

        python, numpy, (default_generator._seed, default_generator._offset, default_generator._numpy) = self._before
        random.setstate(python)
        numpy_state.put_back(numpy)
