"""A GPU for the tests of this directory: a real one, or else a stand-in for cupy on numpy's memory.

The kernels are then those that tools/emulate_cuda.sh compiles for the processor (FASTGRAD_EMULATED_CUDA), or stand-ins
that use fastgrad._cpu.

With FASTGRAD_NO_POOL every array on a GPU has an allocation of its own: compute-sanitizer sees nothing of what happens
inside the blocks of cupy's pool.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import os
import sys
from collections.abc import Generator
from pathlib import Path
from types import ModuleType

import pytest

import fastgrad as fg
from fastgrad.cuda import library

STANDIN = Path(__file__).parent / "standin"
EMULATED = os.environ.get("FASTGRAD_EMULATED_CUDA")  # an extension module
HAS_GPU = fg.cuda.is_available()  # a real one
needs_speed = pytest.mark.skipif(not HAS_GPU, reason="needs the memory and the speed of a GPU")
BUILT = library.kernels()  # the module that was built with nvcc, if it was
POOL = not os.environ.get("FASTGRAD_NO_POOL")


def load(path: str) -> ModuleType:
    """The extension module in a file, under a name of its own: pybind11 gives a name the module it had before."""
    spec = importlib.util.spec_from_file_location("emulated._cuda", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """End the process with the first test that sees the GPU lost, by itself or one before: none could succeed."""
    report = yield
    if HAS_GPU and report.failed:
        try:
            library.cupy().cuda.runtime.deviceSynchronize()
        except Exception as lost:
            print(f"{item.nodeid}: {lost}\n{report.longreprtext}", file=sys.__stderr__, flush=True)
            if "PYTEST_XDIST_WORKER" in os.environ:
                os._exit(3)  # another one takes its place
            item.session.shouldstop = f"the GPU was lost in {item.nodeid}"
    return report


if not HAS_GPU:
    sys.path.insert(0, str(STANDIN))
    for name in [name for name in sys.modules if name.partition(".")[0] in ("cupy", "cupyx")]:
        del sys.modules[name]
    sys.modules["fastgrad._cuda"] = load(EMULATED) if EMULATED else importlib.import_module("kernels")
    if EMULATED:
        importlib.import_module("cupy").cuda.runtime.native = ctypes.CDLL(EMULATED)

if not POOL:
    importlib.import_module("cupy").cuda.set_allocator(None)
