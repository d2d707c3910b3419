"""The GPU: what it is, what is missing where there is none, and the limits that no program on it can pass."""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Callable
from typing import Any

from fastgrad.cuda import library

__all__ = ["GpuLimits", "missing"]

SIDE = 8192  # of the square matrices whose product shows the rate of arithmetic
COPIED = 2**30  # bytes, many times any cache
REPEATS = 10


def missing() -> str | None:
    """Say what this machine lacks to measure on a GPU; None if it has everything."""
    if why := library.why_not():
        return why
    try:
        import torch
    except ImportError as error:
        return f"there is nothing to compare with: torch cannot be imported ({error})"
    if not torch.cuda.is_available():
        return f"there is nothing to compare with: torch {torch.__version__} was built without CUDA or sees no GPU"
    return None


class GpuLimits:
    """Rates of this GPU, each measured once, when it is first asked for, by torch.

    Parameters
    ----------
    threads : int
        Threads of the processor, which do not matter.
    seconds : float
        Not used: a measurement takes a fixed number of repeats.
    """

    def __init__(self, threads: int = 1, seconds: float = 0.0) -> None:
        self._flops: dict[str, float] = {}
        self._bytes = 0.0

    def flops(self, precision: str = "float32") -> float:
        """FLOP/s of a large product of matrices in the library that torch has for it, on random numbers."""
        if precision not in self._flops:
            import torch

            dtype = torch.bfloat16 if precision == "bf16" else torch.float32
            a, b = torch.randn(2, SIDE, SIDE, device="cuda").to(dtype)
            y = torch.empty_like(a)
            torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
            try:
                self._flops[precision] = 2 * SIDE**3 / _seconds(lambda: torch.mm(a, b, out=y))
            finally:
                torch.set_float32_matmul_precision("highest")
        return self._flops[precision]

    def bytes(self, size: int = COPIED) -> float:
        """Bytes per second, read and written, of a copy from the GPU's memory to itself, whatever the size."""
        if not self._bytes:
            import torch

            source = torch.randn(COPIED // 4, device="cuda")
            copy = torch.empty_like(source)
            self._bytes = 2 * COPIED / _seconds(lambda: copy.copy_(source))
        return self._bytes

    def seconds(self, flop: float, moved: float, precision: str = "float32") -> float:
        """Give the time that arithmetic or memory needs, whichever is longer."""
        return max(flop / self.flops(precision), moved / self.bytes())

    def as_dict(self) -> dict[str, Any]:
        """All that was measured so far, and what the card is."""
        return {
            "card": _card(),
            "flop_per_second": self._flops,
            "copy_bytes_per_second": self._bytes,
        }


def _seconds(work: Callable[[], object]) -> float:
    """Time one call on the GPU: the median of several."""
    import torch

    times = []
    for _ in range(REPEATS + 3):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        work()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) / 1e3)
    return sorted(times[3:])[REPEATS // 2]


@functools.cache
def _card() -> dict[str, str]:
    """Name and driver of the card, and which CUDA computes on it."""
    cupy = library.cupy()
    properties = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.runtime.getDevice())
    card = {
        "name": properties["name"].decode(),
        "compute capability": f"{properties['major']}.{properties['minor']}",
        "multiprocessors": str(properties["multiProcessorCount"]),
        "driver": _driver(),
        "fastgrad kernels": str(getattr(library.kernels(), "build", dict)()),
    }
    try:
        import torch

        card["torch's CUDA"] = str(torch.version.cuda)
    except ImportError:
        pass
    return card


def _driver() -> str:
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "unknown"
