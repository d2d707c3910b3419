"""JAX: the whole step in one jitted function."""

from __future__ import annotations

import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bench.cases import LEARNING_RATE, Case, Start

__all__ = ["Jitted"]

ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid, "elu": jax.nn.elu}


class Jitted:
    """A multilayer perceptron in JAX; the parameters are donated, so the update can be in place."""

    name = "jax jit"

    def __init__(self, case: Case, begin: Start) -> None:
        activation = ACTIVATIONS[case.activation]

        def loss(parameters: Any, x: Any, target: Any) -> Any:
            *hidden, (w, b) = parameters
            for v, c in hidden:
                x = activation(x @ v + c)
            logits = jax.nn.log_softmax(x @ w + b)
            return -jnp.take_along_axis(logits, target[:, None], axis=1).mean()

        def update(parameters: Any, x: Any, target: Any) -> Any:
            value, gradients = jax.value_and_grad(loss)(parameters, x, target)
            new = jax.tree_util.tree_map(lambda w, dw: w - LEARNING_RATE * dw, parameters, gradients)
            return new, value

        pairs = [(jnp.asarray(w.T), jnp.asarray(b)) for w, b in zip(begin.weights, begin.biases, strict=True)]
        self.x, self.target = jnp.asarray(begin.x), jnp.asarray(begin.target.astype(np.int32))
        clock = time.perf_counter()
        self.update = jax.jit(update, donate_argnums=0).lower(pairs, self.x, self.target).compile()
        self.setup_seconds = time.perf_counter() - clock
        self.pairs = pairs

    def step(self) -> None:
        """Train on the batch once."""
        self.pairs, loss = self.update(self.pairs, self.x, self.target)
        loss.block_until_ready()
        jax.block_until_ready(self.pairs)

    def parameters(self) -> list[np.ndarray[Any, Any]]:
        """Copy out the weights and biases."""
        return [array for w, b in self.pairs for array in (np.array(w).T.copy(), np.array(b))]
