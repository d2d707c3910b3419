"""fastgrad._cuda has the kernels of fastgrad._cpu."""

from __future__ import annotations

import pytest

from fastgrad import _cpu
from fastgrad.cuda import library
from tests.cuda.conftest import COMPILED, EMULATED

NOT_KERNELS = {"Activation", "Compiled", "Program", "Programs", "activations", "build", "fma_peak", "get_num_threads",
               "set_num_threads"}  # fmt: skip
OF_THE_DEVICE = {"build", "device_count", "synchronize"}


def test_the_same_kernels_under_the_same_names() -> None:
    _cuda = library.kernels() if EMULATED else COMPILED
    if _cuda is None:
        pytest.skip("fastgrad is built without the kernels for GPUs")
    kernels = {name for name in dir(_cpu) if not name.startswith("_")} - NOT_KERNELS
    assert kernels == {name for name in dir(_cuda) if not name.startswith("_")} - OF_THE_DEVICE
    for name in kernels:
        assert getattr(_cpu, name).__doc__.split("\n")[0] == getattr(_cuda, name).__doc__.split("\n")[0]
