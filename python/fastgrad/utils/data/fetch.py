"""Batches of a data set that Python code makes: the same in this process and in workers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any, Final

import numpy as np

from fastgrad.errors import bad_index, bad_value
from fastgrad.utils.data.collate import default_collate
from fastgrad.utils.data.dataset import gives_lists
from fastgrad.utils.data.rows import check_range, find_rows

__all__ = ["END", "MapFetcher", "StreamFetcher"]

SHOWN = 8  # elements that an error lists


class _End:
    """What comes after the last batch of a stream."""


END: Final = _End()


def _listed(index: Any) -> str:
    if not isinstance(index, list):
        return f"element {index!r}"
    return f"elements {str(index[:SHOWN])[:-1]}{', …]' if len(index) > SHOWN else ']'}"


def _collate(collate_fn: Callable[[Any], Any], elements: Any, where: str) -> Any:
    """The batch; an error of `default_collate` says which elements it is about."""
    if collate_fn is not default_collate:
        return collate_fn(elements)
    try:
        return default_collate(elements)
    except (TypeError, ValueError) as error:
        if type(error) not in (TypeError, ValueError):
            raise
        raise type(error)(f"{error} ({where})") from error


class MapFetcher:
    """Makes batches of a data set whose elements have numbers.

    Parameters
    ----------
    dataset : Dataset
        The data set.
    collate_fn : callable
        From a list of elements to a batch, or, if not `batched`, from an element to what is given out.
    batched : bool
        Whether there are batches.
    """

    def __init__(self, dataset: Any, collate_fn: Callable[[Any], Any], batched: bool) -> None:
        self.dataset = dataset
        self.collate_fn = collate_fn
        self.batched = batched
        self._rows = find_rows(dataset) if batched and collate_fn is default_collate else None
        self._lists = gives_lists(dataset)

    def __call__(self, index: Any, where: str) -> Any:
        """The batch of a list of numbers (the element of a number); `where` tells errors which batch it is."""
        if not self.batched:
            return self.collate_fn(self._elements([index], where)[0])
        if self._rows is not None:
            rows = check_range("DataLoader", "sampler", np.asarray(index, np.int64), len(self._rows), f"for {where} ")
            return self._rows.select(rows).take(0, len(index))
        return _collate(self.collate_fn, self._elements(index, where), f"{where}: {_listed(index)}")

    def _elements(self, index: list[Any], where: str) -> list[Any]:
        dataset = self.dataset
        if self._lists and self.batched:
            elements: list[Any] = dataset.__getitems__(index)
            if len(elements) != len(index):
                given = f"a {type(dataset).__name__} whose __getitems__ gave {len(elements)} elements for {where}"
                raise bad_value("DataLoader", "dataset", given, f"{len(index)} elements")
            return elements
        elements = []
        for k in index:
            try:
                elements.append(dataset[k])
            except IndexError as error:
                length = len(dataset) if hasattr(dataset, "__len__") else None
                if length is None or not isinstance(k, int) or not -length <= k < length:
                    raise
                given = f"a {type(dataset).__name__} whose element {k} cannot be had ({type(error).__name__}: {error})"
                raise bad_index("DataLoader", "dataset", given, f"{length} elements as its length says") from error
        return elements


class StreamFetcher:
    """Makes batches of a data set that is gone through from beginning to end.

    Parameters
    ----------
    dataset : IterableDataset
        The data set.
    collate_fn : callable
        As for `MapFetcher`.
    batch_size : int or None
        Elements of a batch; None for single elements.
    drop_last : bool
        Whether a last batch that is not full is left out.
    """

    def __init__(
        self, dataset: Any, collate_fn: Callable[[Any], Any], batch_size: int | None, drop_last: bool
    ) -> None:
        self.dataset = dataset
        self.collate_fn = collate_fn
        self.batch_size = batch_size
        self.drop_last = drop_last
        self._elements: Any = None
        self._done = False

    def __call__(self, skip: bool, where: str) -> tuple[int, Any]:
        """How many elements were taken, and the next batch: `END` after the last one, None if it is skipped."""
        if self._done:
            return 0, END
        if self._elements is None:
            self._elements = iter(self.dataset)
        elements = list(islice(self._elements, self.batch_size or 1))
        full = len(elements) == (self.batch_size or 1)
        if not elements or (self.drop_last and not full):
            self._done = True
            return len(elements), END
        if skip:
            return len(elements), None
        if self.batch_size is None:
            return 1, self.collate_fn(elements[0])
        return len(elements), _collate(self.collate_fn, elements, where)
