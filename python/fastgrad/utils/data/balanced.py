"""The sampler whose batches hold as many different classes as possible."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastgrad.errors import bad_value
from fastgrad.nn.linear import check_size
from fastgrad.ops.operands import check_flag
from fastgrad.random import Generator
from fastgrad.utils.data.arguments import as_indices, check_generator, check_length
from fastgrad.utils.data.epoch_sampler import SeededSampler

__all__ = ["ClassBalancedSampler"]


class _Dealer:
    """Deals numbers below `count`, like cards from packs that are shuffled anew: all are given equally often.

    The last number is only in the first `last` packs.
    """

    def __init__(self, random: np.random.Generator, count: int, last: int) -> None:
        self.random = random
        self.count = count
        self.last = last
        self.packs = 0
        self.pack = np.empty(0, np.int64)

    def hand(self, size: int) -> np.ndarray:
        """`size` different numbers; one fewer if that would be all of them, and the last is given no more.

        A hand that meets the end of a pack gets from the next one what it does not yet have.
        """
        hand, self.pack = self.pack[:size], self.pack[size:]
        missing = size - len(hand)
        if missing:
            pack = self.random.permutation(self.count if self.packs < self.last else self.count - 1)
            self.packs += 1
            free = np.ones(self.count, bool)
            free[hand] = False
            more = pack[free[pack]][:missing]
            free[:] = True
            free[more] = False
            self.pack = pack[free[pack]]
            hand = np.concatenate([hand, more])
        return hand


def _narrow(numbers: np.ndarray, count: int) -> np.ndarray:
    """Numbers below `count` in the smallest dtype that holds them: numpy sorts bytes and shorts by counting."""
    return numbers.astype(np.min_scalar_type(count))


class ClassBalancedSampler(SeededSampler):
    """Elements in an order whose batches hold as many different classes as possible.

    Without `oversample`, an epoch has every element once, in random order but for this: no order has more classes in
    its batches, summed over the batches, and of those that have as many none spreads them more evenly. So the numbers
    of classes of two batches differ by at most one, unless the last batch, which may be shorter, has no room for more.
    A class with at least as many elements as there are batches is in all of them (the last batch holding what it can);
    a smaller one in as many as it has elements.

    With `oversample`, classes are equally frequent, however different their sizes: over an epoch, and in each
    batch, the numbers of elements of two classes differ by at most one. The elements of a class are used equally often,
    give or take one, so those of a large class not in every epoch, and those of a small one several times.

    Parameters
    ----------
    labels : sequence of int
        The class of each element.
    batch_size : int
        Elements of a batch; give the same to the loader.
    oversample : bool
        Whether elements of small classes are repeated until all classes are equally frequent.
    num_samples : int, optional
        Elements of an epoch with `oversample`; by default as many as there are.
    generator : Generator, optional
        Where the seed comes from; else what `manual_seed` seeds.

    Raises
    ------
    TypeError
        If `labels` are no integers, or another argument is of the wrong type.
    ValueError
        If `labels` are empty or have not exactly one axis, `batch_size` or `num_samples` is below 1, or
        `num_samples` is given without `oversample`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> labels = np.repeat([0, 1, 2], [12, 6, 2])
    >>> sampler = fg.utils.data.ClassBalancedSampler(labels, batch_size=4)
    >>> sorted(len(set(batch)) for batch in labels[sampler.order(0)].reshape(5, 4))
    [2, 2, 2, 3, 3]
    """

    def __init__(
        self,
        labels: Sequence[int] | np.ndarray | Any,
        batch_size: int,
        oversample: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        name = "ClassBalancedSampler"
        self.labels = as_indices(name, "labels", labels)
        total = check_length(name, "labels", self.labels, 1)
        self.batch_size = check_size(name, "batch_size", batch_size, 1)
        self.oversample = check_flag(name, "oversample", oversample)
        if num_samples is not None and not self.oversample:
            raise bad_value(name, "num_samples", num_samples, "None where oversample is False")
        self.num_samples = total if num_samples is None else check_size(name, "num_samples", num_samples, 1)
        super().__init__(check_generator(name, generator))
        _, classes, self._counts = np.unique(self.labels, return_inverse=True, return_counts=True)
        self._classes = _narrow(classes, len(self._counts))

    def order(self, epoch: int) -> np.ndarray:
        """The numbers of the elements of an epoch, in order: int64, shape (num_samples,)."""
        random = self.random(epoch)
        batches = -(-self.num_samples // self.batch_size)
        sizes = np.full(batches, self.batch_size)
        sizes[-1] = self.num_samples - (batches - 1) * self.batch_size
        shuffled = random.permutation(len(self.labels))
        members = shuffled[np.argsort(self._classes[shuffled], kind="stable")]  # class by class
        if self.oversample:
            batch, element = self._repeated(random, sizes, members)
        else:
            batch, element = self._spread(random, sizes), members
        return element[np.argsort(batch + 0.5 * random.random(len(batch)))]

    def _spread(self, random: np.random.Generator, sizes: np.ndarray) -> np.ndarray:
        """The batch of each element, class by class.

        Each class first gets a place in as many batches as it can, the largest class first: the last batch then has
        classes that all others have too, or every class can still go to all batches that have room. Since places are
        dealt evenly, that is the best there is. What is left of the classes fills the batches, as evenly as it can.
        """
        dealer = _Dealer(random, len(sizes), int(sizes[-1]))
        ends = np.cumsum(self._counts)
        batch = np.full(len(self.labels), -1)
        for c in np.argsort(-self._counts + random.random(len(ends))):
            start = ends[c] - self._counts[c]
            hand = dealer.hand(min(int(self._counts[c]), len(sizes)))
            batch[start : start + len(hand)] = hand
        rest = batch < 0
        free = sizes - np.bincount(batch[~rest], minlength=len(sizes))
        slots = np.repeat(np.arange(len(sizes)), free)
        place = np.arange(len(slots)) - np.repeat(np.cumsum(free) - free, free)
        batch[rest] = slots[np.argsort((place + random.random(len(slots))) / free[slots])]
        return batch

    def _repeated(
        self, random: np.random.Generator, sizes: np.ndarray, members: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Batches and elements: in a batch all classes equally often, but for a hand of classes with one more each."""
        classes = len(self._counts)
        dealer = _Dealer(random, classes, self.num_samples)
        hands = [dealer.hand(int(size) % classes) for size in sizes]
        every = sizes // classes
        drawn = np.concatenate([np.tile(np.arange(classes), every.sum()), *hands])
        batch = np.arange(len(sizes))
        batch = np.concatenate([np.repeat(batch, every * classes), np.repeat(batch, sizes % classes)])
        element = np.empty(self.num_samples, np.int64)
        ends = np.cumsum(self._counts)
        by_class = np.argsort(_narrow(drawn, classes), kind="stable")
        for c, place in enumerate(np.split(by_class, np.cumsum(np.bincount(drawn, minlength=classes))[:-1])):
            own = members[ends[c] - self._counts[c] : ends[c]]
            rounds = np.tile(own, (-(-len(place) // len(own)), 1))
            element[place] = random.permuted(rounds, axis=1).reshape(-1)[: len(place)]
        return batch, element

    def __len__(self) -> int:
        return self.num_samples
