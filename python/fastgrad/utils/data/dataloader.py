"""Batches of a data set, one epoch per loop."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import numpy as np

from fastgrad.errors import bad_type, bad_value
from fastgrad.ops.operands import check_flag
from fastgrad.random import Generator, numpy_generator
from fastgrad.utils.data.collate import default_collate, default_convert
from fastgrad.utils.data.dataset import Dataset
from fastgrad.utils.data.rows import find_rows, take_rows

__all__ = ["DataLoader"]

T_co = TypeVar("T_co", covariant=True)


class DataLoader(Generic[T_co]):
    """Batches of a data set; each loop over it is one epoch.

    Batches of a `TensorDataset`, or of `Subset` of one, are gathered from the arrays in one native
    call per array; rows that follow one another in memory are not copied: such a batch is a view.

    Parameters
    ----------
    dataset : Dataset
        Anything with ``__len__`` and ``__getitem__``.
    batch_size : int or None
        Elements of a batch; None for single elements instead of batches.
    shuffle : bool
        Whether each epoch has a new random order.
    drop_last : bool
        Whether a last batch that is not full is left out.
    generator : Generator, optional
        Where the order comes from; else what `manual_seed` seeds.
    collate_fn : callable, optional
        From a list of elements to a batch; `default_collate` unless given (for single
        elements `default_convert`, from an element to what is given out).

    Raises
    ------
    TypeError
        If `dataset` or another argument is of the wrong type.
    ValueError
        If `batch_size` is below 1, or an empty data set is to be shuffled.

    Notes
    -----
    Source: ``torch.utils.data.DataLoader``.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> dataset = fg.utils.data.TensorDataset(np.arange(5.0), np.arange(5))
    >>> loader = fg.utils.data.DataLoader(dataset, batch_size=2)
    >>> len(loader)
    3
    >>> [target.tolist() for x, target in loader]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self,
        dataset: Dataset[T_co],
        batch_size: int | None = 1,
        shuffle: bool = False,
        drop_last: bool = False,
        generator: Generator | None = None,
        collate_fn: Callable[[Any], Any] | None = None,
    ) -> None:
        if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
            expected = "a data set with __len__ and __getitem__"
            raise bad_type("DataLoader", "dataset", type(dataset).__name__, expected)
        if shuffle is not None:  # torch's default, not in order to shuffle either
            check_flag("DataLoader", "shuffle", shuffle)
        check_flag("DataLoader", "drop_last", drop_last)
        if batch_size is None:
            if drop_last:
                raise bad_value("DataLoader", "drop_last", drop_last, "False with batch_size None")
        elif isinstance(batch_size, bool) or not hasattr(batch_size, "__index__"):
            raise bad_type("DataLoader", "batch_size", repr(batch_size), "an integer or None")
        elif batch_size < 1:
            raise bad_value("DataLoader", "batch_size", batch_size, "an integer >= 1")
        if generator is not None and not isinstance(generator, Generator):
            raise bad_type("DataLoader", "generator", type(generator).__name__, "a Generator")
        if collate_fn is not None and not callable(collate_fn):
            raise bad_type("DataLoader", "collate_fn", type(collate_fn).__name__, "a callable")
        if shuffle and len(dataset) == 0:
            raise bad_value("DataLoader", "dataset", "empty", "at least one element to shuffle")
        self.dataset: Any = dataset
        self.batch_size = None if batch_size is None else operator.index(batch_size)
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.generator = generator
        self.collate_fn = collate_fn or (default_convert if batch_size is None else default_collate)

    def __len__(self) -> int:
        total = len(self.dataset)
        if self.batch_size is None:
            return total
        return total // self.batch_size if self.drop_last else -(-total // self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        # The order is drawn here, not at the first batch: what is drawn meanwhile does not change it.
        total = len(self.dataset)
        order = numpy_generator(self.generator).permutation(total) if self.shuffle else None
        size = self.batch_size
        if size is None:
            return self._elements(order, total)
        stop = total - total % size if self.drop_last else total
        rows = find_rows(self.dataset) if self.collate_fn is default_collate else None
        if rows is None:
            return self._collated(order, stop, size)
        tensors, positions = rows
        if order is None:
            order = positions
        elif positions is not None:
            order = positions[order]
        start = 0
        if order is not None and len(order) and bool((np.diff(order) == 1).all()):
            start = int(order[0])
            order = None
        return self._rows(tensors, order, start, stop, size)

    def _rows(
        self, tensors: Any, order: np.ndarray | None, start: int, stop: int, size: int
    ) -> Iterator[Any]:
        """Batches of rows of tensors, in an order or one after the other from row `start`."""
        for i in range(0, stop, size):
            end = min(i + size, stop)
            index = slice(start + i, start + end) if order is None else order[i:end]
            yield [take_rows(x, index) for x in tensors]

    def _collated(self, order: np.ndarray | None, stop: int, size: int) -> Iterator[Any]:
        """Batches of elements that the data set gives out one by one, or a list at a time."""
        dataset: Any = self.dataset
        several = getattr(dataset, "__getitems__", None)
        for i in range(0, stop, size):
            end = min(i + size, stop)
            index = list(range(i, end)) if order is None else order[i:end].tolist()
            yield self.collate_fn(several(index) if several else [dataset[k] for k in index])

    def _elements(self, order: np.ndarray | None, total: int) -> Iterator[Any]:
        """The elements themselves."""
        for k in range(total) if order is None else order.tolist():
            yield self.collate_fn(self.dataset[k])
