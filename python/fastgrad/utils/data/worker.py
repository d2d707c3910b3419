"""A worker process of `DataLoader`: what it runs."""

from __future__ import annotations

import os
import pickle
import select
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import parent_process, reduction
from multiprocessing.connection import Connection, wait
from typing import Any

from fastgrad.errors import bad_type
from fastgrad.utils.data import worker_info
from fastgrad.utils.data.failure import Failure
from fastgrad.utils.data.fetch import END, MapFetcher, StreamFetcher
from fastgrad.utils.data.shared import SlabWriter
from fastgrad.utils.data.streams import mix, seed_streams
from fastgrad.utils.data.worker_info import WorkerInfo

__all__ = ["Carried", "Job", "work"]

PARTS = ("dataset", "collate_fn", "worker_init_fn")


@dataclass
class Job:
    """What all workers of a pool do.

    Attributes
    ----------
    dataset, collate_fn, worker_init_fn, batch_size, drop_last
        As for `DataLoader`.
    batched : bool
        Whether there are batches.
    stream : bool
        Whether the data set is an `IterableDataset`.
    seed : int
        What random numbers are made from.
    """

    dataset: Any
    collate_fn: Callable[[Any], Any]
    worker_init_fn: Callable[[int], object] | None
    batched: bool
    batch_size: int | None
    drop_last: bool
    stream: bool
    seed: int


class Carried:
    """A job on its way to a new process.

    If it is pickled, so is the job, as bytes; they are unpickled in the worker's own code, which can report an error.
    """

    def __init__(self, job: Job | bytes, method: str) -> None:
        self.job = job
        self.method = method

    def __reduce__(self) -> Any:
        try:
            return Carried, (bytes(reduction.ForkingPickler.dumps(self.job)), self.method)
        except Exception as error:
            for part in PARTS:
                value = getattr(self.job, part)
                try:
                    reduction.ForkingPickler.dumps(value)
                except Exception as cause:
                    given = f"{_describe(value)} that cannot be pickled ({type(cause).__name__}: {cause})"
                    expected = (
                        f"one that can, since workers are started by {self.method!r}"
                        " (or use multiprocessing_context='fork')"
                    )
                    raise bad_type("DataLoader", part, given, expected) from error
            raise

    def open(self) -> Job:
        """The job."""
        return pickle.loads(self.job) if isinstance(self.job, bytes) else self.job


def _describe(value: Any) -> str:
    name = getattr(value, "__qualname__", None)
    return f"the function {name}" if name else f"a {type(value).__name__}"


def _end_with_parent() -> None:
    """Let a thread end this process as soon as its parent has ended, even while the data set is at work."""
    from threading import Thread

    parent, first = parent_process(), os.getppid()

    def watch() -> None:
        while os.getppid() == first and not (parent and wait([parent.sentinel], 1.0)):
            pass
        os._exit(1)

    Thread(target=watch, daemon=True, name="fastgrad-parent-watch").start()


def work(connection: Connection, carried: Carried, number: int, total: int, others: list[Connection]) -> None:
    """Do as `connection` says until it says stop or is closed.

    Parameters
    ----------
    connection : Connection
        To the parent; see `Worker`.
    carried : Carried
        The job.
    number, total : int
        Which worker this is, and how many there are.
    others : list of Connection
        The parent's ends of connections, of which a forked process has copies: they are closed.
    """
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent tells its workers
    for other in others:
        other.close()
    _end_with_parent()
    try:
        try:
            worker = Worker(connection, carried.open(), number, total)
        except Exception as error:
            connection.send_bytes(pickle.dumps((0, -1, Failure(error, number, "starting"))))
            connection.poll(None)  # until the parent has read it and closes
            return
        worker.run()
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # nobody is interested any more


class Worker:
    """Reads messages, makes batches, sends them.

    Messages are pickled tuples: ``("epoch", generation, epoch)``; ``("batch", number, task, freed slabs)``, where a
    task is indices, or for a stream whether to skip the batch; None to stop. Answers are ``(generation, number, what)``
    with a `Failure` or ``(elements, Parcel or None at the end of a stream)``, perhaps followed by a descriptor.
    """

    def __init__(self, connection: Connection, job: Job, number: int, total: int) -> None:
        self.connection = connection
        self.job = job
        self.number = number
        self.slabs = SlabWriter()
        self.messages: deque[Any] = deque()
        self.arrivals = select.poll()
        self.arrivals.register(connection.fileno(), select.POLLIN)
        self.generation = self.epoch = self.made = 0
        info = WorkerInfo(number, total, mix(job.seed, number), job.dataset)
        worker_info.set_worker_info(info)
        seed_streams(info.seed)
        if job.worker_init_fn is not None:
            job.worker_init_fn(number)
        self.fetch: Any = None

    def run(self) -> None:
        """Go on until told to stop."""
        while (message := self._next()) is not None:
            if message[0] == "epoch":
                _, self.generation, self.epoch = message
                self._begin()
                continue
            _, number, task, freed = message
            self.slabs.take_back(freed)
            descriptor: int | None = None
            answer: Any
            try:
                answer, descriptor = self._make(number, task)
            except Exception as error:
                answer = Failure(error, self.number, self._where(number))
            self.connection.send_bytes(pickle.dumps((self.generation, number, answer), 5))
            if descriptor is not None:
                reduction.send_handle(self.connection, descriptor, None)
                os.close(descriptor)

    def _next(self) -> Any:
        """The next message that still counts: tasks before a new epoch do not, but the slabs they give back do."""
        while not self.messages or self.arrivals.poll(0):
            message = pickle.loads(self.connection.recv_bytes())
            if message is None:
                return None
            if message[0] == "epoch":
                for task in self.messages:
                    if task[0] == "batch":
                        self.slabs.take_back(task[3])
                self.messages.clear()
            self.messages.append(message)
        return self.messages.popleft()

    def _begin(self) -> None:
        job = self.job
        self.made = 0
        if job.stream:
            self.fetch = StreamFetcher(job.dataset, job.collate_fn, job.batch_size, job.drop_last)
        elif self.fetch is None:
            self.fetch = MapFetcher(job.dataset, job.collate_fn, job.batched)

    def _where(self, number: int) -> str:
        return f"batch {number} of epoch {self.epoch}"

    def _make(self, number: int, task: Any) -> tuple[Any, int | None]:
        if not self.job.stream:
            seed_streams(self.job.seed, self.epoch, number)
            count, batch = 0, self.fetch(task, self._where(number))
        else:
            seed_streams(self.job.seed, self.epoch, self.made, self.number)
            self.made += 1
            count, batch = self.fetch(task, self._where(number))
            if batch is END:
                return (count, None), None
        parcel, descriptor = self.slabs.pack(batch)
        return (count, parcel), descriptor
