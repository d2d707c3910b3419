"""state_dict and load_state_dict."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import fastgrad as fg
from fastgrad import nn
from tests.nn.compare import close, normal

PAIRS = [
    (lambda: nn.Linear(4, 3), lambda: torch.nn.Linear(4, 3)),
    (lambda: nn.Bilinear(4, 3, 2), lambda: torch.nn.Bilinear(4, 3, 2)),
    (lambda: nn.Embedding(5, 3), lambda: torch.nn.Embedding(5, 3)),
    (lambda: nn.LayerNorm((2, 3)), lambda: torch.nn.LayerNorm((2, 3))),
    (lambda: nn.BatchNorm1d(3), lambda: torch.nn.BatchNorm1d(3)),
    (lambda: nn.PReLU(3), lambda: torch.nn.PReLU(3)),
    (lambda: nn.RNNCell(4, 3), lambda: torch.nn.RNNCell(4, 3)),
    (lambda: nn.RNN(4, 3, 2, bidirectional=True), lambda: torch.nn.RNN(4, 3, 2, bidirectional=True)),
    (
        lambda: nn.Sequential(
            nn.Linear(4, 3), nn.ReLU(), nn.ModuleList([nn.Linear(3, 2), nn.BatchNorm1d(2)])
        ),
        lambda: torch.nn.Sequential(
            torch.nn.Linear(4, 3),
            torch.nn.ReLU(),
            torch.nn.ModuleList([torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2)]),
        ),
    ),
]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: type(pair[0]()).__name__)
def test_round_trip_through_torch(pair: tuple) -> None:
    ours, theirs, back = pair[0](), pair[1](), pair[1]()
    state = {name: value.numpy() for name, value in theirs.state_dict().items()}
    result = ours.load_state_dict(state)
    assert result.missing_keys == result.unexpected_keys == []
    assert str(result) == "<All keys matched successfully>"
    back.load_state_dict({name: torch.tensor(value.numpy()) for name, value in ours.state_dict().items()})
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for name, value in theirs.state_dict().items():
        close(ours.state_dict()[name], value, 0)
        close(back.state_dict()[name].numpy(), value, 0)


def test_state_shares_memory_and_loading_does_not() -> None:
    layer = nn.Linear(2, 2)
    state = layer.state_dict()
    assert not state["weight"].requires_grad
    state["weight"].data[0, 0] = 7
    assert layer.weight.data[0, 0] == 7
    assert layer.state_dict(keep_vars=True)["weight"] is layer.weight
    other = nn.Linear(2, 2)
    weight = other.weight
    other.load_state_dict(state)
    assert other.weight is weight
    assert not np.shares_memory(other.weight.data, layer.weight.data)
    close(other.weight, layer.weight.detach().numpy(), 0)


def test_prefix_and_destination() -> None:
    destination: dict = {"other": fg.zeros(1)}
    assert nn.Linear(1, 1).state_dict(destination=destination, prefix="net.") is destination
    assert list(destination) == ["other", "net.weight", "net.bias"]


def test_loading_converts_dtypes_and_takes_anything_array_like() -> None:
    layer = nn.Linear(2, 1)
    layer.load_state_dict({"weight": [[1, 2]], "bias": np.array([0.5])})
    close(layer.weight, np.array([[1, 2]], "float32"), 0)
    assert layer.bias.dtype == fg.float32


def test_every_problem_is_listed_before_anything_changes() -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    before = {name: value.numpy().copy() for name, value in net.state_dict().items()}
    state = {
        "0.weight": np.ones((3, 2)),
        "0.bias": np.ones(4),
        "1.weight": np.ones((1, 2)),
        "2.bias": np.ones(1),
    }
    with pytest.raises(ValueError, match="Sequential") as raised:
        net.load_state_dict(state)
    text = str(raised.value)
    assert "missing keys: 1.bias" in text
    assert "unexpected keys: 2.bias" in text
    assert "0.bias has shape (4,), the module's has (3,)" in text
    assert "1.weight has shape (1, 2), the module's has (1, 3)" in text
    with pytest.raises(ValueError, match="misshapen") as raised:
        net.load_state_dict(state, strict=False)
    assert "missing" not in str(raised.value)
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])


def test_not_strict_loads_what_fits_and_tells_the_rest() -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    result = net.load_state_dict({"0.bias": np.arange(3.0), "more": np.ones(1)}, strict=False)
    assert result.missing_keys == ["0.weight", "1.weight", "1.bias"]
    assert result.unexpected_keys == ["more"]
    assert "more" in str(result)
    close(net[0].bias, np.arange(3, dtype="float32"), 0)


def test_wrong_things_are_errors() -> None:
    layer = nn.Linear(1, 1)
    with pytest.raises(TypeError, match=r"load_state_dict\(\).*list"):
        layer.load_state_dict([1, 2])
    for value in (np.ones((1, 1), complex), np.array([["a"]]), None):
        with pytest.raises(TypeError, match=r"load_state_dict\(\).*'weight'"):
            layer.load_state_dict({"weight": value, "bias": np.ones(1)})
    layer.bias.data.flags.writeable = False
    before = layer.weight.detach().numpy().copy()
    with pytest.raises(ValueError, match=r"read-only.*bias"):
        layer.load_state_dict({"weight": normal(0, 1, 1), "bias": np.ones(1)})
    np.testing.assert_array_equal(layer.weight.detach().numpy(), before)


def test_buffers_that_are_not_persistent_are_left_out() -> None:
    module = nn.Module()
    module.register_buffer("kept", fg.ones(1))
    module.register_buffer("left_out", fg.ones(1), persistent=False)
    assert list(module.state_dict()) == ["kept"]
    module.register_buffer("left_out", fg.ones(1))
    assert list(module.state_dict()) == ["kept", "left_out"]


def test_loading_counts_as_a_change_in_place() -> None:
    layer = nn.Linear(2, 2, dtype="float64")
    x = fg.tensor(normal(0, 3, 2), requires_grad=True)
    y = layer(x).sum()
    layer.load_state_dict({"weight": np.ones((2, 2)), "bias": np.ones(2)})
    with pytest.raises(RuntimeError, match=r"changed|modified"):
        y.backward()
