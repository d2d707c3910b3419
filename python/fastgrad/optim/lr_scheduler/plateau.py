"""A schedule that lowers the learning rate when a figure stops getting better."""

from __future__ import annotations

import math
from typing import Any, SupportsFloat

from fastgrad.errors import bad_type, bad_value
from fastgrad.optim.arguments import check_number
from fastgrad.optim.lr_scheduler.scheduler import LRScheduler
from fastgrad.optim.optimizer import Optimizer

__all__ = ["ReduceLROnPlateau"]


class ReduceLROnPlateau(LRScheduler):
    r"""Multiply the learning rate by `factor` when a figure has not improved for `patience` epochs.

    A value `a` is better than the best `b` so far if ``a < b · (1 - threshold)`` (mode ``"min"``,
    threshold mode ``"rel"``), ``a < b - threshold`` (``"abs"``), and for mode ``"max"`` likewise
    ``a > b · (1 + threshold)``, ``a > b + threshold``.

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates are set.
    mode : {"min", "max"}
        Whether small or large figures are good.
    factor : float
        What a rate is multiplied by, below 1.
    patience : int
        How many epochs without improvement are accepted; the next one lowers the rate.
    threshold : float
        How much better a figure must be to count.
    threshold_mode : {"rel", "abs"}
        Whether `threshold` is relative.
    cooldown : int
        Epochs after a change during which nothing is counted.
    min_lr : float or list of float
        The lowest rate, for all groups or per group.
    eps : float
        A change of at most this much is not made.

    Raises
    ------
    TypeError
        If an option that is a number is given as something else.
    ValueError
        If an option is out of its range or the number of `min_lr` is not that of the groups.

    Notes
    -----
    Source: ``torch.optim.lr_scheduler.ReduceLROnPlateau``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> optimizer = fg.optim.SGD([fg.zeros(2, requires_grad=True)], lr=1.0)
    >>> scheduler = fg.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in [3.0, 2.0, 2.0, 2.0]:
    ...     scheduler.step(loss)
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        self._check_optimizer(optimizer)
        name = "ReduceLROnPlateau"
        if not check_number(name, "factor", factor) < 1:
            raise bad_value("ReduceLROnPlateau", "factor", factor, "a number below 1")
        if mode not in ("min", "max"):
            raise bad_value("ReduceLROnPlateau", "mode", repr(mode), "'min' or 'max'")
        if threshold_mode not in ("rel", "abs"):
            raise bad_value("ReduceLROnPlateau", "threshold_mode", repr(threshold_mode), "'rel' or 'abs'")
        count = len(optimizer.param_groups)
        given = list(min_lr) if isinstance(min_lr, (list, tuple)) else None
        if given is not None and len(given) != count:
            raise bad_value("ReduceLROnPlateau", "min_lr", f"{len(given)} numbers", f"{count}, one per group")
        check_number(name, "patience", patience, least=0, finite=False)
        check_number(name, "threshold", threshold, finite=False)
        check_number(name, "cooldown", cooldown, least=0, finite=False)
        check_number(name, "eps", eps, finite=False)
        for low in [min_lr] if given is None else given:
            check_number(name, "min_lr", low, finite=False)
        self.optimizer = optimizer
        self.mode = mode
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.cooldown = cooldown
        self.default_min_lr = None if given is not None else min_lr
        self.min_lrs: list[Any] = given if given is not None else [min_lr] * count
        self.eps = eps
        self.last_epoch = 0
        self.best = math.inf if mode == "min" else -math.inf
        self.cooldown_counter = 0
        self.num_bad_epochs = 0
        self._last_lr = self._lrs()

    @property
    def in_cooldown(self) -> bool:
        """Whether epochs are not counted now."""
        return self.cooldown_counter > 0

    def step(self, metrics: SupportsFloat) -> None:  # type: ignore[override]
        """Take note of an epoch's figure and lower the rates if it is time.

        Parameters
        ----------
        metrics : float or Tensor of one element
            The figure, for example the loss on held-out data.

        Raises
        ------
        TypeError
            If `metrics` is not a number.
        """
        try:
            if isinstance(metrics, (str, bytes)):
                raise TypeError
            current = float(metrics)
        except TypeError:
            given = f"a {type(metrics).__name__}"
            raise bad_type("ReduceLROnPlateau.step", "metrics", given, "a number") from None
        self.last_epoch += 1
        if self._is_better(current):
            self.best = current
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = self._lrs()

    def _is_better(self, a: float) -> bool:
        down = self.mode == "min"
        if self.threshold_mode == "rel":
            mark = self.best * (1.0 - self.threshold if down else self.threshold + 1.0)
        else:
            mark = self.best - self.threshold if down else self.best + self.threshold
        return a < mark if down else a > mark

    def _reduce(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise RuntimeError(
                    f"ReduceLROnPlateau.step(): the optimizer has {len(groups)} groups, min_lrs has "
                    f"{len(self.min_lrs)} numbers: a group was added since; set min_lrs anew"
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, low in zip(groups, self.min_lrs, strict=True):
            lr = max(group["lr"] * self.factor, low)
            if group["lr"] - lr > self.eps:
                group["lr"] = lr
