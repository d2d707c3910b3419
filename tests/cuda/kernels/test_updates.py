"""SGD and Adam on the device: the processor's bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.cuda.kernels.conftest import Device, differences, run_on_cpu
from tests.cuda.kernels.test_products import DTYPES, numbers

SHAPES = [(3, 4), (2000,), (1,), (0, 5), *[(7, 3)] * 60]  # more than one launch takes


def tensors(dtype: Any, seed: int) -> list[np.ndarray]:
    return [numbers(dtype, *shape, seed=seed + 100 * i) for i, shape in enumerate(SHAPES)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("l1", [0.0, 0.01])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
@pytest.mark.parametrize("first", [False, True])
def test_sgd(
    device: Device, dtype: Any, l1: float, weight_decay: float, momentum: float, nesterov: bool, first: bool
) -> None:
    buffers = tensors(dtype, 2) if momentum else None
    options = (0.1, momentum, 0.0, weight_decay, l1, nesterov, l1 > 0, [first] * len(SHAPES))
    args = (tensors(dtype, 0), tensors(dtype, 1), buffers, *options)
    assert differences(device.run("sgd", *args)[:3], run_on_cpu("sgd", *args)[:3]) == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize("decoupled", [False, True])
def test_adam(device: Device, dtype: Any, amsgrad: bool, decoupled: bool) -> None:
    squares = [np.abs(x) for x in tensors(dtype, 3)]
    largest = [np.abs(x) for x in tensors(dtype, 4)] if amsgrad else None
    steps = list(range(1, len(SHAPES) + 1))
    options = (steps, 0.1, 0.9, 0.99, 1e-8, 0.01, 0.001, decoupled, False)
    args = (tensors(dtype, 0), tensors(dtype, 1), tensors(dtype, 2), squares, largest, *options)
    eps = np.finfo(dtype).eps  # a power of beta may be rounded differently
    assert differences(device.run("adam", *args)[:5], run_on_cpu("adam", *args)[:5]) <= 8 * eps


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("size", [(1, 1, 1), (37, 20, 30), (5, 64, 70)])
def test_updates_fused_with_the_gradient(device: Device, dtype: Any, order: Any, size: tuple[int, int, int]) -> None:
    m, n, k = size
    w, state, square = (np.array(np.abs(numbers(dtype, n, k, seed=i)), order=order) for i in range(3))
    b, b_state, b_square = (np.abs(numbers(dtype, n, seed=i)) for i in range(3))
    dz, x = numbers(dtype, m, n), numbers(dtype, m, k)
    eps = np.finfo(dtype).eps
    sgd = (w, b, state, b_state, dz, x, 0.1, 0.9, 0.0, 0.01, 0.001, False, False)
    found, expected = device.run("linear_sgd", *sgd), run_on_cpu("linear_sgd", *sgd)
    assert differences(found[:1] + found[2:3], expected[:1] + expected[2:3]) == 0
    assert differences(found, expected) < 8 * eps
    options = (0.1, 0.9, 0.99, 1e-8, 0.01, 0.001, False, False)
    adam = (w, b, (state, square), (b_state, b_square), 3, 3, dz, x, *options)
    assert differences(device.run("linear_adam", *adam), run_on_cpu("linear_adam", *adam)) < 64 * eps
