"""PReLU."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import fastgrad as fg
from fastgrad.nn import functional as F
from tests.nn.compare import DTYPES, agree, modules_agree, normal


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("shape", "slopes"),
    [
        ((5, 3), 1),
        ((5, 3), 3),
        ((5, 3, 2), 3),
        ((5, 3, 2, 2), 3),
        ((7,), 1),
        ((), 1),
        ((0, 3), 3),
        ((2, 3, 0), 1),
    ],
)
def test_function_and_module_are_torchs(dtype: str, shape: tuple[int, ...], slopes: int) -> None:
    agree(
        F.prelu, torch.nn.functional.prelu, [normal(0, *shape, dtype=dtype), normal(1, slopes, dtype=dtype)]
    )
    ours = fg.nn.PReLU(slopes, init=0.1, dtype=dtype)
    theirs = torch.nn.PReLU(slopes, init=0.1, dtype=getattr(torch, dtype))
    modules_agree(ours, theirs, normal(0, *shape, dtype=dtype))
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("dtype", DTYPES)
def test_zero_takes_the_slope_and_nan_stays(dtype: str) -> None:
    x = fg.tensor(np.array([0.0, -0.0, np.nan, 2.0], dtype), requires_grad=True)
    a = fg.tensor(np.array([0.3], dtype), requires_grad=True)
    y = F.prelu(x, a)
    assert np.isnan(y.detach().numpy()[2])
    y.backward(fg.ones(4, dtype=dtype))
    np.testing.assert_array_equal(x.grad.numpy()[[0, 1, 3]], np.array([0.3, 0.3, 1.0], dtype))
    x = fg.tensor(np.zeros(3, dtype))
    a.grad = None
    F.prelu(x, a).sum().backward()
    assert a.grad.item() == 0


def test_gradcheck() -> None:
    for slopes in (1, 3):
        arguments = [
            fg.tensor(normal(i, *s), requires_grad=True) for i, s in enumerate([(4, 3, 2), (slopes,)])
        ]
        assert fg.autograd.gradcheck(F.prelu, arguments)


def test_wrong_arguments() -> None:
    for slopes in (fg.ones(2), fg.ones(3, 1), fg.ones(0)):
        with pytest.raises(ValueError, match=r"prelu\(\).*'weight'"):
            F.prelu(fg.zeros(5, 3), slopes)
    with pytest.raises(TypeError, match=r"prelu\(\).*'weight'.*float64"):
        F.prelu(fg.zeros(5, 3), fg.ones(3, dtype=fg.float64))
    with pytest.raises(ValueError, match="num_parameters"):
        fg.nn.PReLU(0)
