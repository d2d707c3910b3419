"""The bases of samplers: something to iterate over, and orders that are functions of a seed and the epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

import numpy as np

from fastgrad.nn.linear import check_size
from fastgrad.random import Generator, numpy_generator
from fastgrad.utils.data.arguments import check_generator, check_state

__all__ = ["EpochSampler", "Sampler", "SeededSampler"]

T_co = TypeVar("T_co", covariant=True)


class Sampler(Generic[T_co]):
    """Base of samplers: a subclass has ``__iter__()`` and, if the number is known, ``__len__()``.

    `EpochSampler` is the base of those that know the order of any epoch.

    Notes
    -----
    Source: ``torch.utils.data.Sampler``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> class Backwards(fg.utils.data.Sampler):
    ...     def __init__(self, data_source):
    ...         self.data_source = data_source
    ...     def __iter__(self):
    ...         return iter(range(len(self.data_source) - 1, -1, -1))
    ...     def __len__(self):
    ...         return len(self.data_source)
    >>> list(Backwards("abc"))
    [2, 1, 0]
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__} has no __iter__()")


class EpochSampler(Sampler[int]):
    """Base of samplers that know the order of any epoch: a subclass has ``order(epoch)`` and ``__len__()``.

    A loop over the sampler goes through the order of `epoch` and advances that by one when it begins, so that every
    loop, also one after a loop that was left early, has an order of its own.

    Attributes
    ----------
    epoch : int
        The epoch that the next loop goes through; 0 at first.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> class Rotated(fg.utils.data.EpochSampler):
    ...     def order(self, epoch):
    ...         return np.roll(np.arange(4), -epoch)
    ...     def __len__(self):
    ...         return 4
    >>> sampler = Rotated()
    >>> list(sampler), list(sampler), sampler.epoch
    ([0, 1, 2, 3], [1, 2, 3, 0], 2)
    """

    epoch: int = 0

    def order(self, epoch: int) -> np.ndarray:
        """The numbers of the elements of an epoch, in order: int64, shape (length,).

        It is the same whenever it is asked for.
        """
        raise NotImplementedError(f"{type(self).__name__} has no order()")

    def set_epoch(self, epoch: int) -> None:
        """Let the next loop go through the order of `epoch`, an integer >= 0."""
        self.epoch = check_size(f"{type(self).__name__}.set_epoch", "epoch", epoch)

    def __iter__(self) -> Iterator[int]:
        order = self.order(self.epoch)
        self.epoch += 1
        return iter(order.tolist())

    def state_dict(self) -> dict[str, Any]:
        """What is needed, beside the arguments of the constructor, to repeat the orders that come."""
        return {"epoch": self.epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what `state_dict` returned, for a sampler that was made from the same arguments."""
        function = f"{type(self).__name__}.load_state_dict"
        (epoch,) = check_state(function, state_dict, "epoch")
        self.epoch = check_size(function, "state_dict['epoch']", epoch)


class SeededSampler(EpochSampler):
    """Base of samplers whose orders are random: functions of a seed and the epoch.

    Parameters
    ----------
    generator : Generator, optional
        Where the seed comes from, once, when it is first needed; else what `manual_seed` seeds.

    Raises
    ------
    TypeError
        If `generator` is not a Generator.

    Examples
    --------
    >>> import fastgrad as fg
    >>> class Noisy(fg.utils.data.SeededSampler):
    ...     def order(self, epoch):
    ...         return self.random(epoch).integers(0, 100, size=3)
    ...     def __len__(self):
    ...         return 3
    >>> sampler = Noisy(fg.Generator().manual_seed(0))
    >>> bool((sampler.order(5) == sampler.order(5)).all())
    True
    """

    def __init__(self, generator: Generator | None = None) -> None:
        self.generator = check_generator(type(self).__name__, generator)
        self._seed: int | None = None

    @property
    def seed(self) -> int:
        """What all orders are made from; drawn from the generator when it is first asked for."""
        if self._seed is None:
            self._seed = int(numpy_generator(self.generator).integers(2**63))
        return self._seed

    def random(self, epoch: int) -> np.random.Generator:
        """A source of random numbers for one epoch, the same whenever it is asked for."""
        epoch = check_size(f"{type(self).__name__}.order", "epoch", epoch)
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(self.seed, spawn_key=(epoch,))))

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "seed": self.seed}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        function = f"{type(self).__name__}.load_state_dict"
        (seed,) = check_state(function, state_dict, "seed")
        seed = check_size(function, "state_dict['seed']", seed)
        super().load_state_dict(state_dict)
        self._seed = seed
