"""The kernels for GPUs: on one, or, compiled for the processor by tools/emulate_cuda.sh, without one."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastgrad import _cpu

EMULATED = os.environ.get("FASTGRAD_EMULATED_CUDA")  # an extension module


class Device:
    """The kernels of a GPU and the arrays that they work on.

    Attributes
    ----------
    kernels : module
        fastgrad._cuda.
    """

    def __init__(self, kernels: Any, cupy: Any) -> None:
        self.kernels = kernels
        self._cupy = cupy
        _cpu._set_other_device(cupy.ndarray, kernels)

    def array(self, x: Any) -> Any:
        """Arrays, also those in lists, as arrays of the device; whatever else stays what it is."""
        if isinstance(x, (list, tuple)):
            return type(x)(self.array(y) for y in x)
        return self._cupy.asarray(x.copy("K")) if isinstance(x, np.ndarray) else x

    def numpy(self, x: Any) -> Any:
        """The other way."""
        if isinstance(x, (list, tuple)):
            return type(x)(self.numpy(y) for y in x)
        return self._cupy.asnumpy(x) if isinstance(x, self._cupy.ndarray) else x

    def run(self, name: str, *args: Any) -> list[Any]:
        """Call a kernel with copies of the arguments; what has become of them."""
        mine = [self.array(x) for x in args]
        getattr(_cpu, name)(*mine)
        self.kernels.synchronize()
        return [self.numpy(x) for x in mine]


def run_on_cpu(name: str, *args: Any) -> list[Any]:
    """The same with the processor's kernel."""
    mine = [_copy(x) for x in args]
    getattr(_cpu, name)(*mine)
    return mine


def _copy(x: Any) -> Any:
    if isinstance(x, (list, tuple)):
        return type(x)(_copy(y) for y in x)
    return x.copy("K") if isinstance(x, np.ndarray) else x


def differences(found: Sequence[Any], expected: Sequence[Any]) -> float:
    """The largest difference of any numbers, relative to the largest number of its array or to 1."""
    worst = 0.0
    for x, y in zip(found, expected, strict=True):
        if isinstance(y, (list, tuple)):
            worst = max(worst, differences(x, y))
        elif isinstance(y, np.ndarray) and y.size and y.dtype.kind == "f":
            finite = np.isfinite(y)
            assert np.array_equal(x[~finite], y[~finite], equal_nan=True)
            a, b = x[finite].astype(float), y[finite].astype(float)
            worst = max(worst, float(np.abs(a - b).max(initial=0) / max(1.0, np.abs(b).max(initial=0))))
    return worst


def _on_gpu() -> Device | str:
    try:
        from fastgrad import _cuda
    except ImportError:
        return "fastgrad is built without the kernels for GPUs"
    if not _cuda.device_count():
        return "there is no GPU, or no driver for it"
    try:
        import cupy
    except ImportError:
        return "cupy is not installed"
    return Device(_cuda, cupy)


def _on_processor(path: str) -> Device:
    sys.path.insert(0, str(Path(__file__).parent / "standin"))
    import cupy

    spec = importlib.util.spec_from_file_location("fastgrad._cuda", path)
    assert spec is not None
    assert spec.loader is not None
    kernels = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(kernels)
    return Device(kernels, cupy)


@pytest.fixture(scope="session")
def device() -> Device:
    """What runs the kernels."""
    found = _on_processor(EMULATED) if EMULATED else _on_gpu()
    if isinstance(found, str):
        pytest.skip(f"{found}; tools/emulate_cuda.sh runs these tests on the processor")
    return found
