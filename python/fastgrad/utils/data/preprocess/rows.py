"""Data as rows of float64 numbers, a piece at a time, and results in the kind of array that came in."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from fastgrad.autograd.graph import wrap
from fastgrad.dtypes import get_default_dtype
from fastgrad.errors import bad_value
from fastgrad.tensor import Tensor
from fastgrad.utils.data.arrays import array_of

__all__ = ["map_rows", "pieces", "rows_of"]

# Numbers of one piece: 1 MB of float64 stays in the cache. But a product of matrices wants rows.
_PIECE = 2**17
_ROWS = 512


def rows_of(function: str, argument: str, x: Any, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """The array behind data of shape (examples, *shape)."""
    array = array_of(function, argument, x)
    if array.ndim == 0:
        raise bad_value(function, argument, "of shape ()", "shape (examples, *features)")
    if shape is not None and array.shape[1:] != shape:
        wanted = ", ".join(["examples", *map(str, shape)])
        raise bad_value(function, argument, f"of shape {array.shape}", f"shape ({wanted}), as at fit")
    return array


def pieces(function: str, array: np.ndarray, argument: str = "x") -> Iterator[tuple[int, np.ndarray]]:
    """``(first row, rows as float64 of shape (rows, features))``, piece by piece; all numbers are finite.

    The rows may be the memory of `array`: read them only.

    Raises
    ------
    ValueError
        At the first number that is not finite, with its row and column.
    """
    features = math.prod(array.shape[1:])
    step = max(_ROWS, _PIECE // max(1, features))
    for start in range(0, len(array), step):
        part = array[start : start + step]
        rows = part.reshape(len(part), features).astype(np.float64, copy=False)
        finite = np.isfinite(rows)
        if not finite.all():
            row, column = (int(i) for i in np.argwhere(~finite)[0])
            place: Any = column
            if array.ndim > 2:
                place = tuple(int(i) for i in np.unravel_index(column, array.shape[1:]))
            given = f"{rows[row, column]} at row {start + row}, column {place}"
            raise bad_value(function, argument, given, "finite numbers")
        yield start, rows


def map_rows(
    function: str, argument: str, x: Any, array: np.ndarray, f: Callable[[np.ndarray], Any], shape: tuple[int, ...]
) -> Any:
    """`f` of all rows, which it gets and gives as float64, as rows of shape `shape` in the kind and dtype of `x`."""
    dtype = array.dtype if array.dtype.kind == "f" else get_default_dtype()
    out = np.empty((len(array), *shape), dtype)
    for start, rows in pieces(function, array, argument):
        y = f(rows)
        out[start : start + len(y)] = y.reshape(len(y), *shape)
    return wrap(out) if isinstance(x, Tensor) else out
