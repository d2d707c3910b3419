"""``python -m bench batch``: a training step of `rl` from one row to thousands, and a picture of it.

Where a line is flat, a step costs the same however little there is to compute: that is what the library itself
takes. Where it rises with the limit, the arithmetic counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.cases import CASES
from bench.machine import Limits
from bench.options import Options
from bench.tables import best, microseconds, percent, ratio, seconds, spread, table, title
from bench.training import TORCH, measure

__all__ = ["draw", "names", "report", "run"]

CASE = "rl"
GRID = tuple(2**power for power in range(13))
TABLE = (1, 32, 256, 4096)
QUICK = (1, 32)


def names() -> list[str]:
    """Give what ``--only`` chooses from."""
    return [str(size) for size in GRID]


def run(options: Options, limits: Limits) -> list[dict[str, Any]]:
    """Measure the batch sizes that were asked for; all of the grid if there will be a picture."""
    (case,) = (case for case in CASES if case.name == CASE)
    if options.only or (options.picture and not options.quick):
        sizes = GRID
    else:
        sizes = QUICK if options.quick else TABLE
    rows = []
    for size in sizes:
        if options.wants(str(size)):
            options.say(f"{CASE}, batch {size}")
            rows.append({**measure(replace(case, batch=size), options, limits), "size": size})
    return rows


def _lines(row: dict[str, Any]) -> dict[str, float | None]:
    """The seconds of what the picture shows."""
    outcomes = row["outcomes"]
    return {
        "torch, the best of eager, fused, compiled": best(outcomes, "torch"),
        "JAX, jit": seconds(outcomes, "jax jit"),
        "fastgrad, eager": seconds(outcomes, "fastgrad eager"),
        "fastgrad, recorded": seconds(outcomes, "fastgrad recorded"),
        "limit: FLOP over FMA peak": row["limit_seconds"],
    }


def report(rows: Sequence[dict[str, Any]], threads: int) -> str:
    """Write the rows of one number of threads as a table."""
    header = ["batch", "torch eager", "fused", "compiled", "jax jit", "fastgrad eager", "recorded",
              "best torch / eager", "best torch / recorded", "limit", "recorded of it", "spread"]  # fmt: skip
    cells = []
    for row in rows:
        outcomes, limit, torch = row["outcomes"], row["limit_seconds"], best(row["outcomes"], "torch")
        recorded = seconds(outcomes, "fastgrad recorded")
        columns = (*TORCH, "jax jit", "fastgrad eager", "fastgrad recorded")
        cells.append(
            [
                str(row["size"]),
                *(microseconds(outcomes, name) for name in columns),
                ratio(torch, seconds(outcomes, "fastgrad eager")),
                ratio(torch, recorded),
                f"{1e6 * limit:,.2f}",
                percent(limit, recorded),
                spread(outcomes, "fastgrad recorded"),
            ]
        )
    work = rows[0]["work"] if rows else ""
    return table(title(f"One training step of {CASE}, {work}", threads), header, cells)


def draw(results: Sequence[dict[str, Any]], file: Path) -> None:
    """Draw time over batch size, a panel for each number of threads.

    Parameters
    ----------
    results : sequence of dict
        The answers of the processes, with ``threads`` and ``rows``.
    file : Path
        Where to; its suffix says in which format.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5 * len(results), 4.8), layout="constrained")
    panels = figure.subplots(1, len(results), sharey=True, squeeze=False)[0]
    for panel, result in zip(panels, results, strict=True):
        rows = result["rows"]
        for name in _lines(rows[0]) if rows else ():
            points = [(row["size"], 1e6 * t) for row in rows if (t := _lines(row)[name])]
            if not points:
                continue
            limit = name.startswith("limit")
            style = {"color": "black", "linestyle": "--"} if limit else {"marker": "o", "markersize": 4}
            panel.plot(*zip(*points, strict=True), label=name, **style)
        threads = result["threads"]
        panel.set_xscale("log", base=2)
        panel.set(yscale="log", xlabel="batch size", title=f"{threads} thread{'s' if threads > 1 else ''}")
        panel.set_xticks(GRID[::2], [str(size) for size in GRID[::2]])
        panel.grid(True, alpha=0.3)
    panels[0].set_ylabel("µs per training step")
    panels[0].legend(fontsize="small")
    sizes = "-".join(map(str, results[0]["rows"][0]["sizes"]))
    figure.suptitle(f"One training step of {CASE}: {sizes}, float32")
    figure.savefig(file, dpi=110)
