"""Graphs of every form in a recorded step: sharing, branches, recurrence, accumulation, hooks, clipping."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import autograd, nn, optim
from fastgrad.nn import functional as F
from tests.program.common import bits, same_bits


def rows(*shapes: tuple[int, ...], count: int = 4) -> list[tuple[Any, ...]]:
    """Different arguments of the given shapes, for each call."""
    generator = np.random.default_rng(11)
    return [tuple(fg.tensor(generator.standard_normal(s).astype("f")) for s in shapes) for _ in range(count)]


def training(network: Callable[[], nn.Module], forward: Callable[..., Any], after: Any = None) -> Any:
    """A step on forward(net, *xs), which gives the loss and more; `after` is called between backward and update."""
    net = network()
    opt = optim.SGD(net.parameters(), lr=0.05, momentum=0.9)

    def step(*xs: Any) -> Any:
        opt.zero_grad()
        loss, *more = forward(net, *xs)
        loss.backward()
        extra = after(net) if after is not None else None
        opt.step()
        return loss, more, extra

    return step, lambda: ([*net.parameters()], opt.state_dict()["state"])


def two_layers() -> nn.Module:
    return nn.ModuleList([nn.Linear(5, 6), nn.Linear(6, 5), nn.Linear(5, 5)])


def several_inputs(net: Any, x: Any, y: Any) -> Any:
    a, b = net[0](x).tanh(), net[0](y).relu()
    return ((a * b).mean() + net[1](a - b).square().mean(), a, b, a + b)


def used_twice(net: Any, x: Any, y: Any) -> Any:
    a = net[0](x)
    b = a.sigmoid()
    c = net[1](b) + net[1](a)
    return (c * c).mean() + b.sum() * 0.01, c


def shared_weights(net: Any, x: Any, y: Any) -> Any:
    for _ in range(3):
        x = net[2](x).tanh()
    return F.linear(x, net[0].weight).square().mean() + F.linear(net[0](y), net[0].weight.T).mean(), x


def branches(net: Any, x: Any, y: Any) -> Any:
    a = net[2](x).relu()
    left, right = net[0](a).tanh(), net[0](a + y).sigmoid()
    joined = fg.cat([left, right], 1)
    return (joined * joined).mean() + a.mean(), left, joined


def residual(net: Any, x: Any, y: Any) -> Any:
    for _ in range(2):
        x = x + net[1](net[0](x).relu())
    return (x - y).square().mean(), x


def recurrence(net: Any, x: Any, y: Any) -> Any:
    h = fg.zeros(x.shape[0], 5)
    states = []
    for t in range(4):
        h = (net[2](h) + net[2](x if t % 2 else y)).tanh()
        states.append(h)
    return sum((s.square().mean() for s in states), fg.tensor(0.0)), fg.stack(states), h


def views(net: Any, x: Any, y: Any) -> Any:
    a = net[0](x)
    left, right = a[:, :3], a[:, 3:]
    b = (left @ right.T).reshape(-1)
    return b.square().mean() + a.T.sum(0).mean(), b, left


def with_changes_in_place(net: Any, x: Any, y: Any) -> Any:
    a = net[0](x).clone()
    a[:, 1] = y[:, 0]
    a.mul_(2.0)
    a += 1.0
    b = net[1](a)
    c = b.detach().clone()
    c.add_(3)
    return (b * c).mean(), c, a


def unneeded_work(net: Any, x: Any, y: Any) -> Any:
    net[1](net[0](y))
    with fg.no_grad():
        z = net[2](x)
    return (net[2](x) * z).mean(), z


GRAPHS = [
    several_inputs, used_twice, shared_weights, branches, residual, recurrence, views, with_changes_in_place,
    unneeded_work,
]  # fmt: skip


@pytest.mark.parametrize("forward", GRAPHS, ids=lambda f: f.__name__)
def test_graph(forward: Any) -> None:
    compiled = same_bits(partial(training, two_layers, forward), rows((4, 5), (4, 5)))
    assert len(compiled.programs) == 1


def grads(net: Any) -> list[Any]:
    """Copies of all gradients."""
    return [None if p.grad is None else p.grad.clone() for p in net.parameters()]


@pytest.mark.parametrize(
    "after",
    [
        grads,
        lambda net: nn.utils.clip_grad_norm_(net.parameters(), 0.05),
        lambda net: nn.utils.clip_grad_norm_(net.parameters(), 1e6),
        lambda net: nn.utils.clip_grad_norm_(net.parameters(), 0.01, norm_type=float("inf")),
        lambda net: nn.utils.clip_grad_norm_(net.parameters(), 0.01, norm_type=1),
        lambda net: nn.utils.clip_grad_value_(net.parameters(), 0.001),
        lambda net: [p.grad.mul_(0.5) for p in net.parameters() if p.grad is not None][:0],
    ],
    ids=["copies", "norm 2", "far off", "norm inf", "norm 1", "value", "scaled"],
)
def test_gradients_used_before_the_update(after: Any) -> None:
    compiled = same_bits(partial(training, two_layers, used_twice, after), rows((4, 5), (4, 5)))
    assert len(compiled.programs) == 1


def test_several_backward_calls_in_a_step() -> None:
    def make() -> Any:
        net = two_layers()
        opt = optim.Adam(net.parameters(), lr=0.01)

        def step(*xs: Any) -> Any:
            opt.zero_grad()
            total = 0.0
            for x in xs:
                loss = net[1](net[0](x).relu()).square().mean() / len(xs)
                loss.backward()
                total = total + loss.detach()
            opt.step()
            return total

        return step, lambda: [*net.parameters()]

    assert len(same_bits(make, rows((4, 5), (4, 5), (4, 5))).programs) == 1


def test_gradients_accumulate_over_calls() -> None:
    found = []
    for way in ("eager", "recorded", "fused"):
        fg.manual_seed(1)
        net = two_layers()
        opt = optim.SGD(net.parameters(), lr=0.1)

        def accumulate(x: Any, net: Any = net) -> Any:
            loss = net[1](net[0](x).tanh()).square().mean()
            loss.backward()
            return loss

        def update(opt: Any = opt) -> None:
            opt.step()
            opt.zero_grad()

        programs = None
        if way != "eager":
            accumulate = programs = fg.compile(accumulate, fuse=way == "fused")  # type: ignore[assignment]
            update = fg.compile(update, fuse=way == "fused")  # type: ignore[assignment]
        seen = []
        for i, (x,) in enumerate(rows((4, 5), count=12)):
            seen.append(bits([accumulate(x), grads(net)]))
            if i % 4 == 3:
                update()
                seen.append(bits([list(net.parameters()), grads(net)]))
        found.append(seen)
        if programs is not None:
            assert len(programs.programs) <= 3  # type: ignore[attr-defined]
    assert found[1] == found[0]
    assert found[2] == found[0]


def test_hooks() -> None:
    def make() -> Any:
        net = nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 2))
        net[0].register_forward_hook(lambda module, args, y: y * 1.5)
        net[2].register_forward_pre_hook(lambda module, args: (args[0] + 0.25,))
        net[2].weight.register_hook(lambda grad: grad * 0.5)
        net[0].bias.register_post_accumulate_grad_hook(lambda p: p.grad.mul_(3.0))
        opt = optim.SGD(net.parameters(), lr=0.1)

        def step(x: Any) -> Any:
            opt.zero_grad()
            y = net(x)
            y.register_hook(lambda grad: grad.clamp(-0.1, 0.1))
            loss = y.square().sum()
            loss.backward()
            opt.step()
            return loss

        return step, lambda: [*net.parameters()]

    assert len(same_bits(make, rows((4, 5))).programs) == 1


def test_autograd_grad_and_functions() -> None:
    class Cube(autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x * x

        @staticmethod
        def backward(ctx: Any, dy: Any) -> Any:
            (x,) = ctx.saved_tensors
            return 3 * x * x * dy

    def make() -> Any:
        net = nn.Linear(5, 3)

        def gradients(x: Any) -> Any:
            inner = x.detach().requires_grad_()
            y = Cube.apply(net(inner))
            found = autograd.grad(y.sum(), [inner, *net.parameters()])
            with fg.no_grad():
                for p, d in zip(net.parameters(), found[1:], strict=True):
                    p -= 0.01 * d
            return y, found

        return gradients, lambda: [*net.parameters(), *grads(net)]

    assert len(same_bits(make, rows((4, 5))).programs) == 1
