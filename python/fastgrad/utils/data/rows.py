"""Batches from arrays: how a data set is seen as rows of tensors, and how rows are fetched."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastgrad import backend
from fastgrad.autograd.graph import wrap
from fastgrad.errors import bad_index, bad_type
from fastgrad.tensor import Tensor
from fastgrad.utils.data.dataset import Subset, TensorDataset

__all__ = ["find_rows", "take_rows"]


def _positions(indices: Any) -> np.ndarray:
    """A subset's indices as an int64 array."""
    array = np.asarray(indices)
    if array.size == 0:
        return np.empty(0, np.int64)
    if array.dtype.kind not in "iu" or array.ndim != 1:
        given = f"of dtype {array.dtype} and {array.ndim} axes"
        raise bad_type("Subset", "indices", given, "a sequence of integers")
    return array.astype(np.int64, copy=False)


def find_rows(dataset: Any) -> tuple[tuple[Tensor, ...], np.ndarray | None] | None:
    """Tensors of which the data set's elements are rows, and which rows; None for other data sets.

    Parameters
    ----------
    dataset : Dataset
        A `TensorDataset`, or `Subset` of one, or a subset of that, and so on. Not one whose class
        has a ``__getitem__`` of its own.

    Returns
    -------
    tuple or None
        The tensors, and an int64 array of row numbers or None for all rows in order.

    Raises
    ------
    IndexError
        If a subset's index is out of range.
    """
    kind = type(dataset)
    if isinstance(dataset, TensorDataset) and kind.__getitem__ is TensorDataset.__getitem__:
        return dataset.tensors, None
    if not isinstance(dataset, Subset) or kind.__getitem__ is not Subset.__getitem__:
        return None
    found = find_rows(dataset.dataset)
    if found is None:
        return None
    tensors, rows = found
    positions = _positions(dataset.indices)
    total = tensors[0].shape[0] if rows is None else len(rows)
    if len(positions):
        low, high = int(positions.min()), int(positions.max())
        if low < -total or high >= total:
            given = low if low < -total else high
            raise bad_index(
                "Subset", "indices", f"with {given}", f"numbers below the dataset's length {total}"
            )
        if low < 0:
            positions = np.where(positions < 0, positions + total, positions)
    return tensors, positions if rows is None else rows[positions]


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
    out = backend.xp.empty((len(index), *array.shape[1:]), array.dtype)
    backend.kernels.gather_rows(out, array, index)
    return wrap(out)
