"""JAX: the whole step in one jitted function."""

from __future__ import annotations

import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bench.cases import Case, Start
from bench.optimizers import Optimizer

__all__ = ["Jitted"]

ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid, "elu": jax.nn.elu}

# An update rule takes a parameter, its gradient and its state, and gives the new parameter and state.


def _sgd(
    w: Any, dw: Any, buffer: Any, *, lr: float, momentum: float = 0.0, weight_decay: float = 0.0, l1: float
) -> tuple[Any, Any]:
    dw = _penalised(w, dw, weight_decay, l1)
    if momentum:  # a buffer of zeros becomes dw at the first step, as it should
        buffer = dw = momentum * buffer + dw
    return w - lr * dw, buffer


def _adam(
    w: Any,
    dw: Any,
    state: Any,
    *,
    lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    l1: float,
) -> tuple[Any, Any]:
    m, v, t = state
    dw = _penalised(w, dw, weight_decay, l1)
    t = t + 1
    m = betas[0] * m + (1 - betas[0]) * dw
    v = betas[1] * v + (1 - betas[1]) * dw * dw
    denominator = jnp.sqrt(v / (1 - betas[1] ** t)) + eps
    return w - lr / (1 - betas[0] ** t) * m / denominator, (m, v, t)


def _penalised(w: Any, dw: Any, weight_decay: float, l1: float) -> Any:
    dw = dw + weight_decay * w if weight_decay else dw
    return dw + l1 * jnp.sign(w) if l1 else dw


# the rule, and its state before the first step
RULES: dict[str, tuple[Any, Any]] = {
    "SGD": (_sgd, jnp.zeros_like),
    "Adam": (_adam, lambda w: (jnp.zeros_like(w), jnp.zeros_like(w), jnp.float32(0))),
}


class Jitted:
    """A multilayer perceptron in JAX; parameters and state are donated, so the update can be in place."""

    name = "jax jit"
    steps_done = 0

    def __init__(self, case: Case, begin: Start, optimizer: Optimizer | None) -> None:
        activation = ACTIVATIONS[case.activation]
        self.x, self.target = jnp.asarray(begin.x), jnp.asarray(begin.target.astype(np.int32))
        pairs = zip(begin.weights, begin.biases, strict=True)
        self.weights = [jnp.asarray(array) for w, b in pairs for array in (w.T, b)]
        self.training = optimizer is not None

        def forward(weights: Any, x: Any) -> Any:
            *hidden, (w, b) = zip(weights[::2], weights[1::2], strict=True)
            for v, c in hidden:
                x = activation(x @ v + c)
            return x @ w + b

        def loss(weights: Any, x: Any, target: Any) -> Any:
            logits = jax.nn.log_softmax(forward(weights, x))
            return -jnp.take_along_axis(logits, target[:, None], axis=1).mean()

        clock = time.perf_counter()
        if optimizer is None:
            self.compiled = jax.jit(forward).lower(self.weights, self.x).compile()
        else:
            rule, initial = RULES[optimizer.kind]
            self.state = [initial(w) for w in self.weights]

            def update(weights: Any, state: Any, x: Any, target: Any) -> Any:
                value, gradients = jax.value_and_grad(loss)(weights, x, target)
                new = [
                    rule(*one, **optimizer.options, l1=optimizer.l1)
                    for one in zip(weights, gradients, state, strict=True)
                ]
                return [w for w, _ in new], [kept for _, kept in new], value

            jitted = jax.jit(update, donate_argnums=(0, 1))
            self.compiled = jitted.lower(self.weights, self.state, self.x, self.target).compile()
        self.setup_seconds = time.perf_counter() - clock

    def step(self) -> None:
        """Train on the batch once, or compute its logits."""
        if not self.training:
            self.logits = self.compiled(self.weights, self.x)
            self.logits.block_until_ready()
            return
        self.weights, self.state, loss = self.compiled(self.weights, self.state, self.x, self.target)
        loss.block_until_ready()
        jax.block_until_ready(self.weights)

    def results(self) -> list[np.ndarray[Any, Any]]:
        """Copy out the weights and biases, or the logits."""
        if not self.training:
            return [np.array(self.logits)]
        return [np.array(w).T.copy() for w in self.weights]
