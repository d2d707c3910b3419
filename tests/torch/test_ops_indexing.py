"""Indexing selects, and assigns, what it does in torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.torch.agreement import agree

CUBE = np.random.default_rng(3).standard_normal((2, 3, 4))

INDICES: list[Any] = [
    0,
    -1,
    slice(None),
    slice(1, 3),
    slice(None, None, 2),
    Ellipsis,
    None,
    (0, 1),
    (slice(None), 1),
    (..., 0),
    (0, ..., 1),
    (slice(None), None, 1),
    (None, 0, None),
    (slice(5, 2),),
    [0, 1],
    (slice(None), [2, 0, 2]),
    ([0, 1], [1, 2]),
    ([[0, 1], [1, 0]],),
    (0, slice(None), [1, 1, 0]),
    ([1, 0], slice(None), [3, 0]),
    (slice(None), [0, 2], 1),
    (0, [0, 2]),
    ([0, 1], None, [2, 0]),
    (None, [0, 1]),
    (slice(None), slice(0, 2), [3, 1]),
    (..., [0, 0]),
    True,
    False,
]


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_index_agrees_with_torch(index: Any) -> None:
    agree(lambda m, x: x[index], [CUBE])


@pytest.mark.parametrize("dims", [(2,), (2, 3), (2, 3, 4)])
def test_mask_agrees_with_torch(dims: tuple[int, ...]) -> None:
    mask = np.random.default_rng(0).random(dims) < 0.5
    agree(lambda m, x, c: x[c], [CUBE, mask])


def test_tensor_as_index_agrees_with_torch() -> None:
    agree(lambda m, x, i: (x[i], x[i[0]], x[:, i], x[i, i]), [CUBE, np.array([1, 0, 1])])


@pytest.mark.parametrize("index", [i for i in INDICES if i is not False], ids=str)
def test_setitem_agrees_with_torch(index: Any) -> None:
    shape = np.zeros(CUBE.shape)[index if not isinstance(index, list) else np.array(index)].shape
    value = np.random.default_rng(1).standard_normal(shape[-1:] if shape else ())

    def case(m: Any, x: Any, v: Any) -> Any:
        y = x.clone()
        y[index] = v if index not in ((None, 0, None), (0, slice(None), [1, 1, 0])) else 3.0
        return y * y

    if index == (0, slice(None), [1, 1, 0]) or index == (slice(None), [2, 0, 2]) or index == (..., [0, 0]):
        value = np.array(0.5)  # the same place is written several times, so all writes must agree
    try:
        agree(case, [CUBE, value])
    except (RuntimeError, IndexError) as error:
        assert "shape mismatch" in str(error) or "expanded size" in str(error)  # torch's refusal  # noqa: PT017
