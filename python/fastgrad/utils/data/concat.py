"""Several data sets one after the other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import Any, TypeVar

from fastgrad.errors import bad_index, bad_type, bad_value
from fastgrad.utils.data.dataset import Dataset, IterableDataset, gives_lists

__all__ = ["ConcatDataset"]

T_co = TypeVar("T_co", covariant=True)


class ConcatDataset(Dataset[T_co]):
    """The elements of several data sets, one data set after the other.

    Parameters
    ----------
    datasets : iterable of Dataset
        At least one.

    Attributes
    ----------
    datasets : list of Dataset
        The parts.
    cumulative_sizes : list of int
        How many elements there are up to the end of each.

    Raises
    ------
    TypeError
        If a part has no length or no ``__getitem__``.
    ValueError
        If there are none.

    Notes
    -----
    Batches of parts that are `TensorDataset` or `Subset` of one, whose tensors agree in dtype and shape, are gathered
    from the arrays. Source: ``torch.utils.data.ConcatDataset``.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> parts = [fg.utils.data.TensorDataset(np.arange(n)) for n in (2, 3)]
    >>> whole = fg.utils.data.ConcatDataset(parts)
    >>> len(whole), whole[4][0].item()
    (5, 2)
    """

    datasets: list[Dataset[T_co]]
    cumulative_sizes: list[int]

    def __init__(self, datasets: Iterable[Dataset[T_co]]) -> None:
        if not isinstance(datasets, Iterable):
            raise bad_type("ConcatDataset", "datasets", f"a {type(datasets).__name__}", "an iterable of data sets")
        self.datasets = list(datasets)
        if not self.datasets:
            raise bad_value("ConcatDataset", "datasets", "empty", "at least one data set")
        for i, part in enumerate(self.datasets):
            if isinstance(part, IterableDataset) or not hasattr(part, "__len__") or not hasattr(part, "__getitem__"):
                expected = "a data set with __len__ and __getitem__"
                raise bad_type("ConcatDataset", f"datasets[{i}]", f"a {type(part).__name__}", expected)
        self.cumulative_sizes = list(accumulate(len(part) for part in self.datasets))  # type: ignore[arg-type]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def _find(self, index: Any) -> tuple[int, int]:
        """The part with an element, and the element's number there."""
        total = len(self)
        if not hasattr(index, "__index__"):
            raise bad_type("ConcatDataset[]", "index", f"a {type(index).__name__}", "an integer")
        position = index.__index__()
        if not -total <= position < total:
            raise bad_index("ConcatDataset[]", "index", repr(index), f"within the dataset's length {total}")
        position %= total
        part = bisect_right(self.cumulative_sizes, position)
        return part, position - (self.cumulative_sizes[part - 1] if part else 0)

    def __getitem__(self, index: Any) -> T_co:
        part, position = self._find(index)
        return self.datasets[part][position]

    def __getitems__(self, indices: list[int]) -> list[T_co]:
        """Several elements; a part that has ``__getitems__`` is asked once for all its elements among them."""
        places: dict[int, list[int]] = {}
        positions: dict[int, list[int]] = {}
        for place, index in enumerate(indices):
            part, position = self._find(index)
            places.setdefault(part, []).append(place)
            positions.setdefault(part, []).append(position)
        elements: dict[int, T_co] = {}
        for part, asked in positions.items():
            dataset: Any = self.datasets[part]
            several = gives_lists(dataset)
            given = dataset.__getitems__(asked) if several else [dataset[position] for position in asked]
            elements.update(zip(places[part], given, strict=True))
        return [elements[place] for place in range(len(indices))]
