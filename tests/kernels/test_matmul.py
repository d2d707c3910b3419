"""matmul: every small size, batches, layouts, threads."""

from __future__ import annotations

import numpy as np
import pytest

from fastgrad import _cpu
from tests import reference_linear as ref
from tests.accuracy import gamma
from tests.kernels.common import (
    blank,
    broadcasts,
    dtypes,
    layouts,
    normal,
    same_bits,
    same_for_any_threads,
    unchanged,
)
from tests.kernels.sizes import LIMIT, Grid
from tests.reference import Array


def product(a: Array, b: Array) -> Array:
    y = blank((*a.shape[:-1], b.shape[-1]), a.dtype)
    with unchanged(a, b):
        _cpu.matmul(y, a, b)
    return y


def check(y: Array, a: Array, b: Array, what: str = "") -> None:
    a, b = ref.f64(a), ref.f64(b)
    error, bound = np.abs(y - a @ b), np.abs(a) @ np.abs(b)
    assert (error <= 2 * gamma(a.shape[-1], y.dtype) * bound).all(), what


@dtypes
def test_every_small_size(isa, dtype):
    a, b = normal((LIMIT, LIMIT), dtype, 1), normal((LIMIT, LIMIT), dtype, 2)
    grid = Grid(dtype)
    for k in range(LIMIT + 1):
        grid.clear()
        columns = [np.asarray(b[:k, :n], order="CF"[(n + k) % 2]) for n in range(LIMIT + 1)]
        for m in range(LIMIT + 1):
            rows = np.asarray(a[:m, :k], order="CF"[(m // 2 + k) % 2])
            for n in range(LIMIT + 1):
                _cpu.matmul(grid.at(m, n), rows, columns[n])
        x, y = ref.f64(a)[:, :k], ref.f64(b)[:k]
        grid.check(x @ y, np.abs(x) @ np.abs(y), k)


@dtypes
@pytest.mark.parametrize(("m", "k", "n"), [(130, 257, 129), (1, 900, 300), (300, 900, 1), (50, 3000, 40), (400, 1, 3)])
def test_large_sizes(isa, dtype, m, k, n):
    a, b = normal((m, k), dtype), normal((k, n), dtype, 1)
    for x in (a, np.asfortranarray(a)):
        for y in (b, np.asfortranarray(b)):
            check(product(x, y), a, b)


@dtypes
@pytest.mark.parametrize(
    "shape", [(0, 3, 4, 5), (1, 3, 4, 5), (7, 1, 9, 1), (5, 33, 17, 20), (3, 0, 4, 2), (3, 2, 0, 4)]
)
def test_batches(isa, dtype, shape):
    batch, m, k, n = shape
    a, b = normal((batch, m, k), dtype), normal((batch, k, n), dtype, 1)
    y = product(a, b)
    check(y, a, b)
    for i in range(batch):
        assert same_bits(y[i], product(a[i], b[i])), i


@dtypes
@pytest.mark.parametrize("lead", [(), (4,)], ids=["matrix", "batch"])
def test_layouts(isa, dtype, lead):
    a, b = normal((*lead, 18, 21), dtype), normal((*lead, 21, 35), dtype, 1)
    for name, v in (layouts(a) | broadcasts(a.shape, dtype)).items():
        check(product(v, b), v, b, f"a {name}")
    for name, v in (layouts(b) | broadcasts(b.shape, dtype)).items():
        check(product(a, v), a, v, f"b {name}")


@dtypes
def test_one_bad_row_stays_in_its_row(isa, dtype):
    a, b = normal((20, 30), dtype), normal((30, 10), dtype, 1)
    b[:, 4] = 0.0
    clean = product(a, b)
    for bad in (np.nan, np.inf):
        v = a.copy()
        v[6, 2] = bad
        y = product(v, b)
        others = np.arange(20) != 6
        assert same_bits(y[others], clean[others])
        assert np.isnan(y[6, 4])
        assert not np.isfinite(y[6]).any()


@dtypes
def test_any_number_of_threads_gives_the_same_bits(isa, dtype):
    for shape in ((200, 300, 250), (3, 5000, 7), (1, 400, 900), (30, 40, 20, 30)):
        *lead, m, k, n = shape
        a, b = normal((*lead, m, k), dtype), normal((*lead, k, n), dtype, 1)
        same_for_any_threads(lambda a=a, b=b: (product(a, b),))
