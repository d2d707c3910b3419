"""Data sets: something with a length whose elements have numbers."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from fastgrad.creation import as_tensor
from fastgrad.errors import bad_index, bad_type, bad_value
from fastgrad.random import Generator, numpy_generator
from fastgrad.tensor import Tensor

__all__ = ["Dataset", "Subset", "TensorDataset", "random_split"]

T_co = TypeVar("T_co", covariant=True)


class Dataset(Generic[T_co]):
    """Base of data sets: a subclass has ``__getitem__(index)`` and ``__len__()``.

    A subclass may also have ``__getitems__(list of indices)`` that returns a list of elements;
    `DataLoader` then gets all elements of a batch from it.

    Notes
    -----
    Source: ``torch.utils.data.Dataset``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> class Squares(fg.utils.data.Dataset):
    ...     def __len__(self):
    ...         return 4
    ...     def __getitem__(self, index):
    ...         return index, float(index**2)
    >>> Squares()[3]
    (3, 9.0)
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError(f"{type(self).__name__} has no __getitem__()")


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Tensors whose rows belong together: element ``i`` is row ``i`` of each.

    Parameters
    ----------
    *tensors : Tensor or ndarray
        Of shape (length, …) each. Memory is shared, not copied, where the dtype is one that Tensors have.

    Attributes
    ----------
    tensors : tuple of Tensor
        The tensors.

    Raises
    ------
    TypeError
        If something is neither Tensor nor ndarray.
    ValueError
        If there are none, one has no axis, or their lengths differ.

    Notes
    -----
    Source: ``torch.utils.data.TensorDataset``, which takes no ndarrays.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> dataset = fg.utils.data.TensorDataset(np.eye(3), np.arange(3))
    >>> len(dataset)
    3
    >>> x, target = dataset[1]
    >>> x.tolist(), target.item()
    ([0.0, 1.0, 0.0], 1)
    """

    tensors: tuple[Tensor, ...]

    def __init__(self, *tensors: Tensor | np.ndarray) -> None:
        if not tensors:
            raise bad_value("TensorDataset", "tensors", "empty", "at least one Tensor or ndarray")
        for i, tensor in enumerate(tensors):
            argument = f"tensors[{i}]"
            if not isinstance(tensor, (Tensor, np.ndarray)):
                raise bad_type("TensorDataset", argument, type(tensor).__name__, "a Tensor or ndarray")
            if len(tensor.shape) == 0:
                raise bad_value("TensorDataset", argument, "of shape ()", "shape (length, ...)")
            if tensor.shape[0] != tensors[0].shape[0]:
                expected = f"length {tensors[0].shape[0]} like tensors[0]"
                raise bad_value("TensorDataset", argument, f"of length {tensor.shape[0]}", expected)
        self.tensors = tuple(t if isinstance(t, Tensor) else as_tensor(t) for t in tensors)

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        try:
            return tuple(tensor[index] for tensor in self.tensors)
        except IndexError as error:
            expected = f"within the dataset's length {len(self)}"
            raise bad_index("TensorDataset[]", "index", repr(index), expected) from error

    def __len__(self) -> int:
        return self.tensors[0].shape[0]


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

    Raises
    ------
    TypeError
        If `indices` is not a sequence of integers.

    Notes
    -----
    Source: ``torch.utils.data.Subset``.

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

    def __init__(self, dataset: Dataset[T_co], indices: Sequence[int] | np.ndarray) -> None:
        _check_indices(indices)
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> T_co:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        try:
            position = self.indices[index]
        except IndexError as error:
            expected = f"within the subset's length {len(self)}"
            raise bad_index("Subset[]", "index", repr(index), expected) from error
        try:
            return self.dataset[position]
        except IndexError as error:
            raise bad_index(
                "Subset[]", f"indices[{index!r}]", repr(position), "within the dataset's length"
            ) from error

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
