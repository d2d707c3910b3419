"""Parts of a data set."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from fastgrad.errors import bad_index, bad_type, bad_value
from fastgrad.random import Generator, numpy_generator
from fastgrad.utils.data.dataset import Dataset, gives_lists
from fastgrad.utils.data.transform import check_transform, transform_element, transform_rows

__all__ = ["Subset", "random_split"]

T_co = TypeVar("T_co", covariant=True)


def _check_indices(indices: Any) -> None:
    """Raise if a list, tuple or string has what is no integer; arrays are checked by dtype when they are used."""
    if not hasattr(indices, "__len__") or not hasattr(indices, "__getitem__"):
        raise bad_type("Subset", "indices", type(indices).__name__, "a sequence of integers")
    if isinstance(indices, (list, tuple, str)):
        for i, index in enumerate(indices):
            if not hasattr(index, "__index__"):
                raise bad_type("Subset", f"indices[{i}]", repr(index), "an integer")


class Subset(Dataset[T_co]):
    """Some elements of a data set, in a given order.

    Parameters
    ----------
    dataset : Dataset
        The whole.
    indices : sequence of int
        Element ``i`` of the subset is element ``indices[i]`` of `dataset`.
    transform : callable, optional
        What the input of each element, its first entry if it is a tuple or list, goes through after what `dataset` does
        to it; batched or not, as for `TensorDataset`.

    Raises
    ------
    TypeError
        If `indices` is not a sequence of integers, or `transform` cannot be called.

    Notes
    -----
    Source: ``torch.utils.data.Subset``, which takes no transform.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> whole = fg.utils.data.TensorDataset(np.arange(10))
    >>> part = fg.utils.data.Subset(whole, range(5, 10))
    >>> len(part), part[0][0].item()
    (5, 5)
    """

    dataset: Dataset[T_co]
    indices: Sequence[int] | np.ndarray

    def __init__(
        self,
        dataset: Dataset[T_co],
        indices: Sequence[int] | np.ndarray,
        transform: Callable[[Any], Any] | None = None,
    ) -> None:
        _check_indices(indices)
        self.dataset = dataset
        self.indices = indices
        self.transform = check_transform("Subset", transform)

    def __getitem__(self, index: Any) -> T_co:
        if isinstance(index, list):
            elements = self.dataset[[self.indices[i] for i in index]]
            return elements if self.transform is None else transform_rows(self.transform, elements)
        try:
            position = self.indices[index]
        except IndexError as error:
            expected = f"within the subset's length {len(self)}"
            raise bad_index("Subset[]", "index", repr(index), expected) from error
        try:
            element = self.dataset[position]
        except IndexError as error:
            raise bad_index(
                "Subset[]", f"indices[{index!r}]", repr(position), "within the dataset's length"
            ) from error
        return element if self.transform is None else transform_element(self.transform, element)

    def __getitems__(self, indices: list[int]) -> list[T_co]:
        """Several elements; the data set is asked for all of them at once if it has ``__getitems__`` itself."""
        if not gives_lists(self.dataset):
            return [self[i] for i in indices]
        whole: Any = self.dataset
        elements: list[T_co] = whole.__getitems__([self.indices[i] for i in indices])
        transform = self.transform
        return elements if transform is None else [transform_element(transform, element) for element in elements]

    def __len__(self) -> int:
        return len(self.indices)


def _from_fractions(fractions: Sequence[float], total: int) -> list[int]:
    for i, fraction in enumerate(fractions):
        if not 0 <= fraction <= 1:
            raise bad_value("random_split", f"lengths[{i}]", fraction, "a fraction in [0, 1]")
    lengths = [math.floor(total * fraction) for fraction in fractions]
    for i in range(total - sum(lengths)):
        lengths[i % len(lengths)] += 1
    for i, length in enumerate(lengths):
        if length == 0:
            warnings.warn(f"random_split(): part {i} is empty", UserWarning, stacklevel=3)
    return lengths


def random_split(
    dataset: Dataset[T_co], lengths: Sequence[float], generator: Generator | None = None
) -> list[Subset[T_co]]:
    """Divide a data set at random into parts that have no element in common.

    Parameters
    ----------
    dataset : Dataset
        What is divided.
    lengths : sequence of int or of float
        The parts' lengths; or fractions with sum 1, of which each is rounded down and
        the elements left over go one by one to the first parts.
    generator : Generator, optional
        Where random numbers come from; else what `manual_seed` seeds.

    Returns
    -------
    list of Subset
        One per length.

    Raises
    ------
    ValueError
        If the lengths do not add up to that of the data set.

    Notes
    -----
    Source: ``torch.utils.data.random_split``.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> whole = fg.utils.data.TensorDataset(np.arange(10))
    >>> train, test = fg.utils.data.random_split(whole, [0.75, 0.25])
    >>> len(train), len(test)
    (8, 2)
    """
    total = len(dataset)  # type: ignore[arg-type]
    whole = sum(lengths)
    counts = _from_fractions(lengths, total) if math.isclose(whole, 1) and whole <= 1 else list(lengths)
    for i, count in enumerate(counts):
        if not isinstance(count, (int, np.integer)) or count < 0:
            raise bad_value(
                "random_split", f"lengths[{i}]", count, "an integer >= 0 (or fractions with sum 1)"
            )
    if sum(counts) != total:
        raise bad_value(
            "random_split", "lengths", f"of sum {sum(counts)}", f"sum {total}, the dataset's length"
        )
    order = numpy_generator(generator).permutation(total)
    parts, start = [], 0
    for count in counts:
        parts.append(Subset(dataset, order[start : start + int(count)]))
        start += int(count)
    return parts
