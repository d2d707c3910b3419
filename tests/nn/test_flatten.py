"""Flatten and Unflatten."""

from __future__ import annotations

import pytest
import torch

import fastgrad as fg
from fastgrad import nn
from tests.nn.compare import close, normal


def test_flatten_and_unflatten() -> None:
    x = normal(0, 2, 3, 4, 5)
    for arguments in ((), (0,), (1, 2), (-3, -2)):
        close(nn.Flatten(*arguments)(fg.tensor(x)), torch.nn.Flatten(*arguments)(torch.tensor(x)))
        assert repr(nn.Flatten(*arguments)) == repr(torch.nn.Flatten(*arguments))
    for arguments in ((1, (3, 1)), (-1, (5, -1)), (2, (2, 2)), (0, (-1, 1, 2))):
        close(nn.Unflatten(*arguments)(fg.tensor(x)), torch.nn.Unflatten(*arguments)(torch.tensor(x)))
        assert repr(nn.Unflatten(*arguments)) == repr(torch.nn.Unflatten(*arguments))
    for sizes in ((2, 3), (-1, -1), (-1, 3), (0, -1)):
        with pytest.raises(ValueError, match="unflatten"):
            nn.Unflatten(2, sizes)(fg.tensor(x))
    with pytest.raises(IndexError, match="dim"):
        nn.Unflatten(4, (1, 1))(fg.tensor(x))
    for arguments in (("a", (1,)), (1, 5), (1, (1.5,))):
        with pytest.raises(TypeError, match="Unflatten"):
            nn.Unflatten(*arguments)
