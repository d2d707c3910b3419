"""Every layer and every loss in a recorded step."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import backend, nn, optim
from fastgrad.nn import functional as F
from tests.program.common import bits, device, same_bits

ACTIVATIONS = [entry["name"] for entry in backend.native.activations()]
ROWS = 6


def rows(count: int = 4, width: int = 5, dtype: str = "float32") -> list[tuple[Any, ...]]:
    """Different batches."""
    generator = np.random.default_rng(11)
    return [(fg.tensor(generator.standard_normal((ROWS, width)).astype(dtype)),) for _ in range(count)]


def training(network: Callable[[], nn.Module], dtype: Any = None, lr: float = 0.05) -> Any:
    """A step that makes a network's results small, and what it changes."""
    net = network()
    net = (net if dtype is None else net.to(dtype)).to(device())
    opt = optim.SGD(net.parameters(), lr=lr, momentum=0.9)

    def step(*xs: Any) -> Any:
        opt.zero_grad()
        ys = net(*xs)
        y = ys[0] if isinstance(ys, tuple) else ys
        loss = (y * y).mean()
        loss.backward()
        opt.step()
        return loss, ys

    return step, lambda: ([*net.parameters()], [*net.buffers()], opt.state_dict()["state"])


class Activation(nn.Module):
    """An activation by its kernel's name, on its own or after a layer."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.function = partial(F.gelu, approximate="tanh") if name == "gelu_tanh" else getattr(F, name)

    def forward(self, x: Any) -> Any:
        return self.function(x)


@pytest.mark.parametrize("dtype", [fg.float32, fg.float64], ids=str)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name: str, dtype: Any) -> None:
    def network() -> nn.Module:
        return nn.Sequential(nn.Linear(5, 7), Activation(name), nn.Linear(7, 3), Activation(name))

    compiled = same_bits(partial(training, network, dtype), rows(dtype=np.dtype(dtype).name))
    (program,) = compiled.programs
    assert program.commands.count("linear_forward") == 2
    assert program.commands.count("activation_forward") <= 1  # within the network it is part of the layer
    assert program.commands.count("linear_sgd") == 2


LAYERS: dict[str, Callable[[], nn.Module]] = {
    "prelu": lambda: nn.Sequential(nn.Linear(5, 7), nn.PReLU(7), nn.Linear(7, 3), nn.PReLU()),
    "layer norm": lambda: nn.Sequential(nn.Linear(5, 7), nn.LayerNorm(7), nn.ReLU(), nn.Linear(7, 3)),
    "layer norm without weights": lambda: nn.Sequential(nn.Linear(5, 7), nn.LayerNorm(7, elementwise_affine=False)),
    "batch norm": lambda: nn.Sequential(nn.Linear(5, 7), nn.BatchNorm1d(7), nn.ReLU(), nn.Linear(7, 3)),
    "batch norm, cumulative": lambda: nn.Sequential(nn.Linear(5, 7), nn.BatchNorm1d(7, momentum=None), nn.Tanh()),
    "batch norm, no statistics": lambda: nn.Sequential(nn.Linear(5, 7), nn.BatchNorm1d(7, track_running_stats=False)),
    "dropout": lambda: nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Dropout(0.5), nn.Linear(7, 3), nn.Dropout(0.1)),
    "softmax": lambda: nn.Sequential(nn.Linear(5, 7), nn.Softmax(1), nn.Linear(7, 3), nn.Softmax(0)),
    "log softmax": lambda: nn.Sequential(nn.Linear(5, 7), nn.LogSoftmax(1), nn.Linear(7, 3), nn.LogSoftmax(0)),
    "flatten": lambda: nn.Sequential(nn.Linear(5, 6), nn.Unflatten(1, (2, 3)), nn.Linear(3, 4), nn.Flatten()),
    "identity": lambda: nn.Sequential(nn.Identity(), nn.Linear(5, 7), nn.Identity()),
}


@pytest.mark.parametrize("network", LAYERS.values(), ids=LAYERS)
def test_layer(network: Callable[[], nn.Module]) -> None:
    compiled = same_bits(partial(training, network), rows())
    assert len(compiled.programs) == 1


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize(("layers", "both"), [(1, False), (2, True)])
def test_rnn(nonlinearity: str, layers: int, both: bool) -> None:
    generator = np.random.default_rng(2)
    calls = [(fg.tensor(generator.standard_normal((4, 3, 5)).astype("f")),) for _ in range(3)]

    def network() -> nn.Module:
        return nn.RNN(5, 6, num_layers=layers, nonlinearity=nonlinearity, bidirectional=both)

    compiled = same_bits(partial(training, network), calls)
    assert len(compiled.programs) == 1


def test_rnn_cell_with_a_state() -> None:
    generator = np.random.default_rng(2)
    calls = [tuple(fg.tensor(generator.standard_normal((3, n)).astype("f")) for n in (5, 4)) for _ in range(3)]
    compiled = same_bits(partial(training, lambda: nn.RNNCell(5, 4)), calls)
    assert len(compiled.programs) == 1


def test_embedding_and_bilinear() -> None:
    class Pairs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left, self.right = nn.Embedding(10, 4), nn.Embedding(8, 3, padding_idx=0)
            self.both = nn.Bilinear(4, 3, 5)

        def forward(self, a: Any, b: Any) -> Any:
            return self.both(self.left(a), self.right(b))

    generator = np.random.default_rng(2)
    calls = [tuple(fg.tensor(generator.integers(0, n, ROWS)) for n in (10, 8)) for _ in range(4)]
    compiled = same_bits(partial(training, Pairs), calls)
    assert len(compiled.programs) == 1
    step, state = training(Pairs)
    compiled = fg.compile(step)
    compiled(*calls[0])
    before = bits(state())
    with pytest.raises(IndexError):
        compiled(calls[1][0], fg.tensor([0, 1, 2, 3, 4, 8]))
    assert bits(state()) == before
    compiled(*calls[1])
    assert len(compiled.programs) == 1


def test_dropout_draws_other_numbers_in_every_call() -> None:
    net = nn.Dropout(0.5)
    drop = fg.compile(lambda x: net(x))
    x = fg.ones(1000)
    masks = [drop(x).numpy().tobytes() for _ in range(4)]
    assert len(set(masks)) == 4
    fg.manual_seed(9)
    expected = [net(x).numpy().tobytes() for _ in range(3)]
    fg.manual_seed(9)
    assert [net(x).numpy().tobytes(), *(drop(x).numpy().tobytes() for _ in range(2))] == expected
    assert len(drop.programs) == 1


LOSSES: dict[str, tuple[Any, str]] = {
    "cross entropy": (nn.CrossEntropyLoss, "classes"),
    "cross entropy, smoothing": (partial(nn.CrossEntropyLoss, label_smoothing=0.1), "classes"),
    "cross entropy, weights": (partial(nn.CrossEntropyLoss, weight=fg.tensor([1.0, 2.0, 0.5])), "classes"),
    "cross entropy, ignored": (partial(nn.CrossEntropyLoss, ignore_index=1), "classes"),
    "cross entropy, probabilities": (nn.CrossEntropyLoss, "probabilities"),
    "nll": (nn.NLLLoss, "classes"),
    "mse": (nn.MSELoss, "numbers"),
    "l1": (nn.L1Loss, "numbers"),
    "smooth l1": (partial(nn.SmoothL1Loss, beta=0.5), "numbers"),
    "huber": (partial(nn.HuberLoss, delta=0.5), "numbers"),
    "bce": (nn.BCELoss, "probabilities"),
    "bce with logits": (partial(nn.BCEWithLogitsLoss, pos_weight=fg.tensor([1.0, 2.0, 0.5])), "probabilities"),
}


def targets(kind: str) -> list[Any]:
    generator = np.random.default_rng(4)
    if kind == "classes":
        return [fg.tensor(generator.integers(0, 3, ROWS)) for _ in range(4)]
    found = [generator.random((ROWS, 3)).astype("f") for _ in range(4)]
    if kind == "probabilities":
        found = [a / a.sum(1, keepdims=True) for a in found]
    return [fg.tensor(a) for a in found]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", LOSSES)
def test_loss(name: str, reduction: str) -> None:
    make_loss, kind = LOSSES[name]

    def make() -> Any:
        criterion = make_loss(reduction=reduction)
        last = nn.Sigmoid() if name == "bce" else nn.Identity()
        net = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3), last)
        opt = optim.Adam(net.parameters(), lr=0.01)

        def step(x: Any, target: Any) -> Any:
            opt.zero_grad()
            loss = criterion(net(x), target)
            (loss if reduction != "none" else loss.sum()).backward()
            opt.step()
            return loss

        return step, lambda: [*net.parameters()]

    compiled = same_bits(make, [(x, t) for (x,), t in zip(rows(), targets(kind), strict=True)])
    assert len(compiled.programs) == 1


@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("wrong", [3, -1])
def test_target_out_of_range(fuse: bool, wrong: int) -> None:
    net = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3))
    opt = optim.Adam(net.parameters(), lr=0.01)

    def step(x: Any, target: Any) -> Any:
        opt.zero_grad()
        loss = F.cross_entropy(net(x), target)
        loss.backward()
        opt.step()
        return loss

    compiled = fg.compile(step, fuse=fuse)
    (x,), target = rows()[0], targets("classes")
    compiled(x, target[0])
    before = bits([*net.parameters(), opt.state_dict()["state"]])
    bad = target[1].clone()
    bad[2] = wrong
    with pytest.raises(IndexError, match="target"):
        compiled(x, bad)
    assert bits([*net.parameters(), opt.state_dict()["state"]]) == before
    compiled(x, target[1])
    assert len(compiled.programs) == 1
    assert bits([*net.parameters()]) != before[: len(list(net.parameters()))]


def test_training_and_evaluation_in_turns() -> None:
    net = nn.Sequential(nn.Linear(5, 7), nn.BatchNorm1d(7), nn.Dropout(0.3), nn.Linear(7, 3))
    begin = net.state_dict()
    begin = {name: t.clone() for name, t in begin.items()}
    found = []
    compiled = fg.compile(lambda x: net(x))
    for forward in (net, compiled):
        net.load_state_dict(begin)
        fg.manual_seed(3)
        for (x,), mode in zip(rows() * 2, [True, False, True, True, False, False, True, False], strict=True):
            net.train(mode)
            found.append(bits([forward(x), *net.buffers()]))
    assert found[:8] == found[8:]
    assert len(compiled.programs) == 2
