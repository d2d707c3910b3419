"""What a program takes up anew in every call, what makes it be recorded again, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn, optim
from fastgrad.nn import functional as F
from tests.program.common import bits

CALLS = 9


class Training:
    """A network, its optimiser, and a step that can be called eagerly or compiled."""

    def __init__(self, optimizer: Callable[[Any], Any], way: str, **options: Any) -> None:
        fg.manual_seed(2)
        self.net = nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Dropout(0.2), nn.Linear(6, 3))
        self.opt = optimizer(self.net.parameters())
        self.saved = self.net.state_dict(), self.opt.state_dict()

        def step(x: Any, target: Any) -> Any:
            self.opt.zero_grad()
            loss = F.cross_entropy(self.net(x), target)
            loss.backward()
            self.opt.step()
            return loss

        self.step: Any = step if way == "eager" else fg.compile(step, fuse=way == "fused", **options)


def batches(count: int = CALLS, dtype: str = "float32", size: int = 4) -> list[tuple[Any, Any]]:
    generator = np.random.default_rng(1)
    return [
        (fg.tensor(generator.standard_normal((size, 5)).astype(dtype)), fg.tensor(generator.integers(0, 3, size)))
        for _ in range(count)
    ]


def compare(
    optimizer: Callable[[Any], Any], change: Callable[[Training, int], Any], data: list[tuple[Any, Any]] | None = None
) -> list[Training]:
    """Call the step with change(training, number) before each call, and expect the same bits every way."""
    trainings = [Training(optimizer, way) for way in ("eager", "recorded", "fused")]
    for number, batch in enumerate(data or batches()):
        found = []
        for training in trainings:
            fg.manual_seed(number)
            change(training, number)
            found.append(bits([training.step(*batch), *training.net.parameters(), training.opt.state_dict()["state"]]))
        assert found[1] == found[0], f"recorded, call {number}"
        assert found[2] == found[0], f"fused, call {number}"
    return trainings[1:]


def programs(trainings: list[Training]) -> int:
    """How many programs were recorded, which is the same either way."""
    counts = {len(t.step.programs) for t in trainings}
    assert len(counts) == 1
    return counts.pop()


def sgd(params: Any) -> Any:
    return optim.SGD(params, lr=0.1, momentum=0.9)


def plain(params: Any) -> Any:
    return optim.SGD(params, lr=0.1)


def adam(params: Any) -> Any:
    return optim.AdamW(params, lr=0.01)


@pytest.mark.parametrize(
    ("optimizer", "options"),
    [
        (sgd, {"lr": [0.1, 0.05, 0.2], "momentum": [0.9, 0.5], "weight_decay": [0, 0.1], "nesterov": [False, True]}),
        (sgd, {"dampening": [0.0, 0.3], "l1": [0.0, 0.01], "maximize": [False, True]}),
        (plain, {"lr": [0, 0.3], "weight_decay": [0.0, 0.1]}),
        (adam, {"lr": [0.01, 0.1], "betas": [(0.9, 0.999), (0.5, 0.9)], "weight_decay": [0, 0.5], "eps": [1e-8, 0.1]}),
        (adam, {"maximize": [False, True], "l1": [0.0, 0.1], "decoupled_weight_decay": [True, False]}),
    ],
)
def test_options_take_effect_at_once(optimizer: Any, options: dict[str, list[Any]]) -> None:
    def change(t: Training, number: int) -> None:
        for name, values in options.items():
            t.opt.param_groups[0][name] = values[number % len(values)]

    assert programs(compare(optimizer, change)) == 1


def test_schedulers_take_effect_at_once() -> None:
    schedulers: dict[int, Any] = {}

    def change(t: Training, number: int) -> None:
        if id(t) not in schedulers:
            schedulers[id(t)] = optim.lr_scheduler.OneCycleLR(t.opt, max_lr=0.5, total_steps=20)
        elif number:
            schedulers[id(t)].step()

    assert programs(compare(sgd, change)) == 1


def at(number: int, change: Callable[[Training], Any]) -> Callable[[Training, int], Any]:
    return lambda t, n: change(t) if n == number else None


def replace_data(t: Training) -> None:
    t.net[0].weight.data = t.net[0].weight.data * np.float32(0.5)


def load_optimizer(t: Training) -> None:
    t.opt.load_state_dict(t.opt.state_dict())


RECORDED_AGAIN: dict[str, tuple[Any, Callable[[Training], Any]]] = {
    "momentum from 0": (plain, lambda t: t.opt.param_groups[0].update(momentum=0.9)),
    "momentum to 0": (sgd, lambda t: t.opt.param_groups[0].update(momentum=0)),
    "amsgrad": (adam, lambda t: t.opt.param_groups[0].update(amsgrad=True)),
    "optimiser's state": (adam, load_optimizer),
    "optimiser's state, momentum": (sgd, load_optimizer),
    "other optimiser's group": (sgd, lambda t: t.opt.add_param_group({"params": [fg.zeros(2, requires_grad=True)]})),
    "frozen": (sgd, lambda t: t.net[0].weight.requires_grad_(False)),
    "all frozen below": (adam, lambda t: t.net[0].requires_grad_(False)),
    "data": (plain, replace_data),
    "data, momentum": (sgd, replace_data),
    "evaluation": (sgd, lambda t: t.net.eval()),
    "evaluation of one layer": (sgd, lambda t: t.net[2].eval()),
}


@pytest.mark.parametrize("name", RECORDED_AGAIN)
def test_recorded_again(name: str) -> None:
    optimizer, change = RECORDED_AGAIN[name]
    assert programs(compare(optimizer, at(4, change))) == 2


NOT_RECORDED_AGAIN: dict[str, tuple[Any, Callable[[Training], Any]]] = {
    "weights loaded": (sgd, lambda t: t.net.load_state_dict(t.saved[0])),
    "weights changed in place": (sgd, lambda t: t.net[0].weight.data.fill(0.25)),
    "there and back": (sgd, lambda t: t.net.eval().train()),
    "gradients kept by hand": (sgd, lambda t: t.net[0].weight.detach()),
}


@pytest.mark.parametrize("name", NOT_RECORDED_AGAIN)
def test_not_recorded_again(name: str) -> None:
    optimizer, change = NOT_RECORDED_AGAIN[name]
    assert programs(compare(optimizer, at(4, change))) == 1


def test_thawed_again_uses_the_first_program() -> None:
    def change(t: Training, number: int) -> None:
        t.net.train(number % 2 == 0)

    assert programs(compare(sgd, change)) == 2


def test_another_dtype() -> None:
    data = batches(3) + batches(3, "float64")
    assert programs(compare(plain, at(3, lambda t: t.net.double()), data)) == 2


def test_other_batches() -> None:
    data = [batch for size in (4, 1, 7) for batch in batches(2, size=size)] * 2
    assert programs(compare(adam, lambda t, n: None, data)) == 3


def test_bounded_number_of_programs() -> None:
    t = Training(sgd, "fused", max_programs=3)
    for size in (1, 2, 3, 4, 5, 5, 4, 3):
        t.step(*batches(1, size=size)[0])
        assert 1 <= len(t.step.programs) <= 3
    kept = {id(p) for p in t.step.programs}
    for size in (3, 4, 5):
        t.step(*batches(1, size=size)[0])
    assert {id(p) for p in t.step.programs} == kept
    t.step.clear()
    assert t.step.programs == []
    t.step(*batches(1)[0])
    assert len(t.step.programs) == 1


def test_program_as_text() -> None:
    t = Training(sgd, "fused")
    t.net[2].p = 0.0
    t.step(*batches(1, size=7)[0])
    (program,) = t.step.programs
    lines = str(program).splitlines()
    commands = [line for line in lines[1:] if line.split()[:1] and line.split()[0].isdigit()]
    assert len(commands) == len(program) == len(program.commands)
    for name, line in zip(program.commands, commands, strict=True):
        assert name in line
    assert lines[0].startswith(f"step: {len(program)} commands")
    assert any("linear_forward" in line and "7x6" in line and "7x5" in line and "6x5" in line for line in commands)
    assert any("linear_sgd" in line and "FLOP" in line for line in commands)
    assert program.flop == 2 * 7 * (5 * 6 + 6 * 3) * 2 + 2 * 7 * 6 * 3
    assert program.nbytes > 0
    assert f"{program.flop} FLOP" in repr(program)


def test_fused_programs_are_smaller() -> None:
    found = []
    for way in ("recorded", "fused"):
        t = Training(sgd, way)
        t.net[2].p = 0.0
        t.step(*batches(1)[0])
        found.append(t.step.programs[0])
    recorded, fused = found
    assert len(fused) <= len(recorded)
    assert fused.nbytes < recorded.nbytes
    assert fused.flop == recorded.flop
