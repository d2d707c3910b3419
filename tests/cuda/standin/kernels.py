"""Stands for fastgrad._cuda: the processor's kernels, on the memory behind the arrays of the stand-in for cupy."""

from __future__ import annotations

from typing import Any

import cupy
import numpy as np
from cupy._array import fresh

from fastgrad import _cpu

_NOT_KERNELS = ("elementwise", "fma_peak", "get_num_threads", "set_num_threads", "build", "activations")
_ENUMERATED = [name for name in _cpu.__dict__ if name.islower() and not name.startswith("_")]
NAMES = tuple(name for name in _ENUMERATED if callable(getattr(_cpu, name)) and name not in _NOT_KERNELS)


def _inner(kernel: str, x: Any) -> Any:
    if isinstance(x, cupy.ndarray):
        if x.data.device_id != (current := cupy.cuda.runtime.getDevice()):
            raise RuntimeError(
                f"{kernel}(): an argument is on cuda:{x.data.device_id}, "
                f"expected cuda:{current}, the current GPU (see fastgrad.cuda.device)"
            )
        return x._a
    if isinstance(x, np.ndarray):
        raise TypeError(f"{kernel}(): an argument is a numpy.ndarray, expected a cupy array, like the others")
    if isinstance(x, (list, tuple)):
        return type(x)([_inner(kernel, each) for each in x])
    return x


def _kernel(name: str) -> Any:
    native = getattr(_cpu, name)

    def kernel(*args: Any, **options: Any) -> Any:
        result = native(*[_inner(name, x) for x in args], **{k: _inner(name, x) for k, x in options.items()})
        if not isinstance(result, tuple):
            return result
        made: dict[int, Any] = {}  # the same array twice stays the same
        return tuple(x if x is None else made.setdefault(id(x), fresh(x)) for x in result)

    kernel.__name__ = name
    return kernel


for _name in NAMES:
    globals()[_name] = _kernel(_name)


class Program:
    """What a recorded step would be run by: there is none."""

    def __init__(self) -> None:
        raise RuntimeError("the stand-in for kernels runs no recorded steps")


Programs = Program


def _bind_tape(*classes: Any) -> None:
    """It has no programs."""


def device_count() -> int:
    """As cupy's stand-in says."""
    return int(cupy.cuda.runtime.getDeviceCount())


def synchronize() -> None:
    """Kernels have raised what they found."""
