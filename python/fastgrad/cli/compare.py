"""``fastgrad compare``: one network, two libraries, the same numbers."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import fastgrad as fg
from fastgrad.cli.contestants import Contestant, Fastgrad
from fastgrad.cli.errors import UserError
from fastgrad.cli.files import check_writable, write_whole
from fastgrad.cli.network import activation_modules
from fastgrad.cli.progress import progress
from fastgrad.cli.report import Comparison, as_json, heading, summary
from fastgrad.cli.settings import Settings
from fastgrad.cli.source import Data, load
from fastgrad.cli.torch_contestant import Torch, find_torch
from fastgrad.cli.training import train

__all__ = ["compare"]


def compare(settings: Settings) -> Comparison:
    """Train, print the tables, write the files that were asked for.

    Parameters
    ----------
    settings : Settings
        What to do.

    Returns
    -------
    Comparison
        All that was measured.

    Raises
    ------
    UserError
        If something asked for cannot be done; found out before training wherever that is possible.
    """
    writers = _writers(settings)
    names = activation_modules()
    if settings.activation not in names:
        raise UserError(
            f"--activation: {settings.activation!r} is unknown, expected one of {', '.join(sorted(names))}"
        )
    data = load(settings)
    threads = _set_threads(settings.threads)
    contestants, missing = _contestants(settings, data, threads)
    steps = settings.epochs * -(-len(data.y_train) // settings.batch_size) * len(contestants)
    print(heading(settings, data, contestants, threads, missing), flush=True)
    with progress(steps) as advance:
        records = train(settings, data, contestants, advance)
    comparison = Comparison(settings, data, threads, records, missing)
    print(summary(comparison), flush=True)
    for option, path, write in writers:
        write_whole(option, path, partial(write, comparison))
        print(f"wrote {path}")
    return comparison


def _writers(settings: Settings) -> list[tuple[str, Path, Callable[[Comparison, Path], object]]]:
    """What is to be written where, each made sure of before any work is done."""
    writers: list[tuple[str, Path, Callable[[Comparison, Path], object]]] = []
    if settings.plot is not None:
        from fastgrad.cli.picture import check_picture, draw

        check_picture(settings.plot)
        writers.append(("--plot", settings.plot, draw))
    if settings.json is not None:
        writers.append(
            ("--json", settings.json, lambda result, path: path.write_text(as_json(result), "utf-8"))
        )
    for option, path, _ in writers:
        check_writable(option, path)
    return writers


def _set_threads(wanted: int | None) -> int:
    if wanted is not None:
        usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        if wanted > usable:
            raise UserError(f"--threads: {wanted} is more than the {usable} this process may use")
        fg.set_num_threads(wanted)
    threads: int = fg.get_num_threads()
    return threads


def _contestants(settings: Settings, data: Data, threads: int) -> tuple[list[Contestant], str]:
    """fastgrad, and torch where it is wanted and there; and why it is not."""
    sizes = [data.x_train.shape[1], *settings.hidden, len(data.classes)]
    ours = Fastgrad(settings, sizes)
    if not settings.torch:
        return [ours], "left out by --no-torch"
    torch, missing = find_torch()
    if torch is None:
        return [ours], f"{missing}; to train it as well: pip install 'fastgrad[compare]'"
    theirs = Torch(torch, settings, sizes, ours.weights(), threads)
    theirs.tune(data.x_train[: settings.batch_size], data.y_train[: settings.batch_size])
    return [ours, theirs], ""
