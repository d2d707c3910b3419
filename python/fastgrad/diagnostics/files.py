"""A record as JSON, and as a table in CSV."""

from __future__ import annotations

import csv
import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad.diagnostics.record import Record
from fastgrad.diagnostics.series import NUMBERS, Layer
from fastgrad.errors import bad_value

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["read", "save", "to_dict"]

_TEXTS = ("name", "module", "activation", "units", "rows")


def _bound(x: float) -> float | None:
    return float(x) if math.isfinite(x) else None


def to_dict(record: Record) -> dict[str, Any]:
    """See `Record.to_dict`."""
    return {"every": record.every, "steps": list(record.steps), "layers": [_layer(layer) for layer in record]}


def _layer(layer: Layer) -> dict[str, Any]:
    extremes = [None if pair is None else [pair[0].tolist(), pair[1].tolist()] for pair in layer.extremes]
    return {
        **{name: getattr(layer, name) for name in _TEXTS},
        "low": _bound(layer.low),
        "high": _bound(layer.high),
        **{name: list(values) for name, values in layer.values.items()},
        "edges": layer.edges.tolist(),
        "histogram": layer.histogram.tolist(),
        "extremes": extremes,
    }


def save(record: Record, path: str | os.PathLike[str]) -> None:
    """See `Record.save`."""
    path = Path(path)
    if path.suffix == ".json":
        path.write_text(json.dumps(_without_nan(to_dict(record)), allow_nan=False), encoding="utf-8")
    elif path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(_rows(record))
    else:
        raise bad_value("save", "path", repr(str(path)), "a name that ends in .json or .csv")


def _rows(record: Record) -> Iterable[tuple[Any, ...]]:
    yield "step", "layer", *NUMBERS
    for i, step in enumerate(record.steps):
        for layer in record:
            yield step, layer.name, *[layer.values[name][i] for name in NUMBERS]


def _without_nan(x: Any) -> Any:
    """JSON knows no NaN, and no infinity."""
    if isinstance(x, dict):
        return {key: _without_nan(value) for key, value in x.items()}
    if isinstance(x, list):
        return [_without_nan(value) for value in x]
    return repr(x) if isinstance(x, float) and math.isinf(x) else None if x != x else x


def read(path: str | os.PathLike[str]) -> Record:
    """See `load`."""
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
        record = Record({entry["name"]: _read_layer(entry) for entry in found["layers"]}, found["every"])
        record.steps = found["steps"]
    except (ValueError, KeyError, TypeError) as error:
        raise bad_value("load", "path", f"{os.fspath(path)!r}, {error!r} in it", "a record in JSON") from error
    return record


def _read_layer(entry: dict[str, Any]) -> Layer:
    layer = Layer(entry["name"], entry["module"], len(entry["edges"]) - 1)
    layer.activation, layer.units, layer.rows = entry["activation"], entry["units"], entry["rows"]
    layer.low = -math.inf if entry["low"] is None else entry["low"]
    layer.high = math.inf if entry["high"] is None else entry["high"]
    layer.edges = np.array(entry["edges"])
    layer.values = {name: [_float(x) for x in entry[name]] for name in NUMBERS}
    layer.counts = [np.array(counts, np.int64) for counts in entry["histogram"]]
    layer.extremes = [
        None if pair is None else (np.array([_float(x) for x in pair[0]]), np.array([_float(x) for x in pair[1]]))
        for pair in entry["extremes"]
    ]
    return layer


def _float(x: Any) -> float:
    return math.nan if x is None else float(x)
