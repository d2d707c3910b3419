"""``python -m bench threads``: what handing work to the pool of threads costs, and from what work on it pays.

A job is one task per thread, each of which keeps its thread busy for some time; serial is the same tasks one after
the other. *Awake*: the jobs follow each other closely, as the kernels of a training step do. *Asleep*: the workers
have gone to sleep before each job.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import Any

from bench.machine import Limits
from bench.options import Options
from bench.tables import percent, ratio, seconds, spread, table
from fastgrad import _cpu

__all__ = ["names", "report", "run"]

TASK_NS = {
    "awake": (100, 200, 300, 500, 1000, 2000, 5000, 20_000),
    "asleep": (2000, 5000, 10_000, 15_000, 20_000, 50_000),
}
UNTIL_ASLEEP_SECONDS = 0.001


def names() -> list[str]:
    """Give what ``--only`` chooses from."""
    return list(TASK_NS)


def run(options: Options, limits: Limits) -> list[dict[str, Any]]:
    """Measure the states that were asked for."""
    rows = []
    for state, lengths in TASK_NS.items():
        if not options.wants(state):
            continue
        for task_ns in lengths[:2] if options.quick else lengths:
            options.say(f"{state}, tasks of {task_ns} ns")
            rows.append(
                {
                    "case": state,
                    "threads": options.threads,
                    "task_ns": task_ns,
                    "limit_seconds": task_ns / 1e9,
                    "outcomes": _measure(state, options.threads, task_ns, options),
                }
            )
    return rows


def _measure(state: str, threads: int, task_ns: float, options: Options) -> dict[str, dict[str, Any]]:
    job = _awake if state == "awake" else _asleep
    rounds: dict[str, list[float]] = {"fastgrad": [], "serial": []}
    _cpu._fork_join(threads, 1)  # starts the pool
    for _ in range(options.effort.rounds):
        rounds["fastgrad"].append(job(threads, task_ns, options.effort.block_seconds))
        rounds["serial"].append(_serial(threads, task_ns))
    return {
        name: {
            "error": 0.0,
            "setup_seconds": 0.0,
            "seconds": {"median": statistics.median(r), "min": min(r), "max": max(r), "rounds": r},
        }
        for name, r in rounds.items()
    }


def _awake(tasks: int, task_ns: float, duration: float) -> float:
    """Time jobs in a row: median of short series, since a worker may lose its processor in any of them."""
    series = max(3, int(duration / (50e-9 * (task_ns + 500))))
    return statistics.median(_cpu._fork_join(tasks, 50, task_ns) for _ in range(series)) / 1e9


def _asleep(tasks: int, task_ns: float, duration: float) -> float:
    """Time single jobs, with a rest before each."""
    times = []
    for _ in range(max(3, int(duration / UNTIL_ASLEEP_SECONDS))):
        time.sleep(UNTIL_ASLEEP_SECONDS)
        times.append(_cpu._fork_join(tasks, 1, task_ns))
    return statistics.median(times) / 1e9


def _serial(tasks: int, task_ns: float) -> float:
    """Time the same tasks without the pool, which a job of one task does not use."""
    repeats = max(1, int(1e6 / (tasks * task_ns)))
    return statistics.median(_cpu._fork_join(1, tasks * repeats, task_ns) * tasks for _ in range(5)) / 1e9


def report(rows: Sequence[dict[str, Any]], threads: int) -> str:
    """Set the figures in a table."""
    header = ["workers", "task ns", "job ns", "overhead ns", "serial ns", "serial/job", "of limit", "spread"]
    cells = []
    for row in rows:
        outcomes = row["outcomes"]
        ours, serial = seconds(outcomes, "fastgrad"), seconds(outcomes, "serial")
        assert ours is not None
        assert serial is not None
        cells.append(
            [
                row["case"],
                f"{row['task_ns']:,}",
                f"{1e9 * ours:,.0f}",
                f"{1e9 * ours - row['task_ns']:,.0f}",
                f"{1e9 * serial:,.0f}",
                ratio(serial, ours),
                percent(row["limit_seconds"], ours),
                spread(outcomes, "fastgrad"),
            ]
        )
    return table(f"Fork-join of one task a thread: nanoseconds, {threads} threads", header, cells)
