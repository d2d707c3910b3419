"""A record as text: one line per layer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from fastgrad.errors import bad_index

if TYPE_CHECKING:
    from fastgrad.diagnostics.record import Record

__all__ = ["table"]


def _number(x: float) -> str:
    return f"{x:.2g}" if x == 0 or 1e-3 <= abs(x) < 1000 else f"{x:.1e}"


def _share(x: float) -> str:
    return f"{100 * x:.1f} %"


_COLUMNS: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("mean", "activation_mean", _number),
    ("std", "activation_std", _number),
    ("saturated", "saturation", _share),
    ("dead", "dead", _share),
    ("|dL/dy|", "gradient", _number),
    ("|dL/dw|", "weight_gradient", _number),
    ("‖w‖", "weight_norm", _number),
    ("‖Δw‖/‖w‖", "update_ratio", _number),
)


def table(record: Record, step: int = -1) -> str:
    """See `Record.table`."""
    count = len(record.steps)
    if not -count <= step < count:
        raise bad_index("table", "step", step, f"one of {count} observed steps")
    layers = list(record)
    rows = [("layer", "units", *[title for title, _, _ in _COLUMNS])]
    for layer in layers:
        cells = [(layer.values[name][step], text) for _, name, text in _COLUMNS]
        texts = ["–" if math.isnan(x) else text(x) for x, text in cells]
        rows.append((layer.title, str(layer.units) if layer.units else "–", *texts))
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = [f"step {record.steps[step]}, {step % count + 1} of {count} observed"]
    for row in rows:
        aligned = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        aligned[0] = row[0].ljust(widths[0])
        lines.append("  ".join(aligned))
    return "\n".join(lines)
