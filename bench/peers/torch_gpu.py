"""torch on a GPU: eager, compiled, and the whole step as a CUDA graph made by hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from bench.cases import Start
from bench.gpu_cases import GpuCase
from bench.optimizers import Optimizer
from bench.peers import torch_peer

__all__ = ["Compiled", "Epochs", "Graphed", "Plain", "precision"]

DEVICE = "cuda"  # tests have another one
WARM_UP = 3  # steps before a graph is captured, and until everything is compiled


@contextmanager
def precision(name: str) -> Iterator[None]:
    """Let products round their factors, if the name says so; what was compiled before is forgotten."""
    torch.compiler.reset()
    torch.set_float32_matmul_precision("high" if name == "tf32" else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision("highest")


class Plain(torch_peer.Plain):
    """Eager torch, with the usual update for all parameters at once (foreach) or the fused one."""

    def __init__(self, case: GpuCase, begin: Start, optimizer: Optimizer, fused: bool) -> None:
        super().__init__(case, begin, optimizer, fused, DEVICE)
        self.half = case.precision == "bf16"
        self.first = [w.detach().clone() for w in self.weights]

    def loss(self) -> Any:
        """Compute the loss."""
        if not self.half:
            return super().loss()
        with torch.autocast(DEVICE, dtype=torch.bfloat16):
            return super().loss()

    def step(self) -> None:
        """Train on the batch once."""
        self.optimiser.zero_grad()  # first: graphs may then use the gradients' memory again
        loss = self.loss()
        loss.backward()
        self.answer = loss.detach()  # the graph would keep the stream of the first step
        self.optimiser.step()

    @torch.no_grad()
    def restart(self) -> None:
        """Begin again with the initial parameters, in the same memory: graphs know nothing else."""
        for w, first in zip(self.weights, self.first, strict=True):
            w.copy_(first)


class Compiled(Plain):
    """torch.compile over network and loss, forward and backward, with the fused update.

    Parameters
    ----------
    case, begin, optimizer
        As for `Plain`.
    mode : str or None
        ``"reduce-overhead"`` makes CUDA graphs of the forward and of the backward pass.
    """

    def __init__(self, case: GpuCase, begin: Start, optimizer: Optimizer, mode: str | None) -> None:
        super().__init__(case, begin, optimizer, fused=True)
        network, function, half = self.network, self.loss_function, self.half

        def whole(x: Any, target: Any) -> Any:
            with torch.autocast(DEVICE, dtype=torch.bfloat16, enabled=half):
                return function(network(x), target)

        self.compiled = torch.compile(whole, mode=mode)
        clock = time.perf_counter()
        for _ in range(WARM_UP):
            self.step()
        self.answer.item()  # waits
        self.setup_seconds = time.perf_counter() - clock

    def loss(self) -> Any:
        """Compute the loss by the compiled function."""
        return self.compiled(self.x, self.target)


class Graphed:
    """The step of another peer in one CUDA graph; at every step the batch is copied to where the graph reads it.

    Parameters
    ----------
    peer : Plain
        Whose step it is; what the graph trains are its parameters.
    """

    def __init__(self, peer: Plain) -> None:
        clock = time.perf_counter()
        self.peer, self.x, self.target = peer, peer.x, peer.target
        peer.x, peer.target = self.x.clone(), self.target.clone()
        self.graph = capture(peer.step)
        self.setup_seconds = peer.setup_seconds + time.perf_counter() - clock
        self.restart, self.results = peer.restart, peer.results

    def step(self) -> None:
        """Train on the batch once."""
        self.peer.x.copy_(self.x)
        self.peer.target.copy_(self.target)
        self.graph.replay()


class Epochs:
    """Whole epochs by a CUDA graph that gathers its batch by itself: a step copies the rows' numbers and replays.

    Parameters
    ----------
    case, begin, optimizer
        As for `Plain`.
    data : Start
        All examples.
    order : ndarray of int64
        The rows of an epoch.
    """

    def __init__(
        self, case: GpuCase, begin: Start, optimizer: Optimizer, data: Start, order: np.ndarray[Any, Any]
    ) -> None:
        clock = time.perf_counter()
        peer = Plain(case, begin, optimizer, fused=True)
        x, target, self.order = (
            torch.from_numpy(array).to(DEVICE) for array in (data.x, data.target, order)
        )
        self.batch = case.batch
        self.rows = self.order[: case.batch].clone()
        self.total = torch.zeros((), device=DEVICE)

        def step() -> None:
            peer.x, peer.target = x.index_select(0, self.rows), target.index_select(0, self.rows)
            peer.step()
            self.total.add_(peer.answer.detach())

        self.graph = capture(step)
        self.restart, self.results = peer.restart, peer.results
        self.setup_seconds = time.perf_counter() - clock

    def epoch(self) -> None:
        """Train on every example once."""
        self.total.zero_()
        for begin in range(0, len(self.order), self.batch):
            self.rows.copy_(self.order[begin : begin + self.batch])
            self.graph.replay()


def capture(step: Callable[[], object]) -> Any:
    """Make a CUDA graph of a step, which is done some times before, as torch asks for."""
    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(beside):
        for _ in range(WARM_UP):
            step()
    torch.cuda.current_stream().wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph
