"""How time is taken: results checked first, contestants interleaved, medians over rounds."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Contestant", "Effort", "contest", "deviation", "interleave", "summary"]

Array = np.ndarray[Any, Any]
TimeBlock = Callable[[Callable[[], object], int], float]

REST_SECONDS = 0.015  # until the last contestant's idle threads have stopped spinning
LONGEST_BLOCK = 100_000


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Parameters
    ----------
    rounds : int
        Blocks of each contestant; the median is taken over them.
    block_seconds : float
        Duration to aim at for one block of calls.
    """

    rounds: int
    block_seconds: float


@dataclass(frozen=True)
class Contestant:
    """One way of doing the work.

    Parameters
    ----------
    name : str
        Its column in the tables.
    call : callable
        Does the work once; what it returns is dropped.
    error : callable
        Does the work before any timing and says how far the result is from the reference, as by `deviation`.
    setup_seconds : float
        What it spent beforehand on compiling or recording.
    """

    name: str
    call: Callable[[], object]
    error: Callable[[], float]
    setup_seconds: float = 0.0


def contest(contestants: Sequence[Contestant], tolerance: float, effort: Effort) -> dict[str, dict[str, Any]]:
    """Check every contestant, then time those that are right.

    Parameters
    ----------
    contestants : sequence of Contestant
        Who takes part, in the order of the first round.
    tolerance : float
        Largest error that passes.
    effort : Effort
        How long to measure.

    Returns
    -------
    dict
        For each name: ``error``, ``setup_seconds``, and either ``seconds`` (``median``, ``min``,
        ``max`` and ``rounds`` of one call) or ``refused`` (why it was not timed).
    """
    outcomes: dict[str, dict[str, Any]] = {}
    passed = []
    for one in contestants:
        outcome: dict[str, Any] = {"setup_seconds": one.setup_seconds}
        outcomes[one.name] = outcome
        outcome["error"] = one.error()
        if outcome["error"] <= tolerance:
            passed.append(one)
        else:
            outcome["refused"] = f"off by {outcome['error']:.1e}, allowed {tolerance:.1e}"
    for name, rounds in interleave({one.name: one.call for one in passed}, effort).items():
        outcomes[name]["seconds"] = summary(rounds)
    return outcomes


def summary(rounds: list[float]) -> dict[str, Any]:
    """Give what is told of the rounds of one contestant."""
    return {"median": statistics.median(rounds), "min": min(rounds), "max": max(rounds), "rounds": rounds}


def deviation(results: Sequence[Array], reference: Sequence[Array]) -> float:
    """Give the largest error of any array, relative to the largest magnitude in its reference.

    Infinite for a wrong number of arrays, a wrong shape or a NaN.

    Examples
    --------
    >>> deviation([np.array([1.0, 2.1])], [np.array([1.0, 2.0])])
    0.05
    """
    if len(results) != len(reference):
        return float("inf")
    worst = 0.0
    for result, right in zip(results, reference, strict=True):
        if result.shape != right.shape:
            return float("inf")
        if not right.size:
            continue
        scale = float(np.abs(right).max()) or 1.0
        error = float(np.abs(result.astype(np.float64) - right).max()) / scale
        if not error <= 1e300:  # also NaN
            return float("inf")
        worst = max(worst, round(error, 15))
    return worst


def interleave(
    calls: dict[str, Callable[[], object]], effort: Effort, time_block: TimeBlock | None = None
) -> dict[str, list[float]]:
    """Time calls in turns, so that whatever slows the machine for a while slows all of them.

    Parameters
    ----------
    calls : dict of str to callable
        Who takes part. A round is a block of calls of each, after a rest and some calls that are not counted;
        the order is reversed from round to round.
    effort : Effort
        Rounds and length of the blocks.
    time_block : callable, optional
        Does so many calls and gives the seconds of one; by default by the processor's clock.

    Returns
    -------
    dict of str to list of float
        Seconds of one call, one figure a round.
    """
    time_block = time_block or _time_block
    lengths = {name: _block_length(call, effort.block_seconds, time_block) for name, call in calls.items()}
    rounds: dict[str, list[float]] = {name: [] for name in calls}
    order = list(calls)
    for _ in range(effort.rounds):
        for name in order:
            time.sleep(REST_SECONDS)
            rounds[name].append(time_block(calls[name], lengths[name]))
        order.reverse()
    return rounds


def _block_length(call: Callable[[], object], seconds: float, time_block: TimeBlock) -> int:
    """How many calls last about so long; warms up at the same time."""
    call()
    length = 1
    while True:
        elapsed = time_block(call, length) * length
        if elapsed >= seconds / 2 or length >= LONGEST_BLOCK:
            return max(1, min(LONGEST_BLOCK, round(length * seconds / max(elapsed, 1e-9))))
        length *= 4


def _time_block(call: Callable[[], object], length: int) -> float:
    for _ in range(min(20, length // 10 + 1)):
        call()
    collecting = gc.isenabled()
    gc.disable()
    try:
        start = time.perf_counter()
        for _ in range(length):
            call()
        return (time.perf_counter() - start) / length
    finally:
        if collecting:
            gc.enable()
