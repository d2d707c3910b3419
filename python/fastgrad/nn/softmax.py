"""Modules of softmax and its logarithm."""

from __future__ import annotations

from fastgrad.nn import functional as F
from fastgrad.nn.module import Module
from fastgrad.tensor import Tensor

__all__ = ["LogSoftmax", "Softmax"]


class Softmax(Module):
    """Positive numbers that sum to one along `dim`: y_i = exp(x_i) / Σ_j exp(x_j).

    Parameters
    ----------
    dim : int, optional
        The dimension along which the result sums to one.

    Notes
    -----
    Source: ``torch.nn.Softmax``. :class:`CrossEntropyLoss` takes the numbers before it.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.Softmax(dim=1)(fg.zeros(1, 2)).numpy()
    array([[0.5, 0.5]], dtype=float32)
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        """Apply it to `x`."""
        return F.softmax(x, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """Logarithm of softmax: y_i = x_i − log Σ_j exp(x_j).

    Parameters
    ----------
    dim : int, optional
        The dimension along which the exponentials sum to one.

    Notes
    -----
    Source: ``torch.nn.LogSoftmax``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.LogSoftmax(dim=1)(fg.tensor([[0.0, 1e4]])).numpy()
    array([[-10000.,      0.]], dtype=float32)
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        """Apply it to `x`."""
        return F.log_softmax(x, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"
