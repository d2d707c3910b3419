"""Errors of workers, raised where the batches are used."""

from __future__ import annotations

import pickle
from typing import NoReturn

__all__ = ["Failure", "WorkerTraceback"]


class WorkerTraceback(Exception):
    """The cause of an error that was raised in a worker: where that was, as text."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f'\n"""\n{self.text}"""'


class Failure:
    """An error on its way from a worker.

    Parameters
    ----------
    error : Exception
        What was raised.
    worker : int
        Number of the worker.
    doing : str
        What it was doing.
    """

    def __init__(self, error: Exception, worker: int, doing: str) -> None:
        import os
        import traceback

        trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        self.text = f"worker {worker} (pid {os.getpid()}), {doing}:\n{trace}"
        self.summary = f"DataLoader(): worker {worker}: {type(error).__qualname__}: {error}"
        self.pickled: bytes | None
        try:
            self.pickled = pickle.dumps(error)
            if type(pickle.loads(self.pickled)) is not type(error):
                self.pickled = None
        except Exception:  # an exception that is made from other arguments than it keeps, or holds what cannot travel
            self.pickled = None

    def reraise(self) -> NoReturn:
        """Raise it here, with the worker's traceback as its cause; as a RuntimeError if it cannot be pickled."""
        error: Exception | None = None
        if self.pickled is not None:
            try:
                error = pickle.loads(self.pickled)
            except Exception:  # its class cannot be imported here
                error = None
        try:
            raise error or RuntimeError(self.summary) from WorkerTraceback(self.text)
        finally:
            del error  # else it and this frame would keep each other, and the frames of the loop, alive
