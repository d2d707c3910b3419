"""One quick look at everything, in seconds: ``pytest -m smoke``."""

from __future__ import annotations

import numpy as np
import pytest

import fastgrad as fg
import fastgrad.nn.functional as F
from fastgrad import _cpu, nn

pytestmark = pytest.mark.smoke

NAMES = [entry["name"] for entry in _cpu.activations()]


def blobs(n: int, dtype: str) -> tuple[fg.Tensor, fg.Tensor]:
    """Three clusters in the plane, and which one each point belongs to."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, n)
    centers = np.array([[0.0, 2.0], [2.0, -1.0], [-2.0, -1.0]])
    return fg.tensor((centers[y] + 0.4 * rng.standard_normal((n, 2))).astype(dtype)), fg.tensor(y)


def small_network(dtype: str) -> nn.Sequential:
    fg.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 3)).to(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_a_network_learns(isa: str, dtype: str, optimizer: str) -> None:
    x, y = blobs(256, dtype)
    net = small_network(dtype)
    opt = {
        "sgd": lambda p: fg.optim.SGD(p, lr=0.2, momentum=0.9, weight_decay=1e-4, l1=1e-5, nesterov=True),
        "adam": lambda p: fg.optim.Adam(p, lr=0.02),
        "adamw": lambda p: fg.optim.AdamW(p, lr=0.02),
    }[optimizer](net.parameters())
    data = fg.utils.data.DataLoader(fg.utils.data.TensorDataset(x, y), batch_size=64, shuffle=True)
    for _ in range(15):
        for xb, yb in data:
            opt.zero_grad()
            F.cross_entropy(net(xb), yb).backward()
            opt.step()
    with fg.no_grad():
        assert (net(x).argmax(1) == y).float().mean().item() > 0.98


@pytest.mark.parametrize("name", NAMES)
def test_fused_activation_passes_the_gradient_check(isa: str, name: str) -> None:
    rng = np.random.default_rng(1)
    x, w, b = (fg.tensor(rng.standard_normal(s), requires_grad=True) for s in [(3, 5), (4, 5), (4,)])
    assert fg.autograd.gradcheck(lambda x, w, b: F.linear(x, w, b, activation=name), (x, w, b))


def test_fused_network_gives_the_bits_of_the_unfused_one(isa: str) -> None:
    x, _ = blobs(33, "float32")
    net = small_network("float32")
    one_by_one = x
    for layer in net:
        one_by_one = layer(one_by_one)
    np.testing.assert_array_equal(net(x).detach().numpy(), one_by_one.detach().numpy())


def test_build_info_names_the_set_in_use(isa: str) -> None:
    info = fg.build_info()
    assert info["isa"] == isa
    assert info["isa"] in info["isas"]
    assert info["threads"] == fg.get_num_threads()
