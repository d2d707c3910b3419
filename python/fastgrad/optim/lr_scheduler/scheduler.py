"""The base of the schedules: counts epochs and sets the groups' learning rates."""

from __future__ import annotations

import warnings
from typing import Any

from fastgrad.errors import bad_type, bad_value
from fastgrad.optim.optimizer import Optimizer

__all__ = ["LRScheduler"]


class LRScheduler:
    """Base of the schedules that need nothing but the number of the epoch.

    Making one sets the learning rates of epoch 0; each `step` goes on by one epoch. A
    subclass overrides `get_lr`. Schedules of one optimiser can be combined: those that compute
    a rate from the one before (all but `LambdaLR` and `OneCycleLR`) multiply.

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates are set. Each of its groups gets an entry ``"initial_lr"``.
    last_epoch : int
        The epoch reached so far; -1 to start. With another value each group must have
        ``"initial_lr"``, as it has after loading the state of an optimiser that had a schedule.

    Attributes
    ----------
    last_epoch : int
        The current epoch.
    base_lrs : list of float
        Each group's initial learning rate.

    Raises
    ------
    TypeError
        If `optimizer` is not one.
    KeyError
        If a group lacks ``"initial_lr"``.

    Notes
    -----
    Source: ``torch.optim.lr_scheduler.LRScheduler``, without the argument `epoch` of `step`.

    Examples
    --------
    >>> import fastgrad as fg
    >>> class Halving(fg.optim.lr_scheduler.LRScheduler):
    ...     def get_lr(self):
    ...         return [lr * 0.5**self.last_epoch for lr in self.base_lrs]
    >>> optimizer = fg.optim.SGD([fg.zeros(2, requires_grad=True)], lr=0.5)
    >>> scheduler = Halving(optimizer)
    >>> optimizer.step()
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.25]
    """

    # True in the constructor's own step, which leaves a resumed optimiser's learning rates alone.
    _is_initial: bool = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self._check_optimizer(optimizer)
        self.optimizer = optimizer
        new = [group for group in optimizer.param_groups if "initial_lr" not in group]
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(
                    f"{type(self).__name__}(): param_groups[{i}] has no 'initial_lr', which last_epoch "
                    f"{last_epoch} needs: load the optimizer's saved state first"
                )
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._step_count = 0
        self._is_initial = True
        try:
            self._advance()
        except Exception:
            for group in new:
                group.pop("initial_lr", None)
            raise
        finally:
            self._is_initial = False

    def _check_optimizer(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer):
            raise bad_type(type(self).__name__, "optimizer", type(optimizer).__name__, "an Optimizer")

    def get_lr(self) -> list[float]:
        """Compute each group's learning rate at `last_epoch`; to read the present one use `get_last_lr`."""
        raise NotImplementedError(f"{type(self).__name__} has no get_lr()")

    def get_last_lr(self) -> list[float]:
        """Return each group's learning rate as the schedule last set it."""
        return self._last_lr

    def step(self) -> None:
        """Go on to the next epoch. Call it after the optimiser's `step`, or the first rate is never used."""
        if self._step_count == 1 and self.optimizer._stepped is False:
            warnings.warn(
                "lr_scheduler.step() is called before optimizer.step(): "
                "the schedule's first learning rate is skipped",
                UserWarning,
                stacklevel=2,
            )
        self._advance()

    def _advance(self) -> None:
        groups = self.optimizer.param_groups
        self._step_count += 1
        self.last_epoch += 1
        try:
            lrs = self.get_lr()
            if len(lrs) != len(groups):
                given = f"of {len(lrs)} groups when the schedule was made, of {len(groups)} now"
                raise bad_value(f"{type(self).__name__}.step", "optimizer", given, "the same groups")
        except Exception:
            self._step_count -= 1
            self.last_epoch -= 1
            raise
        for group, lr in zip(groups, lrs, strict=True):
            group["lr"] = lr
        self._last_lr = self._lrs()

    def _lrs(self) -> list[float]:
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Return all attributes but the optimiser, as a dict."""
        return {key: value for key, value in self.__dict__.items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned.

        Parameters
        ----------
        state_dict : dict
            From the same kind of schedule, here or in torch.

        Raises
        ------
        ValueError
            If it is not the state of a schedule.
        """
        self._check_state(state_dict)
        self.__dict__.update(state_dict)

    def _check_state(self, state_dict: dict[str, Any]) -> None:
        if not isinstance(state_dict, dict) or "last_epoch" not in state_dict:
            function = f"{type(self).__name__}.load_state_dict"
            raise bad_value(
                function, "state_dict", type(state_dict).__name__, "a schedule's state, with last_epoch"
            )
