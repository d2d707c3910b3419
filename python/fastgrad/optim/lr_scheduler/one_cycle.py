"""A schedule that raises the learning rate once and lowers it far: the 1cycle policy."""

from __future__ import annotations

import math
from typing import Any

from fastgrad.errors import bad_value
from fastgrad.optim.arguments import check_number
from fastgrad.optim.lr_scheduler.scheduler import LRScheduler
from fastgrad.optim.optimizer import Optimizer

__all__ = ["OneCycleLR"]


def _per_group(name: str, value: Any, count: int) -> list[float]:
    values = list(value) if isinstance(value, (list, tuple)) else [value] * count
    if len(values) != count:
        raise bad_value("OneCycleLR", name, f"{len(values)} numbers", f"{count}, one per group")
    for number in values:
        check_number("OneCycleLR", name, number)
    return values


def _steps(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    if total_steps is None and (epochs is None or steps_per_epoch is None):
        raise bad_value("OneCycleLR", "total_steps", None, "a number, or else epochs and steps_per_epoch")
    given = {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
    if total_steps is not None:
        given = {"total_steps": total_steps}
    for name, value in given.items():
        if not isinstance(value, int) or value < 1:
            raise bad_value("OneCycleLR", name, value, "an integer >= 1")
    return math.prod(value for value in given.values() if value is not None)


def _phases(total_steps: int, pct_start: float, three_phase: bool) -> list[dict[str, Any]]:
    """Each phase's last step, and which entries of a group it leads from and to."""
    names = ("end_step", "start_lr", "end_lr", "start_momentum", "end_momentum")
    up = float(pct_start * total_steps) - 1
    rows: list[tuple[Any, ...]] = [(up, "initial_lr", "max_lr", "max_momentum", "base_momentum")]
    if three_phase:
        down = float(2 * pct_start * total_steps) - 2
        rows.append((down, "max_lr", "initial_lr", "base_momentum", "max_momentum"))
        rows.append((total_steps - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum"))
    else:
        rows.append((total_steps - 1, "max_lr", "min_lr", "base_momentum", "max_momentum"))
    return [dict(zip(names, row, strict=True)) for row in rows]


class OneCycleLR(LRScheduler):
    """Raise the learning rate to `max_lr`, then lower it far below its start; step after every batch.

    The rate goes from ``max_lr / div_factor`` to `max_lr` and then to
    ``max_lr / div_factor / final_div_factor``; with `three_phase` back to its start in
    between. Momentum (or beta1) goes the other way, from `max_momentum` to `base_momentum` and back.

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates, and momenta or first betas, are set.
    max_lr : float or list of float
        The highest rate, for all groups or per group.
    total_steps : int, optional
        Steps of the whole schedule; or else
    epochs, steps_per_epoch : int, optional
        whose product it is.
    pct_start : float
        The part of the steps that raises the rate, in [0, 1].
    anneal_strategy : {"cos", "linear"}
        The form of the curves.
    cycle_momentum : bool
        Whether momentum is led too; the optimiser must have ``momentum`` or ``betas``.
    base_momentum, max_momentum : float or list of float
        The lowest and highest momentum, for all groups or per group.
    div_factor, final_div_factor : float
        How far below `max_lr` the first rate is, and below that the last.
    three_phase : bool
        Whether lowering takes two phases.
    last_epoch : int
        The step reached so far, see `LRScheduler`.

    Raises
    ------
    TypeError
        If an option that is a number is given as something else.
    ValueError
        If an option is out of its range, or `step` is called more than `total_steps` times.

    Notes
    -----
    Source: ``torch.optim.lr_scheduler.OneCycleLR``; Smith and Topin, "Super-convergence: very fast training
    of neural networks using large learning rates", 2018. A phase of no steps is at its end here,
    where torch divides by zero.

    Examples
    --------
    >>> import fastgrad as fg
    >>> optimizer = fg.optim.SGD([fg.zeros(2, requires_grad=True)], lr=1.0, momentum=0.9)
    >>> scheduler = fg.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=10)
    >>> round(scheduler.get_last_lr()[0], 6)
    0.04
    >>> for _ in range(2):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [1.0]
    >>> round(optimizer.param_groups[0]["momentum"], 6)
    0.85
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        self._check_optimizer(optimizer)
        self.total_steps = _steps(total_steps, epochs, steps_per_epoch)
        check_number("OneCycleLR", "div_factor", div_factor, finite=False)
        check_number("OneCycleLR", "final_div_factor", final_div_factor, finite=False)
        if not 0 <= check_number("OneCycleLR", "pct_start", pct_start) <= 1:
            raise bad_value("OneCycleLR", "pct_start", pct_start, "a number in [0, 1]")
        if anneal_strategy not in ("cos", "linear"):
            raise bad_value("OneCycleLR", "anneal_strategy", repr(anneal_strategy), "'cos' or 'linear'")
        groups, defaults = optimizer.param_groups, optimizer.defaults
        max_lrs = _per_group("max_lr", max_lr, len(groups))
        highest = _per_group("max_momentum", max_momentum, len(groups))
        lowest = _per_group("base_momentum", base_momentum, len(groups))
        if cycle_momentum and "momentum" not in defaults and "betas" not in defaults:
            raise bad_value(
                "OneCycleLR", "cycle_momentum", True, "an optimizer that has momentum or betas with it"
            )
        self._schedule_phases = _phases(self.total_steps, pct_start, three_phase)
        self._anneal_func_type = anneal_strategy
        self.cycle_momentum = cycle_momentum
        self.use_beta1 = "betas" in defaults
        if last_epoch == -1:
            for i, group in enumerate(groups):
                group["initial_lr"] = max_lrs[i] / div_factor
                group["max_lr"] = max_lrs[i]
                group["min_lr"] = group["initial_lr"] / final_div_factor
                if cycle_momentum:
                    group["max_momentum"] = highest[i]
                    group["base_momentum"] = lowest[i]
        super().__init__(optimizer, last_epoch)

    def _anneal(self, start: float, end: float, part: float) -> float:
        if self._anneal_func_type == "cos":
            return end + (start - end) / 2.0 * (math.cos(math.pi * part) + 1)
        return (end - start) * part + start

    def get_lr(self) -> list[float]:
        """Compute each group's learning rate at step `last_epoch`, and set its momentum."""
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(f"OneCycleLR.step(): called {step} times, expected at most {self.total_steps}")
        start = 0.0
        for phase in self._schedule_phases[:-1]:
            if step <= phase["end_step"]:
                break
            start = phase["end_step"]
        else:
            phase = self._schedule_phases[-1]
        length = phase["end_step"] - start
        part = (step - start) / length if length else 1.0
        lrs = []
        for group in self.optimizer.param_groups:
            lrs.append(self._anneal(group[phase["start_lr"]], group[phase["end_lr"]], part))
            if self.cycle_momentum:
                momentum = self._anneal(group[phase["start_momentum"]], group[phase["end_momentum"]], part)
                if self.use_beta1:
                    group["betas"] = (momentum, *group["betas"][1:])
                else:
                    group["momentum"] = momentum
        return lrs
