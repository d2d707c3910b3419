"""Tools around training."""

from __future__ import annotations

from fastgrad.utils import data, threadpools, workers
from fastgrad.utils.threadpools import register_threadpoolctl

__all__ = ["data", "register_threadpoolctl"]

threadpools.watch()
workers.watch()
