"""Products of lower precision on the device: factors rounded to TF32 or bfloat16, sums in float32."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fastgrad import _cpu
from tests.cuda.conftest import needs_speed
from tests.cuda.kernels.conftest import Device

PRECISIONS = ["high", "medium"]
# Awkward ones, more than a tile of each size, and enough of k for parts.
SIZES = [
    (1, 1, 1), (7, 17, 1), (1, 64, 100), (63, 100, 17), (64, 64, 64), (129, 128, 7), (128, 132, 300), (5, 3, 0),
    (8, 12, 1030), (17, 7, 1030), (100, 68, 560),
]  # fmt: skip
LARGE = [(256, 256, 72), (300, 260, 36), (512, 512, 40), (1028, 260, 33)]
# The same for a GPU with more than a hundred multiprocessors.
LARGE += [pytest.param(size, marks=needs_speed) for size in [(2048, 2048, 40), (2052, 4100, 36), (2048, 4096, 72)]]


def rounded(x: np.ndarray, precision: str) -> np.ndarray:
    """Every number as the tensor cores get it."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    if precision == "high":  # halves away from zero
        bits = (bits + np.uint32(0x1000)) & np.uint32(0xFFFFE000)
    else:  # halves to even
        bits = (bits + np.uint32(0x7FFF) + (bits >> 16 & 1)) & np.uint32(0xFFFF0000)
    return np.where(np.isfinite(x), bits.view(np.float32), x).astype(np.float64)


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng((seed, *shape)).standard_normal(shape).astype(np.float32)


def laid_out(x: np.ndarray, layout: str) -> np.ndarray:
    """The same numbers, in another layout in memory."""
    if layout == "C":
        return x.copy()
    if layout == "F":
        return np.asfortranarray(x)
    wide = np.zeros((x.shape[0] * 2 + 1, x.shape[1] * 3 + 1), np.float32)
    view = wide[1::2, 1::3] if layout == "strided" else wide[1 : 1 + x.shape[0], 1 : 1 + x.shape[1]]
    view[...] = x
    return view


class Exact:
    """a b for rounded factors, and how far float32 sums may be from it."""

    def __init__(self, a: np.ndarray, b: np.ndarray, precision: str) -> None:
        left, right = rounded(a, precision), rounded(b, precision)
        self.value = left @ right
        self.bound = (a.shape[1] + 2) * 2.0**-23 * (np.abs(left) @ np.abs(right)) + 1e-37

    def check(self, y: np.ndarray, factor: float = 1) -> None:
        assert y.shape == self.value.shape
        assert (np.abs(y - self.value) <= factor * self.bound).all()


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("layouts", ["CC", "CF", "FC", "FF", "strided", "shifted"])
def test_matmul(device: Device, precision: str, size: tuple[int, int, int], layouts: str) -> None:
    m, n, k = size
    first, second = layouts if len(layouts) == 2 else (layouts, layouts)
    a, b = laid_out(numbers(m, k), first), laid_out(numbers(k, n, seed=1), second)
    y = device.array(np.full((m, n), np.nan, np.float32))
    _cpu.matmul(y, _on_device(device, a, first), _on_device(device, b, second), precision)
    Exact(a, b, precision).check(device.numpy(y))


def _on_device(device: Device, x: np.ndarray, layout: str) -> Any:
    """With its strides: cupy would make a copy of a view contiguous."""
    if layout in "CF":
        return device.array(x)
    base = device.array(np.ascontiguousarray(x.base))
    return base[1::2, 1::3] if layout == "strided" else base[1 : 1 + x.shape[0], 1 : 1 + x.shape[1]]


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("size", LARGE)
@pytest.mark.parametrize("layouts", ["CC", "FF"])
def test_large_tiles(device: Device, precision: str, size: tuple[int, int, int], layouts: str) -> None:
    test_matmul(device, precision, size, layouts)
