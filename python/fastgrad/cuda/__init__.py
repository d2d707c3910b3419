"""GPUs: which there are, how much of their memory is used, streams and events; the names are ``torch.cuda``'s.

Tensors get there by ``device="cuda"``, ``.to("cuda")`` or ``.cuda()``. cupy owns the memory and the streams: its
current stream is what everything runs on. Importing this package loads neither cupy nor the kernels; what needs them
does, or says what is missing.
"""

from fastgrad.cuda.gpus import (
    current_device,
    device,
    device_count,
    get_device_capability,
    get_device_name,
    get_device_properties,
    is_available,
    is_built,
    manual_seed,
    manual_seed_all,
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
from fastgrad.cuda.products import get_product_kernels, measured_products, set_product_kernels
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
    "get_device_properties",
    "get_product_kernels",
    "is_available",
    "is_built",
    "manual_seed",
    "manual_seed_all",
    "max_memory_allocated",
    "measured_products",
    "mem_get_info",
    "memory_allocated",
    "memory_reserved",
    "reset_peak_memory_stats",
    "set_device",
    "set_product_kernels",
    "stream",
    "synchronize",
]
