"""fastgrad on a GPU: eager, recorded, and whole epochs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import fastgrad as fg
from bench.cases import Start
from bench.gpu_cases import GpuCase
from bench.optimizers import Optimizer
from bench.peers import fastgrad_peer

__all__ = ["Eager", "Epochs", "Recorded", "precision"]


@contextmanager
def precision(name: str) -> Iterator[None]:
    """Let products round their factors, if the name says so."""
    if name != "tf32":
        yield
        return
    fg.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        fg.set_float32_matmul_precision("highest")


class _OnGpu(fastgrad_peer.Eager):
    """What GPU peers add: autocast, and going back to the initial parameters in the same memory."""

    def __init__(self, case: GpuCase, begin: Start, optimizer: Optimizer) -> None:
        self.half = case.precision == "bf16"
        super().__init__(case, begin, optimizer, device="cuda")
        arrays = [array for pair in zip(begin.weights, begin.biases, strict=True) for array in pair]
        self.first = [fg.from_numpy(array).to("cuda") for array in arrays]

    def loss(self, x: Any, target: Any) -> Any:
        """Compute the loss."""
        if not self.half:
            return super().loss(x, target)
        with fg.autocast("cuda", dtype="bfloat16"):
            return super().loss(x, target)

    def restart(self) -> None:
        """Begin again with the initial parameters."""
        with fg.no_grad():
            for parameter, first in zip(self.network.parameters(), self.first, strict=True):
                parameter.copy_(first)


class Eager(_OnGpu):
    """The network as a user would write it."""


class Recorded(_OnGpu, fastgrad_peer.Recorded):
    """The same in `fastgrad.compile`."""


class Epochs(Recorded):
    """Recorded, and replayed for whole epochs on data that is on the GPU.

    Parameters
    ----------
    case, begin, optimizer
        As for `Recorded`.
    data : Start
        All examples.
    order : ndarray of int64
        The rows of an epoch.
    """

    def __init__(
        self, case: GpuCase, begin: Start, optimizer: Optimizer, data: Start, order: np.ndarray[Any, Any]
    ) -> None:
        super().__init__(case, begin, optimizer)
        self.data = tuple(fg.from_numpy(array).to("cuda") for array in (data.x, data.target))
        self.order, self.batch = fg.from_numpy(order).to("cuda"), case.batch
        self.epoch()  # records what an epoch adds

    def epoch(self) -> None:
        """Train on every example once."""
        self.compiled.run_epoch(self.data, self.order, batch_size=self.batch)
