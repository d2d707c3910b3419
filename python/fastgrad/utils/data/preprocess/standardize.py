"""Standardize: mean 0 and variance 1, feature by feature."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastgrad.errors import bad_value
from fastgrad.utils.data.preprocess.fitted import Fitted
from fastgrad.utils.data.preprocess.moments import Moments

__all__ = ["Standardize"]


class Standardize(Fitted):
    """Subtract the mean of each feature and divide by its standard deviation: x̂ = (x − E[x]) / √Var[x].

    The variance is that with 1/N. A feature that has one value only in all training data is centred and not scaled.

    Attributes
    ----------
    mean, std : ndarray
        Mean and standard deviation of each feature, float64, in the shape of one example; ``std`` is 1 where a feature
        is constant.
    count : int
        How many examples it was fitted to.

    Notes
    -----
    Source: ``sklearn.preprocessing.StandardScaler``; LeCun, Bottou, Orr and Müller, "Efficient BackProp" (1998).

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> standardize = fg.data.preprocess.Standardize()
    >>> for batch in (np.array([[1.0, 7.0], [3.0, 7.0]]), np.array([[5.0, 7.0], [7.0, 7.0]])):
    ...     _ = standardize.partial_fit(batch)
    >>> standardize.mean, standardize.std.round(4)
    (array([4., 7.]), array([2.2361, 1.    ]))
    >>> standardize.inverse_transform(standardize(batch))
    array([[5., 7.],
           [7., 7.]])
    """

    _order = 1

    def _solve(self, function: str, moments: Moments) -> dict[str, np.ndarray]:
        if moments.rows < 2:
            raise bad_value(function, "x", "1 row in all", "at least 2, which can differ")
        return {"std": np.sqrt(np.where(moments.constant, 1.0, moments.variance))}

    def _solution_shapes(self, features: int, varying: int) -> dict[str, tuple[int, ...]]:
        return {"std": (features,)}

    @property
    def std(self) -> np.ndarray:
        """The standard deviation of each feature, 1 for constant ones, in the shape of one example."""
        self._known("Standardize.std")
        assert self._solution is not None
        return self._solution["std"].reshape(self._shape)

    def _forward(self, rows: np.ndarray) -> Any:
        return (rows - self.mean.reshape(-1)) / self.std.reshape(-1)

    def _backward(self, rows: np.ndarray) -> Any:
        return rows * self.std.reshape(-1) + self.mean.reshape(-1)
