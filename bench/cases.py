"""The networks that are measured, under the names used everywhere, and the arrays they start from."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

__all__ = ["CASES", "Case", "Start", "start"]


@dataclass(frozen=True)
class Case:
    """One training step: a multilayer perceptron, a loss, an update.

    Parameters
    ----------
    name : str
        What it is called.
    sizes : tuple of int
        Inputs, hidden widths, classes.
    activation : str
        After every layer but the last.
    batch : int
        Rows in a step.
    loss : str
        ``"cross_entropy"``, or ``"mse_loss"`` against as many numbers as there are outputs.
    """

    name: str
    sizes: tuple[int, ...]
    activation: str
    batch: int
    loss: str = "cross_entropy"

    @property
    def forward_flop(self) -> int:
        """Floating-point operations of the matrix products of a forward pass."""
        return 2 * self.batch * sum(m * n for m, n in pairwise(self.sizes))

    @property
    def flop(self) -> int:
        """Floating-point operations of the matrix products of a step: forward, dw, and dx but for the first."""
        return 3 * self.forward_flop - 2 * self.batch * self.sizes[0] * self.sizes[1]


CASES = (
    Case("online", (16, 32, 32, 4), "relu", 1),
    Case("tiny", (16, 32, 32, 4), "relu", 32),
    Case("rl", (64, 64, 64, 6), "tanh", 64),
    Case("lecture", (841, 100, 100, 100, 100, 100, 26), "sigmoid", 64),
    Case("mnist", (784, 256, 128, 10), "relu", 128),
    Case("tabular", (100, 512, 512, 512, 10), "elu", 256),
    Case("wide", (1024, 2048, 2048, 1000), "relu", 512),
)


@dataclass(frozen=True)
class Start:
    """What every peer begins with.

    Parameters
    ----------
    weights, biases : list of ndarray, shapes (out, in) and (out,)
        Initial parameters, uniform as in torch's layers.
    x : ndarray, shape (batch, in)
        The batch.
    target : ndarray
        Its classes, of int64 and shape (batch,), or the numbers to come near to, shape (batch, out).
    """

    weights: list[np.ndarray[Any, Any]]
    biases: list[np.ndarray[Any, Any]]
    x: np.ndarray[Any, Any]
    target: np.ndarray[Any, Any]


def start(case: Case, dtype: str = "float32") -> Start:
    """Make the initial arrays of a case; the same ones at every call, whatever the dtype.

    Parameters
    ----------
    case : Case
        Sizes and batch.
    dtype : str
        The values are float32's in either dtype, so that a float64 reference starts equal.
    """
    generator = np.random.default_rng(7)
    weights, biases = [], []
    for inputs, outputs in pairwise(case.sizes):
        bound = 1 / np.sqrt(inputs)
        for shape, into in (((outputs, inputs), weights), ((outputs,), biases)):
            into.append(generator.uniform(-bound, bound, shape).astype(np.float32).astype(dtype))
    x = generator.standard_normal((case.batch, case.sizes[0])).astype(np.float32).astype(dtype)
    if case.loss == "cross_entropy":
        return Start(weights, biases, x, generator.integers(0, case.sizes[-1], case.batch))
    target = generator.standard_normal((case.batch, case.sizes[-1])).astype(np.float32).astype(dtype)
    return Start(weights, biases, x, target)
