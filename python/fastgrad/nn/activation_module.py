"""The base class of the modules that are nothing but an activation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastgrad.nn.functional.activate import activate
from fastgrad.nn.module import Module

if TYPE_CHECKING:
    from fastgrad._cpu import Activation
    from fastgrad.tensor import Tensor


class ActivationModule(Module):
    """Applies ``activation`` element by element; a Sequential fuses it into the Linear before it.

    Attributes
    ----------
    activation : Activation
        The native activation with its parameters.
    """

    def __init__(self, function: str, activation: Activation, **parameters: object) -> None:
        super().__init__()
        self.function = function
        self.activation = activation
        for name, value in parameters.items():
            setattr(self, name, value)
        self._shown = tuple(parameters)

    def forward(self, x: Tensor) -> Tensor:
        return activate(self.function, x, self.activation)

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={getattr(self, name)}" for name in self._shown)
