"""The numbers against those that torch's hooks see on the same network."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

import fastgrad as fg
from fastgrad import diagnostics, nn
from tests.diagnostics.common import Training, batch


class Torch:
    """The network of a `Training` in torch, with hooks that keep what passes."""

    def __init__(self, net: Any, layers: list[Any]) -> None:
        self.net = net
        self.opt = torch.optim.SGD(self.net.parameters(), lr=0.05, momentum=0.5)
        self.y: dict[int, list[np.ndarray]] = {}
        self.dy: dict[int, list[np.ndarray]] = {}
        for i, layer in enumerate(layers):
            layer.register_forward_hook(self.hook(i))

    def hook(self, i: int) -> Any:
        def see(module: Any, args: Any, output: Any) -> None:
            y = output[0] if isinstance(output, tuple) else output
            self.y.setdefault(i, []).append(y.detach().numpy().copy())
            y.register_hook(lambda dy: self.dy.setdefault(i, []).append(dy.numpy().copy()))

        return see

    def step(self, x: Any, y: Any) -> None:
        self.y.clear()
        self.dy.clear()
        self.opt.zero_grad()
        loss = torch.nn.functional.cross_entropy(self.net(torch.tensor(x.numpy()).double()), torch.tensor(y.numpy()))
        loss.backward()
        self.opt.step()


def flat(arrays: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([a.ravel() for a in arrays])


def units(arrays: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([a.reshape(-1, a.shape[-1]) for a in arrays])


class SharedTorch(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.middle = torch.nn.Linear(5, 6), torch.nn.Linear(6, 6)
        self.last = torch.nn.Linear(6, 3)
        self.acts = torch.nn.ModuleList([torch.nn.Sigmoid(), torch.nn.Sigmoid()])

    def forward(self, x: Any) -> Any:
        y = self.acts[0](self.first(x))
        return self.last(self.acts[1](self.middle(self.acts[1](self.middle(y)))))


def mlp_torch() -> tuple[Any, dict[str, tuple[int, Any]]]:
    t = torch.nn
    net = t.Sequential(t.Linear(5, 8), t.Sigmoid(), t.Linear(8, 7), t.ReLU(), t.Linear(7, 3))
    return net, {"0": (net[0], net[1]), "2": (net[2], net[3]), "4": (net[4], net[4])}


def shared_torch() -> tuple[Any, dict[str, tuple[Any, Any]]]:
    net = SharedTorch()
    pairs = {"first": (net.first, net.acts[0]), "middle": (net.middle, net.acts[1]), "last": (net.last, net.last)}
    return net, pairs


@pytest.mark.parametrize(("model", "make"), [("mlp", mlp_torch), ("shared", shared_torch)])
def test_against_torch(model: str, make: Any) -> None:
    training = Training(model)
    training.net.double()
    net, pairs = make()
    net.double()
    net.load_state_dict({name: torch.tensor(w.detach().numpy()) for name, w in training.net.state_dict().items()})
    peer = Torch(net, [activation for _, activation in pairs.values()])
    record = diagnostics.watch(training.net, training.opt, every=2)
    expected: dict[str, list[dict[str, float]]] = {name: [] for name in pairs}
    histograms: dict[str, list[np.ndarray]] = {name: [] for name in pairs}
    for i in range(7):
        before = {name: layer.weight.detach().numpy().copy() for name, (layer, _) in pairs.items()}
        x, y_true = batch(i)
        training.step(x.double(), y_true)
        peer.step(x, y_true)
        if i % 2:
            continue
        for k, (name, (layer, activation)) in enumerate(pairs.items()):
            y, w = flat(peer.y[k]), layer.weight.detach().numpy()
            kind = type(activation).__name__
            limits = {"Sigmoid": (0.01, 0.99), "ReLU": (0, math.inf)}.get(kind)
            low, high = units(peer.y[k]).min(0), units(peer.y[k]).max(0)
            dead = low == high
            if limits is not None:
                dead |= (high <= limits[0]) | (low >= limits[1])
            expected[name].append({
                "activation_mean": y.mean(),
                "activation_std": y.std(),
                "saturation": ((y <= limits[0]) | (y >= limits[1])).mean() if limits else math.nan,
                "dead": dead.mean(),
                "gradient": np.abs(flat(peer.dy[k])).mean(),
                "weight_gradient": np.abs(layer.weight.grad.numpy()).mean(),
                "weight_norm": np.linalg.norm(before[name]),
                "update_norm": np.linalg.norm(w - before[name]),
                "update_ratio": np.linalg.norm(w - before[name]) / np.linalg.norm(before[name]),
            })
            bottom, top = {"Sigmoid": (0, 1), "ReLU": (0, 5)}.get(kind, (-5, 5))
            histograms[name].append(np.histogram(np.clip(y, bottom, top), 20, (bottom, top))[0])
    assert list(record.layers) == list(pairs)
    for name, rows in expected.items():
        for number in rows[0]:
            found = getattr(record[name], number)
            np.testing.assert_allclose(found, [row[number] for row in rows], rtol=1e-10, err_msg=number)
        assert record[name].histogram.tolist() == np.array(histograms[name]).tolist()


def test_a_layer_that_is_used_several_times_has_the_rows_of_all_its_calls() -> None:
    training = Training("recurrent")
    record = diagnostics.watch(training.net, training.opt, every=1)
    training.run(2)
    assert record["rnn"].rows == [27, 27]  # 9 sequences of 3 steps, in one call
    assert record["cell"].rows == [27, 27]  # in three
    assert record["head"].rows == [9, 9]
    assert record["rnn"].units == 4
    assert record["rnn"].title == "rnn RNN + tanh"
    assert np.all(record["rnn"].saturation < 0.5)


def test_means_of_several_calls_are_those_of_all_elements() -> None:
    net = nn.Identity()
    random = np.random.default_rng(0)
    parts = [random.normal(1000.0, 1e-2, (n, 3)) for n in (1, 50, 7)]
    record = diagnostics.watch(net, layers=[""], every=1)
    for part in parts:
        net(fg.tensor(part))
    record.step()
    whole = np.concatenate(parts)
    np.testing.assert_allclose(record[""].activation_mean, whole.mean(), rtol=1e-14)
    np.testing.assert_allclose(record[""].activation_std, whole.std(), rtol=1e-9)


ACTIVATIONS: dict[str, tuple[Any, float, float]] = {
    "sigmoid": (nn.Sigmoid(), 0.01, 0.99),
    "tanh": (nn.Tanh(), -0.99, 0.99),
    "softsign": (nn.Softsign(), -0.99, 0.99),
    "relu": (nn.ReLU(), 0.0, math.inf),
    "relu6": (nn.ReLU6(), 0.0, 6.0),
    "hardtanh": (nn.Hardtanh(-2.0, 3.0), -2.0, 3.0),
    "elu": (nn.ELU(0.5), -0.495, math.inf),
    "celu": (nn.CELU(2.0), -1.98, math.inf),
    "selu": (nn.SELU(), -0.99 * 1.0507009873554805 * 1.6732632423543772, math.inf),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_saturation(name: str) -> None:
    module, low, high = ACTIVATIONS[name]
    net = nn.Sequential(nn.Linear(4, 30), module)
    x = fg.tensor(np.random.default_rng(1).normal(0, 1000 if name == "softsign" else 20, (40, 4)).astype("f"))
    with diagnostics.watch(net, every=1) as record:
        y = net(x).detach().numpy()
        record.step()
    expected = ((y <= low) | (y >= high)).mean()
    assert 0.1 < expected < 0.999
    assert record["0"].saturation[0] == pytest.approx(expected, abs=1e-12)
    assert record["0"].activation == name
    assert (record["0"].low, record["0"].high) == (pytest.approx(low), high)


@pytest.mark.parametrize("module", [nn.LeakyReLU(), nn.GELU(), nn.SiLU(), nn.Softplus(), nn.ELU(-1.0)], ids=repr)
def test_what_does_not_saturate(module: Any) -> None:
    net = nn.Sequential(nn.Linear(4, 30), module)
    with diagnostics.watch(net, every=1) as record:
        net(fg.randn(5, 4))
        record.step()
    assert np.isnan(record["0"].saturation[0])
    assert record["0"].dead[0] == 0


def test_dead_units() -> None:
    net = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2))
    with fg.no_grad():
        net[0].weight.copy_(fg.tensor([[1.0, 0], [-1, 0], [0, 0], [0, 0]]))
        net[0].bias.copy_(fg.tensor([0.0, 0, -1, 2]))
    record = diagnostics.watch(net, every=1)
    inputs = ([[-1.0, 0], [-2, 0]], [[1.0, 0], [2, 0]], [[3.0, 0], [4, 0]])
    for x in inputs:
        net(fg.tensor(x))
        record.step()
    layer = record["0"]
    # Unit 0 is 0 in the first step, 1 from the second on, 2 always; 3 is never 0, but always the same.
    assert layer.dead.tolist() == [0.75, 0.75, 0.75]
    assert layer.dead_units().tolist() == [2, 3]
    assert layer.dead_units(since=1).tolist() == [1, 2, 3]
    assert layer.dead_units(since=-1).tolist() == [1, 2, 3]
    assert layer.dead_units(since=3).tolist() == []


def test_one_row_says_nothing_of_units_that_do_not_saturate() -> None:
    net = nn.Linear(2, 3)
    record = diagnostics.watch(net, every=1)
    for _ in range(2):
        net(fg.randn(2))
        record.step()
    assert record[""].dead.tolist() == [0.0, 0.0]
    assert record[""].dead_units().tolist() == []


def test_values_that_are_not_finite_are_seen_and_counted() -> None:
    net = nn.Identity()
    record = diagnostics.watch(net, layers=[""], every=1, bins=10)
    net(fg.tensor([[math.inf, 1.0], [-math.inf, math.nan]]))
    record.step()
    assert np.isnan(record[""].activation_mean[0])
    assert record[""].histogram.tolist() == [[1, 0, 0, 0, 0, 0, 1, 0, 0, 1]]


def test_a_layer_without_a_gradient_and_a_frozen_one() -> None:
    training = Training("mlp")
    training.net[0].requires_grad_(False)
    record = diagnostics.watch(training.net, training.opt, every=1)
    training.run(2)
    assert np.isnan(record["0"].gradient).all()
    assert np.isnan(record["0"].weight_gradient).all()
    assert record["0"].update_norm.tolist() == [0.0, 0.0]
    assert np.all(record["2"].gradient > 0)


def test_the_number_of_units_may_change() -> None:
    net = nn.Sequential(nn.ReLU())
    record = diagnostics.watch(net, every=1)
    for widths in ((3, 4), (5,), (5,)):
        for width in widths:
            net(fg.randn(6, width))
        record.step()
    assert np.isnan(record["0"].dead).tolist() == [True, False, False]
    assert record["0"].dead_units(since=1).tolist() == []
    with pytest.raises(ValueError, match=r"dead_units\(\): argument 'since' is 0, expected steps in which the layer"):
        record["0"].dead_units()
