"""fastgrad: eager, where the tape runs at every step, and recorded, where it runs once."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import numpy as np

import fastgrad as fg
from bench.cases import Case, Start
from bench.optimizers import Optimizer
from fastgrad import nn, optim
from fastgrad.nn import functional as F

__all__ = ["Eager", "Recorded"]

MODULES = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "elu": nn.ELU}


class Eager:
    """The network as a user would write it."""

    name = "fastgrad eager"
    setup_seconds = 0.0
    steps_done = 0

    def __init__(self, case: Case, begin: Start, optimizer: Optimizer | None, device: str = "cpu") -> None:
        layers: list[Any] = []
        for number, (inputs, outputs) in enumerate(pairwise(case.sizes)):
            if number:
                layers.append(MODULES[case.activation]())
            layers.append(nn.Linear(inputs, outputs))
        self.network = nn.Sequential(*layers).to(device)
        self.loss_function = getattr(F, case.loss)
        arrays = [array for pair in zip(begin.weights, begin.biases, strict=True) for array in pair]
        with fg.no_grad():
            for parameter, array in zip(self.network.parameters(), arrays, strict=True):
                parameter.copy_(fg.from_numpy(array))  # also to another device
        self.optimiser = optimizer and getattr(optim, optimizer.kind)(
            self.network.parameters(), **optimizer.options, l1=optimizer.l1
        )
        self.x, self.target = fg.from_numpy(begin.x).to(device), fg.from_numpy(begin.target).to(device)
        self.work = self.forward if optimizer is None else self.train

    def loss(self, x: Any, target: Any) -> Any:
        """Compute the loss."""
        return self.loss_function(self.network(x), target)

    def train(self, x: Any, target: Any) -> Any:
        """Do a training step and return its loss."""
        loss = self.loss(x, target)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return loss

    def forward(self, x: Any, target: Any) -> Any:
        """Compute the logits."""
        with fg.no_grad():
            return self.network(x)

    def step(self) -> None:
        """Train on the batch once, or compute its logits."""
        self.answer = self.work(self.x, self.target)

    def results(self) -> list[np.ndarray[Any, Any]]:
        """Copy out the weights and biases, or the logits."""
        tensors = self.network.parameters() if self.optimiser else [self.answer]
        return [np.array(tensor.detach().cpu().numpy()) for tensor in tensors]


class Recorded(Eager):
    """The same, recorded by `fastgrad.compile` and replayed without the tape.

    The batch is handed over as tensors at every step, so to see that the program still fits is part of the time.
    """

    name = "fastgrad recorded"
    steps_done = 1

    def __init__(self, case: Case, begin: Start, optimizer: Optimizer | None, device: str = "cpu") -> None:
        super().__init__(case, begin, optimizer, device)
        if optimizer is None:  # the classes are no input of a forward pass
            forward = fg.compile(lambda x: self.forward(x, None))
            self.compiled = forward
            self.work = lambda x, target: forward(x)
        else:
            self.work = self.compiled = fg.compile(self.train)
        clock = time.perf_counter()
        self.step()
        self.setup_seconds = time.perf_counter() - clock
