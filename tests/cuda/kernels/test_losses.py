"""softmax and the losses on the device, beside the processor's and beside the same in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.cuda.kernels.conftest import Device, differences, run_on_cpu
from tests.cuda.kernels.test_products import DTYPES, numbers

SIZES = [(1, 1), (3, 5), (64, 10), (7, 1500), (0, 4)]
KINDS = [
    ("mse_loss", 0.0), ("l1_loss", 0.0), ("smooth_l1_loss", 0.5), ("smooth_l1_loss", 0.0), ("huber_loss", 0.7),
    ("binary_cross_entropy", 0.0), ("binary_cross_entropy_with_logits", 0.0),
]  # fmt: skip


def check(device: Device, dtype: Any, name: str, args: tuple[Any, ...], limit: float) -> None:
    """Compare with the processor and with float64; the limit is in units of the rounding error."""
    args = tuple([np.zeros_like(x) if isinstance(x, np.ndarray) and i < 2 else x for i, x in enumerate(args)])
    found = device.run(name, *args)
    wide = [x.astype(np.float64) if isinstance(x, np.ndarray) and x.dtype == dtype else x for x in args]
    eps = float(np.finfo(dtype).eps)
    assert differences(found, run_on_cpu(name, *args)) <= limit * eps
    assert differences(found[:2], run_on_cpu(name, *wide)[:2]) <= limit * eps


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax(device: Device, dtype: Any, size: tuple[int, int], name: str) -> None:
    x = 3 * numbers(dtype, *size)
    check(device, dtype, f"{name}_forward", (np.empty_like(x), x), 8)
    check(device, dtype, f"{name}_backward", (np.empty_like(x), numbers(dtype, *size, seed=1), -np.abs(x)), 64)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
def test_cross_entropy(
    device: Device, dtype: Any, size: tuple[int, int], reduction: str, smoothing: float, weighted: bool
) -> None:
    rows, classes = size
    x, loss = 3 * numbers(dtype, *size), np.empty(rows if reduction == "none" else (), dtype)
    weight = np.abs(numbers(dtype, classes)) if weighted else None
    target = np.random.default_rng(rows).integers(0, classes, rows)
    if rows > 1:
        target[0] = -100
    options = (weight, -100, smoothing, reduction)
    check(device, dtype, "cross_entropy", (loss, np.empty_like(x), x, target, *options), 64)
    check(device, dtype, "cross_entropy", (loss, None, x, target, *options), 64)
    probabilities = np.abs(numbers(dtype, *size, seed=1)) / classes
    check(device, dtype, "cross_entropy", (loss, np.empty_like(x), x, probabilities, *options), 64)
    check(device, dtype, "nll_loss", (loss, np.empty_like(x), x, target, weight, -100, reduction), 64)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("kind", "parameter"), KINDS)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("n", [1, 7, 5000])
def test_pointwise(device: Device, dtype: Any, kind: str, parameter: float, reduction: str, n: int) -> None:
    x, target = numbers(dtype, n), numbers(dtype, n, seed=1)
    if kind.startswith("binary"):
        target = np.random.default_rng(3).random(n).astype(dtype)
    if kind == "binary_cross_entropy":
        x = np.random.default_rng(4).random(n).astype(dtype)
    loss = np.empty(n if reduction == "none" else (), dtype)
    weight = np.abs(numbers(dtype, n, seed=5)) if kind.startswith("binary") else None
    args = (loss, np.empty_like(x), x, target, weight, None, kind, parameter, reduction)
    found, expected = device.run("pointwise_loss", *args), run_on_cpu("pointwise_loss", *args)
    assert differences(found[1:], expected[1:]) == 0  # the gradient has the processor's bits
    assert differences(found[:1], expected[:1]) < 64 * np.finfo(dtype).eps


@pytest.mark.parametrize("weighted", [False, True])
def test_cross_entropy_of_more_rows_than_a_block_adds_up(device: Device, weighted: bool) -> None:
    rows, classes = 5000, 3
    x, weight = 3 * numbers(np.float64, rows, classes), np.abs(numbers(np.float64, classes)) if weighted else None
    target = np.random.default_rng(rows).integers(0, classes, rows)
    target[::7] = -100
    options = (weight, -100, 0.0, "mean")
    check(device, np.float64, "cross_entropy", (np.empty(()), np.empty_like(x), x, target, *options), 256)
    target[4500] = 3
    with pytest.raises(IndexError, match=r"'target' is 3 at position 4500"):
        device.run("cross_entropy", np.empty(()), None, x, target, *options)


def test_numbers_that_are_no_rows_or_classes_are_found(device: Device) -> None:
    x = numbers(np.float32, 4, 3)
    with pytest.raises(IndexError, match=r"gather_rows\(\): argument 'index' is 7 at position 1, expected .* 0 to 3"):
        device.run("gather_rows", np.empty((2, 3), np.float32), x, np.array([1, 7]))
    loss = np.empty((), np.float32)
    with pytest.raises(IndexError, match=r"'target' is -4 at position 2, expected a class from 0 to 2"):
        device.run("cross_entropy", loss, None, x, np.array([1, 2, -4, 9]), None, -100, 0.0, "mean")
    args = (np.array([0.5, 1.5], np.float32), np.array([0.0, 1.0], np.float32))
    args += (None, None, "binary_cross_entropy", 0.0, "mean")
    with pytest.raises(ValueError, match=r"'x' is 1\.5 at position 1, expected numbers from 0 to 1"):
        device.run("pointwise_loss", loss, None, *args)
    assert np.isfinite(device.run("cross_entropy", loss, None, x, np.array([1, 2, 0, 2]), None, -100, 0.0, "mean")[0])


def test_arrays_of_two_devices(device: Device) -> None:
    x, y = numbers(np.float32, 2, 2), np.empty((2, 2), np.float32)
    with pytest.raises(TypeError, match=r"matmul\(\): argument 'b' is a numpy.ndarray, expected a cupy array"):
        _ = device.kernels.matmul(device.array(y), device.array(x), x)
