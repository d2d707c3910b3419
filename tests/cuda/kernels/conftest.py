"""The kernels for GPUs: on one, or, compiled for the processor, without one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from fastgrad import _cpu
from fastgrad.cuda import library
from tests.cuda.conftest import EMULATED, HAS_GPU


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

    def array(self, x: Any) -> Any:
        """Arrays, also those in lists, as arrays of the device; whatever else stays what it is."""
        if isinstance(x, (list, tuple)):
            return type(x)(self.array(y) for y in x)
        return self._cupy.array(x, order="K") if isinstance(x, np.ndarray) else x

    def numpy(self, x: Any) -> Any:
        """The other way."""
        if isinstance(x, (list, tuple)):
            return type(x)(self.numpy(y) for y in x)
        return x.get(order="A") if isinstance(x, self._cupy.ndarray) else x

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


@pytest.fixture(scope="session")
def device() -> Device:
    """What runs the kernels."""
    if not (HAS_GPU or EMULATED):
        pytest.skip("there is no GPU to be used; tools/emulate_cuda.sh runs these tests on the processor")
    return Device(library.kernels(), library.cupy())
