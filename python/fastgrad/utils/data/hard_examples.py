"""The sampler that shows examples with a larger loss more often."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from typing import Any

import numpy as np

from fastgrad.dtypes import get_default_dtype
from fastgrad.errors import bad_index, bad_value
from fastgrad.nn.functional.arguments import check_unit
from fastgrad.nn.linear import check_size
from fastgrad.optim.arguments import check_number
from fastgrad.random import Generator
from fastgrad.utils.data.arguments import as_indices, as_vector, check_generator, check_length, check_state
from fastgrad.utils.data.epoch_sampler import SeededSampler

__all__ = ["HardExampleSampler"]

_STATE = {"losses": np.float64, "visited": np.bool_, "strikes": np.int64, "begun_probabilities": np.float64}


class HardExampleSampler(SeededSampler):
    r"""Elements drawn with probabilities that grow with their recorded losses, and a guard against outliers.

    .. math:: p_i = \frac{\text{floor}}{N} + (1 - \text{floor}) \frac{l_i^{1/T}}{\sum_j l_j^{1/T}}

    :math:`l_i` is the loss last recorded for element i by `update`. Where none is, it is the mean of the others, so
    the first epoch has every element once. In an epoch, element i comes :math:`n p_i` times (n being `num_samples`)
    on the average, and in each epoch that number rounded down or up: there is less chance in it than in independent
    draws, and equal losses give a permutation.

    An example with a wrong label has a large loss whatever the network learns, until it is learned by heart. The guard
    looks at the losses when an epoch begins: those recorded are compared with a threshold, the mean of the elements
    that are not suspected plus `guard` standard deviations. By Cantelli's inequality no more than
    1 / (1 + `guard`\ ²) of them, about 31 % for 1.5, can be above. An element above counts as one of mean loss. If it
    is above in `patience` epochs, one after the other among those in which its loss was recorded, it is a suspect and
    only has the floor's share, until a smaller loss is recorded. The threshold is at least a tenth of the mean loss
    of the suspects, so right examples are not suspected once all others are learned.

    Given `labels`, elements are compared with those of the same label alone. Do so where classes differ in size: a rare
    class has large losses for long, and among all elements the guard would suspect it as a whole.

    Parameters
    ----------
    data_source : Dataset
        Anything with a length N, which is not 0.
    num_samples : int, optional
        Elements of an epoch; by default N.
    temperature : float
        T > 0: 1 for probabilities in proportion to the losses, more for flatter ones, infinity for equal ones.
    floor : float
        The part of the draws that is shared equally by all, in [0, 1].
    guard : float or None
        Standard deviations from mean to threshold, > 0; None for no guard.
    patience : int
        Epochs above the threshold that make a suspect, at least 1.
    labels : sequence of int, optional
        One per element: the guard, and the mean that stands for losses not recorded, then go by label.
    generator : Generator, optional
        Where the seed comes from; else what `manual_seed` seeds.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If the data set is empty, there are not as many labels as elements, or another argument is out of range.

    Notes
    -----
    The order of an epoch is a function of the seed, the epoch, and the losses recorded before the epoch begins, which
    it does when its order is first asked for. Losses recorded afterwards count for the next one.

    Sources: Loshchilov and Hutter 2015, "Online batch selection for faster training of neural networks"; Katharopoulos
    and Fleuret 2018, "Not all samples are created equal" (for `weights`); Carpenter, Clifford and Fearnhead 1999,
    "Improved particle filter for nonlinear problems" (systematic sampling).

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> sampler = fg.utils.data.HardExampleSampler(range(4), num_samples=100, floor=0.2, guard=None)
    >>> sampler.update([0, 1, 2, 3], [0.0, 1.0, 1.0, 2.0])
    >>> sampler.probabilities
    array([0.05, 0.25, 0.25, 0.45])
    >>> np.bincount(sampler.order(0))
    array([ 5, 25, 25, 45])
    """

    def __init__(
        self,
        data_source: Sized,
        num_samples: int | None = None,
        temperature: float = 1.0,
        floor: float = 0.1,
        guard: float | None = 1.5,
        patience: int = 2,
        labels: Sequence[int] | np.ndarray | Any = None,
        generator: Generator | None = None,
    ) -> None:
        name = "HardExampleSampler"
        total = check_length(name, "data_source", data_source, 1)
        self.data_source = data_source
        self.num_samples = total if num_samples is None else check_size(name, "num_samples", num_samples, 1)
        self.temperature = check_number(name, "temperature", temperature, finite=False)
        if self.temperature <= 0:
            raise bad_value(name, "temperature", temperature, "a number > 0")
        self.floor = check_unit(name, "floor", floor)
        self.guard = None if guard is None else check_number(name, "guard", guard)
        if self.guard is not None and self.guard <= 0:
            raise bad_value(name, "guard", guard, "a number > 0 or None")
        self.patience = check_size(name, "patience", patience, 1)
        super().__init__(check_generator(name, generator))
        groups = np.zeros(total, np.int64) if labels is None else as_indices(name, "labels", labels)
        if len(groups) != total:
            raise bad_value(name, "labels", f"of length {len(groups)}", f"length {total}, that of 'data_source'")
        self._groups = np.unique(groups, return_inverse=True)[1]
        self._number_of_groups = int(self._groups.max()) + 1
        self._losses = np.full(total, np.nan)
        self._visited = np.zeros(total, bool)  # since the epoch began
        self._strikes = np.zeros(total, np.int64)  # visited epochs above the threshold, one after the other
        self._begun: int | None = None
        self._begun_probabilities = np.full(total, 1 / total)

    def update(self, indices: Sequence[int] | np.ndarray | Any, losses: Sequence[float] | np.ndarray | Any) -> None:
        """Record losses, for instance of a batch from a loss with ``reduction="none"``.

        Parameters
        ----------
        indices : sequence of int
            Numbers of elements; where one comes several times its last loss counts.
        losses : sequence of float
            As many, finite and >= 0.

        Raises
        ------
        IndexError
            If a number is not one of an element.
        TypeError
            If the numbers are no integers, or the losses no numbers.
        ValueError
            If there are not as many losses as numbers, or one is negative, infinite or NaN.
        """
        name = "HardExampleSampler.update"
        numbers = self._numbers(name, indices)
        values = as_vector(name, "losses", losses, "fiu", "numbers")
        if len(values) != len(numbers):
            raise bad_value(name, "losses", f"of length {len(values)}", f"length {len(numbers)}, that of 'indices'")
        good = (values >= 0) & np.isfinite(values)
        if not good.all():
            raise bad_value(name, "losses", f"with {values[~good][0]}", "finite numbers >= 0")
        self._losses[numbers] = values
        self._visited[numbers] = True

    @property
    def losses(self) -> np.ndarray:
        """The losses last recorded, NaN where none is: shape (N,)."""
        return np.array(self._losses)

    @property
    def probabilities(self) -> np.ndarray:
        """With which probabilities an epoch that begins now would be drawn: shape (N,), sum 1."""
        return self._assess()[1]

    @property
    def suspects(self) -> np.ndarray:
        """The numbers of the elements that an epoch that begins now would suspect, the largest loss first: int64."""
        found = np.flatnonzero(self._assess()[0] >= self.patience)
        return np.take(found, np.argsort(-self._losses[found], kind="stable"))

    def weights(self, indices: Sequence[int] | np.ndarray | Any) -> np.ndarray:
        """Factors 1 / (N p) that make a mean over drawn elements one over the data set, on the average.

        The probabilities are those of the epoch that began last. ``(losses * sampler.weights(indices)).mean()`` has
        the gradient's expectation that a shuffled epoch has; factors are at most 1 / floor.

        Parameters
        ----------
        indices : sequence of int
            Numbers of elements.

        Returns
        -------
        ndarray
            One factor per number, of the default dtype; infinite for an element that cannot be drawn.

        Raises
        ------
        IndexError
            If a number is not one of an element.
        TypeError
            If the numbers are no integers.
        """
        p: np.ndarray = self._begun_probabilities[self._numbers("HardExampleSampler.weights", indices)]
        with np.errstate(divide="ignore"):
            w: np.ndarray = 1 / (len(self._losses) * p)
        return w.astype(get_default_dtype())

    def order(self, epoch: int) -> np.ndarray:
        """The numbers of the elements of an epoch, in order: int64, shape (num_samples,).

        It is the same when it is asked for again, until that of another epoch is.
        """
        random = self.random(epoch)
        if epoch != self._begun:
            self._strikes, self._begun_probabilities = self._assess()
            self._visited[:] = False
            self._begun = epoch
        # Systematic sampling: points at distance 1 fall into intervals of lengths n p, laid out in random order.
        laid = random.permutation(len(self._losses))
        ends = np.cumsum(self._begun_probabilities[laid])
        points = np.floor(ends / ends[-1] * self.num_samples + random.random()).astype(np.int64)
        return random.permutation(np.repeat(laid, np.diff(points, prepend=0)))

    def __len__(self) -> int:
        return self.num_samples

    def _numbers(self, function: str, indices: Any) -> np.ndarray:
        numbers = as_indices(function, "indices", indices)
        total = len(self._losses)
        outside = (numbers < 0) | (numbers >= total)
        if outside.any():
            raise bad_index(function, "indices", f"with {numbers[outside][0]}", f"numbers in 0 ... {total - 1}")
        return numbers

    def _assess(self) -> tuple[np.ndarray, np.ndarray]:
        """Strikes and probabilities of an epoch that begins now."""
        total = len(self._losses)
        seen = ~np.isnan(self._losses)
        largest = self._losses[seen].max(initial=0)
        if largest == 0:
            return np.where(self._visited, 0, self._strikes), np.full(total, 1 / total)
        losses = self._losses / largest
        suspected = self._strikes >= self.patience
        trusted = seen & ~suspected
        trusted |= seen & (self._count(trusted) == 0)[self._groups]  # where all are suspected, all are trusted
        mean = self._mean(trusted, losses)
        threshold = np.full(len(mean), np.inf)
        if self.guard is not None:
            deviation = np.sqrt(self._mean(trusted, (losses - mean[self._groups]) ** 2))
            threshold = (mean + self.guard * deviation) * (1 + 1e-9)  # equal losses, a rounded mean
            threshold = np.fmax(threshold, self._mean(suspected, losses) / 10)
        limit = threshold[self._groups]
        above = losses > limit
        strikes = np.where(self._visited, np.where(above, self._strikes + 1, 0), self._strikes)
        usual = self._mean(trusted, np.minimum(losses, limit))
        usual[np.isnan(usual)] = np.minimum(losses, limit)[trusted].mean()  # groups of which nothing is known
        share = np.where(seen & ~above, losses, usual[self._groups]) ** (1 / self.temperature)
        share[strikes >= self.patience] = 0
        if not share.any():
            share[:] = 1
        share /= share.max()  # they may all be subnormal
        return strikes, self.floor / total + (1 - self.floor) * share / share.sum()

    def _count(self, chosen: np.ndarray) -> np.ndarray:
        """How many of the chosen elements each group has."""
        return np.bincount(self._groups[chosen], minlength=self._number_of_groups)

    def _mean(self, chosen: np.ndarray, values: np.ndarray) -> np.ndarray:
        """The mean over the chosen elements of each group; NaN where there is none."""
        total = np.bincount(self._groups[chosen], values[chosen], minlength=self._number_of_groups)
        count = self._count(chosen)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)

    def state_dict(self) -> dict[str, Any]:
        arrays = {name: getattr(self, f"_{name}").copy() for name in _STATE}
        return {**super().state_dict(), "begun": self._begun, **arrays}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        function = "HardExampleSampler.load_state_dict"
        begun, *arrays = check_state(function, state_dict, "begun", *_STATE)
        for name, array in zip(_STATE, arrays, strict=True):
            if np.shape(array) != self._losses.shape:
                given = f"of shape {np.shape(array)}"
                raise bad_value(function, f"state_dict[{name!r}]", given, f"shape {self._losses.shape}")
        begun = None if begun is None else check_size(function, "state_dict['begun']", begun)
        super().load_state_dict(state_dict)
        self._begun = begun
        for (name, dtype), array in zip(_STATE.items(), arrays, strict=True):
            setattr(self, f"_{name}", np.array(array, dtype))
