"""``python -m bench loader``: an epoch of batches, from arrays in memory and from a data set in Python.

Order is random, batches are made by the default collation of each library, and workers stay from epoch to epoch. Each
library starts workers in its own default way. What is timed is a loop that does nothing with the batches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

import fastgrad as fg
from bench.harness import Contestant, contest, deviation
from bench.machine import Limits
from bench.options import Options
from bench.tables import NOTHING, ratio, seconds, spread, table, title

__all__ = ["Pictures", "names", "report", "run"]

BATCHES = (32, 128)
WORKERS = {"table": (0,), "pictures": (0,), "python": (0, 2)}  # two arrays in memory, and a data set in Python
LENGTH = 8192
QUICK_LENGTH = 256
SIDE = 28
COLUMNS = 100
Array = np.ndarray[Any, Any]


class Pictures:
    """Pictures as bytes; an element is one of them as floats, every second one mirrored, and its number."""

    def __init__(self, count: int) -> None:
        self.bytes = np.random.default_rng(0).integers(0, 256, (count, SIDE, SIDE), np.uint8)

    def __len__(self) -> int:
        return len(self.bytes)

    def __getitem__(self, index: int) -> tuple[Array, int]:
        x = self.bytes[index].astype(np.float32) / 255
        return (x[:, ::-1].copy() if index % 2 else x), index


def names() -> list[str]:
    """Give what ``--only`` chooses from."""
    return list(WORKERS)


def run(options: Options, limits: Limits) -> list[dict[str, Any]]:
    """Measure the data sets that were asked for."""
    count = QUICK_LENGTH if options.quick else LENGTH
    rows = []
    for name in names():
        if not options.wants(name):
            continue
        right = _right(name, count)
        for batch_size in BATCHES:
            for workers in WORKERS[name]:
                options.say(f"{name}, batch {batch_size}, {workers} workers")
                moved = 2 * (right.nbytes + 8 * count)
                rows.append(
                    {
                        "case": name,
                        "threads": options.threads,
                        "batch": batch_size,
                        "workers": workers,
                        "batches": -(-count // batch_size),
                        "length": count,
                        "limit_seconds": moved / limits.bytes(moved),
                        "outcomes": contest(_contestants(name, right, batch_size, workers), 0.0, options.effort),
                    }
                )
    return rows


def _right(name: str, count: int) -> Array:
    """What all batches of an epoch hold together, in order."""
    if name == "table":
        return np.random.default_rng(0).random((count, COLUMNS), np.float32)
    pictures = Pictures(count)
    return np.stack([pictures[i][0] for i in range(count)])


def _contestants(name: str, right: Array, batch_size: int, workers: int) -> list[Contestant]:
    number = np.arange(len(right))
    ours: Any = Pictures(len(right))
    theirs: Any = ours
    if name != "python":
        ours = fg.utils.data.TensorDataset(right, number)
        theirs = torch.utils.data.TensorDataset(torch.from_numpy(right), torch.from_numpy(number))
    options = {"batch_size": batch_size, "shuffle": True, "num_workers": workers, "persistent_workers": workers > 0}
    return [
        _contestant("fastgrad", fg.utils.data.DataLoader(ours, **options), right),
        _contestant("torch", torch.utils.data.DataLoader(theirs, **options), right),
    ]


def _contestant(name: str, loader: Any, right: Array) -> Contestant:
    def epoch() -> None:
        for _ in loader:
            pass

    def error() -> float:
        x, number = (np.concatenate([np.asarray(part) for part in parts]) for parts in zip(*loader, strict=True))
        return deviation([x[np.argsort(number)], np.sort(number)], [right, np.arange(len(right))])

    call: Callable[[], object] = epoch
    return Contestant(name, call, error)


def report(rows: Sequence[dict[str, Any]], threads: int) -> str:
    """Write the rows of one number of threads as a table."""
    header = ["data", "batch", "workers", "fastgrad", "torch", "torch / fastgrad", "samples/s", "spread"]
    cells = []
    for row in rows:
        outcomes = row["outcomes"]
        ours = seconds(outcomes, "fastgrad")
        cells.append(
            [
                row["case"],
                str(row["batch"]),
                str(row["workers"]),
                *(_each(seconds(outcomes, name), row["batches"]) for name in ("fastgrad", "torch")),
                ratio(seconds(outcomes, "torch"), ours),
                NOTHING if not ours else f"{row['length'] / ours:,.0f}",
                spread(outcomes, "fastgrad"),
            ]
        )
    return table(title("Loading, one batch of an epoch", threads), header, cells)


def _each(median: float | None, batches: int) -> str:
    return NOTHING if median is None else f"{1e6 * median / batches:,.1f}"
