"""Random numbers in a recorded step: every call draws others, the same ones as eager calls with the same seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import fastgrad as fg
from fastgrad.nn import functional as F
from tests.program.common import bits, same_bits

DRAWS: dict[str, Callable[[Any], Any]] = {
    "rand": lambda x: fg.rand(3) + x,
    "rand, scalar": lambda x: fg.rand(()) * x,
    "randn": lambda x: fg.randn(2, 3) * x,
    "rand_like": fg.rand_like,
    "randn_like": fg.randn_like,
    "randint": lambda x: fg.randint(0, 100, (3,)) + x,
    "randperm": lambda x: (fg.randperm(50), x),
    "normal": lambda x: fg.normal(x, 2.0),
    "bernoulli": lambda x: fg.bernoulli(x.sigmoid().expand(20, 3)),
    "multinomial": lambda x: fg.multinomial(x.softmax(0).expand(8, 3), 2),
    "multinomial with replacement": lambda x: fg.multinomial(x.softmax(0), 30, replacement=True),
    "normal_": lambda x: x.clone().normal_(1.0, 2.0),
    "uniform_": lambda x: x.clone().uniform_(-1.0, 1.0),
    "dropout": lambda x: F.dropout(x.expand(20, 3), 0.5, True),
    "several": lambda x: (fg.randn(3), F.dropout(x.expand(9, 3), 0.5, True), fg.rand(3), F.dropout(x.expand(9, 3))),
    "noise in a layer": lambda x: (x.clone().requires_grad_() * F.dropout(fg.randn(30, 3), 0.3, True)).sum(0),
}


@pytest.mark.parametrize("name", DRAWS)
def test_draws(name: str) -> None:
    draw = DRAWS[name]
    calls = [(fg.tensor([0.5, -1.0, 2.0]),), (fg.tensor([1.5, 1.0, -2.0]),), *[(fg.tensor([1.0, 1.0, 1.0]),)] * 3]
    compiled = same_bits(lambda: (draw, lambda: ()), calls)
    assert len(compiled.programs) == 1
    last = [repr(bits(compiled(*calls[-1]))) for _ in range(4)]
    assert len(set(last)) == 4


def test_a_generator_of_ones_own() -> None:
    found = []
    for way in ("eager", "fused"):
        generator = fg.Generator().manual_seed(3)

        def draw(x: Any, generator: Any = generator) -> Any:
            return fg.randn(4, generator=generator) + x

        function: Any = fg.compile(draw) if way == "fused" else draw
        found.append([bits(function(fg.zeros(4))) for _ in range(3)])
        generator.manual_seed(3)
        assert bits(function(fg.zeros(4))) == found[-1][0]
    assert found[0] == found[1]


def test_weights_that_cannot_be_drawn_from_are_refused_at_every_call() -> None:
    compiled = fg.compile(lambda p: fg.multinomial(p, 2))
    for _ in range(2):
        compiled(fg.tensor([1.0, 2.0, 3.0]))
        with pytest.raises(ValueError, match="multinomial"):
            compiled(fg.tensor([1.0, -2.0, 3.0]))
        with pytest.raises(ValueError, match="multinomial"):
            compiled(fg.tensor([1.0, 0.0, 0.0]))
    assert len(compiled.programs) == 1
