"""A GPU for the tests of this directory, of one of three kinds.

- `real`: there is one.
- `emulated`: fastgrad._cuda compiled for the processor by tools/emulate_cuda.sh, and a stand-in for cupy.
- `standin`: the stand-in for cupy, and one for fastgrad._cuda that calls the processor's kernels. It tests all but the
  kernels, whose own tests are skipped.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import _cpu
from fastgrad.cuda import library

EMULATED = os.environ.get("FASTGRAD_EMULATED_CUDA")  # an extension module
STANDIN = Path(__file__).parent / "standin"
COMPILED = library.kernels()  # None where fastgrad was built without them


def _load(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location("fastgrad._cuda", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _stand_in() -> str:
    """Let stand-ins take the places of cupy and, but for emulated ones, of the kernels; why there is no real GPU."""
    why = library.why_not() or "other kernels are asked for"
    for name in [name for name in sys.modules if name.partition(".")[0] in ("cupy", "cupyx", "cupy_backends")]:
        del sys.modules[name]
    sys.path.insert(0, str(STANDIN))
    sys.modules["fastgrad._cuda"] = _load(EMULATED) if EMULATED else importlib.import_module("kernels")
    return why


if not EMULATED and library.why_not() is None:
    KIND, WHY = "real", ""
else:
    KIND, WHY = "emulated" if EMULATED else "standin", _stand_in()


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Each test begins and ends on GPU 0, and no kernel may have found anything by its end."""
    fg.cuda.set_device(0)
    yield
    fg.cuda.set_device(0)
    fg.cuda.synchronize()


class Device:
    """The kernels of a GPU and the arrays that they work on.

    Attributes
    ----------
    kernels : module
        fastgrad._cuda.
    """

    def __init__(self) -> None:
        self._cupy = library.cupy()
        self.kernels: Any = library.kernels()

    def array(self, x: Any) -> Any:
        """Arrays, also those in lists, as arrays of the device; whatever else stays what it is."""
        if isinstance(x, (list, tuple)):
            return type(x)(self.array(y) for y in x)
        return self._cupy.asarray(x.copy("K")) if isinstance(x, np.ndarray) else x

    def numpy(self, x: Any) -> Any:
        """The other way."""
        if isinstance(x, (list, tuple)):
            return type(x)(self.numpy(y) for y in x)
        return x.get() if isinstance(x, self._cupy.ndarray) else x

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
    """What runs the kernels, if they are fastgrad._cuda's."""
    if KIND == "standin":
        pytest.skip(f"{WHY}; tools/emulate_cuda.sh runs these tests on the processor")
    return Device()
