"""fastgrad._cuda has the kernels of fastgrad._cpu; ``python -m tests.cuda.kernels.test_names`` prints their names."""

from __future__ import annotations

from importlib.machinery import PathFinder
from importlib.util import module_from_spec

import pytest

import fastgrad
from fastgrad import _cpu

NOT_KERNELS = {"Activation", "Compiled", "Program", "Programs", "activations", "build", "fma_peak", "get_num_threads",
               "set_num_threads"}  # fmt: skip
OF_THE_DEVICE = {"Program", "Programs", "build", "device_count", "synchronize"}


def names() -> set[str]:
    """What the kernels are called on either device."""
    return {name for name in dir(_cpu) if not name.startswith("_")} - NOT_KERNELS


def test_the_same_kernels_under_the_same_names() -> None:
    spec = PathFinder.find_spec("_cuda", list(fastgrad.__path__))
    if spec is None:
        pytest.skip("fastgrad is built without the kernels for GPUs")
    _cuda = module_from_spec(spec)  # not what stands in for it
    spec.loader.exec_module(_cuda)
    kernels = names()
    assert kernels == {name for name in dir(_cuda) if not name.startswith("_")} - OF_THE_DEVICE
    for name in kernels:
        assert getattr(_cpu, name).__doc__.split("\n")[0] == getattr(_cuda, name).__doc__.split("\n")[0]


if __name__ == "__main__":
    print(*sorted(names()), sep="\n")
