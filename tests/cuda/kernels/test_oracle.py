"""Each kernel of the GPU against an oracle of its own in float64, in both dtypes and awkward sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fastgrad import _cpu
from tests import reference_linear, reference_losses, reference_random, reference_updates
from tests.cuda.kernels.conftest import Device
from tests.reference import ACTIVATIONS

DTYPES = [np.float32, np.float64]
SIZES = [(1, 1, 1), (3, 5, 7), (65, 33, 100), (2, 129, 1000)]


def numbers(dtype: Any, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng((seed, *shape)).standard_normal(shape).astype(dtype)


def close(found: Any, expected: Any, dtype: Any, terms: int = 1) -> None:
    """Equal but for rounding: `terms` is how many numbers were added up."""
    limit = (16 + 2 * terms) * np.finfo(dtype).eps
    np.testing.assert_allclose(found, expected, rtol=limit, atol=limit)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES)
def test_linear(device: Device, dtype: Any, size: tuple[int, int, int]) -> None:
    m, n, k = size
    x, w, b, dz = numbers(dtype, m, k), numbers(dtype, n, k), numbers(dtype, n), numbers(dtype, m, n)
    y = device.run("linear_forward", np.empty((m, n), dtype), None, x, w, b, None)[0]
    close(y, reference_linear.linear(x, w, b), dtype, k)
    empty = (np.empty((m, k), dtype), np.empty((n, k), dtype), np.empty(n, dtype))
    found = device.run("linear_backward", *empty, dz, None, x, w, None)[:3]
    for each, expected, terms in zip(found, reference_linear.linear_backward(dz, x, w), (n, m, m), strict=True):
        close(each, expected, dtype, terms)
    close(device.run("linear_grad_input", empty[0], dz, w, None, None)[0], found[0], dtype, n)
    w_new, b_new = device.run("linear_sgd", w, b, None, None, dz, x, 0.5, 0.0, 0.0, 0.1, 0.0, False, False)[:2]
    dw, db = (reference_linear.linear_backward(dz, x, w)[i] for i in (1, 2))
    close(w_new, reference_updates.sgd(w, dw, lr=0.5, weight_decay=0.1)[0], dtype, m)
    close(b_new, reference_updates.sgd(b, db, lr=0.5, weight_decay=0.1)[0], dtype, m)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", ACTIVATIONS, ids=lambda row: row.name)
def test_activation(device: Device, dtype: Any, row: Any) -> None:
    parameters = row.parameters[0]
    activation = _cpu.Activation(row.name, *parameters)
    x = np.concatenate([3 * numbers(dtype, 300), np.array(row.points(*parameters), dtype)])
    x = x[~np.isin(x, np.array(list(row.kinks(*parameters)), dtype))]
    y = device.run("activation_forward", np.empty_like(x), x, activation)[0]
    limit = 4 * row.ulp * np.finfo(dtype).eps
    np.testing.assert_allclose(y, row.forward(x.astype(np.float64), *parameters), limit, limit)
    dy = numbers(dtype, *x.shape, seed=1)
    saved = y if activation.reads == "output" else x
    dx = device.run("activation_backward", np.empty_like(x), dy, saved, activation)[0]
    expected = dy * row.derivative(x.astype(np.float64), *parameters)
    np.testing.assert_allclose(dx, expected, 64 * limit, 64 * limit)  # what the output's rounding makes of it


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [(1, 1), (5, 3), (33, 100), (4, 3000)])
def test_softmax(device: Device, dtype: Any, size: tuple[int, int]) -> None:
    x, dy = 3 * numbers(dtype, *size), numbers(dtype, *size, seed=1)
    y = device.run("softmax_forward", np.empty_like(x), x)[0]
    close(y, reference_linear.softmax(x), dtype, 16)
    dx = device.run("softmax_backward", np.empty_like(x), dy, y)[0]
    close(dx, reference_linear.softmax_backward(dy, y), dtype, 64)
    log_y = device.run("log_softmax_forward", np.empty_like(x), x)[0]
    close(log_y, reference_linear.log_softmax(x), dtype, 16)
    found = device.run("log_softmax_backward", np.empty_like(x), dy, log_y)[0]
    close(found, reference_linear.log_softmax_backward(dy, log_y), dtype, size[1])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("size", [(1, 2), (17, 5), (300, 40)])
def test_class_losses(device: Device, dtype: Any, reduction: str, size: tuple[int, int]) -> None:
    n, c = size
    x, weight = 2 * numbers(dtype, n, c), np.abs(numbers(dtype, c, seed=1)) + dtype(0.1)
    target = np.random.default_rng(2).integers(0, c, n)
    target[1::5] = -100
    loss = np.empty(n if reduction == "none" else (), dtype)
    for smoothing in (0.0, 0.2):
        found = device.run("cross_entropy", loss, np.empty_like(x), x, target, weight, -100, smoothing, reduction)[:2]
        expected = reference_losses.cross_entropy(x, target, weight, -100, smoothing, reduction)
        for each, right in zip(found, expected, strict=True):
            close(each, right, dtype, n)
    found = device.run("nll_loss", loss, np.empty_like(x), x, target, weight, -100, reduction)[:2]
    for each, right in zip(found, reference_losses.nll_loss(x, target, weight, -100, reduction), strict=True):
        close(each, right, dtype, n)


POINTWISE = ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy_with_logits"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", POINTWISE)
def test_pointwise_losses(device: Device, dtype: Any, kind: str) -> None:
    x, target = numbers(dtype, 700), numbers(dtype, 700, seed=1)
    target = np.random.default_rng(3).random(700).astype(dtype) if kind.startswith("binary") else target
    args = (np.empty((), dtype), np.empty_like(x), x, target, None, None, kind, 0.75, "mean")
    for each, right in zip(
        device.run("pointwise_loss", *args)[:2],
        reference_losses.pointwise(kind, x, target, None, None, 0.75, "mean"),
        strict=True,
    ):
        close(each, right, dtype, 16)


@pytest.mark.parametrize("dtype", DTYPES)
def test_updates(device: Device, dtype: Any) -> None:
    p, g, m, v = (numbers(dtype, 1030, seed=i) for i in range(4))
    v = np.abs(v)
    args = ([p], [g], [m], 0.1, 0.9, 0.0, 0.01, 0.02, True, False, [False])
    found = device.run("sgd", *args)
    right = reference_updates.sgd(p, g, m, lr=0.1, momentum=0.9, weight_decay=0.01, l1=0.02, nesterov=True)
    close(found[0][0], right[0], dtype)
    close(found[2][0], right[1], dtype)
    for decoupled in (False, True):
        found = device.run("adam", [p], [g], [m], [v], [v], [5], 0.1, 0.9, 0.99, 1e-8, 0.01, 0.0, decoupled, False)
        expected = reference_updates.adam(
            p, g, m, v, v, 5, lr=0.1, beta1=0.9, beta2=0.99, weight_decay=0.01, decoupled=decoupled
        )
        for i, right_one in zip((0, 2, 3, 4), expected, strict=True):
            np.testing.assert_allclose(found[i][0], right_one, 2e-5 if dtype is np.float32 else 1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
def test_dropout_rows_and_embeddings(device: Device, dtype: Any) -> None:
    x = numbers(dtype, 1001)
    y = device.run("dropout", np.empty_like(x), x, 0.25, 9, 5)[0]
    kept = reference_random.words(9, 5, 1001) >= 0.25 * 2**32
    close(y, np.where(kept, x / 0.75, 0), dtype)
    table, index = numbers(dtype, 11, 3), np.random.default_rng(4).integers(0, 11, 40)
    assert np.array_equal(device.run("gather_rows", np.empty((40, 3), dtype), table, index)[0], table[index])
    dy = numbers(dtype, 40, 3, seed=1)
    found = device.run("embedding_backward", np.empty((11, 3), dtype), dy, index, 2)[0]
    close(found, reference_linear.embedding_backward(dy, index, 11, 2), dtype, 40)
