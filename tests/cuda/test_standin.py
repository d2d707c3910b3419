"""The stand-in for cupy has no names, and no arguments, that cupy does not have."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.cuda.conftest import KIND

if KIND == "real":
    pytest.skip("the real cupy is used", allow_module_level=True)

import cupy
from cupy._functions import functions, ufunc

PARTS = {
    "cupy.ndarray": cupy.ndarray,
    "cupy.cuda": cupy.cuda,
    "cupy.cuda.runtime": cupy.cuda.runtime,
    "cupy.cuda.Device": cupy.cuda.Device,
    "cupy.cuda.Stream": cupy.cuda.Stream,
    "cupy.cuda.Event": cupy.cuda.Event,
}
OWN = {
    "cupy.ndarray": set(),
    "cupy.cuda": {"pool", "itertools", "time", "Callable", "Any", "MemoryPointer"},
    "cupy.cuda.runtime": {"DEVICES", "current", "stack", "synchronizations", "types", "pinned"},
}

# Runs where the real one is found: names and arguments as JSON.
ASK = """
import inspect, json, sys
from functools import reduce
try:
    import cupy
except ImportError as error:
    sys.exit(f"cupy cannot be imported: {error}")
parts, functions = json.loads(sys.argv[1])
def arguments(f):
    try:
        return list(inspect.signature(f).parameters)
    except (TypeError, ValueError):
        return None
names = {part: dir(reduce(getattr, part.split(".")[1:], cupy)) for part in parts}
print(json.dumps([names, {f: arguments(getattr(cupy, f)) if hasattr(cupy, f) else "missing" for f in functions}]))
"""


def _public(x: object) -> set[str]:
    return {name for name in dir(x) if not name.startswith("_")}


@pytest.fixture(scope="module")
def real() -> tuple[dict[str, list[str]], dict[str, list[str] | str | None]]:
    standin = str(Path(cupy.__file__).parents[1])
    path = [p for p in sys.path if p and p != standin]
    asked = json.dumps([list(PARTS), list(functions)])
    script = f"import sys; sys.path[:] = {path!r}{ASK}"
    done = subprocess.run([sys.executable, "-c", script, asked], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.mark.parametrize("part", PARTS)
def test_names(part: str, real: tuple[dict[str, list[str]], object]) -> None:
    assert _public(PARTS[part]) - OWN.get(part, set()) - {"annotations"} <= set(real[0][part])


def test_functions_and_their_arguments(real: tuple[object, dict[str, list[str] | str | None]]) -> None:
    for name, function in functions.items():
        arguments = real[1][name]
        assert arguments != "missing", name
        signature = getattr(function, "__signature__", None)
        if signature is not None and arguments is not None:
            assert list(signature.parameters) == list(arguments)[: len(signature.parameters)], name


def test_refuses_what_cupy_refuses() -> None:
    x = cupy.ones((2, 3), "float32")
    host = np.ones((2, 3), "float32")
    for attempt in (
        lambda: np.asarray(x),
        lambda: x + host,
        lambda: host + x,
        lambda: np.add(x, host),
        lambda: np.concatenate([x, host]),
        lambda: np.copyto(x, host),
        lambda: x.__setitem__(0, host[0]),
        lambda: np.maximum.reduce(x),
        lambda: np.maximum.at(x, (0, 0), 1),
    ):
        with pytest.raises((TypeError, ValueError, NotImplementedError)):
            pytest.fail(str(attempt()))
    assert isinstance(functions["add"], ufunc)
    assert type(x.sum()) is cupy.ndarray  # not a scalar
