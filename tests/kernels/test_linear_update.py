"""linear_grad_input, linear_sgd, linear_adam: the bits of the kernels that they stand for, one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fastgrad import _cpu
from tests.kernels.common import THREADS, blank, dtypes, normal, same_bits

# Rows of the batch, outputs, inputs: round the register tile, few rows, no rows, more than a block of the reduction.
SIZES = [(0, 3, 4), (1, 1, 1), (1, 32, 16), (2, 5, 33), (3, 64, 40), (4, 17, 9), (5, 7, 50), (14, 32, 31), (33, 100, 19),
         (128, 10, 64), (500, 37, 29)]  # fmt: skip
SGD = {
    "plain": dict(lr=0.1),
    "momentum": dict(lr=0.1, momentum=0.9, dampening=0.2),
    "nesterov": dict(lr=0.05, momentum=0.8, nesterov=True),
    "penalties": dict(lr=0.1, weight_decay=0.01, l1=0.02),
    "uphill": dict(lr=0.1, momentum=0.5, weight_decay=0.1, maximize=True),
}
ADAM = {"adam": dict(), "decoupled": dict(decoupled=True, weight_decay=0.1, l1=0.01), "amsgrad": dict(amsgrad=True)}
sizes = pytest.mark.parametrize("size", SIZES, ids=str)
orders = pytest.mark.parametrize("order", ["F", "C"])


def sgd_options(lr: float, momentum: float = 0.0, dampening: float = 0.0, weight_decay: float = 0.0, l1: float = 0.0,
                nesterov: bool = False, maximize: bool = False) -> tuple[Any, ...]:  # fmt: skip
    return lr, momentum, dampening, weight_decay, l1, nesterov, maximize


def operands(size: tuple[int, int, int], dtype: Any, order: str) -> tuple[np.ndarray, ...]:
    m, n, k = size
    w = np.array(normal((n, k), dtype, 1), order=order)
    return normal((m, n), dtype, 2), normal((m, k), dtype, 3), w, normal(n, dtype, 4)


def gradients(dz: np.ndarray, x: np.ndarray, w: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    dw, db = np.empty_like(w), np.empty_like(b)
    _cpu.linear_backward(None, dw, db, dz, None, x, None, None)
    return dw, db


@dtypes
@sizes
@orders
@pytest.mark.parametrize("rule", SGD)
def test_sgd(isa: str, dtype: Any, size: Any, order: str, rule: str) -> None:
    dz, x, w, b = operands(size, dtype, order)
    options = sgd_options(**SGD[rule])
    buffers = [np.array(normal(p.shape, dtype, 5), order=order) for p in (w, b)] if options[1] else None
    ours = [p.copy("K") for p in (w, b, *(buffers or ()))]
    for _ in range(2):
        dw, db = gradients(dz, x, w, b)
        _cpu.sgd([w, b], [dw, db], buffers, *options, [False, False])
        _cpu.linear_sgd(ours[0], ours[1], *(ours[2:] if buffers else (None, None)), dz, x, *options)
        for mine, theirs in zip(ours, (w, b, *(buffers or ())), strict=True):
            assert same_bits(mine, theirs)


@dtypes
@sizes
@orders
@pytest.mark.parametrize("rule", ADAM)
def test_adam(isa: str, dtype: Any, size: Any, order: str, rule: str) -> None:
    dz, x, w, b = operands(size, dtype, order)
    given = dict(ADAM[rule])
    amsgrad = given.pop("amsgrad", False)
    penalties = given.get("weight_decay", 0.01), given.get("l1", 0.0)
    options = (0.01, 0.9, 0.99, 1e-8, *penalties, given.get("decoupled", False), False)
    states = [[np.zeros_like(p) for p in (w, b)] for _ in range(3 if amsgrad else 2)]
    ours = [p.copy("K") for p in (w, b)]
    our_states = [[a.copy("K") for a in column] for column in states]
    for step in (1, 2, 3):
        dw, db = gradients(dz, x, w, b)
        _cpu.adam([w, b], [dw, db], states[0], states[1], states[2] if amsgrad else None, [step, step], *options)
        w_state, b_state = (tuple(column[i] for column in our_states) for i in (0, 1))
        _cpu.linear_adam(*ours, w_state, b_state, step, step, dz, x, *options)
        assert same_bits(ours[0], w)
        assert same_bits(ours[1], b)
        for mine, theirs in zip(our_states, states, strict=True):
            assert all(same_bits(a, e) for a, e in zip(mine, theirs, strict=True))


@dtypes
def test_without_bias_and_for_any_number_of_threads(isa: str, dtype: Any) -> None:
    dz, x, w, b = operands((300, 130, 170), dtype, "F")
    results = []
    for threads in THREADS:
        _cpu.set_num_threads(threads)
        mine, bias = w.copy("K"), b.copy()
        _cpu.linear_sgd(mine, None, None, None, dz, x, *sgd_options(0.1))
        _cpu.linear_sgd(mine, bias, None, None, dz, x, *sgd_options(0.1))
        results.append((mine.tobytes("A"), bias.tobytes()))
    assert len(set(results)) == 1


@dtypes
@sizes
@pytest.mark.parametrize("name", ["relu", "gelu", "tanh", None])
def test_grad_input(isa: str, dtype: Any, size: Any, name: str | None) -> None:
    dz, x, w, _ = operands(size, dtype, "F")
    plain, expected, dx = (blank(x.shape, dtype) for _ in range(3))
    activation = _cpu.Activation(name) if name else None
    _cpu.linear_backward(plain, None, None, dz, None, None, w, None)
    _cpu.linear_grad_input(dx, dz, w, x if name else None, activation)
    if activation is None:
        assert same_bits(dx, plain)
    else:
        _cpu.activation_backward(expected, plain, x, activation)
        assert same_bits(dx, expected)


def test_errors() -> None:
    dz, x, w, b = operands((4, 3, 5), np.float32, "F")
    options = sgd_options(0.1)
    with pytest.raises(ValueError, match=r"linear_sgd\(\): argument 'w' is of shape \(5, 3\), expected shape \(3, 5\)"):
        _cpu.linear_sgd(w.T, b, None, None, dz, x, *options)
    with pytest.raises(ValueError, match=r"linear_sgd\(\): argument 'w_buffer' is in another memory order"):
        _cpu.linear_sgd(w, b, np.zeros((3, 5), np.float32), np.zeros(3, np.float32), dz, x, *options)
    with pytest.raises(ValueError, match=r"linear_sgd\(\): argument 'w' is memory that overlaps"):
        _cpu.linear_sgd(w, b, w, np.zeros(3, np.float32), dz, x, *options)
    with pytest.raises(TypeError, match=r"linear_adam\(\): argument 'w_state' is a list, expected a tuple"):
        _cpu.linear_adam(w, b, [w, w], (b, b), 1, 1, dz, x, 0.1, 0.9, 0.9, 1e-8, 0.0, 0.0, False, False)
    with pytest.raises(ValueError, match=r"linear_grad_input\(\): argument 'dx' is of shape \(4, 4\)"):
        _cpu.linear_grad_input(blank((4, 4), np.float32), dz, w, None, None)
