"""Activations, PReLU, dropout, rows, copies and chains on the device: the processor's bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fastgrad import _cpu
from tests.cuda.kernels.conftest import Device, differences, run_on_cpu
from tests.cuda.kernels.test_products import DTYPES, numbers

NAMES = [entry["name"] for entry in _cpu.activations()]
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-40, -1e-40, 100.0, -100.0, 1e30]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_activations(device: Device, dtype: Any, name: str) -> None:
    f = _cpu.Activation(name)
    for n in (0, 1, 5, 1000, 4099):
        x = np.concatenate([4 * numbers(dtype, n), np.array(SPECIAL, dtype)])
        forward = (np.empty_like(x), x, f)
        expected = run_on_cpu("activation_forward", *forward)
        assert differences(device.run("activation_forward", *forward), expected) == 0
        backward = (np.empty_like(x), numbers(dtype, len(x)), expected[0] if f.reads == "output" else x, f)
        found = device.run("activation_backward", *backward)
        assert differences(found, run_on_cpu("activation_backward", *backward)) == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("shape", "slopes"),
    [((5, 3, 1), 3), ((2, 7, 9), 7), ((4, 4, 4), 1), ((1, 1, 2000), 1), ((3, 2, 9000), 2), ((3, 2, 9000), 1)],
)
def test_prelu(device: Device, dtype: Any, shape: tuple[int, int, int], slopes: int) -> None:
    x, a, dy = numbers(dtype, *shape), numbers(dtype, slopes), numbers(dtype, *shape, seed=1)
    forward = (np.empty_like(x), x, a)
    assert differences(device.run("prelu_forward", *forward), run_on_cpu("prelu_forward", *forward)) == 0
    backward = (np.empty_like(x), np.empty_like(a), dy, x, a)
    found, expected = device.run("prelu_backward", *backward), run_on_cpu("prelu_backward", *backward)
    assert differences(found[:1], expected[:1]) == 0
    assert differences(found[1:2], expected[1:2]) < 32 * np.finfo(dtype).eps


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [0, 1, 1000, 3001])
@pytest.mark.parametrize("offset", [0, 3, 7, 2**40 + 1])
def test_dropout_draws_the_same_numbers(device: Device, dtype: Any, n: int, offset: int) -> None:
    args = (np.empty(n, dtype), numbers(dtype, n), 0.3, 12345678901234, offset)
    assert differences(device.run("dropout", *args), run_on_cpu("dropout", *args)) == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.uint8, np.complex128])
@pytest.mark.parametrize("columns", [1, 3, 16])
def test_gather(device: Device, dtype: Any, columns: int) -> None:
    x = (100 * numbers(np.float64, 9, columns)).astype(dtype)
    index = np.random.default_rng(1).integers(0, 9, 20)
    found = device.run("gather_rows", np.empty((20, columns), dtype), x, index)
    assert np.array_equal(found[0], x[index])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", [(20, 9, 6), (900, 3000, 8), (70000, 512, 1)])  # the latter are sorted first
def test_embedding_backward(device: Device, dtype: Any, sizes: tuple[int, int, int]) -> None:
    n, rows, columns = sizes
    index = np.random.default_rng(2).integers(0, rows, n)
    args = (np.empty((rows, columns), dtype), numbers(dtype, n, columns), index, 4)
    assert differences(device.run("embedding_backward", *args), run_on_cpu("embedding_backward", *args)) == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.bool_, np.complex128])
def test_copies_of_any_layout(device: Device, dtype: Any) -> None:
    x = (100 * numbers(np.float64, 6, 5, 4)).astype(dtype)
    for source in (x, x.T, np.asfortranarray(x)):
        found = device.run("copy", np.empty(source.shape, dtype), source)
        assert np.array_equal(found[0], source)


@pytest.mark.parametrize("dtype", DTYPES)
def test_chains(device: Device, dtype: Any) -> None:
    # registers: inputs 0 1, outputs 2 3, slots 4 5
    steps = [("multiply", 4, 0, 1, 0), ("greater", 5, 4, 0, 0), ("where", 2, 5, 0, 1), ("to_bool", 3, 5, 0, 0)]
    for rows, columns in ((1, 1), (3, 700), (40, 5)):
        outputs = [np.empty((rows, columns), dtype), np.empty((rows, columns), np.bool_)]
        inputs = [numbers(dtype, rows, columns), numbers(dtype, rows, columns, seed=1)]
        args = (outputs, inputs, steps, np.dtype(dtype).name, 2)
        found, expected = device.run("elementwise", *args), run_on_cpu("elementwise", *args)
        assert all(np.array_equal(x, y) for x, y in zip(found[0], expected[0], strict=True))
