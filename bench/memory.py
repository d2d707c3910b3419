"""``python -m bench memory``: the most memory that a training step needs at one time, beside torch's.

Counted are bytes of arrays that live besides what outlasts training: parameters, the optimiser's state and the batch.
Two steps are watched, from a state without gradients, since the second one meets the gradients of the first.

- fastgrad recorded: ``program.nbytes``, the buffers of the recorded program, which are held from step to step, and its
  results.
- torch: every allocation and release of its CPU allocator, as `torch.profiler` notes them; the peak of their sum.
- fastgrad eager, numpy: the peak of `tracemalloc`, to which numpy reports its arrays. It counts Python's own objects
  too, some tens of KiB.
- JAX: temporary arrays and results of the compiled step, less those that take the place of donated inputs, as its
  compiler plans them.

Nobody's scratch memory inside a native product counts: torch's and JAX's libraries do not tell of theirs.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

from bench.cases import CASES, start
from bench.machine import Limits
from bench.optimizers import OPTIMIZERS
from bench.options import Options
from bench.peers import Peer, peers
from bench.tables import NOTHING, ratio, table, title

__all__ = ["names", "report", "run", "torch_peak", "traced_peak"]

COLUMNS = {
    "torch eager": "torch eager",
    "torch fused": "fused",
    "torch compiled": "compiled",
    "jax jit": "jax jit",
    "numpy": "numpy",
    "fastgrad eager": "fastgrad eager",
    "fastgrad recorded": "recorded",
}


def names() -> list[str]:
    """Give what ``--only`` chooses from."""
    return [case.name for case in CASES]


def run(options: Options, limits: Limits) -> list[dict[str, Any]]:
    """Measure the cases that were asked for; nothing is timed."""
    rows = []
    for case in CASES:
        if not options.wants(case.name):
            continue
        options.say(case.name)
        begin = start(case)
        rows.append(
            {
                "case": case.name,
                "threads": options.threads,
                "work": options.optimizer,
                "parameter_bytes": sum(array.nbytes for array in (*begin.weights, *begin.biases)),
                "outcomes": {
                    peer.name: {"bytes": _peak(peer), "setup_seconds": peer.setup_seconds}
                    for peer in peers(case, OPTIMIZERS[options.optimizer], options.quick)
                },
            }
        )
    return rows


def _peak(peer: Peer) -> int:
    if not peer.steps_done:
        peer.step()  # it makes the optimiser's state
    (measure,) = (how for name, how in HOW.items() if peer.name.startswith(name))
    return measure(peer)


def _two_steps(peer: Any) -> Callable[[], None]:
    """Forget the gradients, and give what is to be watched."""
    if getattr(peer, "optimiser", None):
        peer.optimiser.zero_grad()

    def steps() -> None:
        peer.step()
        peer.step()

    return steps


def torch_peak(steps: Callable[[], object]) -> int:
    """Give the most bytes that torch's CPU allocator held during a call, over what it held before."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        steps()
    events = [one for one in profiler.profiler.kineto_results.events() if one.name() == "[memory]"]
    live = peak = 0
    for event in sorted(events, key=lambda one: one.start_ns()):
        live += event.nbytes()  # negative where memory is released
        peak = max(peak, live)
    return peak


def traced_peak(steps: Callable[[], object]) -> int:
    """Give the most bytes that Python and numpy held during a call, over what they held before."""
    tracemalloc.start()
    try:
        steps()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _planned(peer: Any) -> int:
    plan = peer.compiled.memory_analysis()
    return int(plan.temp_size_in_bytes + plan.output_size_in_bytes - plan.alias_size_in_bytes)


def _recorded(peer: Any) -> int:
    (program,) = peer.compiled.programs
    return int(program.nbytes)


HOW: dict[str, Callable[[Any], int]] = {
    "fastgrad recorded": _recorded,
    "fastgrad eager": lambda peer: traced_peak(_two_steps(peer)),
    "numpy": lambda peer: traced_peak(_two_steps(peer)),
    "torch": lambda peer: torch_peak(_two_steps(peer)),
    "jax": _planned,
}


def report(rows: Sequence[dict[str, Any]], threads: int) -> str:
    """Write the rows of one number of threads as a table."""
    header = ["case", "parameters", *COLUMNS.values(), "best torch / recorded"]
    cells = []
    for row in rows:
        peaks = {name: outcome["bytes"] for name, outcome in row["outcomes"].items()}
        torch = min((peak for name, peak in peaks.items() if name.startswith("torch")), default=None)
        cells.append(
            [
                row["case"],
                _kib(row["parameter_bytes"]),
                *(_kib(peaks.get(name)) for name in COLUMNS),
                ratio(torch, peaks["fastgrad recorded"]),
            ]
        )
    work = rows[0]["work"] if rows else ""
    return table(title(f"Most memory during a training step, {work}", threads, "KiB"), header, cells)


def _kib(size: int | None) -> str:
    return NOTHING if size is None else f"{size / 1024:,.1f}"
