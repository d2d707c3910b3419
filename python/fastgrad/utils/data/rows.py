"""Batches from arrays: how a data set is seen as rows of tensors, and how rows are fetched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastgrad import backend
from fastgrad.arrays import beside
from fastgrad.autograd.graph import wrap
from fastgrad.creation import as_tensor
from fastgrad.errors import bad_index, bad_type
from fastgrad.tensor import Tensor
from fastgrad.utils.data.concat import ConcatDataset
from fastgrad.utils.data.dataset import TensorDataset
from fastgrad.utils.data.subset import Subset
from fastgrad.utils.data.transform import is_batched, transform_batch

__all__ = ["Rows", "check_range", "find_rows", "take_rows"]


def take_rows(x: Tensor, index: np.ndarray | slice) -> Tensor:
    """Some rows of a tensor: a view for a slice, else gathered in one native call.

    Parameters
    ----------
    x : Tensor
        Shape (rows, …).
    index : slice or ndarray
        Which rows, int64, 0 <= index < rows.

    Returns
    -------
    Tensor
        Shape (batch, …).
    """
    if x.requires_grad:
        return x[index]
    array = x.data
    if isinstance(index, slice) or not array.flags.c_contiguous:
        y = wrap(array[index])
        if isinstance(index, slice):
            y.version = x.version  # it is the same memory
        return y
    out = backend.xp.empty((len(index), *array.shape[1:]), array.dtype, like=array)
    backend.kernels.gather_rows(out, array, beside(array, index))
    return wrap(out)


class Rows:
    """Rows of tensors, in an order, and the batched transforms that their inputs go through.

    Parameters
    ----------
    sources : sequence of Tensor
        Shape (rows, …) each.
    positions : ndarray or range
        Which rows: int64, 0 <= positions < rows; a range if they lie one after the other.
    transforms : tuple of callable
        Batched transforms of the first tensor's rows, the first one first.
    """

    def __init__(
        self, sources: Sequence[Any], positions: np.ndarray | range, transforms: tuple[Callable[[Any], Any], ...] = ()
    ) -> None:
        self.sources = tuple(sources)
        self.positions = positions
        self.transforms = transforms

    def __len__(self) -> int:
        return len(self.positions)

    def kind(self) -> tuple[Any, ...]:
        """Dtype, shape of a row, device and whether a gradient is required, of each tensor."""
        return tuple((x.dtype, x.shape[1:], x.device, x.requires_grad) for x in self.sources)

    def select(self, order: np.ndarray) -> Rows:
        """Rows of these rows: int64, 0 <= order < len."""
        mine = self.positions
        if isinstance(mine, range):
            order = order + mine.start if mine.start else order
        else:
            order = mine[order]
        n = len(order)
        in_a_row = n > 0 and order[-1] - order[0] == n - 1 and bool((np.diff(order) == 1).all())
        positions = range(int(order[0]), int(order[0]) + n) if in_a_row else order
        return type(self)(self.sources, positions, self.transforms)

    def take(self, start: int, stop: int) -> list[Tensor]:
        """Rows number `start` to `stop`: views of the tensors if they lie one after the other in memory."""
        positions = self.positions[start:stop]
        return self._transformed(self._take(positions))

    def _take(self, positions: np.ndarray | range) -> list[Tensor]:
        index = slice(positions.start, positions.stop) if isinstance(positions, range) else positions
        return [take_rows(x, index) for x in self.sources]

    def _transformed(self, batch: list[Tensor]) -> list[Tensor]:
        if self.transforms:
            x: Any = batch[0].clone()  # whatever a transform does to it, the data set stays as it is
            for transform in self.transforms:
                x = transform_batch(transform, x)
            batch[0] = as_tensor(x)
        return batch


class JoinedRows(Rows):
    """Rows of several `Rows`, one after the other.

    The sources are `Rows` without transforms, of as many tensors each, which agree in dtype and in the shape of a row
    and require no gradient. Positions count through all of them.
    """

    def kind(self) -> tuple[Any, ...]:
        found: tuple[Any, ...] = self.sources[0].kind()
        return found

    def _take(self, positions: np.ndarray | range) -> list[Tensor]:
        ends = np.cumsum([len(part) for part in self.sources])
        which = np.searchsorted(ends, np.asarray(positions), side="right")
        chosen = np.unique(which).tolist()
        if isinstance(positions, range) and len(chosen) == 1:
            part = self.sources[chosen[0]]
            before = int(ends[chosen[0]]) - len(part)
            return part.take(positions.start - before, positions.stop - before)  # type: ignore[no-any-return]
        batch: list[np.ndarray] = []
        for number in chosen:
            places = np.flatnonzero(which == number)
            part = self.sources[number]
            rows = part.select(np.asarray(positions)[places] - (int(ends[number]) - len(part))).take(0, len(places))
            if not batch:
                batch = [np.empty((len(positions), *x.shape[1:]), x.dtype, like=x.data) for x in rows]
            for y, x in zip(batch, rows, strict=True):
                y[places] = x.data
        return [wrap(y) for y in batch]


def _positions(indices: Any) -> np.ndarray:
    """A subset's indices as an int64 array."""
    array = np.asarray(indices)
    if array.size == 0:
        return np.empty(0, np.int64)
    if array.dtype.kind not in "iu" or array.ndim != 1:
        given = f"of dtype {array.dtype} and {array.ndim} axes"
        raise bad_type("Subset", "indices", given, "a sequence of integers")
    return array.astype(np.int64, copy=False)


def find_rows(dataset: Any) -> Rows | None:
    """The data set as rows of tensors; None for one whose elements are made by Python code.

    Parameters
    ----------
    dataset : Dataset
        A `TensorDataset`, or `Subset` or `ConcatDataset` of such, and so on. Not one whose class has a
        ``__getitem__`` of its own, or with a transform that is not batched.

    Returns
    -------
    Rows or None
        Its rows.

    Raises
    ------
    IndexError
        If a subset's index is out of range.
    """
    rows: Rows | None = None
    kind = type(dataset)
    if isinstance(dataset, TensorDataset) and kind.__getitem__ is TensorDataset.__getitem__:
        rows = Rows(dataset.tensors, range(len(dataset)))
    elif isinstance(dataset, Subset) and kind.__getitem__ is Subset.__getitem__:
        rows = _find_subset(dataset)
    elif isinstance(dataset, ConcatDataset) and kind.__getitem__ is ConcatDataset.__getitem__:
        return _join([find_rows(part) for part in dataset.datasets])
    if rows is None or dataset.transform is None:
        return rows
    transforms = (*rows.transforms, dataset.transform)
    return type(rows)(rows.sources, rows.positions, transforms) if is_batched(dataset.transform) else None


def _find_subset(dataset: Subset[Any]) -> Rows | None:
    rows = find_rows(dataset.dataset)
    if rows is None:
        return None
    return rows.select(check_range("Subset", "indices", _positions(dataset.indices), len(rows)))


def check_range(function: str, argument: str, positions: np.ndarray, total: int, whose: str = "") -> np.ndarray:
    """Numbers of rows, of which those below 0 count from the end, as numbers from 0."""
    if len(positions) == 0:
        return positions
    low, high = int(positions.min()), int(positions.max())
    if low < -total or high >= total:
        given = low if low < -total else high
        where = int(np.flatnonzero(positions == given)[0])
        expected = f"numbers below the dataset's length {total}"
        raise bad_index(function, argument, f"{whose}with {given} at place {where}", expected)
    return np.where(positions < 0, positions + total, positions) if low < 0 else positions


def _join(parts: Sequence[Rows | None]) -> Rows | None:
    """The rows of all parts; None if they do not go together."""
    found = [part for part in parts if part is not None]
    if len(found) < len(parts) or any(part.transforms for part in found):
        return None
    kind, *others = {part.kind() for part in found}
    if others or any(requires_grad for *_, requires_grad in kind):
        return None
    return JoinedRows(found, range(sum(map(len, found))))
