"""Schedules that multiply the learning rate: by a function, in steps, at milestones, every epoch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any

from fastgrad.errors import bad_type, bad_value
from fastgrad.optim.arguments import check_number
from fastgrad.optim.lr_scheduler.scheduler import LRScheduler
from fastgrad.optim.optimizer import Optimizer

__all__ = ["ExponentialLR", "LambdaLR", "MultiStepLR", "StepLR"]


class LambdaLR(LRScheduler):
    r"""The initial learning rate times a function of the epoch.

    .. math:: \text{lr}_t = \text{lr}_0 \cdot \lambda(t)

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates are set.
    lr_lambda : callable or list of callable
        From the epoch to the factor; one for all groups or one per group.
    last_epoch : int
        See `LRScheduler`.

    Raises
    ------
    ValueError
        If the number of functions is not that of the groups.

    Notes
    -----
    `state_dict` holds the attributes of callable objects, but no functions or lambdas.
    Source: ``torch.optim.lr_scheduler.LambdaLR``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> optimizer = fg.optim.SGD([fg.zeros(2, requires_grad=True)], lr=1.0)
    >>> scheduler = fg.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch))
    >>> optimizer.step()
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | list[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        self._check_optimizer(optimizer)
        count = len(optimizer.param_groups)
        self.lr_lambdas = list(lr_lambda) if isinstance(lr_lambda, (list, tuple)) else [lr_lambda] * count
        if len(self.lr_lambdas) != count:
            raise bad_value(
                "LambdaLR", "lr_lambda", f"{len(self.lr_lambdas)} functions", f"{count}, one per group"
            )
        for function in self.lr_lambdas:
            if not callable(function):
                raise bad_type("LambdaLR", "lr_lambda", type(function).__name__, "a callable")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Compute each group's learning rate at `last_epoch`."""
        factors = [function(self.last_epoch) for function in self.lr_lambdas]
        for factor in factors:
            check_number("LambdaLR", f"lr_lambda({self.last_epoch})", factor, finite=False)
        return [lr * factor for lr, factor in zip(self.base_lrs, factors, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """Return all attributes but the optimiser; of each function that is an object, its attributes."""
        state = super().state_dict()
        state["lr_lambdas"] = [
            None if isinstance(function, FunctionType) else dict(vars(function))
            for function in self.lr_lambdas
        ]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned; functions stay those given to the constructor.

        Parameters
        ----------
        state_dict : dict
            From a `LambdaLR` with as many functions.

        Raises
        ------
        ValueError
            If it is not the state of a `LambdaLR`, or of another number of groups.
        """
        self._check_state(state_dict)
        saved = state_dict.get("lr_lambdas", ())
        if len(saved) != len(self.lr_lambdas):
            expected = f"{len(self.lr_lambdas)}, one per group"
            raise bad_value(
                "LambdaLR.load_state_dict", "state_dict", f"with {len(saved)} lr_lambdas", expected
            )
        self.__dict__.update({key: value for key, value in state_dict.items() if key != "lr_lambdas"})
        for function, attributes in zip(self.lr_lambdas, saved, strict=True):
            if attributes is not None:
                vars(function).update(attributes)


class StepLR(LRScheduler):
    r"""Multiply the learning rate by `gamma` every `step_size` epochs.

    .. math:: \text{lr}_t = \gamma \cdot \text{lr}_{t-1} \text{ if step\_size divides } t,
              \text{ else } \text{lr}_{t-1}

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates are set.
    step_size : int
        Epochs between two changes, at least 1.
    gamma : float
        The factor.
    last_epoch : int
        See `LRScheduler`.

    Raises
    ------
    TypeError
        If `step_size` or `gamma` is not a number.
    ValueError
        If `step_size` is below 1 or `gamma` not finite.

    Notes
    -----
    Source: ``torch.optim.lr_scheduler.StepLR``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> optimizer = fg.optim.SGD([fg.zeros(2, requires_grad=True)], lr=1.0)
    >>> scheduler = fg.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    >>> for _ in range(4):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.25]
    """

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        check_number("StepLR", "step_size", step_size, least=1, finite=False)
        check_number("StepLR", "gamma", gamma)
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Compute each group's learning rate at `last_epoch` from the one before."""
        if self.last_epoch == 0 or self.last_epoch % self.step_size != 0:
            return self._lrs()
        return [lr * self.gamma for lr in self._lrs()]


class MultiStepLR(LRScheduler):
    r"""Multiply the learning rate by `gamma` at each of some epochs.

    .. math:: \text{lr}_t = \gamma^{c} \cdot \text{lr}_{t-1},
              \quad c = \text{how often } t \text{ is among the milestones}

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates are set.
    milestones : iterable of int
        The epochs, in any order; one given twice counts twice.
    gamma : float
        The factor.
    last_epoch : int
        See `LRScheduler`.

    Notes
    -----
    Source: ``torch.optim.lr_scheduler.MultiStepLR``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> optimizer = fg.optim.SGD([fg.zeros(2, requires_grad=True)], lr=1.0)
    >>> scheduler = fg.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[1, 3], gamma=0.5)
    >>> for _ in range(4):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.25]
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        if not isinstance(milestones, Iterable):
            raise bad_type("MultiStepLR", "milestones", type(milestones).__name__, "an iterable of integers")
        epochs = list(milestones)
        for i, epoch in enumerate(epochs):
            check_number("MultiStepLR", f"milestones[{i}]", epoch, finite=False)
        check_number("MultiStepLR", "gamma", gamma)
        self.milestones = Counter(epochs)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Compute each group's learning rate at `last_epoch` from the one before."""
        if self.last_epoch not in self.milestones:
            return self._lrs()
        factor = self.gamma ** self.milestones[self.last_epoch]
        return [lr * factor for lr in self._lrs()]


class ExponentialLR(LRScheduler):
    r"""Multiply the learning rate by `gamma` every epoch.

    .. math:: \text{lr}_t = \gamma \cdot \text{lr}_{t-1}

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates are set.
    gamma : float
        The factor.
    last_epoch : int
        See `LRScheduler`.

    Notes
    -----
    Source: ``torch.optim.lr_scheduler.ExponentialLR``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> optimizer = fg.optim.SGD([fg.zeros(2, requires_grad=True)], lr=1.0)
    >>> scheduler = fg.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    >>> for _ in range(3):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.125]
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        check_number("ExponentialLR", "gamma", gamma)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Compute each group's learning rate at `last_epoch` from the one before."""
        if self._is_initial:
            return self._lrs()
        return [lr * self.gamma for lr in self._lrs()]
