"""The contestants of ``fastgrad compare``: what they train is what a loop over the same batches trains, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn, optim
from fastgrad.cli.contestants import Fastgrad
from fastgrad.cli.network import build_network
from fastgrad.cli.settings import Settings
from fastgrad.cli.torch_contestant import Torch, find_torch
from fastgrad.nn import functional as F

SIZES = [5, 8, 3]
ROWS, BATCH = 50, 8
SETTINGS = [
    Settings(batch_size=BATCH),
    Settings(batch_size=BATCH, momentum=0.0, dtype="float64", activation="tanh"),
    Settings(batch_size=BATCH, l1=1e-3, l2=1e-2, activation="gelu"),
]


def data(settings: Settings) -> tuple[Any, Any]:
    generator = np.random.default_rng(0)
    return generator.standard_normal((ROWS, SIZES[0])).astype(settings.dtype), generator.integers(0, SIZES[-1], ROWS)


def blocks() -> list[np.ndarray]:
    """Two epochs, the first in two blocks; each ends with a smaller batch."""
    orders = [np.random.default_rng(seed).permutation(ROWS) for seed in (1, 2)]
    return [orders[0][: 2 * BATCH], orders[0][2 * BATCH :], orders[1]]


def bits(weights: dict[str, Any]) -> dict[str, bytes]:
    return {name: value.tobytes() for name, value in weights.items()}


@pytest.mark.parametrize("settings", SETTINGS)
def test_fastgrad_trains_as_the_eager_tape(settings: Settings) -> None:
    x, y = data(settings)
    one = Fastgrad(settings, SIZES)
    network = build_network(nn, SIZES, settings.activation).to(np.dtype(settings.dtype))
    network.load_state_dict({name: fg.tensor(value) for name, value in one.weights().items()})
    optimiser = optim.SGD(
        network.parameters(), lr=settings.lr, momentum=settings.momentum, weight_decay=settings.l2, l1=settings.l1
    )
    for block in blocks():
        losses = []
        for start in range(0, len(block), BATCH):
            rows = block[start : start + BATCH]
            loss = F.cross_entropy(network(fg.tensor(x[rows])), fg.tensor(y[rows]))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        assert one.run(x, y, block, BATCH) == losses
    assert bits(one.weights()) == bits({name: value.numpy() for name, value in network.state_dict().items()})
    assert len(one.step.programs) == 2  # whole batches, and the smaller one


@pytest.mark.parametrize("settings", SETTINGS)
def test_torch_trains_as_a_loop_over_batches(settings: Settings) -> None:
    torch, _ = find_torch()
    if torch is None:
        pytest.skip("torch is not installed")
    x, y = data(settings)
    weights = Fastgrad(settings, SIZES).weights()
    many, single = (Torch(torch, settings, SIZES, weights, fg.get_num_threads()) for _ in range(2))
    before = bits(many.weights())
    many.tune(x[:BATCH], y[:BATCH])
    assert bits(many.weights()) == before  # copies were tried
    many._use(many.network, "loop")  # whichever was fastest: their bits may differ
    for block in blocks():
        starts = range(0, len(block), BATCH)
        losses = [single.run(x, y, block[start : start + BATCH], BATCH)[0] for start in starts]
        assert many.run(x, y, block, BATCH) == losses
    assert bits(many.weights()) == bits(single.weights())
