"""How much of a GPU's memory is in use: cupy's pool keeps what was freed, for the arrays to come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastgrad.cuda import library
from fastgrad.cuda.choice import index_of

__all__ = [
    "empty_cache",
    "max_memory_allocated",
    "mem_get_info",
    "memory_allocated",
    "memory_reserved",
    "reset_peak_memory_stats",
]


def _of_pool(function: str, device: Any, ask: Callable[[Any], Any]) -> int:
    cupy = library.cupy()
    with cupy.cuda.Device(index_of(function, device)):
        return int(ask(cupy.get_default_memory_pool()))


def memory_allocated(device: Any = None) -> int:
    """The bytes that arrays on a GPU take, by default the current one. Source: ``torch.cuda.memory_allocated``."""
    return _of_pool("memory_allocated", device, lambda pool: pool.used_bytes())


def memory_reserved(device: Any = None) -> int:
    """The bytes that were taken from a GPU, also those kept for arrays to come.

    Source: ``torch.cuda.memory_reserved``.
    """
    return _of_pool("memory_reserved", device, lambda pool: pool.total_bytes())


def empty_cache() -> None:
    """Give back to the driver what no array takes. Source: ``torch.cuda.empty_cache``."""
    library.cupy().get_default_memory_pool().free_all_blocks()


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """The bytes of a GPU that are free, and all of them. Source: ``torch.cuda.mem_get_info``."""
    free, total = library.cupy().cuda.Device(index_of("mem_get_info", device)).mem_info
    return int(free), int(total)


class _Peaks:
    """The most that was allocated on each GPU, looked at after each allocation."""

    def __init__(self) -> None:
        self.bytes: dict[int, int] = {}
        self._allocate: Any = None

    def count(self) -> None:
        """Begin, if that has not been done."""
        cuda = library.cupy().cuda
        if self._allocate is None:
            self._allocate = cuda.get_allocator()
            cuda.set_allocator(self.allocate)

    def allocate(self, size: int) -> Any:
        """Memory as before, and a look at how much it is now."""
        memory = self._allocate(size)
        index = int(memory.device_id)
        self.bytes[index] = max(self.bytes.get(index, 0), memory_allocated(index))
        return memory


_peaks = _Peaks()


def max_memory_allocated(device: Any = None) -> int:
    """The most bytes that arrays on a GPU took at one time.

    Counted from the first call of this function or of `reset_peak_memory_stats` on, as it makes each allocation slower.

    Notes
    -----
    Source: ``torch.cuda.max_memory_allocated``.
    """
    _peaks.count()
    index = index_of("max_memory_allocated", device)
    return max(_peaks.bytes.get(index, 0), memory_allocated(index))


def reset_peak_memory_stats(device: Any = None) -> None:
    """Let `max_memory_allocated` count from now on. Source: ``torch.cuda.reset_peak_memory_stats``."""
    _peaks.count()
    index = index_of("reset_peak_memory_stats", device)
    _peaks.bytes[index] = memory_allocated(index)
