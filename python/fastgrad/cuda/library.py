"""How cupy and the kernels for GPUs come in: when a GPU is first used, or with the reason why they cannot."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

from fastgrad import _cpu, _tape, arrays

__all__ = ["adopt", "check_index", "cupy", "is_pinned", "kernels", "number_of_devices", "on", "upload", "why_not"]

_PINNED = 1  # cudaMemoryTypeHost
_INSTALL = "pip install 'fastgrad[cuda13x]' (CUDA 13) or 'fastgrad[cuda12x]' (CUDA 12)"


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]


def kernels() -> ModuleType | None:
    """The module of the kernels for GPUs, None where fastgrad was built without."""
    try:
        return importlib.import_module("fastgrad._cuda")
    except ModuleNotFoundError:
        return None


@functools.cache
def cupy() -> Any:
    """cupy, its arrays made known to the tape and the kernels.

    Raises
    ------
    RuntimeError
        If one of three things is missing: the kernels, cupy, or a driver with a GPU; or if the environment variable
        ``FASTGRAD_PRODUCT_KERNELS`` asks for what there is not.
    """
    native = kernels()
    if native is None:
        raise RuntimeError(
            "CUDA cannot be used: this fastgrad was built without its kernels (fastgrad._cuda); "
            "build it where nvcc is found, with FASTGRAD_CUDA=ON"
        )
    try:
        library = importlib.import_module("cupy")
    except ImportError as error:
        raise RuntimeError(f"CUDA cannot be used: cupy cannot be imported ({_reason(error)}); {_INSTALL}") from error
    try:
        count = library.cuda.runtime.getDeviceCount()
    except Exception as error:
        raise RuntimeError(
            f"CUDA cannot be used: no NVIDIA driver answers ({_reason(error)}); install one as new as cupy's CUDA, "
            "or go on with device='cpu'"
        ) from error
    if not count:
        raise RuntimeError("CUDA cannot be used: the driver shows no GPU (see CUDA_VISIBLE_DEVICES)")
    if not native.device_count():
        raise RuntimeError(
            f"CUDA cannot be used: the driver is too old for fastgrad's kernels, built by {native.build()['compiler']}"
        )
    importlib.import_module("fastgrad.cuda.products").load(native)
    arrays.set_library(library, native)
    _tape.set_device_array(library.ndarray)
    _cpu._set_other_device(library.ndarray, native)
    importlib.import_module("fastgrad.compile").bind(native)
    return library


def why_not() -> str | None:
    """Why CUDA cannot be used; None if it can."""
    try:
        cupy()
    except RuntimeError as error:
        return str(error)
    return None


def number_of_devices() -> int:
    """How many GPUs can be used; 0 where CUDA cannot."""
    return 0 if why_not() else int(cupy().cuda.runtime.getDeviceCount())


def check_index(function: str, index: int | None) -> int:
    """The number of a GPU that there is; None is the current one."""
    library = cupy()
    if index is None:
        return int(library.cuda.runtime.getDevice())
    count = library.cuda.runtime.getDeviceCount()
    if index >= count:
        there = "'cuda:0'" if count == 1 else f"'cuda:0' to 'cuda:{count - 1}'"
        raise RuntimeError(f"{function}(): argument 'device' is 'cuda:{index}', expected {there}, the GPUs there are")
    return index


_examples: dict[int, Any] = {}


@contextmanager
def on(index: int) -> Iterator[Any]:
    """Make a GPU the current one; gives an array on it, for numpy's ``like=``."""
    library = cupy()
    with library.cuda.Device(index):
        if index not in _examples:
            _examples[index] = library.empty(0, "float32")
        yield _examples[index]


def upload(array: Any, index: int, non_blocking: bool = False) -> Any:
    """A copy of an array on a GPU, in the same order of axes.

    It is complete on return, whichever stream goes on with it. With `non_blocking` it is as soon as the current stream
    gets there: cupy copies memory that is not pinned first, pinned memory the GPU reads by itself.
    """
    library = cupy()
    with library.cuda.Device(index):
        if arrays.is_traced(array):
            return arrays.upload(array)
        return library.array(array, order="K", blocking=not non_blocking)


def is_pinned(array: Any) -> bool:
    """Whether a GPU can read an array of the processor's by itself."""
    if not isinstance(array, np.ndarray) or not array.size:
        return False
    attributes = cupy().cuda.runtime.pointerGetAttributes(array.__array_interface__["data"][0])
    return int(attributes.type) == _PINNED


def adopt(source: Any) -> Any:
    """The array of another library over the same memory."""
    library = cupy()
    if hasattr(source, "__dlpack__"):
        return library.from_dlpack(source)
    return library.asarray(source)
