"""torch: eager, with the fused update, and compiled."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from bench.cases import Case, Start
from bench.optimizers import Optimizer

__all__ = ["Compiled", "Plain", "penalise"]

MODULES = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "elu": nn.ELU}
COMPILING_STEPS = 3


@torch.no_grad()
def penalise(parameters: Sequence[Any], l1: float) -> None:
    """Add ``l1 * sign(w)`` to the gradients: the L1 penalty that torch's optimisers do not have.

    In an eager step that is faster than a term of the loss; in a compiled one the term is.
    """
    torch._foreach_add_([w.grad for w in parameters], torch._foreach_sign(parameters), alpha=l1)


class Plain:
    """Eager torch.

    Parameters
    ----------
    case, begin, optimizer
        What to train, from where and how.
    fused : bool
        ``fused=True`` in the optimiser, or the default update.
    device : str
        Where everything is.
    """

    setup_seconds = 0.0
    steps_done = 0

    def __init__(
        self, case: Case, begin: Start, optimizer: Optimizer | None, fused: bool, device: str = "cpu"
    ) -> None:
        self.name = "torch fused" if fused else "torch eager"
        layers: list[nn.Module] = []
        for number, (inputs, outputs) in enumerate(pairwise(case.sizes)):
            if number:
                layers.append(MODULES[case.activation]())
            layer = nn.Linear(inputs, outputs)
            layer.weight.data = torch.from_numpy(begin.weights[number].copy())
            layer.bias.data = torch.from_numpy(begin.biases[number].copy())
            layers.append(layer)
        self.network = nn.Sequential(*layers).to(device)
        self.loss_function = getattr(F, case.loss)
        self.weights = list(self.network.parameters())
        self.optimiser, self.penalty = None, 0.0
        if optimizer is not None:
            rule = getattr(torch.optim, optimizer.kind)
            self.optimiser = rule(self.weights, **optimizer.options, fused=fused or None)
            self.penalty = optimizer.l1
        self.x, self.target = (torch.from_numpy(array).to(device) for array in (begin.x, begin.target))

    def forward(self) -> Any:
        """Compute the logits."""
        return self.network(self.x)

    def loss(self) -> Any:
        """Compute the loss."""
        return self.loss_function(self.network(self.x), self.target)

    def step(self) -> None:
        """Train on the batch once, or compute its logits."""
        if self.optimiser is None:
            with torch.inference_mode():
                self.logits = self.forward()
            return
        loss = self.loss()
        self.optimiser.zero_grad()
        loss.backward()
        if self.penalty:
            penalise(self.weights, self.penalty)
        self.optimiser.step()

    def results(self) -> list[np.ndarray[Any, Any]]:
        """Copy out the weights and biases, or the logits."""
        tensors = self.weights if self.optimiser else [self.logits]
        return [tensor.detach().cpu().numpy().copy() for tensor in tensors]


class Compiled(Plain):
    """torch.compile over network and loss, forward and backward, with the fused update."""

    steps_done = COMPILING_STEPS

    def __init__(self, case: Case, begin: Start, optimizer: Optimizer | None) -> None:
        super().__init__(case, begin, optimizer, fused=optimizer is not None)
        self.name = "torch compiled"
        torch.compiler.reset()
        network, function = self.network, self.loss_function
        weights, l1 = self.weights, self.penalty
        self.penalty = 0.0  # it is in the loss

        def loss(x: Any, target: Any) -> Any:
            value = function(network(x), target)
            return value + l1 * sum(w.abs().sum() for w in weights) if l1 else value

        self.compiled = torch.compile(network if optimizer is None else loss)
        clock = time.perf_counter()
        for _ in range(COMPILING_STEPS):
            self.step()
        self.setup_seconds = time.perf_counter() - clock

    def forward(self) -> Any:
        """Compute the logits by the compiled network."""
        return self.compiled(self.x)

    def loss(self) -> Any:
        """Compute the loss by the compiled function."""
        return self.compiled(self.x, self.target)
