"""Sequential: fusing a Linear with the activation behind it changes nothing but the time."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import torch

import fastgrad as fg
from fastgrad import _cpu, nn
from fastgrad.nn import sequential
from tests.nn.compare import DTYPES, close, modules_agree, normal

ACTIVATIONS = [info["module"] for info in _cpu.activations()]
MODULES = sorted({name for name in ACTIVATIONS if hasattr(nn, name)})


@pytest.fixture
def fused(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The activations that were run fused into a Linear."""
    calls: list[Any] = []
    original = sequential.fused_linear

    def spy(x: Any, w: Any, b: Any, activation: Any) -> Any:
        calls.append(activation)
        return original(x, w, b, activation)

    monkeypatch.setattr(sequential, "fused_linear", spy)
    return calls


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("leading", [(5,), (2, 3), ()])
def test_fused_equals_unfused_bit_for_bit(
    isa: str, fused: list[Any], dtype: str, name: str, leading: tuple[int, ...]
) -> None:
    net = nn.Sequential(nn.Linear(7, 33, dtype=dtype), getattr(nn, name)(), nn.Linear(33, 2, dtype=dtype))
    results = []
    for run in (net, lambda x: net[2](net[1](net[0](x)))):
        x = fg.tensor(normal(0, *leading, 7, dtype=dtype), requires_grad=True)
        net.zero_grad()
        y = run(x)
        y.sum().backward()
        results.append([t.detach().numpy().copy() for t in (y, x.grad, *(p.grad for p in net.parameters()))])
    assert [a.name for a in fused] == [net[1].activation.name]
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


def test_everything_between_runs_as_it_is(fused: list[Any]) -> None:
    net = nn.Sequential(
        nn.ReLU(), nn.Linear(4, 4), nn.Tanh(), nn.Tanh(), nn.Dropout(0.0), nn.Linear(4, 4), nn.PReLU(),
        nn.Linear(4, 3), nn.Softmax(dim=1), nn.Sequential(nn.Linear(3, 3), nn.GELU()), nn.ELU(0.5),
    ).double()  # fmt: skip
    theirs = torch.nn.Sequential(
        torch.nn.ReLU(), torch.nn.Linear(4, 4), torch.nn.Tanh(), torch.nn.Tanh(), torch.nn.Dropout(0.0),
        torch.nn.Linear(4, 4), torch.nn.PReLU(), torch.nn.Linear(4, 3), torch.nn.Softmax(dim=1),
        torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.GELU()), torch.nn.ELU(0.5),
    ).double()  # fmt: skip
    modules_agree(net, theirs, normal(0, 5, 4))
    assert [a.name for a in fused] == ["tanh", "gelu"]


def test_hooks_are_called_and_fusion_comes_back(fused: list[Any]) -> None:
    net = nn.Sequential(nn.Linear(3, 3), nn.ReLU())
    x = fg.tensor(normal(0, 5, 3, dtype="float32"))
    expected = net(x).detach().numpy()
    assert len(fused) == 1
    for module in net:
        seen: list[Any] = []
        with module.register_forward_hook(lambda module, args, output: seen.append(output)):  # noqa: B023
            close(net(x), expected, 0)
        assert len(seen) == 1
        assert len(fused) == 1
    close(net(x), expected, 0)
    assert len(fused) == 2
    fused.clear()
    net.register_forward_hook(lambda module, args, output: output * 2)
    close(net(x), 2 * expected, 0)
    assert len(fused) == 1


def test_a_linear_that_has_an_activation_keeps_it(fused: list[Any]) -> None:
    net = nn.Sequential(nn.Linear(3, 3, activation="tanh"), nn.ReLU())
    x = fg.tensor(normal(0, 5, 3, dtype="float32"))
    expected = np.maximum(net[0](x).detach().numpy(), 0)
    close(net(x), expected, 0)
    assert not fused
    net[0].activation = None
    net(x)
    assert len(fused) == 1


def test_changes_of_the_modules_are_seen_at_once(fused: list[Any]) -> None:
    x = fg.tensor(normal(0, 5, 3, dtype="float32"))
    net = nn.Sequential(nn.Linear(3, 3), nn.ReLU())
    plain = net[0](x).detach().numpy()
    net(x)
    net[1] = nn.Tanh()
    close(net(x), np.tanh(plain), 1e-6)
    net.add_module("1", nn.Identity())
    close(net(x), plain, 0)
    setattr(net, "1", nn.ReLU())
    close(net(x), np.maximum(plain, 0), 0)
    del net[1]
    close(net(x), plain, 0)
    net.append(nn.ReLU())
    close(net(x), np.maximum(plain, 0), 0)
    net.insert(1, nn.Tanh())
    close(net(x), np.maximum(np.tanh(plain), 0), 1e-6)
    net.pop(1)
    close(net(x), np.maximum(plain, 0), 0)
    net[0].weight = nn.Parameter(fg.zeros(3, 3))
    net[0].bias = None
    close(net(x), np.zeros((5, 3), "float32"), 0)
    net[0].forward = lambda x: x
    close(net(x), np.maximum(x.numpy(), 0), 0)


def test_subclasses_with_a_forward_of_their_own_run_it(fused: list[Any]) -> None:
    class Doubling(nn.Linear):
        def forward(self, x: fg.Tensor) -> fg.Tensor:
            return super().forward(x) * 2

    class Shifted(nn.ReLU):
        def forward(self, x: fg.Tensor) -> fg.Tensor:
            return super().forward(x) + 1

    class Plain(nn.Linear):
        pass

    x = fg.tensor(normal(0, 5, 3, dtype="float32"))
    for net in (nn.Sequential(Doubling(3, 3), nn.ReLU()), nn.Sequential(nn.Linear(3, 3), Shifted())):
        close(net(x), net[1](net[0](x)).detach().numpy(), 0)
        assert not fused
    net = nn.Sequential(Plain(3, 3), nn.ReLU())
    net(x)
    assert len(fused) == 1


def test_copies_run_their_own_modules() -> None:
    net = nn.Sequential(nn.Linear(3, 3), nn.ReLU())
    x = fg.ones(2, 3)
    before = net(x).detach().numpy().copy()
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        with fg.no_grad():
            twin[0].weight.zero_()
            twin[0].bias.fill_(2.0)
        assert (twin(x).detach().numpy() == 2).all()
        close(net(x), before, 0)


def test_empty_sequential_returns_its_input() -> None:
    x = fg.ones(2)
    assert nn.Sequential()(x) is x
