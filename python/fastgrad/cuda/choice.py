"""Which GPUs there are, and which of them is the current one."""

from __future__ import annotations

from typing import Any

from fastgrad import devices
from fastgrad.cuda import library
from fastgrad.errors import bad_value

__all__ = [
    "current_device",
    "device",
    "device_count",
    "get_device_capability",
    "get_device_name",
    "index_of",
    "is_available",
    "is_built",
    "set_device",
    "synchronize",
]


def index_of(function: str, given: Any) -> int:
    """The number of a GPU given as a number, a name or a device; None is the current one."""
    found = devices.as_device(function, "cuda" if given is None else given)
    if found.index is None:
        raise bad_value(function, "device", repr(given), "a GPU")
    return found.index


def is_available() -> bool:
    """Whether a GPU can be used: there are kernels, cupy, a driver and a GPU. Source: ``torch.cuda.is_available``."""
    return library.number_of_devices() > 0


def is_built() -> bool:
    """Whether fastgrad was built with kernels for GPUs. Source: ``torch.backends.cuda.is_built``."""
    return library.kernels() is not None


def device_count() -> int:
    """How many GPUs can be used; 0 where CUDA cannot. Source: ``torch.cuda.device_count``."""
    return library.number_of_devices()


def current_device() -> int:
    """The number of the GPU that ``"cuda"`` means in this thread. Source: ``torch.cuda.current_device``."""
    return library.check_index("current_device", None)


def set_device(device: Any) -> None:
    """Make a GPU the one that ``"cuda"`` means in this thread. Source: ``torch.cuda.set_device``."""
    library.cupy().cuda.Device(index_of("set_device", device)).use()


class device:
    """``with device(index):`` makes a GPU the current one for a while.

    Parameters
    ----------
    device : int, str or device
        The GPU.

    Notes
    -----
    Source: ``torch.cuda.device``.
    """

    def __init__(self, device: Any) -> None:
        self.idx = index_of("device", device)
        self._before: list[int] = []

    def __enter__(self) -> None:
        self._before.append(current_device())
        set_device(self.idx)

    def __exit__(self, *exception: object) -> None:
        set_device(self._before.pop())


def get_device_name(device: Any = None) -> str:
    """The name of a GPU, by default of the current one. Source: ``torch.cuda.get_device_name``."""
    index = index_of("get_device_name", device)
    name: bytes = library.cupy().cuda.runtime.getDeviceProperties(index)["name"]
    return name.decode()


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """The compute capability of a GPU, as (9, 0). Source: ``torch.cuda.get_device_capability``."""
    index = index_of("get_device_capability", device)
    properties = library.cupy().cuda.runtime.getDeviceProperties(index)
    return int(properties["major"]), int(properties["minor"])


def synchronize(device: Any = None) -> None:
    """Wait until a GPU, by default the current one, has done all that it was given.

    Raises
    ------
    IndexError, ValueError
        What kernels have found wrong with numbers on the GPU, as a class that does not exist: they cannot raise.

    Notes
    -----
    Source: ``torch.cuda.synchronize``.
    """
    cupy = library.cupy()
    with cupy.cuda.Device(index_of("synchronize", device)) as chosen:
        chosen.synchronize()
        native: Any = library.kernels()
        native.synchronize()
