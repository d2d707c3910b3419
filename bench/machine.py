"""The machine: what it is, and the limits that no program on it can pass."""

from __future__ import annotations

import os
import platform
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from importlib import metadata
from typing import Any

import numpy as np

from fastgrad import backend
from fastgrad.cli.doctor import processor

__all__ = ["Limits", "bandwidth", "description", "fma_peak", "usable_cpus"]

PACKAGES = ("numpy", "torch", "triton", "jax", "jaxlib", "cupy-cuda13x", "cupy-cuda12x")


def usable_cpus() -> list[int]:
    """Give the numbers of the processors that this process may run on."""
    return (
        sorted(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else list(range(os.cpu_count() or 1))
    )


def description() -> dict[str, Any]:
    """Say what was measured where, when and how."""
    import fastgrad as fg

    versions = {"python": platform.python_version(), "fastgrad": fg.__version__}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "command": "python -m bench " + " ".join(sys.argv[1:]),
        "processor": processor()[0],
        "processors": len(usable_cpus()),
        "system": platform.platform(),
        "versions": versions,
        "fastgrad_build": fg.build_info(),
    }


def fma_peak(dtype: str, threads: int, seconds: float = 0.2) -> float:
    """Measure the fused multiply-adds that `threads` threads do together: FLOP/s, best of three."""
    with ThreadPoolExecutor(threads) as pool:
        best = 0.0
        for _ in range(3):
            best = max(best, sum(pool.map(backend.kernels.fma_peak, [dtype] * threads, [seconds] * threads)))
    return best


def bandwidth(size: int, threads: int, seconds: float = 0.1) -> float:
    """Measure how fast `threads` threads copy, in bytes read plus bytes written per second.

    Parameters
    ----------
    size : int
        Bytes read and written together in one pass: source and destination have half of it each. A size that
        fits into a cache measures that cache.
    threads : int
        Each copies a part of its own.
    seconds : float
        How long to measure.
    """
    source = np.ones(max(size // 16, threads), np.float64)
    copy = np.zeros_like(source)
    parts = list(zip(np.array_split(copy, threads), np.array_split(source, threads), strict=True))
    passes = max(1, int(2e6 / max(size, 1)))  # small copies: several to a submission, or its cost is measured

    def work(part: tuple[Any, Any]) -> None:
        for _ in range(passes):
            np.copyto(*part)

    best, end = 0.0, time.perf_counter() + seconds
    with ThreadPoolExecutor(threads) as pool:
        while True:
            start = time.perf_counter()
            if threads == 1:
                work(parts[0])
            else:
                list(pool.map(work, parts))
            now = time.perf_counter()
            best = max(best, passes * 2 * source.nbytes / (now - start))
            if now > end:
                return best


class Limits:
    """The limits of this process, each measured once, when it is first asked for.

    Parameters
    ----------
    threads : int
        Threads that the contestants use.
    seconds : float
        How long to measure each.
    """

    def __init__(self, threads: int, seconds: float = 0.2) -> None:
        self.threads = threads
        self.seconds = seconds
        self._peaks: dict[str, float] = {}
        self._bandwidths: dict[int, float] = {}

    def flops(self, dtype: str = "float32") -> float:
        """FLOP/s of fused multiply-adds."""
        if dtype not in self._peaks:
            self._peaks[dtype] = fma_peak(dtype, self.threads, self.seconds)
        return self._peaks[dtype]

    def bytes(self, size: int) -> float:
        """Bytes per second of a copy that touches about `size` bytes (rounded to a power of two)."""
        power = max(12, size.bit_length())
        if power not in self._bandwidths:
            self._bandwidths[power] = bandwidth(2**power, self.threads, self.seconds)
        return self._bandwidths[power]

    def as_dict(self) -> dict[str, Any]:
        """All that was measured so far."""
        copies = {str(2**power): value for power, value in sorted(self._bandwidths.items())}
        return {"flop_per_second": self._peaks, "copy_bytes_per_second_by_size": copies}
