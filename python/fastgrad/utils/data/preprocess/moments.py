"""Mean and covariance of rows that come in batches, as exact as if they had come all at once."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fastgrad.errors import bad_value
from fastgrad.utils.data.preprocess.rows import pieces

__all__ = ["Moments", "merge", "moments_of"]


class Moments(NamedTuple):
    """What is kept of the rows seen so far.

    ``scatter`` is the sum of the products of deviations from the mean: shape (features, features), or (features,) if
    only squares are wanted, or () if nothing is. A feature is constant if its least value is its greatest; its mean
    is then exactly that value, and its scatter exactly zero.
    """

    rows: int
    mean: np.ndarray
    scatter: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def constant(self) -> Any:
        """Which features had the same value in all rows."""
        return self.low == self.high

    @property
    def variance(self) -> np.ndarray:
        """The variance of each feature, with 1/N."""
        squares = self.scatter if self.scatter.ndim == 1 else self.scatter.diagonal()
        return squares / self.rows


def _scatter(deviations: np.ndarray, order: int) -> np.ndarray:
    if order == 2:
        return deviations.T @ deviations  # type: ignore[no-any-return]
    return np.einsum("ij,ij->j", deviations, deviations) if order else np.zeros(())


def _piece(rows: np.ndarray, order: int) -> Moments:
    """The moments of some rows, in two passes."""
    low, high = rows.min(0), rows.max(0)
    mean = rows.mean(0)
    mean += (rows - mean).mean(0)  # what rounding took
    mean[low == high] = low[low == high]
    return Moments(len(rows), mean, _scatter(rows - mean, order), low, high)


def merge(a: Moments | None, b: Moments) -> Moments:
    """The moments of the rows of both.

    Notes
    -----
    With N = n + m and δ = mean_b − mean_a: mean = mean_a + δ m / N, scatter = scatter_a + scatter_b + δ δᵀ n m / N.
    Source: Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances" (1979).

    >>> first, second = (_piece(np.array(rows), 1) for rows in ([[1.0], [3.0]], [[8.0]]))
    >>> both = merge(first, second)
    >>> both.rows, both.mean.tolist(), both.scatter.tolist()
    (3, [4.0], [26.0])
    """
    if a is None:
        return b
    total = a.rows + b.rows
    delta = b.mean - a.mean
    low, high = np.minimum(a.low, b.low), np.maximum(a.high, b.high)
    mean = a.mean + delta * (b.rows / total)
    mean[low == high] = low[low == high]
    weight = a.rows * (b.rows / total)
    between = [np.zeros(()), delta * delta, np.multiply.outer(delta, delta)][a.scatter.ndim]
    return Moments(total, mean, a.scatter + b.scatter + between * weight, low, high)


def moments_of(function: str, array: np.ndarray, order: int, before: Moments | None = None) -> Moments:
    """The moments of the rows of an array, and of those before it.

    Parameters
    ----------
    function : str
        Who asks, for messages.
    array : ndarray
        Shape (rows, …), at least one row.
    order : int
        What is wanted beyond the mean: 0 nothing, 1 variances, 2 the covariance.
    before : Moments, optional
        Those of the rows that came earlier.

    Returns
    -------
    Moments

    Raises
    ------
    ValueError
        If there is no row or no feature, a number is not finite, or squares overflow.
    """
    if array.size == 0:
        raise bad_value(function, "x", f"of shape {array.shape}", "at least one row and one feature")
    moments = before
    with np.errstate(over="ignore", invalid="ignore"):
        for _, rows in pieces(function, array):
            moments = merge(moments, _piece(rows, order))
    assert moments is not None
    if not (np.isfinite(moments.mean).all() and np.isfinite(moments.scatter).all()):
        largest = np.maximum(np.abs(moments.low), np.abs(moments.high))
        column = int(largest.argmax())
        given = f"as large as {largest[column]:g} in column {column}"
        raise bad_value(function, "x", given, "numbers whose squares float64 can add up")
    return moments
