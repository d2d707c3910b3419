"""What the experiments share: options, results, tables, and the handwritten digits."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import fastgrad as fg
from fastgrad.cli.report import columns
from fastgrad.cli.source import digits as digits_table
from fastgrad.cli.source import split, standardise

__all__ = ["Options", "Result", "Table", "accuracy", "digits"]

NUMBER = re.compile(r"[-+−±<>≤≥≈]? ?\d|$")


@dataclass(frozen=True)
class Options:
    """How to run an experiment.

    Parameters
    ----------
    output : Path
        An existing folder for the picture.
    quick : bool
        A few seconds at most: less data, fewer epochs, fewer repetitions. The effect is still there.
    seed : int
        Of everything random. Who repeats a run uses ``seed``, ``seed + 1``, …
    """

    output: Path
    quick: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Table:
    """A table to print. A cell is a text, or a number: an integer, or one that is written with three digits.

    Examples
    --------
    >>> print(Table("Errors", ("layer", "error"), [("first", 0.12345), ("second", 2)]))
    Errors
    <BLANKLINE>
    layer   error
    first   0.123
    second      2
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[Any]]

    def __str__(self) -> str:
        cells = [[_cell(value) for value in row] for row in (self.header, *self.rows)]
        for position, column in enumerate(zip(*cells, strict=True)):
            if position == 0 or not all(map(NUMBER.match, column[1:])):  # texts are set to the left
                for row in cells:
                    row[position] = row[position].ljust(max(map(len, column)))
        return f"{self.title}\n\n{columns(cells)}"


@dataclass(frozen=True)
class Result:
    """What an experiment found.

    Parameters
    ----------
    picture : Path
        The file that was drawn.
    tables : sequence of Table
        To be printed.
    numbers : dict
        The figures behind the claim, for tests.
    """

    picture: Path
    tables: Sequence[Table]
    numbers: dict[str, Any] = field(default_factory=dict)


def digits(seed: int = 0, scaled: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Give the 1797 handwritten digits that come with scikit-learn, 8 by 8 pixels, split at random.

    Parameters
    ----------
    seed : int
        Of the split.
    scaled : bool
        Whether every pixel has mean 0 and deviation 1 over the training rows; if not, its grey value from 0 to 16.

    Returns
    -------
    x_train, y_train, x_test, y_test : ndarray
        Four fifths to train on: float32 of shape (rows, 64), int64 of shape (rows,); and one fifth to test.
    """
    table = digits_table()
    train, test = split(table.labels, seed)
    x_train, x_test = standardise(table, train, test) if scaled else (table.x[train], table.x[test])
    return x_train.astype(np.float32), table.labels[train], x_test.astype(np.float32), table.labels[test]


def accuracy(net: Callable[[fg.Tensor], fg.Tensor], x: fg.Tensor, y: fg.Tensor) -> float:
    """Give the share of rows whose largest score is that of their class.

    Parameters
    ----------
    net : callable
        From `x` to scores of shape (rows, classes).
    x : Tensor
        Rows.
    y : Tensor of int64, shape (rows,)
        Their classes.
    """
    with fg.no_grad():
        return (net(x).argmax(1) == y).float().mean().item()


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (float, np.floating)):
        return f"{value:.3g}"
    return str(value)
