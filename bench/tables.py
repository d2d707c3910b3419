"""Outcomes as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastgrad.cli.report import columns

__all__ = [
    "NOTHING",
    "best",
    "best_peer",
    "duration",
    "microseconds",
    "percent",
    "rate",
    "ratio",
    "refusals",
    "seconds",
    "spread",
    "table",
    "title",
]

NOTHING = "-"


def title(subject: str, threads: int, unit: str = "microseconds") -> str:
    """Write the line above a table: what is measured, and the unit of what has no other; times are medians."""
    return f"{subject}: {unit}, {threads} thread{'s' if threads > 1 else ''}"


def table(heading: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Set a heading, a header and rows below each other; the first column is set to the left."""
    cells = [list(header), *map(list, rows)]
    width = max(len(row[0]) for row in cells)
    for row in cells:
        row[0] = row[0].ljust(width)
    return f"{heading}\n\n{columns(cells)}\n"


def seconds(outcomes: dict[str, Any], name: str) -> float | None:
    """Give the median of a contestant; None if it did not take part or was refused."""
    timed = outcomes.get(name, {}).get("seconds")
    return float(timed["median"]) if timed else None


def spread(outcomes: dict[str, Any], name: str) -> str:
    """Write how far apart a contestant's rounds are, largest minus smallest in parts of the median."""
    timed = outcomes.get(name, {}).get("seconds")
    return f"{100 * (timed['max'] - timed['min']) / timed['median']:.0f} %" if timed else NOTHING


def best(outcomes: dict[str, Any], prefix: str) -> float | None:
    """Give the smallest median of the contestants whose names begin so; None if there is none."""
    medians = [seconds(outcomes, name) for name in outcomes if name.startswith(prefix)]
    return min((median for median in medians if median is not None), default=None)


def best_peer(outcomes: dict[str, Any]) -> float | None:
    """Give the smallest median of all contestants but fastgrad's; None if there is none."""
    return best({name: one for name, one in outcomes.items() if not name.startswith("fastgrad")}, "")


def microseconds(outcomes: dict[str, Any], name: str) -> str:
    """Write a contestant's median; ``refused`` if its result was wrong, ``failed`` if there was an error."""
    for trouble in ("refused", "failed"):
        if trouble in outcomes.get(name, {}):
            return trouble
    median = seconds(outcomes, name)
    if median is None:
        return NOTHING
    value = 1e6 * median
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def ratio(other: float | None, ours: float | None) -> str:
    """Write how many times faster ours is than the other."""
    return NOTHING if other is None or not ours else f"{other / ours:.2f}"


def duration(value: float | None) -> str:
    """Write seconds, in the unit that suits them."""
    if value is None:
        return NOTHING
    return f"{value:.1f} s" if value >= 0.1 else f"{1e3 * value:.1f} ms"


def rate(work: float, median: float | None) -> str:
    """Write work per second in units of 10⁹."""
    return NOTHING if not median else f"{work / median / 1e9:.1f}"


def percent(limit_seconds: float | None, median: float | None) -> str:
    """Write which part of the time was needed at all."""
    if limit_seconds is None or not median:
        return NOTHING
    share = 100 * limit_seconds / median
    return f"{share:.0f} %" if share >= 10 else f"{share:.1f} %"


def refusals(rows: Sequence[dict[str, Any]]) -> str:
    """List what was not timed, because its result was wrong or it failed; empty if there is nothing."""
    lines = [
        f"{trouble}: {name} on {_where(row)}: {outcome[trouble]}"
        for row in rows
        for name, outcome in row["outcomes"].items()
        for trouble in ("refused", "failed")
        if trouble in outcome
    ]
    lines += [f"failed: {_where(row)}: {row['failed']}" for row in rows if "failed" in row]
    return "\n".join(lines)


def _where(row: dict[str, Any]) -> str:
    return ", ".join(str(row[key]) for key in ("case", "part", "direction", "rule", "size", "shape") if key in row)
