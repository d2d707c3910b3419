"""Where each activation saturates, and where its values lie."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from fastgrad.backend import native
from fastgrad.nn.functional.activate import resolve
from fastgrad.nn.recurrent import RNN, RNNCell

__all__ = ["Range", "of_activation", "of_module"]

_FAR = 5.0  # where histograms of what has no bound end


class Range(NamedTuple):
    """The values of an activation.

    Parameters
    ----------
    name : str
        The activation's; empty if there is none.
    low, high : float
        A value is saturated from `low` downwards and from `high` upwards; infinite where it never is.
    bottom, top : float
        The histogram's ends.
    """

    name: str = ""
    low: float = -math.inf
    high: float = math.inf
    bottom: float = -_FAR
    top: float = _FAR


def _exponential(limit: float) -> tuple[float, ...]:
    return (-0.99 * limit,) if limit > 0 else ()  # with alpha < 0 nothing ends at -alpha


# From the activation's parameters: low, high, bottom, top, or the first of them.
_RANGES: dict[str, Callable[..., tuple[float, ...]]] = {
    "sigmoid": lambda: (0.01, 0.99, 0.0, 1.0),
    "tanh": lambda: (-0.99, 0.99, -1.0, 1.0),
    "softsign": lambda: (-0.99, 0.99, -1.0, 1.0),
    "relu": lambda: (0.0, math.inf, 0.0, _FAR),
    "relu6": lambda: (0.0, 6.0, 0.0, 6.0),
    "hardtanh": lambda low, high: (low, high, low, high),
    "elu": lambda alpha: _exponential(alpha),
    "celu": lambda alpha: _exponential(alpha),
    "selu": lambda: _exponential(1.0507009873554805 * 1.6732632423543772),
}


def of_activation(activation: Any) -> Range:
    """The range of a native activation; without bounds if it has none that its derivative vanishes at."""
    found = _RANGES.get(activation.name)
    return Range(activation.name, *(found(*activation.parameters) if found else ()))


def of_module(module: Any) -> Range:
    """The range of what a module gives: that of its activation, if it has one."""
    activation = getattr(module, "activation", None)
    if isinstance(module, (RNN, RNNCell)):
        activation = resolve(module.nonlinearity)
    return of_activation(activation) if isinstance(activation, native.Activation) else Range()
