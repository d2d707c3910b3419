"""What training asks of a library, and how fastgrad answers."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

import fastgrad as fg
from fastgrad import nn, optim
from fastgrad.cli.network import build_network
from fastgrad.cli.settings import Settings
from fastgrad.nn import functional as F

__all__ = ["Contestant", "Fastgrad"]

Array = np.ndarray[Any, Any]


class Contestant(Protocol):
    """A library with a network in it, to be trained some steps at a time."""

    name: str
    version: str
    note: str

    def run(self, x: Array, y: Array, order: Array, batch_size: int) -> list[float]:
        """Train on the rows that `order` names, `batch_size` to a step; timed. Returns the loss of every step."""

    def weights(self) -> dict[str, Array]:
        """Copy the parameters out, by their names in ``state_dict``."""

    def logits(self, x: Array) -> Array:
        """Compute the network's output for rows of features, without gradients."""


class Fastgrad:
    """fastgrad's own side.

    Parameters
    ----------
    settings : Settings
        Activation, optimiser, dtype, seed.
    sizes : list of int
        Features, hidden widths, classes.
    """

    name = "fastgrad"
    note = "optim.SGD, step recorded by fg.compile, many in one native call (run_epoch)"

    def __init__(self, settings: Settings, sizes: list[int]) -> None:
        self.version = fg.__version__
        fg.manual_seed(settings.seed)
        self.network = build_network(nn, sizes, settings.activation).to(np.dtype(settings.dtype))
        self.optimiser = optim.SGD(
            self.network.parameters(),
            lr=settings.lr,
            momentum=settings.momentum,
            weight_decay=settings.l2,
            l1=settings.l1,
        )
        self.step = fg.compile(self._step)

    def _step(self, x: Any, y: Any) -> Any:
        loss = F.cross_entropy(self.network(x), y)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return loss

    def run(self, x: Array, y: Array, order: Array, batch_size: int) -> list[float]:
        """Train on the rows that `order` names."""
        losses: list[float] = self.step.run_epoch((fg.from_numpy(x), fg.from_numpy(y)), order, batch_size).tolist()
        return losses

    def weights(self) -> dict[str, Array]:
        """Copy the parameters out."""
        return {name: value.detach().numpy().copy() for name, value in self.network.state_dict().items()}

    def logits(self, x: Array) -> Array:
        """Compute the output for rows of features."""
        with fg.no_grad():
            y: Array = self.network(fg.from_numpy(x)).numpy()
        return y
