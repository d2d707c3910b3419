"""One thread in the processes that multiprocessing starts: their siblings have the other processors."""

from __future__ import annotations

import os
import sys
from typing import Any

from fastgrad import _cpu

__all__: list[str] = []


class _Marker:
    """What multiprocessing's registry of things to do in a new process refers to."""


_marker = _Marker()
_registered = False


def _be_a_worker(_: Any = None) -> None:
    _cpu._be_a_worker_process()


def _register() -> None:
    """Let multiprocessing call `_be_a_worker` in every process that it starts.

    multiprocessing is not imported for that: who starts processes with it has imported it before.
    """
    global _registered
    util = sys.modules.get("multiprocessing.util")
    if util is not None and not _registered:
        util.register_after_fork(_marker, _be_a_worker)
        _registered = True


def watch() -> None:
    """Find out, now and at every fork, whether this process is one of multiprocessing's."""
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        _be_a_worker()
    _register()  # a spawned process imports fastgrad before multiprocessing has set it up
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_register)
