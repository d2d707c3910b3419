"""A network that is changed between calls: other layers, options, hooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import fastgrad as fg
from fastgrad import nn
from fastgrad.program.observe import observe
from tests.program.common import bits
from tests.program.test_graphs import rows


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(5, 6), nn.LeakyReLU(0.1), nn.Dropout(0.2))
        self.head = nn.Linear(6, 3)
        self.scale = 1.5
        self.calls = 0

    def forward(self, x: Any) -> Any:
        self.calls += 1
        return self.head(self.body(x)) * self.scale


def zero_weights(net: Any) -> None:
    net.head.weight = nn.Parameter(fg.zeros(3, 6))


def add_hook(net: Any) -> Any:
    return net.body[0].register_forward_hook(lambda module, args, y: y * 2)


CHANGES: dict[str, Callable[[Any], Any]] = {
    "layer": lambda net: setattr(net, "head", nn.Linear(6, 3)),
    "layer within": lambda net: net.body.__setitem__(1, nn.Tanh()),
    "layer more": lambda net: net.body.append(nn.Tanh()),
    "layer less": lambda net: net.body.__delitem__(1),
    "parameter": zero_weights,
    "option of a layer": lambda net: setattr(net.body[1], "negative_slope", 0.7),
    "option of dropout": lambda net: setattr(net.body[2], "p", 0.9),
    "option of ones own": lambda net: setattr(net, "scale", -1.0),
    "forward": lambda net: setattr(net, "forward", lambda x: net.head(net.body(x)).tanh()),
    "forward hook": add_hook,
    "forward pre-hook": lambda net: net.head.register_forward_pre_hook(lambda module, args: (args[0] + 1,)),
    "tensor hook": lambda net: net.head.weight.register_hook(lambda grad: grad * 2),
    "post accumulate hook": lambda net: net.head.bias.register_post_accumulate_grad_hook(lambda p: p.grad.mul_(3.0)),
}


def gradients(net: Any) -> Callable[[Any], Any]:
    def function(x: Any) -> Any:
        net.zero_grad()
        y = net(x)
        y.square().sum().backward()
        return y

    return function


@pytest.mark.parametrize("name", CHANGES)
def test_change(name: str) -> None:
    found = []
    for way in ("eager", "recorded", "fused"):
        fg.manual_seed(4)
        net = Net()
        function: Any = gradients(net)
        if way != "eager":
            function = fg.compile(function, fuse=way == "fused")
        seen = []
        for i, (x,) in enumerate(rows((4, 5), count=6)):
            if i == 3:
                CHANGES[name](net)
            seen.append(bits([function(x), [p.grad for p in net.parameters()]]))
        found.append(seen)
        if way != "eager":
            assert len(function.programs) == 2
    assert found[1] == found[0]
    assert found[2] == found[0]


def test_a_hook_that_is_taken_off_again() -> None:
    net = Net().eval()
    compiled = fg.compile(lambda x: net(x))
    for (x,) in rows((4, 5), count=3):
        for register in (add_hook, CHANGES["forward pre-hook"]):
            assert bits(compiled(x)) == bits(net(x))
            with register(net):
                assert bits(compiled(x)) == bits(net(x))
    assert len(compiled.programs) <= 7


def test_other_networks_make_no_difference() -> None:
    net = Net().eval()
    compiled = fg.compile(lambda x: net(x))
    for (x,) in rows((4, 5)):
        assert bits(compiled(x)) == bits(net(x))
        Net().train()
    assert len(compiled.programs) == 1


@pytest.mark.parametrize("value", [-0.0, float("nan"), 1, True, "a", None, (1, -0.0)])
def test_plain_arguments_are_told_apart(value: Any) -> None:
    def function(x: Any, y: Any) -> Any:
        y = y[1] if isinstance(y, tuple) else y
        return x * y if isinstance(y, (int, float)) and not isinstance(y, bool) else x + len(repr(y))

    compiled = fg.compile(function)
    x = fg.tensor([1.0, -2.0])
    for _ in range(3):
        for y in (0.0, 1.0, (1, 0.0), value):
            assert bits(compiled(x, y)) == bits(function(x, y))
    assert len(compiled.programs) == 4


def test_plain_arguments_of_all_kinds_keep_the_number_of_programs_bounded() -> None:
    compiled = fg.compile(lambda x, y: x * y, max_programs=4)
    x = fg.tensor([1.0, -2.0])
    for i in range(20):
        assert compiled(x, 0.5 * i).tolist() == [0.5 * i, -1.0 * i]
        assert len(compiled.programs) <= 4
        assert len(compiled._programs) <= 4
    assert compiled(x, x).tolist() == [1.0, 4.0]
    assert compiled(x, x * 2).tolist() == [2.0, 8.0]


def test_objects_that_cannot_be_hashed_are_the_same_only_as_themselves() -> None:
    class Batch:
        __hash__ = None  # type: ignore[assignment]

        def __init__(self, x: Any) -> None:
            self.x = x

    compiled = fg.compile(lambda batch: batch.x * 2)
    for i in range(30):
        assert compiled(Batch(fg.full((3,), float(i)))).tolist() == [2.0 * i] * 3


def make_training(optimizer: str = "SGD") -> tuple[Any, Any, Callable[[Any], Any]]:
    fg.manual_seed(4)
    net = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 1))
    opt = {"SGD": fg.optim.SGD, "own": Descent}[optimizer](net.parameters(), lr=0.1)

    def step(x: Any) -> Any:
        loss = net(x).square().mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        return loss

    return net, opt, step


class Descent(fg.optim.Optimizer):
    def __init__(self, params: Any, lr: float) -> None:
        super().__init__(params, {"lr": lr})

    def step(self, closure: Any = None) -> None:
        with fg.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    p -= group["lr"] * p.grad


@pytest.mark.parametrize("optimizer", ["SGD", "own"])
def test_hooks_of_an_optimizer(optimizer: str) -> None:
    found = []
    for way in ("eager", "recorded"):
        net, opt, function = make_training(optimizer)
        step: Any = fg.compile(function) if way == "recorded" else function
        counter = fg.zeros(1)
        handle = None
        seen = []
        for i, (x,) in enumerate(rows((4, 5), count=9)):
            if i in (2, 7):
                handle = opt.register_step_post_hook(lambda *_, counter=counter: counter.add_(1.0))
            if i == 4:
                handle.remove()
            seen.append(bits([step(x), list(net.parameters()), counter]))
        found.append(seen)
        if way == "recorded":
            assert len(step.programs) == 3  # without; with the first hook; with the second
    assert found[1] == found[0]


def test_a_hook_that_is_paused_and_resumed_is_recorded_once() -> None:
    net = Net().eval()
    compiled = fg.compile(lambda x: net(x))
    handle = add_hook(net)
    for i, (x,) in enumerate(rows((4, 5), count=8)):
        (handle.resume if i % 2 else handle.pause)()
        assert bits(compiled(x)) == bits(net(x))
    assert len(compiled.programs) == 2


def test_a_step_that_switches_its_own_hooks() -> None:
    """Each call finds the hooks that the one before has left."""
    found = []
    for way in ("eager", "recorded"):
        net, opt, function = make_training()
        step: Any = fg.compile(function) if way == "recorded" else function
        handle = net[1].register_forward_hook(lambda module, args, y: y * 2)
        on = [True]

        def switch(on: list[bool] = on, handle: Any = handle) -> None:
            on[0] = not on[0]
            (handle.resume if on[0] else handle.pause)()

        opt.register_step_post_hook(lambda *_, switch=switch: observe(switch))
        found.append([bits([step(x), list(net.parameters())]) for (x,) in rows((4, 5), count=7)])
        if way == "recorded":
            assert len(step.programs) == 2
            assert not on[0]
    assert found[1] == found[0]


def test_what_is_observed_is_seen_in_every_run() -> None:
    seen: list[float] = []
    scale = fg.compile(lambda x: observe_and_scale(x, seen))
    for value in (1.0, 2.0, 3.0):
        scale(fg.tensor([value]))
    assert seen == [2.0, 4.0, 6.0]
    assert scale.programs[0].commands.count("note") == 1


def observe_and_scale(x: Any, seen: list[float]) -> Any:
    def note(array: Any) -> None:
        seen.append(float(array[0]))

    y = x * 2
    observe(note, y.data)
    return y * 5
