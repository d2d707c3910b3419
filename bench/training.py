"""Every peer at the same work: its result is checked against numpy in float64, then it is timed."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.cases import Case, Start, start
from bench.harness import Contestant, contest
from bench.machine import Limits
from bench.optimizers import OPTIMIZERS, Optimizer
from bench.options import Options
from bench.peers import Peer, peers
from bench.peers.numpy_peer import ByHand

__all__ = ["TORCH", "allowed_change", "error_in_allowed", "measure", "work"]

TORCH = ("torch eager", "torch fused", "torch compiled")
CHECKED_STEPS = 5  # more than any peer does while it compiles or records
SHARE = {"SGD": 1e-2, "Adam": 5e-2}  # of what the steps changed, by the kind of optimiser; see _allowed

Array = np.ndarray[Any, Any]


def work(options: Options) -> Optimizer | None:
    """Give the optimiser that was asked for; None for a forward pass alone."""
    return None if options.forward else OPTIMIZERS[options.optimizer]


def measure(case: Case, options: Options, limits: Limits) -> dict[str, Any]:
    """Time every peer at a case.

    Returns
    -------
    dict
        A row: what was done, its FLOP and the time that these would take at the peak, and the outcomes.
    """
    optimizer = work(options)
    flop = case.forward_flop if optimizer is None else case.flop
    reference = ByHand(case, start(case, "float64"), optimizer)
    right = _after_steps(reference)
    allowed = _allowed(case, right, optimizer)
    contestants = [_contestant(peer, right, allowed) for peer in peers(case, optimizer, options.quick)]
    return {
        "case": case.name,
        "threads": options.threads,
        "sizes": list(case.sizes),
        "activation": case.activation,
        "batch": case.batch,
        "work": "forward" if options.forward else options.optimizer,
        "flop": flop,
        "limit_seconds": flop / limits.flops(),
        "outcomes": contest(contestants, 1.0, options.effort),
    }


def _after_steps(peer: Peer) -> list[Array]:
    for _ in range(CHECKED_STEPS - peer.steps_done):
        peer.step()
    return peer.results()


def _allowed(case: Case, right: list[Array], optimizer: Optimizer | None) -> list[float]:
    """Norm of the error allowed in each array: rounding, and a small part of what the steps changed.

    A norm, not the largest error: among a million values before a ReLU one may round to the other side of 0,
    which is right in float32 and moves a whole row of dw. Adam gives all elements of that row steps of the
    same size, so it makes much of a small change where it turns a sign.
    """
    if optimizer is None:  # a sum over the inputs in each layer, one after the other
        eps = float(np.finfo(np.float32).eps)
        return [4 * eps * len(case.sizes) * float(np.linalg.norm(logits)) for logits in right]
    return allowed_change(start(case, "float64"), right, CHECKED_STEPS, SHARE[optimizer.kind])


def allowed_change(begin: Start, right: list[Array], steps: int, share: float) -> list[float]:
    """Norm of the error allowed in each parameter: float32's rounding at each step, and a share of the change."""
    eps = float(np.finfo(np.float32).eps)
    first = [array for pair in zip(begin.weights, begin.biases, strict=True) for array in pair]
    return [
        float(steps * eps * np.linalg.norm(now) + share * np.linalg.norm(now - then))
        for now, then in zip(right, first, strict=True)
    ]


def error_in_allowed(arrays: list[Array], right: list[Array], allowed: list[float]) -> float:
    """Give the largest error of any array in parts of what is allowed; infinite for NaN and wrong shapes."""
    if [array.shape for array in arrays] != [array.shape for array in right]:
        return float("inf")
    errors = [
        np.linalg.norm(array - exact) / most
        for array, exact, most in zip(arrays, right, allowed, strict=True)
    ]
    return float(np.nan_to_num(np.max(errors), nan=np.inf))


def _contestant(peer: Peer, right: list[Array], allowed: list[float]) -> Contestant:
    def error() -> float:
        return error_in_allowed(_after_steps(peer), right, allowed)

    return Contestant(peer.name, peer.step, error, peer.setup_seconds)
