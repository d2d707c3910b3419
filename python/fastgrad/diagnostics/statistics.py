"""The numbers of one layer in one step, collected over all its calls."""

from __future__ import annotations

import math

import numpy as np

from fastgrad.diagnostics.saturation import Range

__all__ = ["Activations", "Gradients", "Weights"]


class Activations:
    """Mean, spread, saturation and histogram of all elements, and the extremes of each unit.

    Parameters
    ----------
    span : Range
        Of the activation.
    bins : int
        Of the histogram.
    """

    def __init__(self, span: Range, bins: int) -> None:
        self.span = span
        self.count = 0
        self.mean = 0.0
        self.rows = 0
        self._squares = 0.0  # the sum of squared distances from the mean
        self._saturated = 0
        self.histogram = np.zeros(bins, np.int64)
        self.minimum: np.ndarray | None = None  # per unit; None where calls differ in their number of units
        self.maximum: np.ndarray | None = None

    def add(self, y: np.ndarray) -> None:
        """Take in the activations of one call, the units along the last axis."""
        y = y.reshape(-1, y.shape[-1]) if y.ndim else y.reshape(1, 1)
        n = y.size
        if n == 0:
            return
        with np.errstate(all="ignore"):
            exact = y.astype(np.float64)
            mean = float(exact.mean())
            squares = float(np.square(exact - mean).sum())
            # Chan, Golub and LeVeque 1983: two means and sums of squares become one.
            total, apart = self.count + n, mean - self.mean
            self._squares += squares + apart * apart * self.count * n / total
            self.mean += apart * n / total
            self._saturated += int(np.count_nonzero((y <= self.span.low) | (y >= self.span.high)))
            self.histogram += self._bins(exact)
            low, high = y.min(0), y.max(0)
            if self.count == 0:
                self.minimum, self.maximum = low, high
            elif self.minimum is not None and self.maximum is not None:
                same = low.shape == self.minimum.shape
                self.minimum = np.minimum(low, self.minimum) if same else None
                self.maximum = np.maximum(high, self.maximum) if same else None
        self.count = total
        self.rows += len(y)

    def _bins(self, y: np.ndarray) -> np.ndarray:
        """How many values lie in each bin; what lies outside counts in the outermost, NaN nowhere."""
        bins, (_, _, _, bottom, top) = len(self.histogram), self.span
        place = np.clip((y.ravel() - bottom) * (bins / (top - bottom)), 0, bins - 1)
        return np.bincount(place[~np.isnan(place)].astype(np.int64), minlength=bins)

    @property
    def std(self) -> float:
        """The standard deviation of all elements, without Bessel's correction."""
        return math.sqrt(self._squares / self.count)

    @property
    def saturation(self) -> float:
        """The share of saturated elements; NaN for what does not saturate."""
        if self.span.low == -math.inf and self.span.high == math.inf:
            return math.nan
        return self._saturated / self.count


class Gradients:
    """The mean of absolute values."""

    def __init__(self) -> None:
        self._sum = 0.0
        self._count = 0

    def add(self, dy: np.ndarray) -> None:
        """Take in a gradient."""
        with np.errstate(all="ignore"):
            self._sum += float(np.abs(dy).sum(dtype=np.float64))
        self._count += dy.size

    @property
    def mean(self) -> float:
        """NaN if there was no gradient."""
        return self._sum / self._count if self._count else math.nan


class Weights:
    """The norm of a layer's weights, and of how a step has changed them."""

    def __init__(self) -> None:
        self._before: list[np.ndarray] | None = None

    def keep(self, weights: tuple[np.ndarray, ...]) -> None:
        """Keep what the weights are at the first call of a step."""
        if self._before is None:
            self._before = [w.copy("K") for w in weights]

    def finish(self, weights: list[np.ndarray]) -> tuple[float, float]:
        """The norm of the weights before the step, and that of their change by it; NaN for a layer not called."""
        before, self._before = self._before, None
        if not before:
            return math.nan, math.nan
        with np.errstate(all="ignore"):
            norm = math.sqrt(sum(_sum_of_squares(b.astype(np.float64)) for b in before))
            pairs = zip(weights, before, strict=True)
            squares = [_sum_of_squares(np.subtract(w, b, dtype=np.float64)) for w, b in pairs if w.shape == b.shape]
            return norm, math.sqrt(sum(squares)) if len(squares) == len(before) else math.nan


def _sum_of_squares(x: np.ndarray) -> float:
    return float(np.square(x, out=x).sum())
