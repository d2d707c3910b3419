"""Samplers: which elements of a data set, in which order."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

import numpy as np

from fastgrad.errors import bad_type
from fastgrad.nn.linear import check_size
from fastgrad.ops.operands import check_flag
from fastgrad.random import Generator, numpy_generator
from fastgrad.utils.data.arguments import as_indices, check_generator, check_length, check_state

__all__ = [
    "BatchSampler",
    "EpochSampler",
    "RandomSampler",
    "Sampler",
    "SeededSampler",
    "SequentialSampler",
    "SubsetRandomSampler",
]

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


class SequentialSampler(EpochSampler):
    """All elements, one after the other.

    Parameters
    ----------
    data_source : Dataset
        Anything with a length.

    Notes
    -----
    Source: ``torch.utils.data.SequentialSampler``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> list(fg.utils.data.SequentialSampler("abc"))
    [0, 1, 2]
    """

    def __init__(self, data_source: Sized) -> None:
        check_length("SequentialSampler", "data_source", data_source)
        self.data_source = data_source

    def order(self, epoch: int) -> np.ndarray:
        """0, 1, 2, …"""
        return np.arange(len(self.data_source))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(SeededSampler):
    """Elements in random order.

    Parameters
    ----------
    data_source : Dataset
        Anything with a length, which is not 0.
    replacement : bool
        Whether every draw is from all elements. Otherwise an epoch is a permutation; if it is longer than the
        data set, one permutation after the other.
    num_samples : int, optional
        Elements of an epoch; by default as many as the data set has.
    generator : Generator, optional
        Where the seed comes from; else what `manual_seed` seeds.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If the data set is empty or `num_samples` is below 1.

    Notes
    -----
    Source: ``torch.utils.data.RandomSampler``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> sampler = fg.utils.data.RandomSampler("abcde")
    >>> sorted(sampler)
    [0, 1, 2, 3, 4]
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        check_length("RandomSampler", "data_source", data_source, 1)
        self.data_source = data_source
        self.replacement = check_flag("RandomSampler", "replacement", replacement)
        self._num_samples = None if num_samples is None else check_size("RandomSampler", "num_samples", num_samples, 1)
        super().__init__(generator)

    @property
    def num_samples(self) -> int:
        """Elements of an epoch."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def order(self, epoch: int) -> np.ndarray:
        """The numbers of the elements of an epoch, in order: int64, shape (num_samples,)."""
        random, total, count = self.random(epoch), len(self.data_source), self.num_samples
        if self.replacement:
            return random.integers(total, size=count)
        rounds = [random.permutation(total) for _ in range(-(-count // total))]
        return rounds[0][:count] if len(rounds) == 1 else np.concatenate(rounds)[:count]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(SeededSampler):
    """Given elements in random order.

    Parameters
    ----------
    indices : sequence of int
        The elements' numbers.
    generator : Generator, optional
        Where the seed comes from; else what `manual_seed` seeds.

    Raises
    ------
    TypeError
        If `indices` are no integers.
    ValueError
        If `indices` have not exactly one axis.

    Notes
    -----
    Source: ``torch.utils.data.SubsetRandomSampler``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> sorted(fg.utils.data.SubsetRandomSampler([2, 3, 5, 7]))
    [2, 3, 5, 7]
    """

    def __init__(self, indices: Sequence[int] | np.ndarray, generator: Generator | None = None) -> None:
        self._indices = as_indices("SubsetRandomSampler", "indices", indices)
        self.indices = indices
        super().__init__(generator)

    def order(self, epoch: int) -> np.ndarray:
        """The numbers of the elements of an epoch, in order: int64, shape (length,)."""
        return self.random(epoch).permutation(self._indices)

    def __len__(self) -> int:
        return len(self._indices)


class BatchSampler(Sampler[list[int]]):
    """What another sampler gives out, in lists.

    Parameters
    ----------
    sampler : Sampler or iterable of int
        Numbers of elements.
    batch_size : int
        Elements of a batch, at least 1.
    drop_last : bool
        Whether a last batch that is not full is left out.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If `batch_size` is below 1.

    Notes
    -----
    Source: ``torch.utils.data.BatchSampler``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> list(fg.utils.data.BatchSampler(fg.utils.data.SequentialSampler("abcde"), 2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Sampler[int] | Iterable[int], batch_size: int, drop_last: bool) -> None:
        if not isinstance(sampler, Iterable):
            raise bad_type("BatchSampler", "sampler", f"a {type(sampler).__name__}", "a Sampler or an iterable")
        self.sampler: Any = sampler
        self.batch_size = check_size("BatchSampler", "batch_size", batch_size, 1)
        self.drop_last = check_flag("BatchSampler", "drop_last", drop_last)

    def __iter__(self) -> Iterator[list[int]]:
        return self._batches(iter(self.sampler))  # the sampler's order is drawn here, not at the first batch

    def _batches(self, numbers: Iterator[int]) -> Iterator[list[int]]:
        while batch := list(itertools.islice(numbers, self.batch_size)):
            if self.drop_last and len(batch) < self.batch_size:
                return
            yield batch

    def __len__(self) -> int:
        total = len(self.sampler)
        return total // self.batch_size if self.drop_last else -(-total // self.batch_size)
