"""Center: the mean goes."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastgrad.utils.data.preprocess.fitted import Fitted
from fastgrad.utils.data.preprocess.moments import Moments

__all__ = ["Center"]


class Center(Fitted):
    """Subtract the mean of the training data: x̂ = x − E[x].

    Inputs that are all positive drive the first layer's units the same way, and sigmoids towards saturation, before
    anything is learned.

    Attributes
    ----------
    mean, count : ndarray and int
        The mean of each feature, float64, in the shape of one example; and how many examples it was fitted to.

    Notes
    -----
    Source: LeCun, Bottou, Orr and Müller, "Efficient BackProp" (1998).

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> center = fg.data.preprocess.Center().fit(np.array([[1.0, 10.0], [3.0, 20.0]]))
    >>> center.mean
    array([ 2., 15.])
    >>> center(np.array([[2.0, 16.0]]))
    array([[0., 1.]])
    """

    def _solve(self, function: str, moments: Moments) -> dict[str, np.ndarray]:
        return {}

    def _solution_shapes(self, features: int, varying: int) -> dict[str, tuple[int, ...]]:
        return {}

    def _forward(self, rows: np.ndarray) -> Any:
        return rows - self._known("transform").mean

    def _backward(self, rows: np.ndarray) -> Any:
        return rows + self._known("inverse_transform").mean
