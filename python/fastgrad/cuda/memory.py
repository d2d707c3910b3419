"""How much memory of a GPU tensors use; cupy's pool owns it."""

from __future__ import annotations

from typing import Any

from fastgrad.cuda import library
from fastgrad.cuda.gpus import index_of

__all__ = [
    "empty_cache",
    "max_memory_allocated",
    "mem_get_info",
    "memory_allocated",
    "memory_reserved",
    "reset_peak_memory_stats",
]

_peaks: dict[int, int] = {}
_counting: Any = None


def _bytes(function: str, device: Any, kind: str) -> int:
    cupy = library.cupy()
    with cupy.cuda.Device(index_of(function, device)):
        return int(getattr(cupy.get_default_memory_pool(), kind)())


def memory_allocated(device: Any = None) -> int:
    """Bytes that arrays use now, of tensors and of cupy's. Source: ``torch.cuda.memory_allocated``."""
    return _bytes("memory_allocated", device, "used_bytes")


def memory_reserved(device: Any = None) -> int:
    """Bytes that the pool holds, used or kept for later. Source: ``torch.cuda.memory_reserved``."""
    return _bytes("memory_reserved", device, "total_bytes")


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Free and total bytes of a GPU, whoever uses them. Source: ``torch.cuda.mem_get_info``."""
    cupy = library.cupy()
    free, total = cupy.cuda.Device(index_of("mem_get_info", device)).mem_info
    return int(free), int(total)


def empty_cache() -> None:
    """Give back to the driver what the pool keeps for later. Source: ``torch.cuda.empty_cache``."""
    library.cupy().get_default_memory_pool().free_all_blocks()


def _count_peaks() -> None:
    """Look at every allocation from now on; cupy's pool itself does not note the largest use."""
    global _counting
    cupy = library.cupy()
    allocate = cupy.cuda.get_allocator()
    if _counting is not None and allocate is _counting:
        return
    pool, current = cupy.get_default_memory_pool(), cupy.cuda.runtime.getDevice

    def counting(size: int) -> Any:
        memory = allocate(size)
        index, used = current(), pool.used_bytes()
        if used > _peaks.get(index, 0):
            _peaks[index] = used
        return memory

    _counting = counting
    cupy.cuda.set_allocator(counting)


def max_memory_allocated(device: Any = None) -> int:
    """The most bytes that arrays have used since `reset_peak_memory_stats`, or since this was first called.

    Source: ``torch.cuda.max_memory_allocated``.
    """
    _count_peaks()
    index = index_of("max_memory_allocated", device)
    _peaks[index] = max(_peaks.get(index, 0), memory_allocated(index))
    return _peaks[index]


def reset_peak_memory_stats(device: Any = None) -> None:
    """Let `max_memory_allocated` begin with what is used now. Source: ``torch.cuda.reset_peak_memory_stats``."""
    _count_peaks()
    index = index_of("reset_peak_memory_stats", device)
    _peaks[index] = memory_allocated(index)
