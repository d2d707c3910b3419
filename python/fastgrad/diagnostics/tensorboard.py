"""A record for TensorBoard, through tensorboardX."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np

from fastgrad.diagnostics.record import Record
from fastgrad.diagnostics.series import NUMBERS, Layer
from fastgrad.errors import bad_type

__all__ = ["to_tensorboard"]


def to_tensorboard(record: Record, target: Any, since: int = 0) -> None:
    """Write a record's numbers as scalars ``<number>/<layer>``, and its histograms as ``activations/<layer>``.

    Parameters
    ----------
    record : Record
        What was collected so far.
    target : path or writer
        A folder, or an object with tensorboardX's ``add_scalar`` and ``add_histogram_raw``.
    since : int
        The first step to be written: to write more later on.

    Raises
    ------
    ModuleNotFoundError
        If a folder is given, and tensorboardX is not installed.
    TypeError
        If `target` is neither.
    """
    if isinstance(target, (str, os.PathLike)):
        with _writer(os.fspath(target)) as writer:
            _write(record, writer, since)
    elif hasattr(target, "add_scalar") and hasattr(target, "add_histogram_raw"):
        _write(record, target, since)
    else:
        expected = "a path or a writer with add_scalar and add_histogram_raw"
        raise bad_type("to_tensorboard", "target", f"a {type(target).__name__}", expected)


def _writer(folder: str) -> Any:
    try:
        from tensorboardX import SummaryWriter
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "to_tensorboard(): tensorboardX is not installed, expected it (pip install tensorboardX) or a writer"
        ) from error
    return SummaryWriter(folder)


def _write(record: Record, writer: Any, since: int) -> None:
    for i, step in enumerate(record.steps):
        if step < since:
            continue
        for layer in record:
            for name in NUMBERS:
                value = layer.values[name][i]
                if not math.isnan(value):
                    writer.add_scalar(f"{name}/{layer.name or layer.module}", value, step)
            if layer.counts[i].any():
                _write_histogram(writer, layer, i, step)


def _write_histogram(writer: Any, layer: Layer, i: int, step: int) -> None:
    counts, edges = layer.counts[i], layer.edges
    total = int(counts.sum())
    mean, std = layer.values["activation_mean"][i], layer.values["activation_std"][i]
    pair = layer.extremes[i]
    minimum, maximum = (edges[0], edges[-1]) if pair is None else (np.min(pair[0]), np.max(pair[1]))
    writer.add_histogram_raw(
        f"activations/{layer.name or layer.module}",
        min=float(minimum),
        max=float(maximum),
        num=total,
        sum=mean * total,
        sum_squares=(std * std + mean * mean) * total,
        bucket_limits=edges[1:].tolist(),
        bucket_counts=counts.tolist(),
        global_step=step,
    )
