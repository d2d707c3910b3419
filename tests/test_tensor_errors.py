"""Errors name the function, the argument, what was given and what was expected."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fastgrad as fg

RNG = np.random.default_rng(11)


ERRORS = [
    (lambda x: x + fg.ones(4), ValueError, r"add\(\): argument 'y' is of shape \(4,\)"),
    (lambda x: x @ fg.ones(2, 2), ValueError, r"matmul\(\): argument 'y'"),
    (lambda x: x @ fg.ones(3, 2, dtype=fg.float64), TypeError, r"matmul\(\): argument 'y' is of dtype float64"),
    (lambda x: x.reshape(4), ValueError, r"reshape\(\): argument 'shape'"),
    (lambda x: x.T.view(-1), RuntimeError, "without copying"),
    (lambda x: x.sum(2), IndexError, r"sum\(\): argument 'dim' is 2, expected between -2 and 1"),
    (lambda x: x.sum((0, 0)), ValueError, "every dimension once"),
    (lambda x: x.mean("a"), TypeError, r"mean\(\): argument 'dim'"),
    (lambda x: x.long().mean(), TypeError, r"mean\(\): argument 'x' is of dtype int64"),
    (lambda x: x.expand(2, 4), ValueError, r"expand\(\)"),
    (lambda x: x.permute(0, 0), ValueError, r"permute\(\)"),
    (lambda x: fg.cat([x, fg.ones(2, 2)]), ValueError, r"cat\(\): argument 'tensors\[1\]'"),
    (lambda x: fg.stack([x, fg.ones(2, 2)]), ValueError, r"stack\(\)"),
    (lambda x: fg.cat([]), ValueError, "empty"),
    (lambda x: x[5], IndexError, r"getitem\(\): argument 'index'"),
    (lambda x: x[fg.tensor([7])], IndexError, "getitem"),
    (lambda x: x[1.5], IndexError, "getitem"),
    (lambda x: x[::-1], ValueError, "step"),
    (lambda x: x[fg.tensor([0.5])], IndexError, "integers or bool"),
    (lambda x: x.gather(1, fg.tensor([[9]])), IndexError, "gather"),
    (lambda x: x.gather(1, fg.tensor([0])), ValueError, "gather"),
    (lambda x: x + "a", TypeError, r"add\(\): argument 'y'"),
    (lambda x: x + None, TypeError, r"add\(\)"),
    (lambda x: fg.where(x, x, x), TypeError, "bool"),
    (lambda x: x.clamp(), ValueError, "at least one"),
    (lambda x: x.split([1, 2]), ValueError, "split"),
    (lambda x: x.chunk(0), ValueError, "chunk"),
    (lambda x: fg.ones(0).max(), ValueError, r"max\(\)"),
    (lambda x: fg.ones(0, 2).argmax(0), ValueError, "argmax"),
    (lambda x: -fg.tensor([True]), TypeError, "bool"),
    (lambda x: fg.tensor([True]) - fg.tensor([True]), TypeError, r"sub\(\)"),
    (lambda x: fg.tensor([2]) ** -1, ValueError, "pow"),
    (lambda x: ~x, TypeError, "bitwise_not"),
    (lambda x: x.masked_fill(x > 0, fg.ones(2)), ValueError, "masked_fill"),
    (lambda x: x.topk(7), ValueError, "topk"),
    (lambda x: fg.allclose(x, x.double()), TypeError, "isclose"),
]


@pytest.mark.parametrize(("case", "error", "message"), ERRORS, ids=[f"{i}-{e[2]}" for i, e in enumerate(ERRORS)])
def test_errors_name_function_and_argument(case: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        case(fg.ones(2, 3))


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (lambda: fg.tensor([300], dtype=fg.uint8), r"tensor\(\): argument 'data' is 300, expected values between 0"),
        (lambda: fg.tensor([2**40], dtype=fg.int32), r"tensor\(\): argument 'data' is 1099511627776"),
        (lambda: fg.tensor([float("nan")], dtype=fg.int64), r"tensor\(\): argument 'data' is nan"),
        (lambda: fg.tensor([2.0**63], dtype=fg.int64), r"tensor\(\): argument 'data'"),
        (lambda: fg.tensor(float("inf"), dtype=fg.uint8), r"tensor\(\): argument 'data' is inf"),
        (lambda: fg.full((2,), 300, dtype=fg.uint8), r"full\(\): argument 'fill_value' is 300"),
        (lambda: fg.full_like(fg.zeros(2, dtype=fg.uint8), 300), r"full_like\(\): argument 'fill_value' is 300"),
    ],
)
def test_values_outside_an_integer_dtype_are_refused(case: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        case()


@pytest.mark.parametrize("value", [300, -1, 256.0, float("nan")])
def test_fill_outside_an_integer_dtype_writes_nothing(value: float) -> None:
    x = fg.ones(2, dtype=fg.uint8)
    with pytest.raises(ValueError, match=r"fill_\(\): argument 'value'"):
        x.fill_(value)
    with pytest.raises(ValueError, match=r"masked_fill_\(\): argument 'value'"):
        x.masked_fill_(fg.tensor([True, True]), value)
    assert x.tolist() == [1, 1]
    assert x._version == 0


def test_values_at_the_ends_of_an_integer_dtype_are_taken() -> None:
    assert fg.tensor([0, 255], dtype=fg.uint8).tolist() == [0, 255]
    assert fg.tensor([255.9, -0.5], dtype=fg.uint8).tolist() == [255, 0]
    assert fg.tensor([-(2.0**63)], dtype=fg.int64).tolist() == [-(2**63)]
    assert fg.full((1,), 2**31 - 1, dtype=fg.int32).tolist() == [2**31 - 1]
