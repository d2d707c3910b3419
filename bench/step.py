"""``python -m bench step``: one whole training step of every case, beside every peer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.cases import CASES, Case, start
from bench.harness import Contestant, contest
from bench.machine import Limits
from bench.options import Options
from bench.peers import Peer, peers
from bench.peers.numpy_peer import ByHand
from bench.tables import best, microseconds, percent, ratio, seconds, spread, table, title

__all__ = ["names", "report", "run"]

CHECKED_STEPS = 3
COLUMNS = (
    ("fastgrad", "fastgrad"),
    ("torch eager", "eager"),
    ("torch fused", "fused"),
    ("torch compiled", "compiled"),
    ("jax jit", "jax"),
    ("numpy", "numpy"),
)

Array = np.ndarray[Any, Any]


def names() -> list[str]:
    """Give what ``--only`` chooses from."""
    return [case.name for case in CASES]


def run(options: Options, limits: Limits) -> list[dict[str, Any]]:
    """Measure the cases that were asked for."""
    rows = []
    for case in CASES:
        if not options.wants(case.name):
            continue
        options.say(case.name)
        right = _after_steps(ByHand(case, start(case, "float64")))
        allowed = _allowed(case, right)
        contestants = [_contestant(peer, right, allowed) for peer in peers(case, options.quick)]
        outcomes = contest(contestants, 1.0, options.effort)
        rows.append(
            {
                "case": case.name,
                "threads": options.threads,
                "sizes": list(case.sizes),
                "activation": case.activation,
                "batch": case.batch,
                "flop": case.flop,
                "limit_seconds": case.flop / limits.flops(),
                "outcomes": outcomes,
            }
        )
    return rows


def _after_steps(peer: Peer) -> list[Array]:
    for _ in range(CHECKED_STEPS):
        peer.step()
    return peer.parameters()


def _allowed(case: Case, right: list[Array]) -> list[float]:
    """Norm of the error allowed in each array: rounding, and a hundredth of what the steps changed.

    A norm, not the largest error: among a million values before a ReLU one may round to the other side of 0,
    which is right in float32 and moves a whole row of dw.
    """
    begin = start(case, "float64")
    first = [array for pair in zip(begin.weights, begin.biases, strict=True) for array in pair]
    rounding = CHECKED_STEPS * float(np.finfo(np.float32).eps)
    return [
        float(rounding * np.linalg.norm(now) + 1e-2 * np.linalg.norm(now - then))
        for now, then in zip(right, first, strict=True)
    ]


def _contestant(peer: Peer, right: list[Array], allowed: list[float]) -> Contestant:
    def error() -> float:
        arrays = _after_steps(peer)
        if [array.shape for array in arrays] != [array.shape for array in right]:
            return float("inf")
        errors = [
            np.linalg.norm(array - exact) / most
            for array, exact, most in zip(arrays, right, allowed, strict=True)
        ]
        return float(np.nan_to_num(np.max(errors), nan=np.inf))

    return Contestant(peer.name, peer.step, error, peer.setup_seconds)


def report(rows: Sequence[dict[str, Any]], threads: int) -> str:
    """Write the rows of one number of threads as a table."""
    header = [
        "case",
        "MFLOP",
        *(title for _, title in COLUMNS),
        "best torch / fastgrad",
        "limit",
        "of it",
        "spread",
    ]
    header += ["torch compiling", "jax compiling"]
    cells = []
    for row in rows:
        outcomes = row["outcomes"]
        ours, limit = seconds(outcomes, "fastgrad"), row["limit_seconds"]
        cells.append(
            [
                row["case"],
                f"{row['flop'] / 1e6:,.2f}",
                *(microseconds(outcomes, name) for name, _ in COLUMNS),
                ratio(best(outcomes, "torch"), ours),
                f"{1e6 * limit:,.1f}",
                percent(limit, ours),
                spread(outcomes, "fastgrad"),
                *(_setup(outcomes, name) for name in ("torch compiled", "jax jit")),
            ]
        )
    heading = title("One training step (eager, fused, compiled: torch)", threads)
    return table(heading, header, cells)


def _setup(outcomes: dict[str, Any], name: str) -> str:
    return f"{outcomes[name]['setup_seconds']:.1f} s" if name in outcomes else "-"
