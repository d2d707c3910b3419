"""Batches that several workers make, in the order in which they were asked for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from fastgrad.utils.data.failure import Failure
from fastgrad.utils.data.fetch import END
from fastgrad.utils.data.worker_pool import WorkerPool

__all__ = ["InOrder"]


class InOrder:
    """The batches of one epoch from a pool; tasks go round, and a few are always ahead.

    Parameters
    ----------
    pool : WorkerPool
        Who makes them.
    epoch : int
        Number of the epoch.
    tasks : iterator
        What to ask for; for a stream it has no end.
    first : int
        Number of the first task.
    ahead : int
        Tasks that each worker has beforehand.
    timeout : float
        Seconds to wait for a batch at most; 0 for as long as it takes.
    """

    def __init__(
        self, pool: WorkerPool, epoch: int, tasks: Iterator[Any], first: int, ahead: int, timeout: float
    ) -> None:
        self.pool = pool
        self.tasks = tasks
        self.timeout = timeout
        self.epoch = epoch
        self.asked = self.given = first
        self.turn = 0
        self.active = [True] * len(pool.workers)
        self.asked_of: dict[int, int] = {}
        self.answers: dict[int, Any] = {}
        self.error: Exception | None = None  # of making a task: raised when its turn comes
        self.generation = pool.begin(epoch)
        for _ in range(ahead * len(pool.workers)):
            self._ask()

    def _ask(self) -> None:
        """Give the next task to the next worker that has not come to the end of its stream."""
        if not any(self.active) or self.error is not None:
            return
        try:
            task = next(self.tasks)
        except StopIteration:
            self.active = [False] * len(self.active)
            return
        except Exception as error:
            self.error = error
            return
        while not self.active[self.turn % len(self.active)]:
            self.turn += 1
        worker = self.turn % len(self.active)
        self.asked_of[self.asked] = worker
        self.pool.ask(self.asked, task, worker)
        self.turn += 1
        self.asked += 1

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        """How many elements each batch of a stream has taken, and the batch; `END` at a worker's end."""
        while self.given < self.asked:
            worker, what = self._wait()
            self.given += 1
            if isinstance(what, Failure):
                what.reraise()
            count, parcel = what
            if parcel is None:
                self.active[worker.number] = False
            batch = END if parcel is None else worker.slabs.open(parcel)
            self._ask()
            yield count, batch
        if self.error is not None:
            raise self.error

    def _wait(self) -> Any:
        """The answer to the next task; whether a worker has died is looked at in any case."""
        number, pool = self.given, self.pool
        end = time.monotonic() + self.timeout
        while True:
            if pool.generation != self.generation:
                raise RuntimeError(
                    "DataLoader(): a newer loop over this loader has taken its workers, expected one loop at a time "
                    "with persistent_workers=True"
                )
            here = number in self.answers
            if here:
                seconds: float | None = 0.0
            else:
                seconds = max(0.0, end - time.monotonic()) if self.timeout else None
            received = pool.receive(seconds)
            for worker, which, what in received:
                if which < 0:  # it could not start
                    pool.finish()
                    what.reraise()
                self.answers[which] = worker, what
            if number in self.answers:
                del self.asked_of[number]
                return self.answers.pop(number)
            if not received and self.timeout:
                raise RuntimeError(
                    f"DataLoader(): batch {number} of epoch {self.epoch} did not come from worker "
                    f"{self.asked_of[number]} within timeout={self.timeout} seconds"
                )
