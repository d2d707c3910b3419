"""Samplers under torch's names: all elements, random ones, and batches of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any

import numpy as np

from fastgrad.errors import bad_type
from fastgrad.nn.linear import check_size
from fastgrad.ops.operands import check_flag
from fastgrad.random import Generator
from fastgrad.utils.data.arguments import as_indices, check_length
from fastgrad.utils.data.epoch_sampler import EpochSampler, Sampler, SeededSampler

__all__ = ["BatchSampler", "RandomSampler", "SequentialSampler", "SubsetRandomSampler"]


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
