"""What every activation function shares: finding the native activation, and running it on the tape."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fastgrad import backend
from fastgrad.autograd.graph import is_recording, record, wrap
from fastgrad.errors import bad_type
from fastgrad.nn.functional.arguments import as_floating
from fastgrad.tensor import Tensor

if TYPE_CHECKING:
    from fastgrad._cpu import Activation

__all__ = ["activate", "bind", "resolve"]

_Activation = backend.kernels.Activation
_empty = backend.xp.empty

bind = lru_cache(maxsize=256)(_Activation)  # bind(name, *parameters)


def resolve(activation: str | Activation) -> Activation:
    """The activation of that name with its default parameters; an ``Activation`` is returned as it is.

    >>> resolve("elu")
    Activation('elu', 1.0)
    """
    if isinstance(activation, _Activation):
        return activation
    if not isinstance(activation, str):
        raise bad_type("linear", "activation", f"a {type(activation).__name__}", "a name, an Activation or None")
    return bind(activation)


def activate(function: str, x: Tensor, activation: Activation) -> Tensor:
    """y = f(x) elementwise, recorded with whatever the derivative reads: the output or the input."""
    x = as_floating(function, "x", x)
    xd = x.data
    y = _empty(xd.shape, xd.dtype, like=xd)
    backend.kernels.activation_forward(y, xd, activation)
    if not is_recording(x):
        return wrap(y)
    reads_output = activation.reads == "output"
    saved = y if reads_output else xd

    def rule(dy: Any, needs: tuple[bool, ...]) -> tuple[Any]:
        dx = _empty(saved.shape, saved.dtype, like=dy)  # not x's: the rule would keep x alive
        backend.kernels.activation_backward(dx, dy, saved, activation)
        return (dx,)

    return record(y, (x,), rule, saved=() if reads_output else (x,), saves_output=reads_output)
