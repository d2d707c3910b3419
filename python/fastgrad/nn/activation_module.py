"""The base class of the modules that are nothing but an activation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
        The native activation with its parameters; follows the module's attributes when they change.
    """

    function: str
    _names: tuple[str, ...] = ()

    def __init__(self, **parameters: object) -> None:
        super().__init__()
        for name, value in parameters.items():
            setattr(self, name, value)
        self._names = tuple(parameters)
        self.activation = self._bind()

    def _bind(self) -> Activation:
        """The activation that the attributes describe; an error if one is outside its domain."""
        raise NotImplementedError

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._names:
            return super().__setattr__(name, value)
        before = getattr(self, name)
        super().__setattr__(name, value)
        try:
            self.activation = self._bind()
        except (TypeError, ValueError):
            super().__setattr__(name, before)
            raise

    def forward(self, x: Tensor) -> Tensor:
        """Apply the activation."""
        return activate(self.function, x, self.activation)

    def extra_repr(self) -> str:
        """The parameters, as the constructor takes them."""
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in self._names)
