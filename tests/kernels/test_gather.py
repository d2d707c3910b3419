"""gather_rows and embedding_backward."""

from __future__ import annotations

import numpy as np
import pytest

from fastgrad import _cpu
from tests import reference_linear as ref
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
from tests.reference import Array

ALL_DTYPES = ["f4", "f8", "i8", "i4", "u1", "?", "f2", "i2", "u4", "c16"]


def gather(x: Array, index: Array) -> Array:
    out = np.full((len(index), *x.shape[1:]), 77, x.dtype)
    with unchanged(x, index):
        _cpu.gather_rows(out, x, index)
    return out


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("row", [(), (1,), (3,), (17,), (4, 5), (784,), (0,)], ids=str)
def test_gather_is_numpys_indexing(isa, dtype, row):
    x = np.random.default_rng(0).integers(0, 100, (23, *row)).astype(dtype)
    for n in (0, 1, 2, 23, 100):
        index = np.random.default_rng(n).integers(0, 23, n)
        assert same_bits(gather(x, index), x[index]), n


def test_gather_takes_any_layout_of_the_index_and_any_threads(isa):
    x = normal((50, 30), np.float32)
    index = np.random.default_rng(1).integers(0, 50, 40)
    for name, v in layouts(index).items():
        assert same_bits(gather(x, v), x[index]), name
    assert same_bits(gather(x, np.broadcast_to(np.int64(3), 40)), x[np.full(40, 3)])
    frozen = x.copy()
    frozen.setflags(write=False)
    assert same_bits(gather(frozen, index), x[index])
    big, many = normal((2000, 300), np.float32), np.random.default_rng(2).integers(0, 2000, 5000)
    same_for_any_threads(lambda: (gather(big, many),))


def test_gather_rejects_bad_arguments(isa):
    x = normal((5, 3), np.float32)
    call = dict(out=blank((4, 3), np.float32), x=x, index=np.array([0, 4, 2, 1]))
    for bad in (5, -1, 2**62, -(2**63)):
        rejects(IndexError, "gather_rows", "index", call | {"index": np.array([0, 1, 2, bad])})
    rejects(IndexError, "gather_rows", "index", call | {"x": x[:0]})
    rejects(TypeError, "gather_rows", "out", call | {"out": np.zeros((4, 3), np.float64)})
    rejects(ValueError, "gather_rows", "out", call | {"out": blank((4, 4), np.float32)})
    rejects(TypeError, "gather_rows", "index", call | {"index": np.array([0, 4, 2, 1], np.int32)})


def embedding(dy: Array, index: Array, rows: int, padding_idx: int = -1) -> Array:
    dw = blank((rows, dy.shape[1]), dy.dtype)
    with unchanged(dy, index):
        _cpu.embedding_backward(dw, dy, index, padding_idx)
    return dw


@dtypes
@pytest.mark.parametrize(("n", "rows", "d"), [(0, 3, 4), (1, 1, 1), (40, 7, 5), (200, 3, 33), (10, 500, 2), (5, 4, 0)])
def test_embedding_backward(isa, dtype, n, rows, d):
    dy, index = normal((n, d), dtype), np.random.default_rng(n).integers(0, rows, n)
    for padding in (-1, 0, rows - 1):
        size = ref.embedding_backward(np.abs(dy), index, rows, padding)
        truth = ref.embedding_backward(dy, index, rows, padding)
        assert_close(embedding(dy, index, rows, padding), truth, scale=size * n, units=1)


@dtypes
def test_embedding_backward_layouts_and_threads(isa, dtype):
    dy, index = normal((40, 9), dtype), np.random.default_rng(0).integers(0, 6, 40)
    expected = embedding(dy, index, 6)
    for name, v in layouts(dy).items():
        assert same_bits(embedding(v, index, 6), expected), name
    for name, v in layouts(index).items():
        assert same_bits(embedding(dy, v, 6), expected), name
    for name, v in broadcasts(dy.shape, dtype).items():
        assert same_bits(embedding(v, index, 6), embedding(v.copy(), index, 6)), name
    dy, index = normal((5000, 64), dtype), np.random.default_rng(0).integers(0, 30, 5000)
    same_for_any_threads(lambda: (embedding(dy, index, 30),))


def test_embedding_backward_rejects_bad_arguments(isa):
    call = dict(
        dw=blank((5, 3), np.float32),
        dy=normal((4, 3), np.float32),
        index=np.array([0, 4, 2, 1]),
        padding_idx=-1,
    )
    for bad in (5, -1, 2**62):
        rejects(IndexError, "embedding_backward", "index", call | {"index": np.array([0, 1, 2, bad])})
    rejects((ValueError, IndexError), "embedding_backward", "padding_idx", call | {"padding_idx": 5})
