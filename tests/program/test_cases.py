"""Training steps of the networks that are measured: every optimiser, dtype, instruction set and number of threads."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from bench.cases import CASES, Case, start

import fastgrad as fg
from fastgrad import _cpu, nn, optim
from fastgrad.nn import functional as F
from tests.program.common import same_bits

SMALL = {case.name: case for case in CASES if case.name != "wide"}
WIDE = next(case for case in CASES if case.name == "wide")
ODD = Case("odd", (7, 19, 33, 5), "gelu", 11)
ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "elu": nn.ELU, "gelu": nn.GELU}
OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "sgd": partial(optim.SGD, lr=0.05),
    "momentum": partial(optim.SGD, lr=0.05, momentum=0.9),
    "nesterov": partial(optim.SGD, lr=0.05, momentum=0.9, nesterov=True),
    "dampening": partial(optim.SGD, lr=0.05, momentum=0.9, dampening=0.3),
    "weight_decay": partial(optim.SGD, lr=0.05, weight_decay=0.01),
    "l1": partial(optim.SGD, lr=0.05, l1=0.001),
    "maximize": partial(optim.SGD, lr=0.05, maximize=True),
    "everything": partial(
        optim.SGD, lr=0.05, momentum=0.8, weight_decay=0.01, l1=0.001, nesterov=True, maximize=True
    ),
    "adam": partial(optim.Adam, lr=0.01),
    "adam weight_decay": partial(optim.Adam, lr=0.01, weight_decay=0.01, betas=(0.8, 0.95)),
    "adam maximize": partial(optim.Adam, lr=0.01, maximize=True),
    "adamw": partial(optim.AdamW, lr=0.01),
    "amsgrad": partial(optim.AdamW, lr=0.01, amsgrad=True),
}


def network(case: Case, dtype: str) -> nn.Sequential:
    """The case's layers with the weights that it starts from."""
    begin = start(case, dtype)
    layers: list[nn.Module] = []
    for i, (inputs, outputs) in enumerate(pairwise(case.sizes)):
        layer = nn.Linear(inputs, outputs, dtype=getattr(fg, dtype))
        layer.weight.data[...] = begin.weights[i]
        layer.bias.data[...] = begin.biases[i]
        layers += [layer, ACTIVATIONS[case.activation]()]
    return nn.Sequential(*layers[:-1])


def training(case: Case, optimizer: Callable[[Any], Any], dtype: str = "float32") -> Any:
    """A training step, and what it changes."""
    net = network(case, dtype)
    opt = optimizer(net.parameters())

    def step(x: Any, target: Any) -> Any:
        opt.zero_grad()
        loss = F.cross_entropy(net(x), target)
        loss.backward()
        opt.step()
        return loss

    return step, lambda: ([*net.parameters()], [opt.state_dict()["state"]])


def batches(case: Case, count: int, dtype: str = "float32") -> list[tuple[Any, Any]]:
    """Different batches."""
    first = start(case, dtype)
    generator = np.random.default_rng(3)
    found = [(fg.tensor(first.x), fg.tensor(first.target))]
    while len(found) < count:
        x = generator.standard_normal(first.x.shape).astype(dtype)
        found.append((fg.tensor(x), fg.tensor(generator.integers(0, case.sizes[-1], case.batch))))
    return found


def expected_commands(case: Case, update: str) -> list[str]:
    """A fused step: each layer forward, the loss, then from the top dz of the layer below and the layer's update."""
    layers = len(case.sizes) - 1
    backward = [["linear_grad_input", update] if i else [update] for i in reversed(range(layers))]
    return sorted(["linear_forward"] * layers + ["cross_entropy"] + [name for names in backward for name in names])


@pytest.mark.parametrize("update", ["sgd", "adam"])
@pytest.mark.parametrize("case", SMALL.values(), ids=SMALL)
def test_case(case: Case, update: str) -> None:
    compiled = same_bits(partial(training, case, OPTIMIZERS[update]), batches(case, 4))
    (program,) = compiled.programs
    assert sorted(program.commands) == expected_commands(case, f"linear_{update}")
    assert program.flop == case.flop


def test_wide_case() -> None:
    compiled = same_bits(partial(training, WIDE, OPTIMIZERS["sgd"]), batches(WIDE, 3))
    (program,) = compiled.programs
    assert program.flop == WIDE.flop
    assert sorted(program.commands) == expected_commands(WIDE, "linear_sgd")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("case", [SMALL["online"], SMALL["tiny"], ODD], ids=lambda case: case.name)
def test_optimizer(case: Case, optimizer: Callable[[Any], Any], dtype: str) -> None:
    compiled = same_bits(partial(training, case, optimizer, dtype), batches(case, 5, dtype))
    (program,) = compiled.programs
    kind = "adam" if isinstance(optimizer.func([fg.zeros(1)]), optim.Adam) else "sgd"  # type: ignore[attr-defined]
    assert sorted(program.commands) == expected_commands(case, f"linear_{kind}")


@pytest.mark.parametrize("name", ["tiny", "rl", "mnist"])
def test_float64(name: str) -> None:
    case = SMALL[name]
    compiled = same_bits(partial(training, case, OPTIMIZERS["momentum"], "float64"), batches(case, 3, "float64"))
    assert len(compiled.programs) == 1


@pytest.mark.parametrize("optimizer", ["everything", "amsgrad"])
@pytest.mark.parametrize("case", [SMALL["online"], ODD], ids=lambda case: case.name)
def test_instruction_set(isa: str, case: Case, optimizer: str) -> None:
    compiled = same_bits(partial(training, case, OPTIMIZERS[optimizer]), batches(case, 4))
    assert len(compiled.programs) == 1


@pytest.mark.parametrize("name", ["online", "rl", "lecture", "tabular"])
def test_threads(name: str) -> None:
    case = SMALL[name]
    found = []
    for threads in (1, 2):
        _cpu.set_num_threads(threads)
        step, state = training(case, OPTIMIZERS["momentum"])
        compiled = fg.compile(step)
        losses = [compiled(*batch).numpy().tobytes() for batch in batches(case, 3)]
        found.append((losses, [p.detach().numpy().tobytes() for p in state()[0]]))
        same_bits(partial(training, case, OPTIMIZERS["momentum"]), batches(case, 3))
    assert found[0] == found[1]


@pytest.mark.parametrize("batch", range(1, 10))
def test_batch_sizes(batch: int) -> None:
    case = Case("any", (5, 17, 4), "relu", batch)
    compiled = same_bits(partial(training, case, OPTIMIZERS["nesterov"]), batches(case, 3))
    assert len(compiled.programs) == 1


@pytest.mark.parametrize("bias", [True, False])
def test_frozen_layers_and_layers_without_bias(bias: bool) -> None:
    def make() -> Any:
        first, middle, last = (nn.Linear(m, n, bias=bias) for m, n in ((6, 9), (9, 9), (9, 3)))
        net = nn.Sequential(first, nn.Tanh(), middle, nn.ReLU(), last)
        net[2].requires_grad_(False)
        opt = optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.1, momentum=0.9)

        def step(x: Any, target: Any) -> Any:
            opt.zero_grad()
            loss = F.cross_entropy(net(x), target)
            loss.backward()
            opt.step()
            return loss

        return step, lambda: ([*net.parameters()], [opt.state_dict()["state"]])

    case = Case("any", (6, 3), "relu", 8)
    compiled = same_bits(make, batches(case, 4))
    assert compiled.programs[0].commands.count("linear_sgd") == 2


def test_two_groups_with_options_of_their_own() -> None:
    def make() -> Any:
        net = network(ODD, "float32")
        opt = optim.AdamW(
            [
                {"params": [p for p in net.parameters() if p.ndim == 2], "weight_decay": 0.1},
                {"params": [p for p in net.parameters() if p.ndim == 1], "weight_decay": 0.0, "lr": 0.1},
            ]
        )

        def step(x: Any, target: Any) -> Any:
            opt.zero_grad()
            loss = F.cross_entropy(net(x), target)
            loss.backward()
            opt.step()
            return loss

        return step, lambda: ([*net.parameters()], [opt.state_dict()["state"]])

    compiled = same_bits(make, batches(ODD, 4))
    assert len(compiled.programs) == 1
