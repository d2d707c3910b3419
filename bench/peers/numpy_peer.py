"""numpy, by hand: the backward pass written out. In float64 it is the reference for all the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.cases import LEARNING_RATE, Case, Start

__all__ = ["ByHand"]

Array = np.ndarray[Any, Any]

# forward in place on z; derivative of the forward's output y, multiplied into dy in place


def _relu(z: Array) -> Array:
    return np.maximum(z, 0, out=z)


def _relu_backward(dy: Array, y: Array) -> Array:
    return np.multiply(dy, y > 0, out=dy)


def _tanh(z: Array) -> Array:
    return np.tanh(z, out=z)


def _tanh_backward(dy: Array, y: Array) -> Array:
    dy *= 1 - y * y
    return dy


def _sigmoid(z: Array) -> Array:
    np.exp(np.negative(z, out=z), out=z)
    z += 1
    return np.reciprocal(z, out=z)


def _sigmoid_backward(dy: Array, y: Array) -> Array:
    dy *= y * (1 - y)
    return dy


def _elu(z: Array) -> Array:
    return np.maximum(z, np.expm1(np.minimum(z, 0)), out=z)


def _elu_backward(dy: Array, y: Array) -> Array:
    dy *= np.minimum(y, 0) + 1
    return dy


ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array, Array], Array]]] = {
    "relu": (_relu, _relu_backward),
    "tanh": (_tanh, _tanh_backward),
    "sigmoid": (_sigmoid, _sigmoid_backward),
    "elu": (_elu, _elu_backward),
}


class ByHand:
    """A multilayer perceptron in plain numpy.

    Weights lie as (in, out) in memory, where numpy's products are fastest.
    """

    name = "numpy"
    setup_seconds = 0.0

    def __init__(self, case: Case, begin: Start) -> None:
        self.forward, self.backward = ACTIVATIONS[case.activation]
        self.weights = [np.ascontiguousarray(w.T) for w in begin.weights]
        self.biases = [b.copy() for b in begin.biases]
        self.x, self.target = begin.x, begin.target
        self.rows = np.arange(len(begin.x))

    def step(self) -> None:
        """Train on the batch once."""
        weights, biases = self.weights, self.biases
        values = [self.x]
        last = len(weights) - 1
        for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
            z = values[-1] @ w
            z += b
            values.append(self.forward(z) if layer < last else z)
        # the loss, as every peer computes it, and its gradient
        z = values.pop()
        z -= z.max(axis=1, keepdims=True)
        dz = np.exp(z)
        total = dz.sum(axis=1, keepdims=True)
        self.loss = float((np.log(total[:, 0]) - z[self.rows, self.target]).mean())
        dz /= total
        dz[self.rows, self.target] -= 1
        dz /= len(dz)
        for layer in range(last, -1, -1):
            y = values[layer]
            dw, db = y.T @ dz, dz.sum(axis=0)
            if layer:
                dz = self.backward(dz @ weights[layer].T, y)
            dw *= LEARNING_RATE
            db *= LEARNING_RATE
            weights[layer] -= dw
            biases[layer] -= db

    def parameters(self) -> list[Array]:
        """Copy out the weights and biases."""
        return [
            array for w, b in zip(self.weights, self.biases, strict=True) for array in (w.T.copy(), b.copy())
        ]
