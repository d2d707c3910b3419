"""softmax and log-softmax with their gradients: oracle, extremes, layouts, threads."""

from __future__ import annotations

import numpy as np
import pytest

from fastgrad import _cpu
from tests import reference_linear as ref
from tests.accuracy import gamma
from tests.kernels.common import (
    assert_close,
    blank,
    broadcasts,
    dtypes,
    layouts,
    normal,
    same_bits,
    same_for_any_threads,
    unchanged,
)
from tests.reference import Array

SHAPES = [(0, 5), (5, 0), (1, 1), (3, 1), (1, 1000), (200, 3), *((3, n) for n in range(2, 36)), (17, 257)]


def run(kernel: str, *inputs: Array) -> Array:
    y = blank(inputs[0].shape, inputs[0].dtype)
    with unchanged(*inputs):
        getattr(_cpu, kernel)(y, *inputs)
    return y


def check(x: Array, dy: Array, what: str = "") -> None:
    n = x.shape[1]
    y, log_y = run("softmax_forward", x), run("log_softmax_forward", x)
    # exp of a rounded difference: as many units as the difference is large
    distance = ref.f64(x).max(axis=1, initial=-np.inf, keepdims=True) - ref.f64(x)
    truth = ref.softmax(x)
    assert_close(y, truth, scale=truth * (distance + np.sqrt(n)), what=what)
    assert_close(log_y, ref.log_softmax(x), scale=1 + np.abs(x), what=what)
    size = np.abs(ref.f64(dy)).sum(axis=1, keepdims=True)
    dx = run("softmax_backward", dy, y)
    assert_close(dx, ref.softmax_backward(dy, y), scale=ref.f64(y) * (np.abs(ref.f64(dy)) + size), what=what)
    dx = run("log_softmax_backward", dy, log_y)
    p = np.exp(ref.f64(log_y))
    truth = ref.log_softmax_backward(dy, log_y)
    assert_close(dx, truth, scale=np.abs(dy) + p * size * (1 + np.abs(ref.f64(log_y))), what=what)


@dtypes
@pytest.mark.parametrize("spread", [0.1, 1.0, 20.0])
def test_oracle(isa, dtype, spread):
    for shape in SHAPES:
        check(normal(shape, dtype) * dtype(spread), normal(shape, dtype, 1), str(shape))


@dtypes
def test_layouts(isa, dtype):
    x, dy = normal((9, 14), dtype), normal((9, 14), dtype, 1)
    for name, v in (layouts(x) | broadcasts(x.shape, dtype)).items():
        check(v, dy, f"x {name}")
    for name, v in (layouts(dy) | broadcasts(dy.shape, dtype)).items():
        check(x, v, f"dy {name}")
    for kernel in ("softmax", "log_softmax"):
        y = run(f"{kernel}_forward", x)
        expected = run(f"{kernel}_backward", dy, y)
        for name, v in layouts(y).items():
            assert same_bits(run(f"{kernel}_backward", dy, v), expected), (kernel, name)


@dtypes
def test_rows_of_large_numbers_and_bad_rows(isa, dtype):
    """Rule 5: finite on +-1e4; a row with +inf or of -inf only is NaN; no other row changes."""
    inf = np.inf
    rows = [
        [1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [1e30, -1e30, 1e30], [1.0, inf, 2.0], [-inf, -inf, -inf],
        [-inf, 1.0, 2.0], [1.0, np.nan, 2.0], [1.0, 2.0, 3.0],
    ]  # fmt: skip
    x = np.array(rows, dtype)
    bad = np.array([3, 4, 6])
    good = np.setdiff1d(np.arange(len(rows)), bad)
    for kernel, oracle in (("softmax_forward", ref.softmax), ("log_softmax_forward", ref.log_softmax)):
        y = run(kernel, x)
        assert np.isnan(y[bad]).all()
        assert not np.isnan(y[good]).any()
        assert same_bits(y[good], run(kernel, x[good]))
        with np.errstate(all="ignore"):
            assert_close(y[good], oracle(x[good]), scale=1.0)


@dtypes
def test_rows_add_up_to_one_and_any_number_of_threads(isa, dtype):
    for shape in ((700, 90), (3, 30_000), (40_000, 2)):
        x, dy = normal(shape, dtype) * 4, normal(shape, dtype, 1)
        y = run("softmax_forward", x)
        np.testing.assert_allclose(y.sum(axis=1, dtype=np.float64), 1.0, rtol=gamma(shape[1] + 8, dtype))
        log_y = run("log_softmax_forward", x)
        same_for_any_threads(
            lambda x=x, dy=dy, y=y, log_y=log_y: (
                run("softmax_forward", x),
                run("log_softmax_forward", x),
                run("softmax_backward", dy, y),
                run("log_softmax_backward", dy, log_y),
            )
        )
