"""The rows a run trains and tests on: chosen, split, scaled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastgrad.cli.errors import UserError
from fastgrad.cli.settings import Settings
from fastgrad.cli.tables import Table, read_table

__all__ = ["Data", "digits", "load", "split", "standardise"]

FEWEST_ROWS = 10


@dataclass(frozen=True)
class Data:
    """A classification task, ready to train on.

    Parameters
    ----------
    name : str
        What it is called in the output.
    classes : list
        The labels; ``y`` holds positions in this list.
    x_train, x_test : ndarray of the run's dtype, shape (rows, features)
        Features, scaled.
    y_train, y_test : ndarray of int64, shape (rows,)
        Classes.
    """

    name: str
    classes: list[str]
    x_train: np.ndarray[Any, Any]
    y_train: np.ndarray[Any, Any]
    x_test: np.ndarray[Any, Any]
    y_test: np.ndarray[Any, Any]


def load(settings: Settings) -> Data:
    """Read, split and scale what the settings ask for.

    Raises
    ------
    UserError
        If the rows cannot be read or are no classification task.
    """
    table = digits() if settings.data is None else read_table(settings.data, settings.target)
    labels, y = np.unique(table.labels, return_inverse=True)
    rows = len(y)
    if rows < FEWEST_ROWS:
        raise UserError(f"--data: {table.name} has {rows} rows, expected at least {FEWEST_ROWS}")
    if len(labels) < 2:
        raise UserError(
            f"--target: every row of {table.name} has the label {labels[0]}, expected two or more"
        )
    if len(labels) > rows // 2:
        raise UserError(
            f"--target: {len(labels)} different labels in the {rows} rows of {table.name}, "
            f"expected at most {rows // 2}"
        )
    train, test = split(y, settings.seed)
    x_train, x_test = standardise(table, train, test)
    dtype = np.dtype(settings.dtype)
    return Data(
        table.name,
        [str(label) for label in labels],
        x_train.astype(dtype),
        y[train].astype(np.int64),
        x_test.astype(dtype),
        y[test].astype(np.int64),
    )


def digits() -> Table:
    """Give the 1797 handwritten digits, 8 by 8 pixels each, that come with scikit-learn."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise UserError(
            "scikit-learn, which brings the digits, is not installed: "
            "pip install 'fastgrad[compare]', or give your own table with --data"
        ) from None
    x, y = load_digits(return_X_y=True)
    columns = [f"pixel {number}" for number in range(x.shape[1])]
    return Table("handwritten digits", x.astype(np.float64), columns, y.astype(np.int64))


def split(
    y: np.ndarray[Any, Any], seed: int, test_share: float = 0.2
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Split rows at random, class by class, so that both parts hold each class in the same share.

    Parameters
    ----------
    y : ndarray of int, shape (rows,)
        Classes from 0 on.
    seed : int
        The same seed gives the same split.
    test_share : float
        The part of each class, rounded, that is set aside. One row of each class stays for training.

    Returns
    -------
    train, test : ndarray of int64
        Row numbers, ascending; together every row once.
    """
    generator = np.random.default_rng(seed)
    tests = []
    for label in range(int(y.max()) + 1):
        members = generator.permutation(np.flatnonzero(y == label))
        tests.append(members[: min(round(test_share * len(members)), len(members) - 1)])
    test = np.sort(np.concatenate(tests))
    if not len(test):  # only classes of one or two rows: a row of the largest class
        test = np.flatnonzero(y == np.bincount(y).argmax())[:1]
    train = np.setdiff1d(np.arange(len(y)), test)
    return train, test


def standardise(
    table: Table, train: np.ndarray[Any, Any], test: np.ndarray[Any, Any]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Subtract the mean of each feature and divide by its deviation, both taken from the training rows.

    A feature that is constant in training is only centred: nothing is known about its scale.

    Raises
    ------
    UserError
        If a column's numbers are so large that their deviation is not finite.
    """
    x = table.x[train]
    with np.errstate(over="ignore", invalid="ignore"):
        mean = x.mean(axis=0)
        deviation = x.std(axis=0)
    bad = ~np.isfinite(deviation)
    if bad.any():
        raise UserError(
            f"--data: column {table.columns[int(np.argmax(bad))]!r} holds numbers too large to scale"
        )
    # Rounding leaves a constant column a deviation of about one ulp of its mean; dividing by that is noise.
    deviation[deviation <= 1e-12 * np.abs(mean)] = 1.0
    return (x - mean) / deviation, (table.x[test] - mean) / deviation
