"""What a comparison says: as text for people, as JSON for programs."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import fastgrad as fg
from fastgrad.cli.contestants import Contestant
from fastgrad.cli.settings import Settings
from fastgrad.cli.source import Data
from fastgrad.cli.training import HOW_TIMED, Record, largest_difference

__all__ = ["Comparison", "as_json", "columns", "duration", "figures", "heading", "summary"]


@dataclass(frozen=True)
class Comparison:
    """All that a run measured.

    Parameters
    ----------
    settings, data, threads
        What was run, on what, with how many threads.
    records : list of Record
        fastgrad's, and torch's where it took part.
    missing : str
        Why torch did not; empty if it did.
    """

    settings: Settings
    data: Data
    threads: int
    records: list[Record]
    missing: str

    @property
    def median_steps(self) -> list[float]:
        """Median seconds of a step, one for each record."""
        return [float(np.median(record.step_seconds)) for record in self.records]

    @property
    def ratio(self) -> float | None:
        """How many of fastgrad's steps fit into one of torch's; None without torch."""
        medians = self.median_steps
        return medians[1] / medians[0] if len(medians) == 2 else None

    def weight_difference(self, when: int) -> float | None:
        """Largest difference of any weight after the first (0) or last (-1) epoch; None without torch."""
        return largest_difference(self.records[0], self.records[1], when) if len(self.records) == 2 else None


def heading(
    settings: Settings, data: Data, contestants: Sequence[Contestant], threads: int, missing: str
) -> str:
    """Say what is about to be trained."""
    rows = f"{len(data.y_train)} rows to train on, {len(data.y_test)} to test"
    sizes = "-".join(str(size) for size in (data.x_train.shape[1], *settings.hidden, len(data.classes)))
    options = [f"lr {settings.lr:g}", f"momentum {settings.momentum:g}"]
    options += [f"{name} {value:g}" for name, value in (("L1", settings.l1), ("L2", settings.l2)) if value]
    lines = [
        ("data", f"{data.name}: {rows}, {data.x_train.shape[1]} features, {len(data.classes)} classes"),
        ("network", f"{sizes}{f', {settings.activation}' if settings.hidden else ''}, {settings.dtype}"),
        ("training", f"SGD, {', '.join(options)}, batch {settings.batch_size}, seed {settings.seed}"),
        ("threads", str(threads)),
    ]
    lines += [(one.name, f"{one.version}, {one.note}") for one in contestants]
    if missing:
        lines.append(("torch", missing))
    return "\n".join(f"{name + ':':<10}{text}" for name, text in lines) + "\n"


def summary(comparison: Comparison) -> str:
    """Give the table of epochs and the figures below it."""
    records = comparison.records
    names = [record.name for record in records]
    sides = len(records) - 1
    rows = [["", "loss", *[""] * sides, "accuracy", *[""] * sides], ["epoch", *names, *names]]
    for epoch in range(comparison.settings.epochs):
        losses = [f"{record.loss[epoch]:.4f}" for record in records]
        accuracies = [f"{100 * record.accuracy[epoch]:.2f} %" for record in records]
        rows.append([str(epoch + 1), *losses, *accuracies])
    lines = [columns(rows), ""]
    for record, median in zip(records, comparison.median_steps, strict=True):
        lines.append(f"{f'median time per step, {record.name}':<48}{duration(median):>10}")
    ratio = comparison.ratio
    if ratio is not None:
        lines.append(f"{'torch / fastgrad':<48}{ratio:>10.2f}")
        difference = comparison.weight_difference(0)
        lines.append(f"{'largest difference of any weight after epoch 1':<48}{difference:>10.1e}")
        lines += ["", HOW_TIMED]
    if not all(math.isfinite(loss) for record in records for loss in record.loss):
        lines += ["", "The loss is not finite: training diverged. Try a smaller --lr."]
    return "\n".join(lines)


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Set rows of cells in columns, each as wide as its widest cell, to the right.

    Parameters
    ----------
    rows : sequence of sequences of str
        All of one length.

    Returns
    -------
    str
        One line a row.

    Examples
    --------
    >>> print(columns([["epoch", "loss"], ["1", "0.5000"]]))
    epoch    loss
        1  0.5000
    """
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def duration(seconds: float) -> str:
    """Write a duration with three digits and the unit that suits it.

    Examples
    --------
    >>> duration(0.0001234), duration(0.00456), duration(1.5)
    ('123 µs', '4.56 ms', '1.50 s')
    """
    for factor, unit in ((1e6, "µs"), (1e3, "ms")):
        value = seconds * factor
        if value < 999.5:
            return f"{value:.3g} {unit}" if value >= 100 else f"{value:#.3g} {unit}"
    return f"{seconds:.2f} s"


def figures(comparison: Comparison) -> dict[str, Any]:
    """Collect everything measured in plain dicts, lists, strings and numbers.

    Durations are in seconds, accuracies from 0 to 1.
    """
    settings, data = comparison.settings, comparison.data
    libraries = {}
    for record in comparison.records:
        low, quarter, median, three_quarters, high = np.percentile(record.step_seconds, (10, 25, 50, 75, 90))
        libraries[record.name] = {
            "version": record.version,
            "how": record.note,
            "loss": record.loss,
            "accuracy": record.accuracy,
            "step_seconds": {
                "median": median,
                "p10": low,
                "p25": quarter,
                "p75": three_quarters,
                "p90": high,
            },
            "steps_timed": len(record.step_seconds),
        }
    return {
        "data": {
            "name": data.name,
            "features": data.x_train.shape[1],
            "classes": data.classes,
            "train_rows": len(data.y_train),
            "test_rows": len(data.y_test),
        },
        "settings": {
            name: getattr(settings, name)
            for name in ("activation", "batch_size", "epochs", "lr", "momentum", "l1", "l2", "dtype", "seed")
        }
        | {"hidden": list(settings.hidden), "threads": comparison.threads},
        "libraries": libraries,
        "torch_missing": comparison.missing or None,
        "ratio": comparison.ratio,
        "largest_weight_difference": {
            "after_first_epoch": comparison.weight_difference(0),
            "after_last_epoch": comparison.weight_difference(-1),
        },
        "how_timed": " ".join(HOW_TIMED.split()),
        "machine": {
            "system": platform.platform(),
            "python": platform.python_version(),
            "numpy": np.__version__,
        },
        "fastgrad_build": fg.build_info(),
    }


def as_json(comparison: Comparison) -> str:
    """Write `figures` as JSON text; what is not finite becomes null."""
    return json.dumps(_plain(figures(comparison)), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, (bool, int, str)) or value is None:
        return value
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return str(value)
