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
