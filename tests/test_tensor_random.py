"""Random tensors: repeatable, from the asked distributions, with checked arguments."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import fastgrad as fg

RNG = np.random.default_rng(11)


def test_random_tensors() -> None:
    fg.manual_seed(1)
    a = [fg.rand(3), fg.randn(2, 2), fg.randint(0, 9, (4,)), fg.randperm(5), fg.normal(0.0, 1.0, (2,))]
    fg.manual_seed(1)
    b = [fg.rand(3), fg.randn(2, 2), fg.randint(0, 9, (4,)), fg.randperm(5), fg.normal(0.0, 1.0, (2,))]
    assert all(fg.equal(x, y) for x, y in zip(a, b, strict=True))
    assert fg.initial_seed() == 1
    g = fg.Generator().manual_seed(5)
    first = fg.rand(4, generator=g)
    state = g.get_state()
    second = fg.rand(4, generator=g)
    assert not fg.equal(first, second)
    assert fg.equal(second, fg.rand(4, generator=g.set_state(state)))
    assert fg.equal(fg.rand(4, generator=pickle.loads(pickle.dumps(g))), fg.rand(4, generator=g))
    x = fg.rand(10000)
    assert 0 <= x.min().item() < x.max().item() < 1
    assert abs(x.mean().item() - 0.5) < 0.02
    assert sorted(fg.randperm(10).tolist()) == list(range(10))
    assert set(fg.randint(2, 4, (100,)).tolist()) == {2, 3}
    assert fg.bernoulli(fg.tensor([0.0, 1.0])).tolist() == [0.0, 1.0]
    assert sorted(fg.multinomial(fg.tensor([1.0, 2.0, 0.0]), 2).tolist()) == [0, 1]
    assert fg.rand_like(x).shape == fg.randn_like(x).shape == x.shape
    assert g.counter(10)[1] + 10 == g.counter(1)[1]


@pytest.mark.parametrize(
    "case",
    [
        lambda: fg.randint(3, 3, (2,)),
        lambda: fg.bernoulli(fg.tensor([2.0])),
        lambda: fg.normal(0.0, -1.0, (2,)),
        lambda: fg.multinomial(fg.tensor([0.0, 1.0]), 2),
        lambda: fg.randperm(-1),
        lambda: fg.ones(2).uniform_(1, 0),
    ],
)
def test_bad_random_arguments(case: Any) -> None:
    with pytest.raises(ValueError, match="argument"):
        case()
