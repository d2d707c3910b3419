"""linear and matmul on the device: elements of a product have the processor's bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fastgrad import _cpu
from tests.cuda.conftest import needs_speed
from tests.cuda.kernels.conftest import Device, differences, run_on_cpu

SIZES = [(1, 1, 1), (1, 64, 9), (3, 5, 7), (64, 26, 100), (130, 70, 33), (33, 65, 129), (500, 60, 9), (5, 3, 0)]
# Enough for the largest tiles on a GPU with more than a hundred multiprocessors.
LARGE = pytest.param((2100, 2050, 40), marks=needs_speed)
DTYPES = [np.float32, np.float64]


def numbers(dtype: Any, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng((seed, *shape)).standard_normal(shape).astype(dtype)


@pytest.fixture(params=["none", "tanh", "gelu", "leaky_relu"])
def activation(request: pytest.FixtureRequest) -> Any:
    return None if request.param == "none" else _cpu.Activation(request.param)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [*SIZES, LARGE])
@pytest.mark.parametrize("order", ["C", "F"])
def test_linear_forward(device: Device, dtype: Any, size: tuple[int, int, int], order: Any, activation: Any) -> None:
    m, n, k = size
    z = np.empty((m, n), dtype) if activation and activation.reads == "input" else None
    args = (np.empty((m, n), dtype), z, numbers(dtype, m, k), np.array(numbers(dtype, n, k), order=order))
    args += (numbers(dtype, n), activation)
    assert differences(device.run("linear_forward", *args), run_on_cpu("linear_forward", *args)) == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("order", ["C", "F"])
def test_linear_backward(device: Device, dtype: Any, size: tuple[int, int, int], order: Any, activation: Any) -> None:
    m, n, k = size
    dx, dw, db = np.empty((m, k), dtype), np.empty((n, k), dtype, order=order), np.empty(n, dtype)
    saved = numbers(dtype, m, n, seed=1) if activation else None
    w = np.array(numbers(dtype, n, k), order=order)
    inputs = (numbers(dtype, m, n), saved, numbers(dtype, m, k), w, activation)
    found = device.run("linear_backward", dx, dw, db, *inputs)
    expected = run_on_cpu("linear_backward", dx, dw, db, *inputs)
    assert differences(found[:2], expected[:2]) == 0
    assert differences(found[2:], expected[2:]) < 8 * np.finfo(dtype).eps  # db adds up in another order
    found = device.run("linear_backward", None, dw, None, *inputs)
    assert differences(found, run_on_cpu("linear_backward", None, dw, None, *inputs)) == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES[:-1])
def test_linear_grad_input(device: Device, dtype: Any, size: tuple[int, int, int], activation: Any) -> None:
    m, n, k = size
    saved = numbers(dtype, m, k, seed=2) if activation else None
    args = (np.empty((m, k), dtype), numbers(dtype, m, n), numbers(dtype, n, k), saved, activation)
    assert differences(device.run("linear_grad_input", *args), run_on_cpu("linear_grad_input", *args)) == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("m", "n", "k"), [(1, 1, 1), (4, 6, 5), (40, 33, 65)])
def test_matmul(device: Device, dtype: Any, m: int, n: int, k: int) -> None:
    args = (np.empty((m, n), dtype), numbers(dtype, k, m).T, numbers(dtype, k, n))
    assert differences(device.run("matmul", *args), run_on_cpu("matmul", *args)) == 0
    batch = (np.empty((3, m, n), dtype), numbers(dtype, 3, m, k), numbers(dtype, 3, k, n))
    assert differences(device.run("matmul", *batch), run_on_cpu("matmul", *batch)) == 0


def test_outputs_are_made_in_the_order_of_the_weights(device: Device) -> None:
    x, w, b = numbers(np.float32, 4, 3), np.asfortranarray(numbers(np.float32, 5, 3)), numbers(np.float32, 5)
    tanh = _cpu.Activation("tanh")
    y, saved = _cpu.make_linear_forward(*(device.array(a) for a in (x, w, b)), tanh, True)
    expected, _ = _cpu.make_linear_forward(x, w, b, tanh, True)
    assert np.array_equal(device.numpy(y), expected)
    dy = numbers(np.float32, 4, 5)
    arrays = [device.array(a) for a in (dy, expected, x, w, b)]
    dx, dw, db = _cpu.make_linear_backward((False, True, True), *arrays, tanh)
    _, right, right_db = _cpu.make_linear_backward((False, True, True), dy, expected, x, w, b, tanh)
    assert dx is None
    assert np.array_equal(device.numpy(dw), right)
    assert dw.strides == right.strides
    np.testing.assert_allclose(device.numpy(db), right_db, rtol=1e-6)
    assert saved is y


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(("m", "n", "k"), [(1300, 7, 5), (1100, 100, 130)])
def test_a_long_sum_is_made_in_parts(device: Device, dtype: Any, order: Any, m: int, n: int, k: int) -> None:
    dx, dw, db = np.empty((m, k), dtype), np.empty((n, k), dtype, order=order), np.empty(n, dtype)
    inputs = (numbers(dtype, m, n), numbers(dtype, m, n, seed=1), numbers(dtype, m, k), numbers(dtype, n, k))
    inputs += (_cpu.Activation("tanh"),)
    found = device.run("linear_backward", dx, dw, db, *inputs)
    expected = run_on_cpu("linear_backward", dx, dw, db, *inputs)
    assert differences(found, expected) < 100 * np.finfo(dtype).eps
    assert differences(found, device.run("linear_backward", dx, dw, db, *inputs)) == 0
    for name, args in {
        "linear_forward": (np.empty((3, n), dtype), None, numbers(dtype, 3, 2000), numbers(dtype, n, 2000), None, None),
        "matmul": (np.empty((3, n), dtype), numbers(dtype, 3, 777), numbers(dtype, 777, n)),
        "linear_grad_input": (np.empty((3, k), dtype), numbers(dtype, 3, 999), numbers(dtype, 999, k), None, None),
    }.items():
        assert differences(device.run(name, *args), run_on_cpu(name, *args)) < 100 * np.finfo(dtype).eps
    sgd = (numbers(dtype, n, k), numbers(dtype, n), None, None, numbers(dtype, m, n), numbers(dtype, m, k))
    sgd += (0.1, 0.0, 0.0, 0.0, 0.0, False, False)
    assert differences(device.run("linear_sgd", *sgd), run_on_cpu("linear_sgd", *sgd)) < 100 * np.finfo(dtype).eps
