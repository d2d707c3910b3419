"""As ``cupy.cuda.runtime``."""

from __future__ import annotations

import types
from typing import Any

from .._pinned import is_pinned as _is_pinned

DEVICES = 2

native: Any = None  # the library of the emulated kernels, which have a current device too
current = 0
stack: list[int] = []
synchronizations = 0  # how often the host waited, or would have


class CUDARuntimeError(RuntimeError):
    """As cupy's."""


def getDeviceCount() -> int:
    return DEVICES


def getDevice() -> int:
    return current


def setDevice(device: int) -> None:
    global current
    if not 0 <= device < DEVICES:
        raise CUDARuntimeError("cudaErrorInvalidDevice: invalid device ordinal")
    current = device
    if native is not None:
        native.cudaSetDevice(device)


def getDeviceProperties(device: int) -> dict[str, object]:
    return {
        "name": f"Stand-in {device}".encode(),
        "major": 9,
        "minor": 0,
        "totalGlobalMem": 1 << 30,
        "multiProcessorCount": 4,
        "warpSize": 32,
        "l2CacheSize": 1 << 20,
        "maxThreadsPerMultiProcessor": 2048,
        "regsPerMultiprocessor": 65536,
        "sharedMemPerBlock": 49152,
        "sharedMemPerMultiprocessor": 233472,
        "integrated": 0,
        "isMultiGpuBoard": 0,
        "uuid": bytes(16),
    }


def pointerGetAttributes(pointer: int) -> types.SimpleNamespace:
    return types.SimpleNamespace(type=1 if _is_pinned(pointer) else 0)


def deviceSynchronize() -> None:
    global synchronizations
    synchronizations += 1
