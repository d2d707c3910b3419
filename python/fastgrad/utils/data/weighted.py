"""The sampler with a probability for each element."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastgrad.errors import bad_value
from fastgrad.nn.linear import check_size
from fastgrad.ops.operands import check_flag
from fastgrad.random import Generator
from fastgrad.utils.data.arguments import as_vector, check_generator, check_length
from fastgrad.utils.data.epoch_sampler import SeededSampler

__all__ = ["WeightedRandomSampler", "draw"]


def draw(random: np.random.Generator, weights: np.ndarray, count: int, replacement: bool) -> np.ndarray:
    """Draw `count` numbers of elements, with probabilities proportional to `weights`.

    Parameters
    ----------
    random : numpy.random.Generator
        Where randomness comes from.
    weights : ndarray
        float64, shape (elements,), finite, >= 0, not all 0.
    count : int
        Numbers to draw; without replacement no more than there are weights above 0.
    replacement : bool
        Whether an element can be drawn again.

    Returns
    -------
    ndarray
        int64, shape (count,). An element of weight 0 is never drawn.
    """
    possible = np.flatnonzero(weights)
    w = weights[possible]
    w /= w.max()  # the sum stays finite
    chosen: np.ndarray
    if replacement:
        limits = np.cumsum(w)  # a random number is at most 1 - 2⁻⁵³, so its product is below the last limit
        points = np.sort(random.random(count)) * limits[-1]  # sorted ones are found several times as fast
        chosen = random.permutation(np.searchsorted(limits, points, side="right"))
    else:
        # The largest of log w + Gumbel noise are drawn as one after the other without replacement would be.
        keys = -np.log(w) - random.gumbel(size=len(w))
        chosen = np.argpartition(keys, count - 1)[:count]
        chosen = chosen[np.argsort(keys[chosen])]
    return np.take(possible, chosen)


class WeightedRandomSampler(SeededSampler):
    """Elements drawn with probabilities proportional to given weights.

    Parameters
    ----------
    weights : sequence of float
        One per element, finite, >= 0, not all 0.
    num_samples : int
        Elements of an epoch.
    replacement : bool
        Whether every draw is from all elements; otherwise an element that was drawn does not come again in the epoch.
    generator : Generator, optional
        Where the seed comes from; else what `manual_seed` seeds.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If a weight is negative, infinite or NaN, all are 0, `num_samples` is below 1, or, without replacement, above
        the number of weights that are not 0.

    Notes
    -----
    Source: ``torch.utils.data.WeightedRandomSampler``; without replacement Efraimidis and Spirakis 2006, "Weighted
    random sampling with a reservoir".

    Examples
    --------
    >>> import fastgrad as fg
    >>> sampler = fg.utils.data.WeightedRandomSampler([0.0, 3.0, 1.0], num_samples=1000)
    >>> drawn = list(sampler)
    >>> drawn.count(0), 700 < drawn.count(1) < 800
    (0, True)
    """

    def __init__(
        self,
        weights: Sequence[float] | np.ndarray | Any,
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        name = "WeightedRandomSampler"
        self.weights = as_vector(name, "weights", weights, "fiub", "numbers").astype(np.float64)
        check_length(name, "weights", self.weights, 1)
        good = (self.weights >= 0) & np.isfinite(self.weights)
        if not good.all():
            raise bad_value(name, "weights", f"with {self.weights[~good][0]}", "finite numbers >= 0")
        self.num_samples = check_size(name, "num_samples", num_samples, 1)
        self.replacement = check_flag(name, "replacement", replacement)
        possible = int(np.count_nonzero(self.weights))
        if possible == 0:
            raise bad_value(name, "weights", "all 0", "at least one above 0")
        if not self.replacement and self.num_samples > possible:
            expected = f"at most {possible}, the number of weights above 0"
            raise bad_value(name, "num_samples", self.num_samples, expected)
        super().__init__(check_generator(name, generator))

    def order(self, epoch: int) -> np.ndarray:
        """The numbers of the elements of an epoch, in order: int64, shape (num_samples,)."""
        return draw(self.random(epoch), self.weights, self.num_samples, self.replacement)

    def __len__(self) -> int:
        return self.num_samples
