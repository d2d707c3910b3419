"""What a data set can find out about the worker process it is used in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["WorkerInfo", "get_worker_info", "set_worker_info"]


@dataclass(frozen=True)
class WorkerInfo:
    """One worker process of a `DataLoader`.

    Attributes
    ----------
    id : int
        Its number, 0 <= id < num_workers.
    num_workers : int
        How many there are.
    seed : int
        A number of its own, the same whenever the loader's seed is.
    dataset : Dataset
        The worker's copy of the data set.
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any


_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """In a worker process, which one it is; None elsewhere.

    Notes
    -----
    Source: ``torch.utils.data.get_worker_info``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.utils.data.get_worker_info() is None
    True
    """
    return _info


def set_worker_info(info: WorkerInfo) -> None:
    """Say that this process is a worker."""
    global _info
    _info = info
