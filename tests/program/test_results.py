"""Results, gradients and version counters after a compiled call."""

from __future__ import annotations

from collections import OrderedDict
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn
from tests.program.common import bits
from tests.program.test_rules import Training, adam, batches, plain, sgd


@pytest.mark.parametrize("fuse", [True, False])
def test_results_are_fresh(fuse: bool) -> None:
    weight = fg.ones(3, 3, requires_grad=True)

    @fg.compile(fuse=fuse)
    def function(x: Any) -> Any:
        y = x @ weight
        return y, y[0], weight.detach(), x.relu()

    found = [function(fg.full((2, 3), float(i))) for i in range(4)]
    for i, (y, first, w, r) in enumerate(found):
        expected = np.full((2, 3), 3.0 * i, "f")
        assert np.array_equal(y.numpy(), expected)
        assert np.array_equal(first.numpy(), expected[0])
        assert np.array_equal(w.numpy(), np.ones((3, 3)))
        assert np.array_equal(r.numpy(), np.full((2, 3), float(i)))
        for t in (y, first, w, r):
            assert not t.requires_grad
            assert t.is_leaf
            for other in found[:i]:
                assert not any(np.shares_memory(t.numpy(), o.numpy()) for o in other)
        y.numpy()[...] = -1.0  # nobody else's
    assert np.array_equal(weight.detach().numpy(), np.ones((3, 3)))


def test_results_outlive_the_function() -> None:
    function = fg.compile(lambda x: x * 2)
    results = [function(fg.full((100,), float(i))) for i in range(3)]
    del function
    assert [r.numpy()[0] for r in results] == [0.0, 2.0, 4.0]


@pytest.mark.parametrize("way", ["recorded", "fused"])
@pytest.mark.parametrize("optimizer", [plain, sgd, adam])
def test_used_gradients_are_dropped_unless_kept(optimizer: Any, way: str) -> None:
    eager, dropping = Training(optimizer, "eager"), Training(optimizer, way)
    keeping = Training(optimizer, way, keep_grads=True)
    for i, batch in enumerate(batches(4)):
        for t in (eager, dropping, keeping):
            fg.manual_seed(i)
            t.step(*batch)
        assert all(p.grad is None for p in dropping.net.parameters())
        expected = bits([p.grad for p in eager.net.parameters()])
        assert bits([p.grad for p in keeping.net.parameters()]) == expected
        assert bits([*keeping.net.parameters()]) == bits([*eager.net.parameters()])
        assert bits([*dropping.net.parameters()]) == bits([*eager.net.parameters()])
    assert len(keeping.step.programs) <= 2
    assert len(dropping.step.programs) <= 2


def test_gradients_that_nobody_uses_up_stay() -> None:
    net = nn.Linear(3, 2)

    @fg.compile
    def backward(x: Any) -> Any:
        net.zero_grad()
        loss = net(x).square().sum()
        loss.backward()
        return loss

    for i in range(4):
        x = fg.full((5, 3), float(i))
        backward(x)
        here = bits([p.grad for p in net.parameters()])
        net.zero_grad()
        net(x).square().sum().backward()
        assert here == bits([p.grad for p in net.parameters()])
    assert len(backward.programs) == 1


def test_a_graph_made_before_the_step_sees_that_its_weights_changed() -> None:
    t = Training(sgd, "fused")
    for i, batch in enumerate(batches(4)):
        loss = t.net(batch[0]).sum()
        before = [p.version.count for p in t.net.parameters()]
        t.step(*batch)
        assert [p.version.count for p in t.net.parameters()] == [count + 1 for count in before], f"call {i}"
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()
        t.net.zero_grad()


def test_state_of_the_optimiser_goes_on() -> None:
    t = Training(adam, "fused")
    for i, batch in enumerate(batches(4)):
        t.step(*batch)
        assert {state["step"] for state in t.opt.state.values()} == {i + 1}
    saved = t.opt.state_dict()
    other = Training(adam, "eager")
    other.net.load_state_dict(t.net.state_dict())
    other.opt.load_state_dict(saved)
    batch = batches(1)[0]
    for each in (t, other):
        fg.manual_seed(0)
        each.step(*batch)
    assert bits([*t.net.parameters()]) == bits([*other.net.parameters()])


def test_eager_and_compiled_calls_mix() -> None:
    mixed, eager = Training(sgd, "fused"), Training(sgd, "eager")
    for i, batch in enumerate(batches(8)):
        for t in (mixed, eager):
            fg.manual_seed(i)
            (t.step if t is eager or i % 3 else t.step.function)(*batch)
        mixed.net.zero_grad()
        assert bits([*mixed.net.parameters()]) == bits([*eager.net.parameters()])
    assert len(mixed.step.programs) == 1


class Pair(NamedTuple):
    first: Any
    second: Any


@pytest.mark.parametrize(
    "give",
    [
        lambda y: Pair(y, y.sum()),
        lambda y: Pair(Pair(y, 1), [y.sum()]),
        lambda y: ((y, y.sum()), ()),
        lambda y: ([], y, {}),
        lambda y: [],
    ],
)
def test_structure_is_that_of_the_eager_function_at_every_call(give: Any) -> None:
    function = fg.compile(lambda x: give(x * 2))
    expected = repr(give(fg.ones(3) * 2))
    assert [repr(function(fg.ones(3))) for _ in range(3)] == [expected] * 3


@pytest.mark.parametrize("give", [lambda y: OrderedDict(y=y), lambda y: SimpleNamespace(y=y), lambda y: {1, y.sum()}])
def test_tensors_in_other_objects_are_refused(give: Any) -> None:
    """A replay could only return the ones of the first call."""
    function = fg.compile(lambda x: (1, give(x * 2)))
    with pytest.raises(RuntimeError, match=r"returns tensors in a (OrderedDict|SimpleNamespace|set), exp"):
        function(fg.ones(3))
