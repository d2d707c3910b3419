"""numpy, by hand: the backward pass written out. In float64 it is the reference for all the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.cases import Case, Start
from bench.optimizers import Optimizer

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


# a loss of outputs z, which are scratch memory from then on, and its gradient; rows is 0, 1, … for every row


def _cross_entropy(z: Array, target: Array, rows: Array) -> tuple[float, Array]:
    z -= z.max(axis=1, keepdims=True)
    dz = np.exp(z)
    total = dz.sum(axis=1, keepdims=True)
    loss = float((np.log(total[:, 0]) - z[rows, target]).mean())
    dz /= total
    dz[rows, target] -= 1
    dz /= len(dz)
    return loss, dz


def _mse_loss(z: Array, target: Array, rows: Array) -> tuple[float, Array]:
    z -= target
    loss = float((z * z).mean())
    z *= 2 / z.size
    return loss, z


LOSSES: dict[str, Callable[[Array, Array, Array], tuple[float, Array]]] = {
    "cross_entropy": _cross_entropy,
    "mse_loss": _mse_loss,
}


def _penalise(w: Array, dw: Array, weight_decay: float, l1: float) -> None:
    if weight_decay:
        dw += weight_decay * w
    if l1:
        dw += l1 * np.sign(w)


def _sgd(
    w: Array,
    dw: Array,
    state: dict[str, Any],
    *,
    lr: float,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
    l1: float,
) -> None:
    _penalise(w, dw, weight_decay, l1)
    if momentum:
        if "buffer" in state:
            state["buffer"] *= momentum
            state["buffer"] += dw
        else:
            state["buffer"] = dw.copy()
        dw[...] = state["buffer"]
    dw *= lr
    w -= dw


def _adam(
    w: Array,
    dw: Array,
    state: dict[str, Any],
    *,
    lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    l1: float,
) -> None:
    if not state:
        state |= {"t": 0, "m": np.zeros_like(w), "v": np.zeros_like(w)}
    _penalise(w, dw, weight_decay, l1)
    state["t"] += 1
    m, v, t = state["m"], state["v"], state["t"]
    m *= betas[0]
    m += (1 - betas[0]) * dw
    v *= betas[1]
    dw *= dw
    dw *= 1 - betas[1]
    v += dw
    step = np.sqrt(v, out=dw)
    step /= (1 - betas[1] ** t) ** 0.5
    step += eps
    np.divide(m, step, out=step)
    step *= lr / (1 - betas[0] ** t)
    w -= step


# a rule changes w, its gradient (scratch memory by then) and its state in place
RULES: dict[str, Callable[..., None]] = {"SGD": _sgd, "Adam": _adam}


class ByHand:
    """A multilayer perceptron in plain numpy.

    Weights lie as (in, out) in memory, where numpy's products are fastest.
    """

    name = "numpy"
    setup_seconds = 0.0
    steps_done = 0

    def __init__(self, case: Case, begin: Start, optimizer: Optimizer | None) -> None:
        self.forward, self.backward = ACTIVATIONS[case.activation]
        self.loss_function = LOSSES[case.loss]
        self.weights = [np.ascontiguousarray(w.T) for w in begin.weights]
        self.biases = [b.copy() for b in begin.biases]
        self.x, self.target = begin.x, begin.target
        self.rows = np.arange(len(begin.x))
        self.optimizer = optimizer
        self.states: list[dict[str, Any]] = [{} for _ in (*self.weights, *self.biases)]

    def step(self) -> None:
        """Train on the batch once, or compute its logits."""
        values = [self.x]
        last = len(self.weights) - 1
        for layer, (w, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            z = values[-1] @ w
            z += b
            values.append(self.forward(z) if layer < last else z)
            if self.optimizer is None:
                del values[0]  # nobody goes back
        if self.optimizer is None:
            self.logits = values[-1]
        else:
            self._train(values, self.optimizer)

    def _train(self, values: list[Array], optimizer: Optimizer) -> None:
        """Go back from the logits; `values` are x and the output of every layer."""
        # the loss, as every peer computes it, and its gradient
        self.loss, dz = self.loss_function(values.pop(), self.target, self.rows)
        rule = RULES[optimizer.kind]
        for layer in reversed(range(len(self.weights))):
            y, w, b = values[layer], self.weights[layer], self.biases[layer]
            dw, db = y.T @ dz, dz.sum(axis=0)
            if layer:
                dz = self.backward(dz @ w.T, y)
            rule(w, dw, self.states[2 * layer], **optimizer.options, l1=optimizer.l1)
            rule(b, db, self.states[2 * layer + 1], **optimizer.options, l1=optimizer.l1)

    def results(self) -> list[Array]:
        """Copy out the weights and biases, or the logits."""
        if self.optimizer is None:
            return [self.logits.copy()]
        return [
            array for w, b in zip(self.weights, self.biases, strict=True) for array in (w.T.copy(), b.copy())
        ]
