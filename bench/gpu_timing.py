"""How time is taken on a GPU: as `bench.harness` does, with CUDA's events; one contestant's failure is its own."""

from __future__ import annotations

import gc
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import fastgrad as fg
from bench.harness import Contestant, Effort, interleave, summary

__all__ = ["Clock", "DeviceLost", "contest", "failure"]


class DeviceLost(RuntimeError):
    """CUDA answers nothing any more in this process."""


class Clock:
    """Times blocks of calls between two events in the current stream, and by the processor's clock.

    The GPU is idle when a block begins, so the events see whichever is slower, the processor that launches or the GPU.
    The processor's clock also sees how long it takes to begin and to wait for the end.

    Attributes
    ----------
    walls : dict of callable to list of float
        Seconds of one call by the processor's clock, for every block so far.
    """

    def __init__(self) -> None:
        self.walls: dict[Callable[[], object], list[float]] = {}

    def __call__(self, call: Callable[[], object], length: int) -> float:
        """Time a block: seconds of one call."""
        for _ in range(min(20, length // 10 + 1)):
            call()
        begin, end = (fg.cuda.Event(enable_timing=True) for _ in range(2))
        collecting = gc.isenabled()
        gc.disable()
        try:
            fg.cuda.synchronize()
            start = time.perf_counter()
            begin.record()
            for _ in range(length):
                call()
            end.record()
            end.synchronize()
            wall = time.perf_counter() - start
        finally:
            if collecting:
                gc.enable()
        self.walls.setdefault(call, []).append(wall / length)
        return begin.elapsed_time(end) / 1e3 / length


def contest(
    builders: Mapping[str, Callable[[], Contestant]], tolerance: float, effort: Effort
) -> dict[str, dict[str, Any]]:
    """Build and check every contestant, then time those that are right.

    Parameters
    ----------
    builders : mapping of str to callable
        What makes each contestant, ready to be checked. An exception on the way leaves out that one alone.
    tolerance : float
        Largest error that passes.
    effort : Effort
        How long to measure.

    Returns
    -------
    dict
        As `bench.harness.contest` gives it, with ``wall_seconds`` beside ``seconds``, or else ``failed``: the error.
    """
    outcomes: dict[str, dict[str, Any]] = {}
    calls: dict[str, Callable[[], object]] = {}
    for name, build in builders.items():
        outcome = outcomes[name] = {}
        try:
            one = build()
            outcome["setup_seconds"], error = one.setup_seconds, one.error()
        except Exception as caught:
            outcome["failed"] = failure(caught)
            continue
        if error <= tolerance:
            calls[name], outcome["error"] = one.call, error
        else:  # perhaps by infinity, which JSON does not have
            outcome["refused"] = f"off by {error:.1e}, allowed {tolerance:.1e}"
    clock = Clock()
    for name, rounds in interleave(calls, effort, clock).items():
        outcomes[name]["seconds"] = summary(rounds)
        outcomes[name]["wall_seconds"] = summary(clock.walls[calls[name]][-effort.rounds :])
    return outcomes


def failure(error: Exception) -> str:
    """Write an error in a line, with its traceback to whoever watches; a lost GPU ends the run.

    Raises
    ------
    DeviceLost
        If CUDA fails from now on, as it does after a kernel has read where there is no memory.
    """
    traceback.print_exception(error, file=sys.stderr)
    try:
        fg.cuda.synchronize()
    except Exception as lost:
        raise DeviceLost(f"after {type(error).__name__}: {error}") from lost
    return f"{type(error).__name__}: {error}".splitlines()[0]
