"""Random numbers: one generator for all of fastgrad, or one of the caller's own."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from fastgrad.autograd.mode import state
from fastgrad.devices import CPU, as_device
from fastgrad.errors import bad_type

__all__ = [
    "Generator",
    "default_generator",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "numpy_generator",
    "philox_counter",
    "seed",
    "set_rng_state",
]

_LIMIT = 2**64


class Generator:
    """A source of random numbers with a state of its own.

    Parameters
    ----------
    device : str
        ``"cpu"``.

    Notes
    -----
    Numbers come from numpy's PCG64; kernels with random numbers of their own (dropout) are given the seed
    and a counter. The numbers differ from torch's. Source: ``torch.Generator``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> a, b = fg.Generator().manual_seed(1), fg.Generator().manual_seed(1)
    >>> bool((fg.rand(3, generator=a) == fg.rand(3, generator=b)).all())
    True
    """

    __slots__ = ("_numpy", "_offset", "_seed")

    device = CPU

    def __init__(self, device: Any = "cpu") -> None:
        as_device("Generator", device)  # drawn by the processor, whatever it is for
        self.manual_seed(67280421310721)

    def manual_seed(self, seed: int) -> Generator:
        """Start anew from a seed, an int of which the last 64 bits count; return the generator."""
        try:
            seed = seed.__index__()
        except AttributeError:
            raise bad_type("manual_seed", "seed", f"a {type(seed).__name__}", "an int") from None
        self._seed = seed % _LIMIT
        self._offset = 0
        self._numpy: np.random.Generator | None = None
        return self

    @property
    def numpy(self) -> np.random.Generator:
        """numpy's generator behind it, made when it is first wanted: importing numpy.random takes a while."""
        if self._numpy is None:
            self._numpy = np.random.Generator(np.random.PCG64(self._seed))
        return self._numpy

    def seed(self) -> int:
        """Start anew from a seed that the operating system picks, and return it."""
        return self.manual_seed(int.from_bytes(os.urandom(8), "little")).initial_seed()

    def initial_seed(self) -> int:
        """The seed that it was last started from."""
        return self._seed

    def counter(self, n: int) -> tuple[int, int]:
        """Seed and first number of `n` counters that nobody was given yet, for a counter-based kernel."""
        offset = self._offset
        self._offset = (offset + n) % _LIMIT
        if state.recorder is not None:
            return state.recorder.draw(self, n, self._seed, offset)  # type: ignore[no-any-return]
        return self._seed, offset

    def get_state(self) -> dict[str, Any]:
        """All there is to know to repeat what comes."""
        return {"seed": self._seed, "offset": self._offset, "numpy": self.numpy.bit_generator.state}

    def set_state(self, state: dict[str, Any]) -> Generator:
        """Go on from a state that `get_state` gave; return the generator."""
        if not isinstance(state, dict) or state.keys() != {"seed", "offset", "numpy"}:
            raise bad_type("set_state", "state", f"a {type(state).__name__}", "what get_state() returned")
        self.numpy.bit_generator.state = state["numpy"]
        self._seed, self._offset = state["seed"], state["offset"]
        return self

    def __reduce__(self) -> Any:
        return _rebuild_generator, (self.get_state(),)


def _rebuild_generator(state: dict[str, Any]) -> Generator:
    return Generator().set_state(state)


default_generator = Generator()


def manual_seed(seed: int) -> Generator:
    """Start the generator that is used where none is given anew from `seed`; return it.

    Notes
    -----
    Source: ``torch.manual_seed``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> first = fg.manual_seed(0) and fg.rand(2)
    >>> bool((first == (fg.manual_seed(0) and fg.rand(2))).all())
    True
    """
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Start the default generator anew from a seed that the operating system picks, and return it.

    Source: ``torch.seed``.
    """
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the default generator was last started from. Source: ``torch.initial_seed``."""
    return default_generator.initial_seed()


def get_rng_state() -> dict[str, Any]:
    """The state of the default generator. Source: ``torch.get_rng_state``."""
    return default_generator.get_state()


def set_rng_state(new_state: dict[str, Any]) -> None:
    """Let the default generator go on from `new_state`. Source: ``torch.set_rng_state``."""
    default_generator.set_state(new_state)


def _generator(generator: Any) -> Generator:
    if generator is None:
        return default_generator
    if not isinstance(generator, Generator):
        raise bad_type("random", "generator", f"a {type(generator).__name__}", "a fastgrad.Generator or None")
    return generator


def numpy_generator(generator: Generator | None = None) -> np.random.Generator:
    """numpy's generator behind a generator of fastgrad's, by default the one `manual_seed` sets."""
    found = _generator(generator)
    return found.numpy if state.recorder is None else state.recorder.generator(found)


def philox_counter(n: int, generator: Generator | None = None) -> tuple[int, int]:
    """Seed and offset for a kernel that draws `n` numbers; the next call gets other ones."""
    return _generator(generator).counter(n)
