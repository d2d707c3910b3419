"""dropout: the elements that Philox keeps, and nothing else."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from fastgrad import _cpu
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
from tests.reference_random import words

SEEDS = [0, 1, 42, 2**32 - 1, 2**32, 0xDEADBEEFCAFEF00D, 2**64 - 1]


def run(x: Array, p: float, seed: int = 1, offset: int = 0) -> Array:
    y = blank(x.shape, x.dtype)
    with unchanged(x):
        _cpu.dropout(y, x, p, seed, offset)
    return y


@dtypes
@pytest.mark.parametrize("seed", SEEDS)
def test_keeps_what_philox_keeps(isa, dtype, seed):
    """Element i stays where random word offset + i is at least p 2**32, and is divided by 1 - p."""
    for offset in (0, 1, 2, 3, 5, 64, 1003, 2**32 - 5, 2**34 - 3, 2**63, 2**64 - 164):
        for count in (0, 1, 3, 4, 5, 16, 17, 100):
            x = normal(count, dtype) + dtype(9)
            word = words(seed, offset, count)
            for p in (0.1, 0.5, 0.75):
                kept = word >= np.uint32(int(p * 2**32))
                y = run(x, p, seed, offset)
                assert ((y != 0) == kept).all(), (offset, count, p)
                assert_close(y, np.where(kept, x.astype(float) / (1 - p), 0.0), scale=0)


@dtypes
def test_no_and_full_dropout(isa, dtype):
    x = normal(1000, dtype)
    assert same_bits(run(x, 0.0), x)
    assert (run(x, 1.0) == 0).all()


@dtypes
def test_the_share_and_the_mean(isa, dtype):
    y = run(np.ones(200_000, dtype), 0.3, seed=7)
    assert abs((y == 0).mean() - 0.3) < 5 * np.sqrt(0.3 * 0.7 / y.size)
    assert abs(y.mean() - 1.0) < 0.01
    other = run(np.ones(200_000, dtype), 0.3, seed=8)
    assert abs(((y == 0) & (other == 0)).mean() - 0.09) < 0.005


@dtypes
def test_layouts_in_place_and_threads(isa, dtype):
    x = normal((7, 9, 11), dtype)
    y = run(x, 0.4, 5, 3)
    for name, v in layouts(x).items():
        assert same_bits(run(v, 0.4, 5, 3), y), name
    for name, v in broadcasts(x.shape, dtype).items():
        assert same_bits(run(v, 0.4, 5, 3), run(v.copy(), 0.4, 5, 3)), name
    buffer = x.copy()
    _cpu.dropout(buffer, buffer, 0.4, 5, 3)
    assert same_bits(buffer, y)
    big = normal(300_007, dtype)
    same_for_any_threads(lambda: (run(big, 0.5, 3, 1),))


def test_a_counter_past_its_end_wraps_or_is_an_error():
    """In a process of its own, because what may go wrong here is a loop without end."""
    code = (
        "import numpy as np; from fastgrad import _cpu; y = np.full(100, 7, np.float32)\n"
        "try: _cpu.dropout(y, np.ones(100, np.float32), 0.5, 3, 2**64 - %d); print(*y)\n"
        "except ValueError as error: print(error, *y)"
    )
    for left in (1, 9, 99, 100, 101):
        done = subprocess.run(
            [sys.executable, "-c", code % left], capture_output=True, text=True, timeout=60, check=True
        )
        if left >= 100 or "offset" not in done.stdout:
            assert [float(v) for v in done.stdout.split()] == [
                2.0 * (w >> 31) for w in words(3, 2**64 - left, 100).tolist()
            ]
        else:
            assert done.stdout.split()[-100:] == ["7.0"] * 100


def test_bad_probabilities_seeds_and_offsets():
    call = dict(y=blank(4, np.float32), x=normal(4, np.float32), p=0.5, seed=1, offset=0)
    for p in (-0.1, 1.1, float("nan"), float("inf")):
        rejects(ValueError, "dropout", "p", call | {"p": p})
    for name in ("seed", "offset"):
        for bad in (-1, 2**64, 1.5, "1"):
            rejects((ValueError, TypeError, OverflowError), "dropout", name, call | {name: bad})
