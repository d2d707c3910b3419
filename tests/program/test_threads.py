"""Compiled functions called by several Python threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

import fastgrad as fg
from fastgrad import nn
from tests.program.common import bits
from tests.program.test_rules import Training, batches, sgd


def together(*tasks: Callable[[], Any]) -> list[Any]:
    """Run all tasks at once, each in a thread of its own, and return what they return."""
    found: list[Any] = [None] * len(tasks)
    errors: list[BaseException] = []
    ready = threading.Barrier(len(tasks))

    def run(i: int) -> None:
        try:
            ready.wait(10)
            found[i] = tasks[i]()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(tasks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    if errors:
        raise errors[0]
    return found


def network() -> nn.Module:
    fg.manual_seed(3)
    return nn.Sequential(nn.Linear(20, 64), nn.Tanh(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3))


def test_the_same_function() -> None:
    net = network()
    evaluate = fg.compile(lambda x: net(x).softmax(1))
    inputs = [fg.tensor(np.random.default_rng(i).standard_normal((16, 20)).astype("f")) for i in range(4)]
    expected = [bits(net(x).softmax(1)) for x in inputs]
    for _ in range(5):
        found = together(*[lambda x=x: [bits(evaluate(x)) for _ in range(20)] for x in inputs])
        assert found == [[e] * 20 for e in expected]
        evaluate.clear()


def training(net: Any, seed: int, way: str, calls: int = 15) -> list[Any]:
    opt = fg.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)

    def step(x: Any) -> Any:
        opt.zero_grad()
        loss = net(x).square().mean()
        loss.backward()
        opt.step()
        return loss

    run = step if way == "eager" else fg.compile(step)
    generator = np.random.default_rng(seed)
    losses = [bits(run(fg.tensor(generator.standard_normal((8, 20)).astype("f")))) for _ in range(calls)]
    if way != "eager":
        assert len(run.programs) == 1  # type: ignore[attr-defined]
    return [losses, bits([*net.parameters()])]


def test_functions_of_their_own_and_eager_steps() -> None:
    expected = [training(network(), seed, "eager") for seed in range(4)]
    for _ in range(3):
        nets = [network() for _ in range(4)]
        tasks = [
            lambda seed=seed, net=nets[seed]: training(net, seed, "eager" if seed == 3 else "compiled")
            for seed in range(4)
        ]
        assert together(*tasks) == expected


def test_one_thread_records_while_another_replays() -> None:
    net = network()
    evaluate = fg.compile(lambda x: net(x))
    x = fg.ones(4, 20)
    expected = bits(evaluate(x))
    inside, go_on = threading.Event(), threading.Event()

    @fg.compile
    def slow(x: Any) -> Any:
        y = net(x) * 2
        inside.set()
        assert go_on.wait(30)
        return y + 1

    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(slow(x)))
    thread.start()
    assert inside.wait(30)
    for _ in range(5):
        assert bits(evaluate(x)) == expected
        assert bits(net(x)) == expected
    t = Training(sgd, "fused")
    other = Training(sgd, "eager")
    for i, batch in enumerate(batches(4)):
        for each in (t, other):
            fg.manual_seed(i)
            each.step(*batch)
    assert bits([*t.net.parameters()]) == bits([*other.net.parameters()])
    go_on.set()
    thread.join(30)
    assert bits(found[0]) == bits(net(x) * 2 + 1)
    assert len(evaluate.programs) == 1
    assert len(t.step.programs) == 1


def test_a_recording_in_one_thread_leaves_the_tape_of_others_alone() -> None:
    inside, go_on = threading.Event(), threading.Event()

    @fg.compile
    def failing(x: Any) -> Any:
        inside.set()
        assert go_on.wait(30)
        return (x * 2).item()

    errors: list[Any] = []

    def run() -> None:
        try:
            failing(fg.ones(1))
        except RuntimeError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert inside.wait(30)
    x = fg.tensor([3.0], requires_grad=True)
    (x * x).sum().backward()
    assert x.grad.item() == 6.0
    x.data = x.data * 2
    assert x.item() == 6.0
    go_on.set()
    thread.join(30)
    assert "is being recorded" in str(errors[0])
    x.grad = None
    (x * x).sum().backward()
    assert x.grad.item() == 12.0
