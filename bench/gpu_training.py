"""Training steps and epochs on a GPU: checked against numpy in float64, then timed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import numpy as np

from bench.cases import Case, Start, start
from bench.gpu_cases import SHARES, GpuCase
from bench.gpu_limits import GpuLimits
from bench.gpu_timing import contest
from bench.harness import Contestant, Effort
from bench.optimizers import OPTIMIZERS
from bench.peers import fastgrad_gpu
from bench.peers.numpy_peer import ByHand
from bench.training import allowed_change, error_in_allowed

__all__ = ["epoch", "epoch_peers", "fastgrad_only", "step", "step_peers"]

CHECKED_STEPS = 3
SGD = OPTIMIZERS["sgd"]

Array = np.ndarray[Any, Any]
Builders = Mapping[str, Callable[[], Any]]


def step_peers(case: GpuCase, begin: Start, compiled: bool = True) -> Builders:
    """Give what builds each peer that trains on one batch.

    Parameters
    ----------
    case, begin
        What is trained, from where.
    compiled : bool
        Whether torch may compile, which takes seconds.
    """
    from bench.peers.torch_gpu import Compiled, Graphed, Plain

    peers: dict[str, Callable[[], Any]] = {
        **fastgrad_only(case, begin),
        "torch eager": lambda: Plain(case, begin, SGD, fused=False),
        "torch fused": lambda: Plain(case, begin, SGD, fused=True),
        "torch graph": lambda: Graphed(Plain(case, begin, SGD, fused=True)),
    }
    if compiled:
        compile_once = functools.cache(lambda: Compiled(case, begin, SGD, None))
        peers |= {
            "torch compiled": compile_once,
            "torch reduce-overhead": lambda: Compiled(case, begin, SGD, "reduce-overhead"),
            "torch compiled graph": lambda: Graphed(compile_once()),
        }
    return peers


def fastgrad_only(case: GpuCase, begin: Start) -> Builders:
    """Give what builds fastgrad's peers alone."""
    return {
        "fastgrad eager": lambda: fastgrad_gpu.Eager(case, begin, SGD),
        "fastgrad recorded": lambda: fastgrad_gpu.Recorded(case, begin, SGD),
    }


def epoch_peers(case: GpuCase, begin: Start, data: Start, order: Array) -> Builders:
    """Give what builds each peer that trains on whole epochs."""
    from bench.peers.torch_gpu import Epochs

    return {
        "fastgrad epoch": lambda: fastgrad_gpu.Epochs(case, begin, SGD, data, order),
        "torch graph": lambda: Epochs(case, begin, SGD, data, order),
    }


def step(
    case: GpuCase, effort: Effort, limits: GpuLimits, peers: Callable[[GpuCase, Start], Builders]
) -> dict[str, Any]:
    """Time every peer at a step.

    Parameters
    ----------
    case, effort, limits
        What to do, how long, and what the GPU can do.
    peers : callable
        Who takes part.

    Returns
    -------
    dict
        A row: what was done, its FLOP and bytes, the time that these would take at the limits, and the outcomes.
    """
    begin = start(case)
    right = _trained(Case("", case.sizes, case.activation, case.batch, case.loss))
    allowed = allowed_change(begin, right, CHECKED_STEPS, SHARES[case.precision])

    def contestant(name: str, build: Callable[[], Any]) -> Contestant:
        peer = build()

        def error() -> float:
            peer.restart()
            for _ in range(CHECKED_STEPS):
                peer.step()
            return error_in_allowed(peer.results(), right, allowed)

        return Contestant(name, peer.step, error, peer.setup_seconds)

    return _row(case, "step", 1, limits) | {
        "outcomes": _contest(case, peers(case, begin), contestant, effort),
    }


def epoch(
    case: GpuCase,
    steps: int,
    effort: Effort,
    limits: GpuLimits,
    peers: Callable[[GpuCase, Start, Start, Array], Builders],
) -> dict[str, Any]:
    """Time every peer at an epoch of so many steps; see `step`."""
    begin, data = start(case), start(replace(case, batch=steps * case.batch))
    order = np.random.default_rng(3).permutation(steps * case.batch)
    by_hand = ByHand(case, start(case, "float64"), SGD)
    for rows in order.reshape(steps, case.batch):
        by_hand.x, by_hand.target = data.x[rows].astype(np.float64), data.target[rows]
        by_hand.step()
    right = by_hand.results()
    allowed = allowed_change(begin, right, steps, SHARES[case.precision])

    def contestant(name: str, build: Callable[[], Any]) -> Contestant:
        peer = build()

        def error() -> float:
            peer.restart()
            peer.epoch()
            return error_in_allowed(peer.results(), right, allowed)

        return Contestant(name, peer.epoch, error, peer.setup_seconds)

    return _row(case, "epoch", steps, limits) | {
        "outcomes": _contest(case, peers(case, begin, data, order), contestant, effort),
    }


def _row(case: GpuCase, part: str, steps: int, limits: GpuLimits) -> dict[str, Any]:
    return {
        "part": part,
        "case": case.name,
        "sizes": list(case.sizes),
        "activation": case.activation,
        "loss": case.loss,
        "batch": case.batch,
        "precision": case.precision,
        "steps": steps,
        "flop": case.flop,
        "bytes": case.bytes,
        "limit_seconds": limits.seconds(case.flop, case.bytes, case.precision),
        "targets": [case.against_eager, case.against_graphs],
    }


def _contest(
    case: GpuCase, peers: Builders, contestant: Callable[[str, Callable[[], Any]], Contestant], effort: Effort
) -> dict[str, dict[str, Any]]:
    """Let the peers take part, with the products' precision as the case says."""
    builders = {name: functools.partial(contestant, name, build) for name, build in peers.items()}
    with ExitStack() as stack:
        for precision in _precisions(peers):
            stack.enter_context(precision(case.precision))
        return contest(builders, 1.0, effort)


def _precisions(peers: Builders) -> Iterator[Callable[[str], Any]]:
    yield fastgrad_gpu.precision
    if any(name.startswith("torch") for name in peers):
        from bench.peers import torch_gpu

        yield torch_gpu.precision


@functools.lru_cache(maxsize=1)
def _trained(case: Case) -> list[Array]:
    """Give the parameters after some steps; those of a case in several precisions are computed once."""
    by_hand = ByHand(case, start(case, "float64"), SGD)
    for _ in range(CHECKED_STEPS):
        by_hand.step()
    return by_hand.results()
