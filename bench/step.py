"""``python -m bench step``: one whole training step of every case, beside every peer.

With ``--optimizer`` other rules than plain SGD, with ``--forward`` the forward pass alone, nothing recorded for
gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.cases import CASES
from bench.machine import Limits
from bench.options import Options
from bench.tables import (
    best,
    best_peer,
    duration,
    microseconds,
    percent,
    ratio,
    seconds,
    spread,
    table,
    title,
)
from bench.training import measure

__all__ = ["names", "report", "run"]

TIMES = {
    "torch eager": "torch eager",
    "torch fused": "fused",
    "torch compiled": "compiled",
    "jax jit": "jax jit",
    "numpy": "numpy",
    "fastgrad eager": "fastgrad eager",
    "fastgrad recorded": "recorded",
}
SETUPS = {"fastgrad recorded": "recording", "torch compiled": "torch compiling", "jax jit": "jax compiling"}


def names() -> list[str]:
    """Give what ``--only`` chooses from."""
    return [case.name for case in CASES]


def run(options: Options, limits: Limits) -> list[dict[str, Any]]:
    """Measure the cases that were asked for."""
    rows = []
    for case in CASES:
        if options.wants(case.name):
            options.say(case.name)
            rows.append(measure(case, options, limits))
    return rows


def report(rows: Sequence[dict[str, Any]], threads: int) -> str:
    """Write the rows of one number of threads as two tables: the times, and what they mean."""
    work = rows[0]["work"] if rows else ""
    what = "One forward pass" if work == "forward" else f"One training step, {work}"
    times = table(
        title(what, threads), ["case", "MFLOP", *TIMES.values(), "limit"], [_times(row) for row in rows]
    )
    header = ["case", "best torch / eager", "best torch / recorded", "best peer / recorded",
              "recorded of limit", "spread", *SETUPS.values()]  # fmt: skip
    ratios = table(title(what, threads, "how many times faster"), header, [_ratios(row) for row in rows])
    return f"{times}\n{ratios}"


def _times(row: dict[str, Any]) -> list[str]:
    times = [microseconds(row["outcomes"], name) for name in TIMES]
    return [row["case"], f"{row['flop'] / 1e6:,.2f}", *times, f"{1e6 * row['limit_seconds']:,.2f}"]


def _ratios(row: dict[str, Any]) -> list[str]:
    outcomes = row["outcomes"]
    eager, recorded = seconds(outcomes, "fastgrad eager"), seconds(outcomes, "fastgrad recorded")
    torch = best(outcomes, "torch")
    return [
        row["case"],
        ratio(torch, eager),
        ratio(torch, recorded),
        ratio(best_peer(outcomes), recorded),
        percent(row["limit_seconds"], recorded),
        spread(outcomes, "fastgrad recorded"),
        *(duration(outcomes.get(name, {}).get("setup_seconds")) for name in SETUPS),
    ]
