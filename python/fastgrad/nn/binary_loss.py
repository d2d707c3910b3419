"""Modules of the binary cross-entropies."""

from __future__ import annotations

from fastgrad.nn import functional as F
from fastgrad.nn.loss import WeightedLoss
from fastgrad.tensor import Tensor

__all__ = ["BCELoss", "BCEWithLogitsLoss"]


class BCELoss(WeightedLoss):
    """Cross-entropy of probabilities; see :func:`fastgrad.nn.functional.binary_cross_entropy`.

    Parameters
    ----------
    weight : Tensor, optional
        Factor of each element's loss; broadcasts to the shape of the input.
    reduction : {"mean", "sum", "none"}
        What is made of the elements' losses.

    Notes
    -----
    Source: ``torch.nn.BCELoss``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> round(fg.nn.BCELoss()(fg.tensor([0.5]), fg.tensor([1.0])).item(), 4)
    0.6931
    """

    def __init__(self, weight: Tensor | None = None, reduction: str = "mean") -> None:
        super().__init__(weight, reduction)

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of the probabilities `x`."""
        return F.binary_cross_entropy(x, target, self.weight, self.reduction)


class BCEWithLogitsLoss(WeightedLoss):
    """Cross-entropy of σ(x); see :func:`fastgrad.nn.functional.binary_cross_entropy_with_logits`.

    Parameters
    ----------
    weight : Tensor, optional
        Factor of each element's loss; broadcasts to the shape of the input.
    reduction : {"mean", "sum", "none"}
        What is made of the elements' losses.
    pos_weight : Tensor, optional
        Factor of the positive part; broadcasts to the shape of the input.

    Notes
    -----
    Source: ``torch.nn.BCEWithLogitsLoss``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.BCEWithLogitsLoss()(fg.tensor([-120.0]), fg.tensor([1.0])).item()
    120.0
    """

    pos_weight: Tensor | None

    def __init__(
        self, weight: Tensor | None = None, reduction: str = "mean", pos_weight: Tensor | None = None
    ) -> None:
        super().__init__(weight, reduction)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of the logits `x`."""
        return F.binary_cross_entropy_with_logits(x, target, self.weight, self.reduction, self.pos_weight)
