"""The public way to a value and its gradients, for rules that are tested at the kernels and here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import fastgrad as fg
import fastgrad.nn.functional as F
from tests.reference import Array


def gradients(function: Callable[..., Any], *arrays: Array) -> tuple[Array, list[Array]]:
    """y = function(*tensors) and the gradient of its sum (NaN and all) for each of the tensors."""
    tensors = [fg.tensor(a, requires_grad=True) for a in arrays]
    y = function(*tensors)
    y.backward(fg.ones_like(y.detach()))
    return y.detach().numpy(), [t.grad.numpy() for t in tensors]


def activation(name: str, *parameters: float) -> Callable[[Any], Any]:
    """The function in nn.functional that goes with a row of the reference."""
    if name == "gelu_tanh":
        return lambda x: F.gelu(x, approximate="tanh")
    return lambda x: getattr(F, name)(x, *parameters)


def both_ways(row: Any, parameters: tuple[float, ...], x: Array) -> list[tuple[Array, Array]]:
    """(value, derivative) at x from the kernels and from nn.functional."""
    from tests.numerics.measure import reads, run_derivative, run_forward

    y = run_forward(row, parameters, x)
    kernel = y, run_derivative(row, parameters, y if reads(row, parameters) == "output" else x)
    value, (derivative,) = gradients(activation(row.name, *parameters), x)
    assert np.array_equal(value, y, equal_nan=True)
    assert np.array_equal(derivative, kernel[1], equal_nan=True)
    return [kernel, (value, derivative)]
