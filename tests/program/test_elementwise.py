"""Chains of elementwise operations: joined, native, and with numpy's bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastgrad as fg
from fastgrad import _cpu
from tests.program.common import bits, same_bits

UNARY = {
    "negative": lambda x: -x,
    "absolute": lambda x: x.abs(),
    "square": lambda x: x.square(),
    "sqrt": lambda x: x.abs().sqrt(),
    "reciprocal": lambda x: x.reciprocal(),
    "plus a number": lambda x: x + 0.1,
    "a number divided": lambda x: 3 / x,
    "where": lambda x: fg.where(x > 0.2, x, 0.5 * x),
    "comparison": lambda x: (x <= 0.0) * x,
}
BINARY = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "where": lambda x, y: fg.where(x < y, x, y),
    "equal": lambda x, y: fg.where(x == y, x, y + 1.0),
}
SHAPES = [((5,), (5,)), ((3, 5), (5,)), ((3, 5), (3, 1)), ((7, 1), (1, 33)), ((2, 3, 20), (3, 20)), ((2, 3, 20), ()),
          ((600, 3), (600, 3)), ((2, 1200), (1200,)), ((4, 3, 5), (4, 1, 1)), ((1,), (1,))]  # fmt: skip
SHAPES_OF_THREE_STRIDES = [((2, 3, 5), (2, 1, 5)), ((2, 3, 5), (3, 1))]  # more than rows and columns


def numbers(shape: tuple[int, ...], dtype: str, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    array = generator.standard_normal(shape).astype(dtype)
    flat = array.reshape(-1)
    for i, special in enumerate((0.0, -0.0, np.inf, -np.inf, np.nan)):
        if flat.size > 10 * (i + 1):
            flat[generator.integers(flat.size, size=2)] = special
    return array


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shapes", SHAPES + SHAPES_OF_THREE_STRIDES, ids=str)
def test_every_operation(shapes: tuple[tuple[int, ...], ...], dtype: str) -> None:
    def make() -> Any:
        def function(x: Any, y: Any) -> Any:
            pairs = [f(*pair) for f in BINARY.values() for pair in ((x, y), (y, x))]
            return pairs, [f(x) for f in UNARY.values()]

        return function, lambda: ()

    calls = [tuple(fg.tensor(numbers(s, dtype, 3 * n + k)) for k, s in enumerate(shapes)) for n in range(3)]
    (program,) = same_bits(make, calls).programs
    known = {"elementwise"}
    if shapes in SHAPES_OF_THREE_STRIDES:
        known |= {"add", "subtract", "multiply", "divide", "less", "equal", "where"}
    assert set(program.commands) <= known


def test_a_chain_is_one_command_that_stores_its_end_only() -> None:
    compiled = fg.compile(lambda x, y: ((x * y + 1.0).abs().sqrt() - y) / (x.square() + 2.0))
    x, y = fg.randn(50, 7), fg.randn(7)
    compiled(x, y)
    (program,) = compiled.programs
    assert program.commands == ["elementwise"]
    assert program.nbytes == x.nbytes
    assert "multiply" in str(program)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_views_and_writes_in_place(dtype: str) -> None:
    def make() -> Any:
        def function(x: Any) -> Any:
            y = x.clone()
            y += 1.0
            z = y.T * 2.0
            y *= y
            y[1:] -= y[:-1].clone()
            y[:, ::2] += 0.5
            w = y.flip(0) - y
            return y, z + y.T, w, w.T.contiguous() / 3

        return function, lambda: ()

    same_bits(make, [(fg.tensor(numbers((6, 6), dtype, n)),) for n in range(3)])


def test_values_that_others_read_in_between() -> None:
    def make() -> Any:
        def function(x: Any) -> Any:
            a = x * 2.0
            b = a.exp() + a  # exp is no part of a chain
            a -= b
            return a, b, (a > b), fg.where(a > b, a, b)

        return function, lambda: ()

    compiled = same_bits(make, [(fg.tensor(numbers((40, 3), "float32", n)),) for n in range(3)])
    assert "exp" in compiled.programs[0].commands


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from([*UNARY, *(f"{name} 2" for name in BINARY), "exp", "in place", "sum"]),
                  st.integers(0, 20), st.integers(0, 20)),
        min_size=1, max_size=14,
    ),
    dtype=st.sampled_from(["float32", "float64"]),
)  # fmt: skip
def test_random_chain(steps: list[tuple[str, int, int]], dtype: str) -> None:
    def make() -> Any:
        def function(x: Any, y: Any) -> Any:
            values = [x.clone(), y.clone(), x + 0.0]
            for name, i, k in steps:
                a, b = values[i % len(values)], values[k % len(values)]
                if name == "exp":
                    values.append(a.clamp(-1, 1).exp())
                elif name == "sum":
                    values.append(a.sum(-1, keepdim=True) + b)
                elif name == "in place":
                    a.add_(b if b.shape == a.shape else 1.0)
                else:
                    values.append(BINARY[name[:-2]](a, b) if name.endswith(" 2") else UNARY[name](a))
            return values

        return function, lambda: ()

    calls = [(fg.tensor(numbers((4, 9), dtype, n)), fg.tensor(numbers((9,), dtype, n + 9))) for n in range(3)]
    same_bits(make, calls)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_make_no_difference(threads: int) -> None:
    x, y = fg.randn(400, 1001), fg.randn(1001)
    compiled = fg.compile(lambda x, y: (x * y + 0.25) / (1.0 + x.abs()))
    compiled(x, y)
    before = fg.get_num_threads()
    fg.set_num_threads(threads)
    try:
        assert bits(compiled(x, y)) == bits((x * y + 0.25) / (1.0 + x.abs()))
    finally:
        fg.set_num_threads(before)


X, B = np.ones((2, 3), "f"), np.ones((2, 3), bool)


@pytest.mark.parametrize(
    ("args", "error", "match"),
    [
        (([], [X], [], "float32", 0), ValueError, "'outputs' is an empty list"),
        ((X, [X], [], "float32", 0), TypeError, "'outputs' is a numpy.ndarray, expected a list"),
        (([X], [X], [], "int8", 0), ValueError, "'dtype' is 'int8'"),
        (([X], [X.astype("d")], [], "float32", 0), TypeError, "'inputs' .*float64, expected dtype float32 or bool"),
        (([X], [X[:1]], [], "float32", 0), ValueError, r"'inputs' .*\(1, 3\)"),
        (([X[0]], [X], [], "float32", 0), ValueError, "two dimensions"),
        (([X], [np.ones((2, 6), "f")[:, ::2]], [], "float32", 0), ValueError, "side by side"),
        (([X], [X], [("add", 1, 0, 0, 7)], "float32", 0), ValueError, "register 7"),
        (([X], [X], [("add", 0, 0, 0, 0)], "float32", 0), ValueError, "register 0"),
        (([X], [X], [("power", 1, 0, 0, 0)], "float32", 0), ValueError, "'power'"),
        (([X], [X], [("add", 1, 0)], "float32", 0), TypeError, "'steps'"),
        (([X], [X], [], "float32", 99), ValueError, "'slots' is 99"),
        (([np.broadcast_to(X, (2, 3))], [X], [], "float32", 0), ValueError, "read-only"),
    ],
)
def test_bad_arguments_of_the_kernel(args: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        _cpu.elementwise(*args)
