"""The worker processes of a `DataLoader`, seen from the parent: started, spoken to, watched, ended."""

from __future__ import annotations

import os
import pickle
import select
import signal
import time
import weakref
from multiprocessing import connection, context, reduction
from typing import Any

from fastgrad.errors import bad_type, bad_value
from fastgrad.utils.data.shared import Parcel, SlabReader
from fastgrad.utils.data.worker import Carried, Job, work

__all__ = ["WorkerPool", "as_context"]

PATIENCE = 0.5  # seconds that a worker has to stop by itself, and once more after each signal


def as_context(method: Any) -> context.BaseContext:
    """The multiprocessing context of a name, or of None: forkserver, or spawn where there is none."""
    import multiprocessing

    known = multiprocessing.get_all_start_methods()
    if method is None:
        method = "forkserver" if "forkserver" in known else "spawn"
    if isinstance(method, context.BaseContext):
        return method
    if not isinstance(method, str):
        raise bad_type("DataLoader", "multiprocessing_context", type(method).__name__, f"a context or one of {known}")
    if method not in known:
        raise bad_value("DataLoader", "multiprocessing_context", repr(method), f"a context or one of {known}")
    found: context.BaseContext = multiprocessing.get_context(method)
    return found


def _preload(method: str) -> None:
    """Let the fork server import fastgrad once for all its processes, unless it runs or was told what to import."""
    if method == "forkserver":
        from multiprocessing import forkserver

        if getattr(forkserver._forkserver, "_preload_modules", None) == ["__main__"]:
            forkserver.set_forkserver_preload(["__main__", work.__module__])


class _Worker:
    """One process, the connection to it, and its slabs."""

    def __init__(self, number: int, process: Any, link: connection.Connection, slabs: SlabReader) -> None:
        self.number = number
        self.process = process
        self.link = link
        self.slabs = slabs


class WorkerPool:
    """Worker processes that make batches.

    Parameters
    ----------
    count : int
        How many.
    job : Job
        What they do.
    method : context
        How they are started.
    lend : int
        Slabs of each that batches in use may hold.

    Attributes
    ----------
    generation : int
        Counts the epochs that were begun; answers to earlier ones are dropped.
    """

    def __init__(self, count: int, job: Job, method: context.BaseContext, lend: int) -> None:
        self.generation = 0
        self.workers: list[_Worker] = []
        self._poll = select.poll()
        self._watched: dict[int, tuple[_Worker, bool]] = {}
        self.finish = weakref.finalize(self, _end, self.workers, os.getpid())
        name = method.get_start_method()
        _preload(name)
        for number in range(count):
            self._start(number, count, Carried(job, name), method, lend)

    def _start(self, number: int, count: int, carried: Carried, method: Any, lend: int) -> None:
        here, there = method.Pipe(duplex=True)
        others = [here, *[worker.link for worker in self.workers]] if carried.method == "fork" else []
        process = method.Process(
            target=work, args=(there, carried, number, count, others), name=f"fastgrad-worker-{number}", daemon=True
        )
        try:
            process.start()
        except BaseException:
            here.close()
            self.finish()
            raise
        finally:
            there.close()
        worker = _Worker(number, process, here, SlabReader(lend))
        self.workers.append(worker)
        for descriptor, is_link in ((here.fileno(), True), (process.sentinel, False)):
            self._watched[descriptor] = worker, is_link
            self._poll.register(descriptor, select.POLLIN)

    @property
    def alive(self) -> bool:
        """Whether it was not ended."""
        return self.finish.alive

    def begin(self, epoch: int) -> int:
        """Let all workers begin an epoch; the number of the generation."""
        self.generation += 1
        for worker in self.workers:
            self._send(worker, ("epoch", self.generation, epoch))
        return self.generation

    def ask(self, number: int, task: Any, of: int) -> None:
        """Give worker number `of` a task, which is the epoch's batch `number`."""
        worker = self.workers[of]
        freed = worker.slabs.freed
        told = freed[:]
        self._send(worker, ("batch", number, task, told))
        del freed[: len(told)]

    def _send(self, worker: _Worker, message: Any) -> None:
        try:
            worker.link.send_bytes(pickle.dumps(message, 5))
        except OSError:
            self._lost(worker)

    def receive(self, seconds: float | None) -> list[tuple[_Worker, int, Any]]:
        """What workers have answered in this generation: worker, number of the batch, and what.

        Parameters
        ----------
        seconds : float or None
            How long to wait if there is nothing yet; None for as long as it takes.

        Raises
        ------
        RuntimeError
            If a worker has ended.
        """
        end = None if seconds is None else time.monotonic() + seconds
        while True:
            left = None if end is None else max(0.0, end - time.monotonic()) * 1000
            answers, ended = [], None
            for descriptor, _ in self._poll.poll(left):
                worker, is_link = self._watched[descriptor]
                if not is_link:
                    ended = worker
                elif (answer := self._read(worker)) is not None:
                    answers.append(answer)
            if ended is not None and not answers:
                self._lost(ended)
            if answers or left == 0:
                return answers

    def _read(self, worker: _Worker) -> tuple[_Worker, int, Any] | None:
        try:
            generation, number, what = pickle.loads(worker.link.recv_bytes())
            parcel = what[1] if isinstance(what, tuple) else None
            if parcel is not None:
                worker.slabs.arrive(parcel, reduction.recv_handle(worker.link) if parcel.size else None)
        except (EOFError, OSError):
            self._lost(worker)
        if number >= 0 and generation != self.generation:  # of an epoch that was left
            if isinstance(parcel, Parcel):
                worker.slabs.discard(parcel)
            return None
        return worker, number, what

    def _lost(self, worker: _Worker) -> None:
        """Raise what became of a worker, after ending all others."""
        process = worker.process
        process.join(PATIENCE)
        pid, code = process.pid, process.exitcode
        self.finish()
        who = f"DataLoader(): worker {worker.number} (pid {pid})"
        if code is not None and code < 0:
            try:
                name = signal.Signals(-code).name
            except ValueError:
                name = f"signal {-code}"
            hint = "; is there enough memory?" if name == "SIGKILL" else ""
            raise RuntimeError(f"{who} was killed by {name}{hint}")
        hint = (
            '; if a script starts workers, its main part stands under `if __name__ == "__main__":`, which processes '
            "that import it do not run"
        )
        how = "closed its connection" if code is None else f"ended by itself, with exit code {code}"
        raise RuntimeError(f"{who} {how}: what it wrote to stderr may say why{hint}")


def _end(workers: list[_Worker], owner: int) -> None:
    """End processes: ask, then SIGTERM, then SIGKILL. A fork of the process that started them leaves them alone."""
    if os.getpid() != owner:
        return
    try:
        for worker in workers:
            _say_stop(worker.link)
        _join(workers)
        for worker in workers:
            if worker.process.is_alive():
                worker.process.terminate()
        _join(workers)
    finally:
        for worker in workers:
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.process.close()
        workers.clear()


def _say_stop(link: connection.Connection) -> None:
    try:
        os.set_blocking(link.fileno(), False)  # whose worker does not read gets a signal
        link.send_bytes(pickle.dumps(None))
    except OSError:
        pass
    finally:
        link.close()


def _join(workers: list[_Worker]) -> None:
    end = time.monotonic() + PATIENCE
    for worker in workers:
        worker.process.join(max(0.0, end - time.monotonic()))
