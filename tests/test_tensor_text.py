"""Tensors are printed as torch prints them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import fastgrad as fg

RNG = np.random.default_rng(11)


PRINTED = [
    [1.0, 2.0],
    [1.5, -2.25],
    [[1.0, 2.0], [3.0, 4.5]],
    3.0,
    0.1,
    [1e-5, 1.0],
    [1e10, 1.0],
    [1e9],
    [0.00001],
    [123456.0, 0.5],
    [1000.0, 1.0],
    [1001.0, 1.0],
    [float("nan"), 1.0],
    [float("inf"), -1.5, float("nan")],
    [float("nan")],
    [0.0],
    [-0.0, 1.0],
    [1, 2, 300],
    [[1, -2], [30, 4]],
    [True, False],
    True,
    7,
    [],
    [[], []],
    [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]],
    [[[[1.0]]]],
    list(range(50)),
    [float(i) for i in range(50)],
    [i / 7 for i in range(40)],
]


@pytest.mark.parametrize("data", PRINTED, ids=str)
def test_text_agrees_with_torch(data: Any) -> None:
    assert repr(fg.tensor(data)) == repr(torch.tensor(data)).replace("torch.Size([2, 0])", "(2, 0)")


@pytest.mark.parametrize("shape", [(1001,), (2000, 3), (30, 40), (8, 9, 20), (3, 1000), (40, 30, 2), (0, 3), (2, 0, 3)])
def test_long_text_agrees_with_torch(shape: tuple[int, ...]) -> None:
    array = RNG.standard_normal(shape).astype("float32")
    assert repr(fg.tensor(array)) == repr(torch.tensor(array))


def test_text_of_what_is_special() -> None:
    x = fg.tensor([1.0, 2.0], requires_grad=True)
    assert repr(x) == repr(torch.tensor([1.0, 2.0], requires_grad=True))
    assert repr(x + 1) == repr(torch.tensor([1.0, 2.0], requires_grad=True) + 1)
    assert repr(fg.ones(2, dtype=fg.float64)) == "tensor([1., 1.], dtype=float64)"
    assert repr(fg.ones(2, dtype=fg.int32)) == "tensor([1, 1], dtype=int32)"
    assert f"{fg.tensor(3.14159):.2f}" == "3.14"
    wide = fg.zeros(9, 9, dtype=fg.float64, requires_grad=True)
    theirs = torch.zeros(9, 9, dtype=torch.float64, requires_grad=True)
    assert repr(wide) == repr(theirs).replace("torch.float64", "float64")


def test_printoptions() -> None:
    fg.set_printoptions(precision=2, sci_mode=True)
    torch.set_printoptions(precision=2, sci_mode=True)
    try:
        assert repr(fg.tensor([1.0, 20.5])) == repr(torch.tensor([1.0, 20.5]))
    finally:
        fg.set_printoptions(precision=4)
        torch.set_printoptions(profile="default")
    with pytest.raises(ValueError, match="precision"):
        fg.set_printoptions(precision=-1)
