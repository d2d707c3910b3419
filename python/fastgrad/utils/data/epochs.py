"""One epoch of a `DataLoader`: where its batches come from, and how many were given out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from fastgrad.errors import bad_value
from fastgrad.utils.data.fetch import END, MapFetcher, StreamFetcher
from fastgrad.utils.data.rows import Rows, check_range
from fastgrad.utils.data.schedule import Schedule
from fastgrad.utils.data.streams import Streams

__all__ = ["Progress", "count_stream", "from_workers", "give", "give_rows", "map_here", "stream_here"]


@dataclass
class Progress:
    """How far a loop has come.

    Attributes
    ----------
    epoch : int
        Its epoch.
    batches : int
        Batches that were given out, those before a loop that was resumed included.
    sampler : dict or None
        The sampler's state when the loop began.
    done : bool
        Whether it has come to its end.
    """

    epoch: int
    batches: int
    sampler: Any
    done: bool = False


def give(batches: Iterator[Any], progress: Progress) -> Iterator[Any]:
    """Give out batches and count them."""
    for batch in batches:
        progress.batches += 1
        yield batch
    progress.done = True


def give_rows(rows: Rows, schedule: Schedule, progress: Progress) -> Iterator[Any]:
    """Give out batches of arrays. The order is found here, not at the first batch."""
    order, size = schedule.order(progress.epoch), schedule.batch_size
    if order is None or size is None:
        return give(_gather(rows, schedule.batches(progress.epoch, progress.batches)), progress)
    stop = len(order) - len(order) % size if schedule.drop_last else len(order)
    return _slices(rows.select(order), stop, size, progress)


def _slices(rows: Rows, stop: int, size: int, progress: Progress) -> Iterator[Any]:
    for start in range(progress.batches * size, stop, size):
        progress.batches += 1
        yield rows.take(start, min(start + size, stop))
    progress.done = True


def _gather(rows: Rows, batches: Iterator[Any]) -> Iterator[Any]:
    for batch in batches:
        index = check_range("DataLoader", "batch_sampler", np.asarray(batch, np.int64), len(rows))
        yield rows.select(index).take(0, len(index))


def map_here(fetch: MapFetcher, tasks: Iterator[Any], progress: Progress, seed: int | None) -> Iterator[Any]:
    """Make batches in this process; None for a seed if that needs no random numbers."""
    epoch = progress.epoch
    for number, task in enumerate(tasks, progress.batches):
        where = f"batch {number} of epoch {epoch}"
        if seed is None:
            batch = fetch(task, where)
        else:
            with Streams(seed, epoch, number):
                batch = fetch(task, where)
        yield batch


def stream_here(fetch: StreamFetcher, progress: Progress, seed: int) -> Iterator[tuple[int, Any]]:
    """Make batches of a stream in this process: elements taken, and the batch, None where it is skipped, or `END`."""
    epoch, skipped, number, batch = progress.epoch, progress.batches, 0, None
    while batch is not END:
        with Streams(seed, epoch, number, 0):
            count, batch = fetch(number < skipped, f"batch {number} of epoch {epoch}")
        number += 1
        yield count, batch


def count_stream(results: Iterator[tuple[int, Any]], dataset: Any, workers: int, skipped: int) -> Iterator[Any]:
    """The batches of a stream after the first `skipped` ones, while their elements are compared with its length."""
    length = len(dataset) if hasattr(dataset, "__len__") else None
    total = number = 0
    for count, batch in results:
        total += count
        if length is not None and total > length:
            hint = ", which each of its workers goes through, unless it uses get_worker_info()" if workers else ""
            given = f"a {type(dataset).__name__} that gave more than {length} elements{hint}"
            raise bad_value("DataLoader", "dataset", given, f"{length} elements as its length says")
        if batch is not END:
            number += 1
            if number > skipped:
                yield batch
    if number < skipped:
        given = f"a {type(dataset).__name__} that ended after {number} batches"
        raise bad_value("DataLoader", "dataset", given, f"at least {skipped}, after which the loop was to go on")
    if length is not None and total < length:
        given = f"a {type(dataset).__name__} that gave {total} elements"
        raise bad_value("DataLoader", "dataset", given, f"{length} elements as its length says")


def from_workers(loader: Any, tasks: Iterator[Any], progress: Progress, first: int) -> Iterator[tuple[int, Any]]:
    """Elements taken and batches, made by a loader's workers; they begin here, not at the first batch."""
    tasks = iter(tasks)
    try:
        tasks = chain([next(tasks)], tasks)
    except StopIteration:
        return iter(())
    from fastgrad.utils.data.in_order import InOrder

    pool = loader._workers()
    try:
        results = InOrder(pool, progress.epoch, tasks, first, loader.prefetch_factor, float(loader.timeout))
    except BaseException:
        pool.finish()
        raise
    return _until_end(results, pool, loader.persistent_workers)


def _until_end(results: Any, pool: Any, persistent: bool) -> Iterator[tuple[int, Any]]:
    try:
        yield from results
    finally:
        if not persistent:
            pool.finish()
