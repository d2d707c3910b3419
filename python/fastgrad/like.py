"""New tensors after the model of another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad import dtypes
from fastgrad.creation import finish, tensor
from fastgrad.devices import as_device, made
from fastgrad.factories import empty, full, ones, zeros
from fastgrad.ops.operands import as_tensor

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = [
    "empty_like",
    "full_like",
    "new_empty",
    "new_full",
    "new_ones",
    "new_tensor",
    "new_zeros",
    "ones_like",
    "zeros_like",
]


def _like(function: str, x: Any, fill: Any, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    x = as_tensor(function, "x", x)
    kind = None if dtype is None else dtypes.as_dtype(function, dtype)
    model = x.data
    if device is not None and x.device != (there := as_device(function, device)):
        model = made(function, there, np.empty, model.shape, model.dtype)
    array = np.empty_like(model, dtype=kind)
    if fill is not None:
        array.fill(fill)
    return finish(function, array, requires_grad)


def zeros_like(x: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros of the shape, memory order and, if no other is given, dtype of `x`.

    Source: ``torch.zeros_like``.
    """
    return _like("zeros_like", x, 0, dtype, device, requires_grad)


def ones_like(x: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones of the shape, memory order and, if no other is given, dtype of `x`.

    Source: ``torch.ones_like``.
    """
    return _like("ones_like", x, 1, dtype, device, requires_grad)


def empty_like(x: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Unset values in the shape, memory order and, if no other is given, dtype of `x`.

    Source: ``torch.empty_like``.
    """
    return _like("empty_like", x, None, dtype, device, requires_grad)


def full_like(x: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """One value in the shape, memory order and, if no other is given, dtype of `x`.

    Source: ``torch.full_like``.
    """
    value = as_tensor("full_like", "fill_value", fill_value)
    value.item()  # one element, or an error
    dtypes.cast("full_like", "fill_value", value.data, dtypes.as_dtype("full_like", dtype or x.data.dtype))
    return _like("full_like", x, value.item(), dtype, device, requires_grad)


def as_of(x: Any, dtype: Any, device: Any, requires_grad: bool) -> dict[str, Any]:
    """Options of a factory whose defaults are the dtype and the device of `x`."""
    kind, where = x.data.dtype if dtype is None else dtype, x.device if device is None else device
    return {"dtype": kind, "device": where, "requires_grad": requires_grad}


def new_zeros(x: Any, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """`zeros` in the dtype of `x` and where it is, if no other is given. Source: ``torch.Tensor.new_zeros``."""
    return zeros(*size, **as_of(x, dtype, device, requires_grad))


def new_ones(x: Any, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """`ones` in the dtype of `x` and where it is, if no other is given. Source: ``torch.Tensor.new_ones``."""
    return ones(*size, **as_of(x, dtype, device, requires_grad))


def new_empty(x: Any, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """`empty` in the dtype of `x` and where it is, if no other is given. Source: ``torch.Tensor.new_empty``."""
    return empty(*size, **as_of(x, dtype, device, requires_grad))


def new_full(
    x: Any, size: Any, value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """`full` in the dtype of `x` and where it is, if no other is given. Source: ``torch.Tensor.new_full``."""
    return full(size, value, **as_of(x, dtype, device, requires_grad))


def new_tensor(x: Any, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """`tensor` in the dtype of `x` and where it is, if no other is given. Source: ``torch.Tensor.new_tensor``."""
    return tensor(data, **as_of(x, dtype, device, requires_grad))
