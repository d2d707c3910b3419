"""fastgrad._cuda has the kernels of fastgrad._cpu; ``python -m tests.cuda.kernels.test_names`` prints their names."""

from __future__ import annotations

import pytest

from fastgrad import _cpu
from tests.cuda.conftest import BUILT

NOT_KERNELS = {"Activation", "Compiled", "Program", "Programs", "activations", "build", "fma_peak", "get_num_threads",
               "set_num_threads"}  # fmt: skip
OF_THE_DEVICE = {"Program", "Programs", "build", "device_count", "synchronize"}


def names() -> set[str]:
    """What the kernels are called on either device."""
    return {name for name in dir(_cpu) if not name.startswith("_")} - NOT_KERNELS


def test_the_same_kernels_under_the_same_names() -> None:
    if BUILT is None:
        pytest.skip("fastgrad is built without the kernels for GPUs")
    kernels = names()
    assert kernels == {name for name in dir(BUILT) if not name.startswith("_")} - OF_THE_DEVICE
    for name in kernels:
        assert getattr(_cpu, name).__doc__.split("\n")[0] == getattr(BUILT, name).__doc__.split("\n")[0]


if __name__ == "__main__":
    print(*sorted(names()), sep="\n")
