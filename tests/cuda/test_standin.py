"""The stand-in for cupy offers nothing that cupy does not have, and is as strict."""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastgrad import _cpu
from fastgrad.cuda import library
from tests.cuda.conftest import HAS_GPU, STANDIN

pytestmark = pytest.mark.skipif(HAS_GPU, reason="there is a GPU: cupy is used itself")
cupy = library.cupy()

# What it takes to be one, and what tests look at.
OWN = {"_a", "_view", "synchronizations", "stack", "current", "DEVICES", "used", "total", "numpys", "annotations"}
# Prints a dict from dotted names to the parameters of the function there (None: not known) of the real cupy.
ASK = """
import inspect, json, sys, warnings
warnings.simplefilter("ignore")
import cupy, cupyx, cupyx.scipy.special
found = {}
for name in json.load(sys.stdin):
    x = {"cupy": cupy, "cupyx": cupyx}[name.partition(".")[0]]
    try:
        for part in name.split(".")[1:]:
            x = getattr(x, part)
    except AttributeError:
        continue
    try:
        found[name] = list(inspect.signature(x).parameters)
    except (TypeError, ValueError):
        found[name] = None
print(json.dumps(found))
"""


def _public(owner: Any) -> list[str]:
    return [n for n in vars(owner) if not n.startswith("_") and n not in OWN]


def _names() -> dict[str, Any]:
    """Everything in the stand-in by its dotted name."""
    import cupyx.scipy.special

    found: dict[str, Any] = {"cupyx.empty_pinned": cupyx.empty_pinned, "cupyx.scipy.special.erf": None}
    for prefix, owner in {
        "cupy": cupy, "cupy.ndarray": cupy.ndarray, "cupy.cuda": cupy.cuda, "cupy.linalg": cupy.linalg,
        "cupy.cuda.Stream": cupy.cuda.Stream, "cupy.cuda.Event": cupy.cuda.Event, "cupy.cuda.Device": cupy.cuda.Device,
        "cupy.cuda.MemoryPointer": cupy.cuda.MemoryPointer, "cupy.cuda.runtime": cupy.cuda.runtime,
        "cupy.cuda.MemoryPool": type(cupy.get_default_memory_pool()),
    }.items():  # fmt: skip
        for name in _public(owner):
            value = getattr(owner, name)
            if not inspect.ismodule(value) and getattr(value, "__module__", "cupy").partition(".")[0] == "cupy":
                found[f"{prefix}.{name}"] = value
    return found


def _python_with_cupy() -> str:
    """An interpreter whose cupy is the real one: this one, or the one that FASTGRAD_CUPY_PYTHON names."""
    import os

    return os.environ.get("FASTGRAD_CUPY_PYTHON", sys.executable)


def test_every_name_is_cupys() -> None:
    names = _names()
    asked = subprocess.run(
        [_python_with_cupy(), "-c", ASK], input=json.dumps(list(names)), capture_output=True, text=True, check=False
    )
    if "No module named 'cupy'" in asked.stderr:
        pytest.skip("cupy is not installed")
    assert asked.returncode == 0, asked.stderr
    real = json.loads(asked.stdout)
    assert set(names) - set(real) == set()
    for name, value in names.items():
        if real[name] is None or not callable(value) or inspect.isclass(value) or isinstance(value, type(cupy.add)):
            continue
        mine = list(inspect.signature(value).parameters)
        if "args" not in mine:
            assert len(mine) <= len(real[name]), name


def test_it_refuses_what_cupy_refuses() -> None:
    x, y = cupy.ones((2, 3), "float32"), np.ones((2, 3), "float32")
    for call in (
        lambda: x + y,
        lambda: y + x,
        lambda: np.add(x, y),
        lambda: np.add(y, y, out=x),
        lambda: np.asarray(x),
        lambda: np.concatenate([x, y]),
        lambda: np.where(x > 0, x, y),
        lambda: np.add.at(x, (0, slice(None)), 1),
        lambda: np.max(x, initial=0),
        lambda: np.ones(2, like=x),
        lambda: x.__setitem__(0, y[0]),
        lambda: x.fill(y),
        lambda: np.frompyfunc(abs, 1, 1)(x),
    ):
        with pytest.raises(TypeError):
            call()
    with pytest.raises(NotImplementedError):
        np.maximum.reduce(x)
    assert not isinstance(x, np.ndarray)
    assert not hasattr(x, "__array_interface__")
    assert not hasattr(x, "__index__")
    assert not hasattr(x.flags, "writeable")
    with pytest.raises(AttributeError):
        x.name = 1


def test_memory_is_counted() -> None:
    pool = cupy.get_default_memory_pool()
    before = pool.used_bytes()
    x = cupy.empty(1000, "float32")
    view = x[10:]
    assert pool.used_bytes() - before == 4096
    assert (view.base is x, view.data.ptr - x.data.ptr) == (True, 40)
    del x
    assert pool.used_bytes() - before == 4096
    del view
    assert pool.used_bytes() == before


def test_every_kernel_has_a_stand_in() -> None:
    import kernels

    stub = ast.parse((Path(inspect.getfile(library)).parents[1] / "_cpu.pyi").read_text(encoding="utf-8"))
    functions = {node.name for node in stub.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")}
    tools = {"activations", "build", "elementwise", "fma_peak", "get_num_threads", "set_num_threads"}
    assert set(kernels.NAMES) == functions - tools
    assert Path(kernels.__file__).parent == STANDIN
    with pytest.raises(TypeError, match=r"softmax_forward\(\).*cupy"):
        _cpu.softmax_forward(cupy.ones((2, 2), "float32"), np.ones((2, 2), "float32"))
