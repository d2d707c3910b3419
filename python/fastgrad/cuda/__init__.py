"""NVIDIA GPUs: which there are, their memory and their streams. Names as in ``torch.cuda``.

cupy and the kernels are loaded where a GPU is first used. Where CUDA cannot be used, `is_available` is False and
`device_count` is 0; all else that needs a GPU raises a RuntimeError that says what is missing.
"""

from fastgrad.cuda.choice import (
    current_device,
    device,
    device_count,
    get_device_capability,
    get_device_name,
    is_available,
    is_built,
    set_device,
    synchronize,
)
from fastgrad.cuda.memory import (
    empty_cache,
    max_memory_allocated,
    mem_get_info,
    memory_allocated,
    memory_reserved,
    reset_peak_memory_stats,
)
from fastgrad.cuda.streams import Event, Stream, current_stream, default_stream, stream

__all__ = [
    "Event",
    "Stream",
    "current_device",
    "current_stream",
    "default_stream",
    "device",
    "device_count",
    "empty_cache",
    "get_device_capability",
    "get_device_name",
    "is_available",
    "is_built",
    "max_memory_allocated",
    "mem_get_info",
    "memory_allocated",
    "memory_reserved",
    "reset_peak_memory_stats",
    "set_device",
    "stream",
    "synchronize",
]
