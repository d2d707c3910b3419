"""Whiten: uncorrelated features of variance 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastgrad.errors import bad_type, bad_value
from fastgrad.optim.arguments import check_number
from fastgrad.utils.data.preprocess.fitted import Fitted
from fastgrad.utils.data.preprocess.moments import Moments

__all__ = ["Whiten"]

_METHODS = ("zca", "pca", "cholesky")
# Directions in which standardised data have less variance than this fraction of the largest count as empty.
_EMPTY = 1e-12


class Whiten(Fitted):
    """Give data mean 0 and the covariance I: x̂ = W (x − E[x]) with W Cov(X) Wᵀ = I.

    With Cov(X) = U Λ Uᵀ, of which the features that vary make part:

    - ``"zca"``: W = U (Λ + eps)^(−1/2) Uᵀ = (Cov(X) + eps I)^(−1/2). Of all whitened data these are the nearest to the
      centred ones: pictures stay pictures.
    - ``"pca"``: W = (Λ + eps)^(−1/2) Uᵀ. Features are the principal components, by falling variance; the largest entry
      of each component's direction is positive.
    - ``"cholesky"``: W = L^(−1) with L Lᵀ = Cov(X) + eps I, L lower triangular. A feature depends on those before it
      only.

    Parameters
    ----------
    method : str
        ``"zca"``, ``"pca"`` or ``"cholesky"``.
    eps : float
        What is added to the eigenvalues of the covariance, in the square of the features' unit. It limits how much
        directions of little variance, which are noise mostly, are blown up.
    n_components : int, optional
        For ``"pca"``: how many components are kept; one per feature that varies by default.

    Attributes
    ----------
    weight : ndarray
        W, float64, of shape (features of the result, features).
    inverse : ndarray
        What undoes it, of shape (features, features of the result).
    covariance : ndarray
        Cov(X), with 1/N, of shape (features, features).
    mean, count : ndarray and int
        The mean of each feature, float64, in the shape of one example; and how many examples it was fitted to.

    Raises
    ------
    ValueError
        If an argument is out of range; and when fitted, if the covariance is singular and `eps` is 0.
    TypeError
        If an argument is of the wrong type.

    Notes
    -----
    All axes after the first together are the features. Results have the shape of the data, except for ``"pca"``: there
    it is (examples, components). A feature with one value only in all training data is centred and has no part in the
    rest; it is no component, and ``inverse_transform`` restores it.

    Eigenvectors come from the singular value decomposition of a factor of the covariance, D R^(1/2) with the standard
    deviations D and the correlations R. So features of very different size cost no accuracy.

    Source: LeCun, Bottou, Orr and Müller, "Efficient BackProp" (1998); for the names Kessy, Lewin and Strimmer,
    "Optimal whitening and decorrelation" (2018).

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> x = np.random.default_rng(0).normal(size=(500, 2)) @ np.array([[3.0, 1.0], [0.0, 0.5]])
    >>> whiten = fg.data.preprocess.Whiten().fit(x)
    >>> z = whiten(x)
    >>> bool(np.allclose(z.T @ z / len(z), np.eye(2)))
    True
    >>> bool(np.allclose(whiten.inverse_transform(z), x))
    True
    """

    _order = 2

    def __init__(self, method: str = "zca", eps: float = 0.0, n_components: int | None = None) -> None:
        if method not in _METHODS:
            raise bad_value("Whiten", "method", repr(method), "'zca', 'pca' or 'cholesky'")
        if n_components is not None:
            if method != "pca":
                raise bad_value("Whiten", "n_components", repr(n_components), f"None with method={method!r}")
            if isinstance(n_components, bool) or not hasattr(n_components, "__index__"):
                raise bad_type("Whiten", "n_components", repr(n_components), "an integer or None")
            if n_components < 1:
                raise bad_value("Whiten", "n_components", n_components, "at least 1")
        self.method = method
        self.eps = check_number("Whiten", "eps", eps, 0.0)
        self.n_components = n_components

    def _solve(self, function: str, moments: Moments) -> dict[str, np.ndarray]:
        if moments.rows < 2:
            raise bad_value(function, "x", "1 row in all", "at least 2, which can differ")
        varying = np.flatnonzero(~moments.constant)
        if self.method == "pca":
            self._check_components(function, moments, len(varying))
        weight, inverse = np.eye(len(moments.mean)), np.eye(len(moments.mean))
        if len(varying) == 0:
            return {"weight": weight, "inverse": inverse}
        square = np.ix_(varying, varying)
        w, back = self._factors(function, moments.scatter[square] / moments.rows, moments.rows, varying)
        if self.method == "pca":
            weight, inverse = np.zeros((len(w), len(weight))), np.zeros((len(weight), len(w)))
            weight[:, varying], inverse[varying] = w, back
        else:
            weight[square], inverse[square] = w, back
        return {"weight": weight, "inverse": inverse}

    def _check_components(self, function: str, moments: Moments, varying: int) -> None:
        wanted = self.n_components or 1
        if varying < wanted:
            given = f"{varying} features of {len(moments.mean)} that vary"
            raise bad_value(function, "x", given, f"at least {wanted}, the components wanted")

    def _factors(
        self, function: str, covariance: np.ndarray, rows: int, features: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """W and what undoes it, for a covariance without zeros in its diagonal."""
        n = len(covariance)
        deviations = np.sqrt(covariance.diagonal())
        correlations, directions = np.linalg.eigh(covariance / np.multiply.outer(deviations, deviations))
        filled = correlations > _EMPTY * correlations[-1]
        rank = int(filled.sum())
        if self.eps == 0.0 and rank < (self.n_components or n):
            dependent = features[(directions[:, ~filled] ** 2).sum(1) > 1e-6]
            raise self._singular(function, covariance, rank, rows, dependent)
        if self.method == "cholesky":
            lower = np.linalg.cholesky(covariance + self.eps * np.eye(n))
            return np.tril(np.linalg.inv(lower)), lower
        factor = deviations[:, None] * directions * np.sqrt(np.where(filled, correlations, 0.0))
        u, sizes, _ = np.linalg.svd(factor)
        sizes = np.sqrt(sizes * sizes + self.eps)
        if self.method == "zca":
            return (u / sizes) @ u.T, (u * sizes) @ u.T
        k = self.n_components or n
        u, sizes = u[:, :k], sizes[:k]
        u = u * np.sign(u[np.abs(u).argmax(0), np.arange(k)])
        return (u / sizes).T, u * sizes

    def _singular(
        self, function: str, covariance: np.ndarray, rank: int, rows: int, dependent: np.ndarray
    ) -> ValueError:
        n = len(covariance)
        largest = float(np.linalg.eigvalsh(covariance)[-1])
        why = f"{rows} rows are too few" if rows <= n else f"columns {_listed(dependent)} depend on each other linearly"
        cut = f"method='pca' with n_components <= {rank}" if rank else "other data"
        expected = f"a covariance of full rank; give eps > 0 (such as {1e-6 * largest:.1g}), or {cut}"
        return bad_value(function, "x", f"of rank {rank} with {n} features that vary ({why})", expected)

    def _solution_shapes(self, features: int, varying: int) -> dict[str, tuple[int, ...]]:
        k = (self.n_components or varying) if self.method == "pca" else features
        return {"weight": (k, features), "inverse": (features, k)}

    def _result_shape(self) -> tuple[int, ...]:
        return (len(self.weight),) if self.method == "pca" else self._shape

    def _solved(self, name: str) -> np.ndarray:
        self._known(f"Whiten.{name}")
        assert self._solution is not None
        return self._solution[name]

    @property
    def weight(self) -> np.ndarray:
        """The matrix W."""
        return self._solved("weight")

    @property
    def inverse(self) -> np.ndarray:
        """What undoes W."""
        return self._solved("inverse")

    @property
    def covariance(self) -> np.ndarray:
        """The covariance of the training data."""
        moments = self._known("Whiten.covariance")
        return moments.scatter / moments.rows

    def _forward(self, rows: np.ndarray) -> Any:
        return (rows - self._known("transform").mean) @ self.weight.T

    def _backward(self, rows: np.ndarray) -> Any:
        return rows @ self.inverse.T + self._known("inverse_transform").mean

    def __repr__(self) -> str:
        more: Any = "" if self.n_components is None else f", n_components={self.n_components}"
        return f"Whiten({self.method!r}, eps={self.eps:g}{more})"


def _listed(features: np.ndarray) -> str:
    """The numbers of some features, the first few if there are many."""
    names = [str(i) for i in features[:8]]
    if len(features) > 8:
        return f"{', '.join(names)} and {len(features) - 8} more"
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
