"""sgd and adam: torch's arithmetic over several steps, lists, layouts, errors before any write."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from fastgrad import _cpu
from tests import reference_updates as oracle
from tests.kernels.common import (
    assert_close,
    blank,
    broadcasts,
    dtypes,
    layouts,
    normal,
    rejects,
    same_bits,
    same_for_any_threads,
    unchanged,
)

SHAPES = [(), (1,), (3,), (17,), (5, 7), (0,), (2, 0), (130,), (33, 4, 3), (40, 30)]
SGD = dict(lr=0.1, momentum=0.0, dampening=0.0, weight_decay=0.0, l1=0.0, nesterov=False, maximize=False)
ADAM = dict(lr=0.01, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0, l1=0.0, decoupled=False, maximize=False)
PENALTIES = [(0.0, 0.0), (0.125, 0.0), (0.0, 0.25), (0.125, 0.25)]


def starts(dtype: Any) -> list[np.ndarray]:
    """Parameters of many shapes with zeros of both signs among them, in C and Fortran order."""
    params = [np.asarray(normal(shape, dtype, i), order="CF"[i % 2]) for i, shape in enumerate(SHAPES)]
    params[3][:4] = [0.0, -0.0, 1.0, -1.0]
    return params


def sgd(params, grads, buffers, first=None, **options):
    first = [False] * len(params) if first is None else first
    with unchanged(*grads):
        _cpu.sgd(params, grads, buffers, *(SGD | options).values(), first)


def adam(params, grads, averages, squares, largest, steps, **options):
    with unchanged(*grads):
        _cpu.adam(params, grads, averages, squares, largest, steps, *(ADAM | options).values())


@dtypes
@pytest.mark.parametrize(("momentum", "dampening", "nesterov"), [(0, 0, 0), (0.9, 0, 0), (0.9, 0.5, 0), (0.9, 0, 1)])
@pytest.mark.parametrize(("weight_decay", "l1"), PENALTIES)
@pytest.mark.parametrize("maximize", [False, True])
def test_sgd(isa, dtype, momentum, dampening, nesterov, weight_decay, l1, maximize):
    options = dict(momentum=float(momentum), dampening=float(dampening), nesterov=bool(nesterov))
    options |= dict(weight_decay=weight_decay, l1=l1, maximize=maximize)
    params = starts(dtype)
    buffers = [np.full_like(p, np.nan) for p in params] if momentum else None
    for step in range(3):
        grads = [normal(p.shape, dtype, 100 * step + i) for i, p in enumerate(params)]
        first = [step == 0] * len(params)
        expected = [
            oracle.sgd(p, g, None if buffers is None else buffers[i], lr=0.1, first=step == 0, **options)
            for i, (p, g) in enumerate(zip(params, grads, strict=True))
        ]
        sgd(params, grads, buffers, first, **options)
        for i, (p, buffer) in enumerate(expected):
            assert_close(np.asarray(params[i]), p, scale=1.0, what=f"param {SHAPES[i]} step {step}")
            if buffers is not None:
                assert_close(np.asarray(buffers[i]), buffer, scale=4.0, what=f"buffer {SHAPES[i]} step {step}")


@dtypes
@pytest.mark.parametrize(("decoupled", "amsgrad", "maximize"), list(itertools.product([False, True], repeat=3)))
@pytest.mark.parametrize(("weight_decay", "l1"), PENALTIES)
def test_adam(isa, dtype, decoupled, amsgrad, maximize, weight_decay, l1):
    options = dict(decoupled=decoupled, maximize=maximize, weight_decay=weight_decay, l1=l1)
    params = starts(dtype)
    averages, squares, largest = ([np.zeros_like(p) for p in params] for _ in range(3))
    for step in range(1, 4):
        # Gradients of ordinary size: where one is rounded to 0 by cancellation, m / sqrt(v) is anything.
        grads = [normal(p.shape, dtype, 100 * step + i) / dtype(step**2) + dtype(4) for i, p in enumerate(params)]
        grads = [np.asarray(g) for g in grads]
        expected = [
            oracle.adam(*arrays[:4], arrays[4] if amsgrad else None, step, lr=0.01, **options)
            for arrays in zip(params, grads, averages, squares, largest, strict=True)
        ]
        adam(params, grads, averages, squares, largest if amsgrad else None, [step] * len(params), **options)
        for i, (p, m, v, v_max) in enumerate(expected):
            what = f"{SHAPES[i]} step {step}"
            assert_close(np.asarray(params[i]), p, scale=1.0, what=f"param {what}")
            assert_close(np.asarray(averages[i]), m, scale=1.0, what=f"exp_avg {what}")
            assert_close(np.asarray(squares[i]), v, scale=1.0, what=f"exp_avg_sq {what}")
            if amsgrad:
                assert_close(np.asarray(largest[i]), v_max, scale=1.0, what=f"max {what}")


@dtypes
def test_each_parameter_has_its_own_step_and_first_flag(isa, dtype):
    params, grads = [normal(9, dtype, i) for i in range(3)], [normal(9, dtype, 9 + i) for i in range(3)]
    buffers = [np.full(9, np.nan, dtype), normal(9, dtype, 20), np.full(9, np.nan, dtype)]
    first = [True, False, True]
    expected = [
        oracle.sgd(p, g, b, lr=0.1, momentum=0.5, first=f)
        for p, g, b, f in zip(params, grads, buffers, first, strict=True)
    ]
    sgd(params, grads, buffers, first, momentum=0.5)
    for p, b, (truth, buffer) in zip(params, buffers, expected, strict=True):
        assert_close(p, truth, scale=1.0)
        assert_close(b, buffer, scale=1.0)
    averages, squares = (
        [normal(9, dtype, 30 + i) for i in range(3)],
        [np.abs(normal(9, dtype, 40 + i)) for i in range(3)],
    )
    steps = [1, 10, 10_000_000]
    expected = [
        oracle.adam(p, g, m, v, None, t, lr=0.01)
        for p, g, m, v, t in zip(params, grads, averages, squares, steps, strict=True)
    ]
    adam(params, grads, averages, squares, None, steps)
    for p, (truth, *_) in zip(params, expected, strict=True):
        assert_close(p, truth, scale=1.0)


@dtypes
def test_the_penalty_of_zero_and_nan(isa, dtype):
    """Rule 9: sign(+-0) is 0; a NaN gradient stays NaN, and a NaN parameter too."""
    p = np.array([0.0, -0.0, 2.0, -3.0, np.nan, 1.0], dtype)
    g = np.array([0.0, 0.0, 0.0, 0.0, 0.0, np.nan], dtype)
    sgd([p], [g], None, lr=1.0, l1=0.5)
    assert p[:4].tolist() == [0.0, 0.0, 1.5, -2.5]
    assert np.isnan(p[4:]).all()


@dtypes
def test_gradients_in_any_layout(isa, dtype):
    for order in "CF":
        start, grad = np.asarray(normal((11, 13), dtype), order=order), normal((11, 13), dtype, 1)
        expected = start.copy(order="K")
        sgd([expected], [grad], None, weight_decay=0.5)
        for name, g in (layouts(grad)).items():
            p = start.copy(order="K")
            sgd([p], [g], None, weight_decay=0.5)
            assert same_bits(p, expected), (name, order)
        for name, g in broadcasts(grad.shape, dtype).items():
            p, q = start.copy(order="K"), start.copy(order="K")
            sgd([p], [g], None)
            sgd([q], [g.copy()], None)
            assert same_bits(p, q), (name, order)
    p = normal((4, 5, 6), dtype).transpose(1, 2, 0)
    before, grad = p.copy(), normal((5, 6, 4), dtype, 1)
    sgd([p], [grad], None)
    assert_close(p, oracle.sgd(before, grad, lr=0.1)[0], scale=1.0)


@dtypes
def test_parameters_that_share_memory_in_turn(isa, dtype):
    """Neighbours in one buffer (parameters_to_vector and the like) do not disturb one another."""
    memory = normal(100, dtype)
    parts = [memory[i * 20 : i * 20 + 19] for i in range(5)]
    before, grads = memory.copy(), [normal(19, dtype, i) for i in range(5)]
    sgd(parts, grads, None)
    for i, part in enumerate(parts):
        assert_close(part, oracle.sgd(before[i * 20 : i * 20 + 19], grads[i], lr=0.1)[0], scale=1.0)
    assert (memory[19::20] == before[19::20]).all()


@dtypes
def test_any_number_of_threads_gives_the_same_bits(isa, dtype):
    start = [normal(shape, dtype) for shape in ((300, 500), (7,), (100_001,))]
    grads = [normal(p.shape, dtype, 1) for p in start]

    def run():
        params, averages, squares = [p.copy() for p in start], [p * 0 for p in start], [p * 0 for p in start]
        buffers = [np.full_like(p, np.nan) for p in start]
        sgd(params, grads, buffers, [True] * 3, momentum=0.9, l1=0.1)
        adam(params, grads, averages, squares, None, [1] * 3, weight_decay=0.1)
        return (*params, *buffers, *averages, *squares)

    same_for_any_threads(run)


def call(**changes: Any) -> dict[str, Any]:
    """A call of sgd with momentum, with some arguments changed."""
    arrays = [[normal((3, 4), np.float32, i), normal(5, np.float32, i)] for i in range(3)]
    valid = dict(params=arrays[0], grads=arrays[1], momentum_buffers=arrays[2])
    return valid | SGD | dict(momentum=0.9, first=[False, False]) | changes


def adam_call(**changes: Any) -> dict[str, Any]:
    arrays = [[np.abs(normal((3, 4), np.float32, i)), np.abs(normal(5, np.float32, i))] for i in range(5)]
    names = ("params", "grads", "exp_avgs", "exp_avg_sqs", "max_exp_avg_sqs")
    return dict(zip(names, arrays, strict=True)) | dict(steps=[1, 2]) | ADAM | changes


@pytest.mark.parametrize("kernel", ["sgd", "adam"])
def test_errors_are_found_before_the_first_parameter_is_touched(isa, kernel):
    """The fault is always in the second of two parameters (rules 10 and 15)."""
    make = call if kernel == "sgd" else adam_call
    good = make()
    p, _ = good["params"]
    frozen = np.ones(5, np.float32)
    frozen.setflags(write=False)
    either = (ValueError, TypeError)
    rejects(ValueError, kernel, "params", make(params=[p, frozen]))
    rejects(ValueError, kernel, "params", make(params=[p, blank(10, np.float32)[::2]]))
    rejects(either, kernel, "params", make(params=[p, normal(5, np.float64)]))
    rejects(TypeError, kernel, "params", make(params=[p, np.ones(5, np.int64)]))
    rejects(TypeError, kernel, "params", make(params=[p, np.ones(5, np.float16)]))
    rejects(either, kernel, "params", make(params=[p, [1.0] * 5]))
    rejects(either, kernel, "params", make(params=p))
    rejects(either, kernel, "params|grads", make(params=[p]))
    rejects(ValueError, kernel, "grads", make(grads=[good["grads"][0], normal(6, np.float32)]))
    rejects(TypeError, kernel, "grads", make(grads=[good["grads"][0], normal(5, np.float64)]))
    rejects(either, kernel, "grads", make(grads=[good["grads"][0], None]))
    rejects(ValueError, kernel, "grads", make(grads=[good["grads"][0]]))
    same = normal((3, 4), np.float32)
    twice = make(params=[same, same], grads=[same * 1, same * 2])
    lists = [name for name in twice if name.startswith(("momentum_b", "exp", "max_"))]
    twice |= {name: [same * (i + 3), same * (i + 9)] for i, name in enumerate(lists)}
    rejects(ValueError, kernel, "params", twice)
    for name in lists:
        first, _ = good[name]
        rejects(ValueError, kernel, name, make(**{name: [first, frozen]}))
        rejects(ValueError, kernel, name, make(**{name: [first, normal(6, np.float32)]}))
        rejects(TypeError, kernel, name, make(**{name: [first, normal(5, np.float64)]}))
        rejects(ValueError, kernel, name, make(**{name: [np.asfortranarray(first), good[name][1]]}))
        rejects(ValueError, kernel, name, make(**{name: [first]}))
        rejects(ValueError, kernel, f"{name}|params", good | {name: [first, good["params"][1]]})
        rejects(ValueError, kernel, f"{name}|grads", good | {name: [first, good["grads"][1]]})


def test_bad_options(isa):
    either = (ValueError, TypeError)
    rejects(either, "sgd", "momentum_buffers", call(momentum_buffers=None))
    rejects(either, "sgd", "first", call(first=[True]))
    rejects(ValueError, "sgd", "nesterov", call(nesterov=True, dampening=0.5))
    rejects(ValueError, "sgd", "nesterov", call(nesterov=True, momentum=0.0))
    rejects(either, "adam", "steps", adam_call(steps=[1]))
    rejects(either, "adam", "steps", adam_call(steps=[1, 0]))
    _cpu.sgd([], [], None, *SGD.values(), [])
    _cpu.adam([], [], [], [], None, [], *ADAM.values())
