"""The GPUs: how many, which is the current one, what they are, and waiting for them."""

from __future__ import annotations

from typing import Any, NamedTuple

from fastgrad.cuda import library
from fastgrad.devices import as_device
from fastgrad.errors import bad_value
from fastgrad.random import Generator
from fastgrad.random import manual_seed as seed_generator

__all__ = [
    "current_device",
    "device",
    "device_count",
    "get_device_capability",
    "get_device_name",
    "get_device_properties",
    "index_of",
    "is_available",
    "is_built",
    "manual_seed",
    "manual_seed_all",
    "set_device",
    "synchronize",
]


def index_of(function: str, given: Any) -> int:
    """The number of a GPU from a device, a name or a number; None is the current one."""
    found = as_device(function, "cuda" if given is None else given)
    if found.index is None:
        raise bad_value(function, "device", repr(given), "a GPU")
    return found.index


def is_available() -> bool:
    """Whether tensors can be on a GPU: there are kernels, cupy, a driver and a GPU.

    Where not, whatever needs one raises an error that says what is missing. Source: ``torch.cuda.is_available``.
    """
    return library.number_of_devices() > 0


def is_built() -> bool:
    """Whether this fastgrad has kernels for GPUs. Source: ``torch.backends.cuda.is_built``."""
    return library.kernels() is not None


def device_count() -> int:
    """The number of GPUs; 0 where CUDA cannot be used. Source: ``torch.cuda.device_count``."""
    return library.number_of_devices()


def current_device() -> int:
    """The number of the GPU that ``"cuda"`` means. Source: ``torch.cuda.current_device``."""
    return index_of("current_device", None)


def set_device(device: Any) -> None:
    """Let ``"cuda"`` mean another GPU, in this thread. Source: ``torch.cuda.set_device``."""
    library.cupy().cuda.Device(index_of("set_device", device)).use()


class device:
    """Context manager: within it ``"cuda"`` means another GPU.

    Parameters
    ----------
    device : device, str, int or None
        Which one; None changes nothing.

    Notes
    -----
    Source: ``torch.cuda.device``.
    """

    def __init__(self, device: Any) -> None:
        self.idx = index_of("device", device)
        self._context = library.cupy().cuda.Device(self.idx)

    def __enter__(self) -> device:
        self._context.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._context.__exit__(*exception)


class DeviceProperties(NamedTuple):
    """What a GPU is; memory in bytes."""

    name: str
    major: int
    minor: int
    total_memory: int
    multi_processor_count: int
    warp_size: int
    L2_cache_size: int
    max_threads_per_multi_processor: int
    shared_memory_per_multiprocessor: int


def get_device_properties(device: Any = None) -> DeviceProperties:
    """Name, compute capability, memory and more. Source: ``torch.cuda.get_device_properties``."""
    index = index_of("get_device_properties", device)
    found = library.cupy().cuda.runtime.getDeviceProperties(index)
    return DeviceProperties(
        found["name"].decode(),
        found["major"],
        found["minor"],
        found["totalGlobalMem"],
        found["multiProcessorCount"],
        found["warpSize"],
        found["l2CacheSize"],
        found["maxThreadsPerMultiProcessor"],
        found["sharedMemPerMultiprocessor"],
    )


def get_device_name(device: Any = None) -> str:
    """The name of a GPU. Source: ``torch.cuda.get_device_name``."""
    return get_device_properties(device).name


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """Its compute capability, (9, 0) for example. Source: ``torch.cuda.get_device_capability``."""
    found = get_device_properties(device)
    return found.major, found.minor


def synchronize(device: Any = None) -> None:
    """Wait until a GPU has done all it was told.

    Raises
    ------
    RuntimeError
        What a kernel has found meanwhile, such as an index out of range.

    Notes
    -----
    Source: ``torch.cuda.synchronize``.
    """
    cupy = library.cupy()
    with cupy.cuda.Device(index_of("synchronize", device)):
        cupy.cuda.runtime.deviceSynchronize()
    check = getattr(library.kernels(), "_check", None)
    if check is not None:
        check()


def manual_seed(seed: int) -> Generator:
    """`fastgrad.manual_seed`: numbers are drawn by the processor, the same ones for all devices."""
    return seed_generator(seed)


def manual_seed_all(seed: int) -> Generator:
    """`fastgrad.manual_seed`: numbers are drawn by the processor, the same ones for all devices."""
    return seed_generator(seed)
