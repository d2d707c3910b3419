"""copy: between arrays of any layouts and dtypes."""

from __future__ import annotations

import numpy as np
import pytest

from fastgrad import _cpu
from tests.kernels.common import layouts, normal


@pytest.mark.parametrize("shape", [(1,), (7,), (3, 5), (2, 1, 4), (2, 3, 4, 5), (0, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int8, np.bool_, np.complex128])
def test_any_layout_into_any(shape: tuple[int, ...], dtype: type) -> None:
    source = np.asarray(normal(shape, np.float64) * 4).astype(dtype)
    targets = {name: np.zeros_like(a) for name, a in layouts(source).items() if a.flags.writeable}
    for name, view in layouts(source).items():
        for target in (*targets.values(), np.zeros((*shape, 2), dtype)[..., 0], np.zeros(shape, dtype, order="F")):
            target[...] = 0
            _cpu.copy(target, view)
            assert target.tobytes() == source.tobytes(), name


def test_one_number() -> None:
    to = np.zeros((), np.float32)
    _cpu.copy(to, np.full((), 3, np.float32))
    assert to == 3


def test_broadcast_sources() -> None:
    to = np.empty((3, 4), np.float32)
    for source in (np.float32(2.5), normal(4, np.float32), normal((3, 1), np.float32)):
        _cpu.copy(to, np.broadcast_to(source, to.shape))
        np.testing.assert_array_equal(to, np.broadcast_to(source, to.shape))


def test_errors() -> None:
    a = np.zeros((2, 3), np.float32)
    frozen = a.copy()
    frozen.setflags(write=False)
    with pytest.raises(ValueError, match=r"copy\(\): argument 'source' is of shape \(3,\), expected shape \(2, 3\)"):
        _cpu.copy(a, a[0])
    with pytest.raises(TypeError, match=r"copy\(\): argument 'source' is of dtype float64, expected float32"):
        _cpu.copy(a, a.astype(np.float64))
    with pytest.raises(ValueError, match=r"copy\(\): argument 'to' is read-only"):
        _cpu.copy(frozen, a)
    with pytest.raises(TypeError, match="a list"):
        _cpu.copy([1.0], a)
