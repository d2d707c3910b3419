"""A GPU for the tests of this directory: a real one, or else a stand-in for cupy and the kernels on numpy's memory."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import fastgrad as fg

STANDIN = Path(__file__).parent / "standin"


def has_gpu() -> bool:
    """Whether there is a real one."""
    return fg.cuda.is_available()


if not has_gpu():
    sys.path.insert(0, str(STANDIN))
    for name in [name for name in sys.modules if name.partition(".")[0] in ("cupy", "cupyx")]:
        del sys.modules[name]
    sys.modules["fastgrad._cuda"] = importlib.import_module("kernels")
