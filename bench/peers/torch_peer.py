"""torch: eager, with the fused update, and compiled."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from bench.cases import LEARNING_RATE, Case, Start

__all__ = ["Compiled", "Plain"]

MODULES = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "elu": nn.ELU}
COMPILING_STEPS = 3


class Plain:
    """Eager torch.

    Parameters
    ----------
    case, begin
        What to train, from where.
    fused : bool
        ``SGD(fused=True)``, or the default update.
    """

    setup_seconds = 0.0

    def __init__(self, case: Case, begin: Start, fused: bool) -> None:
        self.name = "torch fused" if fused else "torch eager"
        layers: list[nn.Module] = []
        for number, (inputs, outputs) in enumerate(pairwise(case.sizes)):
            if number:
                layers.append(MODULES[case.activation]())
            layer = nn.Linear(inputs, outputs)
            layer.weight.data = torch.from_numpy(begin.weights[number].copy())
            layer.bias.data = torch.from_numpy(begin.biases[number].copy())
            layers.append(layer)
        self.network = nn.Sequential(*layers)
        self.optimiser = torch.optim.SGD(self.network.parameters(), lr=LEARNING_RATE, fused=fused or None)
        self.x, self.target = torch.from_numpy(begin.x), torch.from_numpy(begin.target)

    def forward(self) -> Any:
        """Compute the loss."""
        return F.cross_entropy(self.network(self.x), self.target)

    def step(self) -> None:
        """Train on the batch once."""
        loss = self.forward()
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()

    def parameters(self) -> list[np.ndarray[Any, Any]]:
        """Copy out the weights and biases."""
        return [w.detach().numpy().copy() for w in self.network.parameters()]


class Compiled(Plain):
    """torch.compile over network and loss, forward and backward, with the fused update."""

    def __init__(self, case: Case, begin: Start) -> None:
        super().__init__(case, begin, fused=True)
        self.name = "torch compiled"
        torch.compiler.reset()
        network = self.network

        def loss(x: Any, target: Any) -> Any:
            return F.cross_entropy(network(x), target)

        self.compiled = torch.compile(loss)
        fresh = {name: value.clone() for name, value in network.state_dict().items()}
        clock = time.perf_counter()
        for _ in range(COMPILING_STEPS):
            self.step()
        self.setup_seconds = time.perf_counter() - clock
        network.load_state_dict(fresh)

    def forward(self) -> Any:
        """Compute the loss by the compiled function."""
        return self.compiled(self.x, self.target)
