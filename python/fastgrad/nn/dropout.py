"""Dropout: zeros at random while training."""

from __future__ import annotations

from fastgrad.nn import functional as F
from fastgrad.nn.functional.arguments import check_unit
from fastgrad.nn.module import Module
from fastgrad.tensor import Tensor

__all__ = ["Dropout"]


class Dropout(Module):
    """While training, set each element to zero with probability `p` and scale the others by 1 / (1 − p).

    Parameters
    ----------
    p : float
        Probability of a zero, between 0 and 1.

    Raises
    ------
    ValueError
        If `p` is not between 0 and 1.

    Notes
    -----
    Source: Srivastava et al. 2014, "Dropout"; ``torch.nn.Dropout``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.Dropout(0.2).eval()(fg.ones(3)).numpy()
    array([1., 1., 1.], dtype=float32)
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = check_unit("Dropout", "p", p)

    def forward(self, x: Tensor) -> Tensor:
        """Drop elements of `x`, if training."""
        return F.dropout(x, self.p, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}"
