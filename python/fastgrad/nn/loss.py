"""One module per loss; each holds the options of the function of the same name in ``nn.functional``."""

from __future__ import annotations

from fastgrad.errors import bad_value
from fastgrad.nn import functional as F
from fastgrad.nn.functional.arguments import check_int, check_number, check_reduction, check_unit
from fastgrad.nn.module import Module
from fastgrad.tensor import Tensor

__all__ = ["CrossEntropyLoss", "HuberLoss", "L1Loss", "MSELoss", "NLLLoss", "SmoothL1Loss"]


class _Loss(Module):
    """A loss and its reduction."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        check_reduction(type(self).__name__, reduction)
        self.reduction = reduction


class WeightedLoss(_Loss):
    """A loss with a weight, held as a buffer, so that it is saved and converted with the module."""

    weight: Tensor | None

    def __init__(self, weight: Tensor | None, reduction: str) -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)


class CrossEntropyLoss(WeightedLoss):
    """Cross-entropy of softmax(x) with the target; see :func:`fastgrad.nn.functional.cross_entropy`.

    Parameters
    ----------
    weight : Tensor, optional
        Shape (classes,).
    ignore_index : int
        Targets of this index count for nothing.
    reduction : {"mean", "sum", "none"}
        What is made of the examples' losses.
    label_smoothing : float
        Between 0 and 1: the share of the target spread evenly over the classes.

    Raises
    ------
    ValueError
        If an option is out of its range.

    Notes
    -----
    Source: ``torch.nn.CrossEntropyLoss``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> round(fg.nn.CrossEntropyLoss()(fg.zeros(3, 2), fg.tensor([0, 1, 1])).item(), 4)
    0.6931
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, reduction)
        self.ignore_index = check_int("CrossEntropyLoss", "ignore_index", ignore_index)
        self.label_smoothing = check_unit("CrossEntropyLoss", "label_smoothing", label_smoothing)

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of the logits `x`."""
        return F.cross_entropy(
            x, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing
        )


class NLLLoss(WeightedLoss):
    """Negative log-likelihood of class indices; see :func:`fastgrad.nn.functional.nll_loss`.

    Parameters
    ----------
    weight : Tensor, optional
        Shape (classes,).
    ignore_index : int
        Targets of this index count for nothing.
    reduction : {"mean", "sum", "none"}
        What is made of the examples' losses.

    Notes
    -----
    Source: ``torch.nn.NLLLoss``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.NLLLoss()(fg.tensor([[-0.5, -1.0]]), fg.tensor([1])).item()
    1.0
    """

    def __init__(
        self, weight: Tensor | None = None, ignore_index: int = -100, reduction: str = "mean"
    ) -> None:
        super().__init__(weight, reduction)
        self.ignore_index = check_int("NLLLoss", "ignore_index", ignore_index)

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of the log-probabilities `x`."""
        return F.nll_loss(x, target, self.weight, self.ignore_index, self.reduction)


class MSELoss(_Loss):
    """Squared error; see :func:`fastgrad.nn.functional.mse_loss`.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
        What is made of the elements' losses.

    Notes
    -----
    Source: ``torch.nn.MSELoss``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.MSELoss()(fg.tensor([1.0, 3.0]), fg.zeros(2)).item()
    5.0
    """

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of `x`."""
        return F.mse_loss(x, target, self.reduction)


class L1Loss(_Loss):
    """Absolute error; see :func:`fastgrad.nn.functional.l1_loss`.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
        What is made of the elements' losses.

    Notes
    -----
    Source: ``torch.nn.L1Loss``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.L1Loss()(fg.tensor([1.0, 3.0]), fg.zeros(2)).item()
    2.0
    """

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of `x`."""
        return F.l1_loss(x, target, self.reduction)


class SmoothL1Loss(_Loss):
    """Squared near zero, absolute farther out; see :func:`fastgrad.nn.functional.smooth_l1_loss`.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
        What is made of the elements' losses.
    beta : float
        Where one form passes into the other, at least 0.

    Raises
    ------
    ValueError
        If β < 0.

    Notes
    -----
    Source: Girshick 2015, "Fast R-CNN"; ``torch.nn.SmoothL1Loss``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.SmoothL1Loss()(fg.tensor([0.5]), fg.zeros(1)).item()
    0.125
    """

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        self.beta = check_number("SmoothL1Loss", "beta", beta)
        if not self.beta >= 0:
            raise bad_value("SmoothL1Loss", "beta", repr(beta), "at least 0")

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of `x`."""
        return F.smooth_l1_loss(x, target, self.reduction, self.beta)


class HuberLoss(_Loss):
    """Huber's loss; see :func:`fastgrad.nn.functional.huber_loss`.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
        What is made of the elements' losses.
    delta : float
        Where the squared form passes into the absolute one, greater than 0.

    Raises
    ------
    ValueError
        If δ ≤ 0.

    Notes
    -----
    Source: Huber 1964, "Robust estimation of a location parameter"; ``torch.nn.HuberLoss``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.HuberLoss()(fg.tensor([3.0]), fg.zeros(1)).item()
    2.5
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = check_number("HuberLoss", "delta", delta)
        if not self.delta > 0:
            raise bad_value("HuberLoss", "delta", repr(delta), "greater than 0")

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of `x`."""
        return F.huber_loss(x, target, self.reduction, self.delta)
