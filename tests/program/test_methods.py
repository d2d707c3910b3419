"""Compiled methods, copies of compiled functions, memory that a program lets go."""

from __future__ import annotations

import copy
import gc
import tracemalloc
import weakref
from typing import Any

import pytest

import fastgrad as fg
from fastgrad import nn, optim
from tests.program.common import bits
from tests.program.test_graphs import rows


class Trainer:
    def __init__(self, scale: float) -> None:
        self.scale = scale
        self.net = nn.Linear(5, 3)
        self.opt = optim.SGD(self.net.parameters(), lr=0.1)

    @fg.compile
    def step(self, x: Any) -> Any:
        loss = (self.net(x) * self.scale).square().mean()
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        return loss

    @fg.compile(fuse=False)
    def forward(self, x: Any) -> Any:
        return self.net(x) * self.scale


def test_every_object_has_programs_of_its_own() -> None:
    first, second = Trainer(1.0), Trainer(2.0)
    second.net.load_state_dict(first.net.state_dict())
    for (x,) in rows((4, 5)):
        assert bits(second.forward(x)) == bits(first.forward(x) * 2.0)
    assert [len(t.forward.programs) for t in (first, second)] == [1, 1]
    losses = first.step.run_epoch(fg.randn(40, 5), batch_size=10)
    assert losses.shape == (4,)
    assert len(first.step.programs) == 1
    assert second.step.programs == []
    assert isinstance(Trainer.step, type(fg.compile(abs)))


def test_programs_go_with_their_object() -> None:
    trainer = Trainer(1.0)
    trainer.step(fg.randn(4, 5))
    gone = weakref.ref(trainer)
    del trainer
    gc.collect()
    assert gone() is None


def test_a_deep_copy_trains_the_copy() -> None:
    trainer = Trainer(1.0)
    x = fg.randn(4, 5)
    trainer.step(x)
    other = copy.deepcopy(trainer)
    before = bits(list(trainer.net.parameters()))
    assert bits(list(other.net.parameters())) == before
    other.step(x)
    assert bits(list(trainer.net.parameters())) == before
    assert bits(list(other.net.parameters())) != before


def test_gradients_that_the_step_does_not_clear_add_up() -> None:
    def make() -> Any:
        fg.manual_seed(3)
        net = nn.Linear(5, 3)
        opt = optim.SGD(net.parameters(), lr=0.1)

        def step(x: Any) -> Any:
            loss = net(x).square().mean()
            loss.backward()
            opt.step()
            return loss

        return net, step

    (net, step), (other, function) = make(), make()
    compiled = fg.compile(function)
    for (x,) in rows((4, 5), count=5):
        assert bits(step(x)) == bits(compiled(x))
        assert bits([p.grad for p in net.parameters()]) == bits([p.grad for p in other.parameters()])
    net.zero_grad(), other.zero_grad()
    assert bits(step(x)) == bits(compiled(x))


def test_a_tensor_of_a_module_is_replaced() -> None:
    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mask = fg.ones(3)

        def forward(self, x: Any) -> Any:
            return x * self.mask

    net = Masked()
    compiled = fg.compile(lambda x: net(x))
    assert compiled(fg.ones(3)).tolist() == [1.0, 1.0, 1.0]
    net.mask = fg.zeros(3)
    assert compiled(fg.ones(3)).tolist() == [0.0, 0.0, 0.0]


def test_the_first_batch_and_its_result_are_let_go() -> None:
    net = nn.Linear(1000, 10)
    compiled = fg.compile(lambda x: net(x))
    x = fg.randn(1000, 1000)
    tracemalloc.start()
    try:
        compiled(x)
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 1_000_000
    assert bits(compiled(x)) == bits(net(x))


@pytest.mark.parametrize(
    ("function", "match"),
    [
        (lambda x: print(x), r"a tensor is printed, at .*test_methods"),
        (lambda x: fg.compile(abs).run_epoch(x, batch_size=1), r"run_epoch\(\) is called, at .*test_methods"),
    ],
)
def test_what_cannot_be_recorded(function: Any, match: str) -> None:
    with pytest.raises(RuntimeError, match=match):
        fg.compile(function)(fg.ones(3))
