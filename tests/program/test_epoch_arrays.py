"""The arrays of an epoch: kinds, layouts, sizes, and that they stay as they are."""

from __future__ import annotations

from typing import Any

import numpy as np

import fastgrad as fg
from tests.program.common import bits
from tests.program.test_epoch import ROWS, Training, examples, one_by_one, shuffled, stacked


def test_arrays_of_many_kinds() -> None:
    generator = np.random.default_rng(4)
    arrays = [
        fg.tensor(generator.standard_normal((ROWS, 3, 2)).astype("f")),
        fg.tensor(generator.integers(0, 9, ROWS).astype(np.uint8)),
        fg.tensor(generator.standard_normal((ROWS, 1))),
        fg.tensor(generator.integers(0, 2, (ROWS, 2)) == 1),
        fg.zeros(ROWS, 0),
        fg.tensor(generator.integers(0, 9, (ROWS, 2)).astype(np.int32)),
    ]

    def function(a: Any, b: Any, c: Any, d: Any, e: Any, unused: Any) -> Any:
        return a.sum((1, 2)) + b, c * 2, fg.where(d, 1.0, -1.0), e + 1

    compiled = fg.compile(function)
    for _ in range(2):
        result = compiled.run_epoch(arrays, shuffled(), 5, drop_last=True)
        assert bits(result) == stacked(one_by_one(function, arrays, shuffled(), 5, drop_last=True))
    assert len(compiled.programs) == 1


def test_the_same_array_twice() -> None:
    x, _ = examples()
    product = fg.compile(lambda a, b: (a * b).sum())
    for _ in range(2):
        found = product.run_epoch((x, x), shuffled(), 4)
        assert bits(found) == stacked(one_by_one(lambda a, b: (a * b).sum(), (x, x), shuffled(), 4))


def test_arrays_with_gaps() -> None:
    x, target = examples()
    wide = np.zeros((2 * ROWS, 15), np.float32)
    wide[::2, ::3] = x.numpy()
    frozen = x.numpy().copy()
    frozen.flags.writeable = False
    expected = Training()
    losses = bits(expected.step.run_epoch((x, target), shuffled(), 4))
    for array in (wide[::2, ::3], np.asfortranarray(x.numpy()), x.numpy()[::-1].copy()[::-1], frozen):
        t = Training()
        before = array.tobytes()
        assert bits(t.step.run_epoch((fg.Tensor(array), target), shuffled(), 4)) == losses
        assert t.state() == expected.state()
        assert array.tobytes() == before


def test_what_a_step_does_to_its_rows_stays_with_them() -> None:
    def function(x: Any) -> Any:
        x.mul_(2)
        return x.sum()

    x = fg.tensor(np.random.default_rng(0).standard_normal((ROWS, 5)).astype("f"))
    before = bits(x)
    for _ in range(2):
        found = fg.compile(function).run_epoch((x,), None, 4)
        assert bits(x) == before
        assert bits(found) == stacked(one_by_one(function, (x,), range(ROWS), 4))


def test_wide_rows_are_gathered_by_all_threads() -> None:
    generator = np.random.default_rng(2)
    arrays = [fg.tensor(generator.standard_normal((40, width)).astype("f")) for width in (30_011, 7)]
    before = fg.get_num_threads()

    def function(x: Any, y: Any) -> Any:
        return x * 2, y + 1

    try:
        for threads in (1, 2, 3):
            fg.set_num_threads(threads)
            found = fg.compile(function).run_epoch(arrays, shuffled(40), 13, drop_last=True)
            assert bits(found) == stacked(one_by_one(function, arrays, shuffled(40), 13, drop_last=True))
    finally:
        fg.set_num_threads(before)
