"""The contest itself: the same batches through every contestant, in blocks of steps that are timed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastgrad.cli.contestants import Contestant
from fastgrad.cli.settings import Settings
from fastgrad.cli.source import Data

__all__ = ["HOW_TIMED", "Record", "largest_difference", "train"]

BLOCK_STEPS = 100
WARM_STEPS = 2
REST_SECONDS = 0.015  # idle threads of an OpenMP runtime go on spinning for some milliseconds
PREDICT_ROWS = 4096

HOW_TIMED = f"""\
A step gathers its rows and does forward, loss, backward and update. The libraries take turns in
blocks of at most {BLOCK_STEPS} steps, the one that begins changing every block, with a rest of
{1000 * REST_SECONDS:.0f} ms between. A block is timed as a whole; all its steps count alike. Warm-up (half of the
first block, {WARM_STEPS} steps of each later one) and a smaller batch at the end of an epoch are not counted."""


@dataclass
class Record:
    """What one contestant did.

    Parameters
    ----------
    name, version, note : str
        The library, its version, and how it was used.
    loss : list of float
        Mean training loss of each epoch, as seen while training.
    accuracy : list of float
        Share of test rows classified rightly after each epoch, from 0 to 1.
    step_seconds : list of float
        For every step that was timed the mean duration of those that were timed together.
    weights : list of dict
        The parameters after the first and after the last epoch.
    """

    name: str
    version: str
    note: str
    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    step_seconds: list[float] = field(default_factory=list)
    weights: list[dict[str, Any]] = field(default_factory=list)


def train(
    settings: Settings, data: Data, contestants: list[Contestant], advance: Callable[[int, str], object]
) -> list[Record]:
    """Train all contestants on the same batches in the same order.

    Parameters
    ----------
    settings : Settings
        Epochs, batch size, seed.
    data : Data
        What to train and test on.
    contestants : list of Contestant
        They start from equal weights; a later one runs second in the first block.
    advance : callable
        Called as ``advance(steps, text)`` after every block, for a progress bar.

    Returns
    -------
    list of Record
        One for each contestant, in their order.
    """
    records = [Record(one.name, one.version, one.note) for one in contestants]
    generator = np.random.default_rng(settings.seed)
    rows = len(data.y_train)
    turn = 0
    for epoch in range(settings.epochs):
        order = generator.permutation(rows)
        totals = [0.0] * len(contestants)
        for start in range(0, rows, BLOCK_STEPS * settings.batch_size):
            block = order[start : start + BLOCK_STEPS * settings.batch_size]
            sizes = [min(settings.batch_size, len(block) - at) for at in range(0, len(block), settings.batch_size)]
            numbers = list(range(len(contestants)))
            for number in reversed(numbers) if turn % 2 else numbers:
                if len(contestants) > 1:
                    time.sleep(REST_SECONDS)
                seconds, losses = _run_block(contestants[number], data, block, settings.batch_size, turn == 0)
                records[number].step_seconds += seconds
                totals[number] += sum(loss * size for loss, size in zip(losses, sizes, strict=True))
                advance(len(losses), f"epoch {epoch + 1}")
            turn += 1
        for one, record, total in zip(contestants, records, totals, strict=True):
            record.loss.append(total / rows)
            record.accuracy.append(_accuracy(one, data))
            if epoch in (0, settings.epochs - 1):
                record.weights.append(one.weights())
    return records


def _run_block(
    one: Contestant, data: Data, block: Any, batch_size: int, is_first: bool
) -> tuple[list[float], list[float]]:
    """The duration of each step that was timed, and the loss of every step."""
    full = len(block) // batch_size
    warm = full // 2 if is_first else min(WARM_STEPS, full // 2)
    end = full * batch_size or len(block)  # fewer rows than a batch are timed as they are
    parts = [block[: warm * batch_size], block[warm * batch_size : end], block[end:]]
    seconds, losses = [], []
    for number, rows in enumerate(parts):
        if not len(rows):
            continue
        start = time.perf_counter()
        found = one.run(data.x_train, data.y_train, rows, batch_size)
        duration = time.perf_counter() - start
        losses += found
        if number == 1:
            seconds = [duration / len(found)] * len(found)
    return seconds, losses


def _accuracy(one: Contestant, data: Data) -> float:
    right = 0
    for start in range(0, len(data.y_test), PREDICT_ROWS):
        part = slice(start, start + PREDICT_ROWS)
        right += int((one.logits(data.x_test[part]).argmax(axis=1) == data.y_test[part]).sum())
    return right / len(data.y_test)


def largest_difference(one: Record, other: Record, when: int) -> float:
    """Give the largest absolute difference of any weight of two contestants.

    Parameters
    ----------
    one, other : Record
        Of contestants with the same network.
    when : int
        0 for after the first epoch, -1 for after the last.
    """
    ours, theirs = one.weights[when], other.weights[when]
    return float(np.max([np.abs(ours[name] - theirs[name]).max(initial=0.0) for name in ours]))
