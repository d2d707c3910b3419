"""Outputs of every size from 0 x 0 to 33 x 33 in one buffer, checked together."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tests.accuracy import gamma
from tests.reference import Array

LIMIT = 33
_GAP = 2  # elements between two outputs that nobody may write to


class Grid:
    """One NaN-filled output per size (rows, columns), each contiguous, with gaps between them."""

    def __init__(self, dtype: Any, order: Literal["C", "F"] = "C") -> None:
        starts, where, row_of, column_of = {}, [], [], []
        offset = 0
        for rows in range(LIMIT + 1):
            for columns in range(LIMIT + 1):
                starts[rows, columns] = offset
                where.append(offset + np.arange(rows * columns))
                r, c = (index.reshape(-1, order=order) for index in np.indices((rows, columns)))
                row_of.append(r)
                column_of.append(c)
                offset += rows * columns + _GAP
        self.memory = np.empty(offset, dtype)
        self.order = order
        self.starts = starts
        self.height = np.repeat([rows for rows, _ in starts], [len(r) for r in row_of])
        self.where, self.row, self.column = (np.concatenate(parts) for parts in (where, row_of, column_of))
        self.gap = np.ones(offset, bool)
        self.gap[self.where] = False

    def clear(self) -> None:
        self.memory.fill(np.nan)

    def at(self, rows: int, columns: int) -> Array:
        """The output of this size."""
        start = self.starts[rows, columns]
        return self.memory[start : start + rows * columns].reshape((rows, columns), order=self.order)

    def check(self, truth: Array, bound: Array, terms: int, rows: tuple[int, ...] | None = None) -> None:
        """Every output is the top left part of `truth`, to within the rounding error of so many terms."""
        assert np.isnan(self.memory[self.gap]).all(), "something was written outside an output"
        keep = slice(None) if rows is None else np.isin(self.height, rows)
        where, row, column = self.where[keep], self.row[keep], self.column[keep]
        error = np.abs(self.memory[where] - truth[row, column])
        wrong = ~(error <= 2 * gamma(terms, self.memory.dtype) * bound[row, column])
        if wrong.any():
            i = int(np.flatnonzero(wrong)[0])
            size = max(size for size, start in self.starts.items() if start <= where[i])
            raise AssertionError(
                f"{int(wrong.sum())} wrong; first in the output of size {size} at ({row[i]}, {column[i]}): "
                f"{self.memory[where[i]]}, true {truth[row[i], column[i]]}, terms {terms}"
            )
