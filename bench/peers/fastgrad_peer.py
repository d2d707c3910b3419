"""fastgrad, eager: the tape runs at every step."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

import fastgrad as fg
from bench.cases import LEARNING_RATE, Case, Start
from fastgrad import nn, optim
from fastgrad.nn import functional as F

__all__ = ["Eager"]

MODULES = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "elu": nn.ELU}


class Eager:
    """The network as a user would write it."""

    name = "fastgrad"
    setup_seconds = 0.0

    def __init__(self, case: Case, begin: Start) -> None:
        layers: list[Any] = []
        for number, (inputs, outputs) in enumerate(pairwise(case.sizes)):
            if number:
                layers.append(MODULES[case.activation]())
            layers.append(nn.Linear(inputs, outputs))
        self.network = nn.Sequential(*layers)
        arrays = [array for pair in zip(begin.weights, begin.biases, strict=True) for array in pair]
        with fg.no_grad():
            for parameter, array in zip(self.network.parameters(), arrays, strict=True):
                parameter.copy_(fg.from_numpy(array))
        self.optimiser = optim.SGD(self.network.parameters(), lr=LEARNING_RATE)
        self.x, self.target = fg.from_numpy(begin.x), fg.from_numpy(begin.target)

    def step(self) -> None:
        """Train on the batch once."""
        loss = F.cross_entropy(self.network(self.x), self.target)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()

    def parameters(self) -> list[np.ndarray[Any, Any]]:
        """Copy out the weights and biases."""
        return [np.array(w.detach().numpy()) for w in self.network.parameters()]
