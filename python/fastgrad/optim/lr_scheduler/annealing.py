"""Schedules that lead the learning rate along a curve: a straight line, a cosine."""

from __future__ import annotations

import math

from fastgrad.errors import bad_value
from fastgrad.optim.arguments import check_number
from fastgrad.optim.lr_scheduler.scheduler import LRScheduler
from fastgrad.optim.optimizer import Optimizer

__all__ = ["CosineAnnealingLR", "LinearLR"]


class LinearLR(LRScheduler):
    r"""Lead the learning rate's factor from one value to another along a straight line.

    .. math:: \text{lr}_t = \text{lr}_0 \Big(\text{start} + (\text{end} - \text{start})
              \frac{\min(t, \text{total\_iters})}{\text{total\_iters}}\Big)

    It is computed from the rate of the epoch before, so that schedules combine.

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates are set.
    start_factor : float
        The factor at epoch 0, in (0, 1].
    end_factor : float
        The factor from epoch `total_iters` on, in [0, 1].
    total_iters : int
        Epochs until the end factor is reached, at least 1.
    last_epoch : int
        See `LRScheduler`.

    Raises
    ------
    ValueError
        If a factor or `total_iters` is out of its range.

    Notes
    -----
    Source: ``torch.optim.lr_scheduler.LinearLR``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> optimizer = fg.optim.SGD([fg.zeros(2, requires_grad=True)], lr=1.0)
    >>> scheduler = fg.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> scheduler.get_last_lr()
    [0.5]
    >>> optimizer.step()
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.75]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        for name, value in (("start_factor", start_factor), ("end_factor", end_factor)):
            check_number("LinearLR", name, value)
        check_number("LinearLR", "total_iters", total_iters, least=1, finite=False)
        if not 0 < start_factor <= 1:
            raise bad_value("LinearLR", "start_factor", start_factor, "a number in (0, 1]")
        if not 0 <= end_factor <= 1:
            raise bad_value("LinearLR", "end_factor", end_factor, "a number in [0, 1]")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Compute each group's learning rate at `last_epoch` from the one before."""
        if self.last_epoch == 0:
            return [lr * self.start_factor for lr in self._lrs()]
        if self._is_initial or self.last_epoch > self.total_iters:
            return self._lrs()
        rise = self.end_factor - self.start_factor
        before = self.total_iters * self.start_factor + (self.last_epoch - 1) * rise
        return [lr * (1.0 + rise / before) for lr in self._lrs()]


class CosineAnnealingLR(LRScheduler):
    r"""Lead the learning rate from its initial value to `eta_min` and back along a cosine.

    .. math:: \text{lr}_t = \eta_{min} + \tfrac{1}{2} (\text{lr}_0 - \eta_{min})
              \big(1 + \cos(\pi t / T_{max})\big)

    It is computed from the rate of the epoch before, so that schedules combine.

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates are set.
    T_max : int
        Epochs from the initial rate to `eta_min`, at least 1.
    eta_min : float
        The lowest rate.
    last_epoch : int
        See `LRScheduler`.

    Raises
    ------
    TypeError
        If `T_max` or `eta_min` is not a number.
    ValueError
        If `T_max` is below 1 or `eta_min` not finite.

    Notes
    -----
    Source: ``torch.optim.lr_scheduler.CosineAnnealingLR``; Loshchilov and Hutter, "SGDR: stochastic
    gradient descent with warm restarts", 2017 (without the restarts).

    Examples
    --------
    >>> import fastgrad as fg
    >>> optimizer = fg.optim.SGD([fg.zeros(2, requires_grad=True)], lr=1.0)
    >>> scheduler = fg.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=2)
    >>> for _ in range(2):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.0]
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        check_number("CosineAnnealingLR", "T_max", T_max, least=1, finite=False)
        check_number("CosineAnnealingLR", "eta_min", eta_min)
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Compute each group's learning rate at `last_epoch` from the one before."""
        t, period, low = self.last_epoch, self.T_max, self.eta_min
        if self._is_initial:
            return self._lrs()
        if self._step_count == 1 and t > 0:
            return [low + (lr - low) * (1 + math.cos(t * math.pi / period)) / 2 for lr in self.base_lrs]
        if (t - 1 - period) % (2 * period) == 0:
            # The rate before is eta_min: no factor leads up from there.
            rise = 1 - math.cos(math.pi / period)
            return [lr + (base - low) * rise / 2 for lr, base in zip(self._lrs(), self.base_lrs, strict=True)]
        factor = (1 + math.cos(math.pi * t / period)) / (1 + math.cos(math.pi * (t - 1) / period))
        return [factor * (lr - low) + low for lr in self._lrs()]
