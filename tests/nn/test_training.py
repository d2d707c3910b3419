"""Whole training runs beside torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import fastgrad as fg
from fastgrad import nn
from fastgrad.nn import functional as F
from tests.nn.compare import close, normal, same_parameters


def networks(activation: str) -> tuple[nn.Module, torch.nn.Module]:
    def build(library: object) -> object:
        layer, act = library.Linear, getattr(library, activation)
        return library.Sequential(layer(20, 16), act(), layer(16, 12), act(), layer(12, 5))

    theirs = build(torch.nn).double()
    ours = build(nn).double()
    same_parameters(ours, theirs)
    return ours, theirs


@pytest.mark.smoke
@pytest.mark.parametrize("activation", ["Sigmoid", "Tanh", "ReLU", "GELU"])
def test_fifty_steps_with_momentum_and_l2_equal_torch(activation: str) -> None:
    ours, theirs = networks(activation)
    options = {"lr": 0.1, "momentum": 0.9, "weight_decay": 1e-3}
    ours_opt = fg.optim.SGD(ours.parameters(), **options)
    theirs_opt = torch.optim.SGD(theirs.parameters(), **options)
    rng = np.random.default_rng(0)
    x, target = normal(1, 200, 20), rng.integers(0, 5, 200)
    losses = []
    for _ in range(50):
        rows = rng.permutation(200)[:32]
        loss = F.cross_entropy(ours(fg.tensor(x[rows])), fg.tensor(target[rows]))
        ours_opt.zero_grad()
        loss.backward()
        ours_opt.step()
        torch_loss = torch.nn.functional.cross_entropy(
            theirs(torch.tensor(x[rows])), torch.tensor(target[rows])
        )
        theirs_opt.zero_grad()
        torch_loss.backward()
        theirs_opt.step()
        close(loss, torch_loss, 1e-10)
        losses.append(loss.item())
    for (name, p), (torch_name, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert name == torch_name
        close(p, q, 1e-10)
    assert np.mean(losses[-5:]) < np.mean(losses[:5])


def test_normalisation_dropout_and_clipping_train_together() -> None:
    fg.manual_seed(0)
    net = nn.Sequential(
        nn.Linear(10, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.1),
        nn.Linear(32, 16, activation="gelu"),
        nn.LayerNorm(16), nn.PReLU(), nn.Linear(16, 3),
    )  # fmt: skip
    opt = fg.optim.Adam(net.parameters(), lr=0.02)
    x = normal(0, 90, 10, dtype="float32")
    target = np.repeat(np.arange(3), 30)
    x[np.arange(90), target] += 3
    for _ in range(60):
        opt.zero_grad()
        F.cross_entropy(net(fg.tensor(x)), fg.tensor(target)).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
    net.eval()
    with fg.no_grad():
        accuracy = (net(fg.tensor(x)).numpy().argmax(1) == target).mean()
    assert accuracy > 0.95


def test_a_recurrent_network_learns_the_sign_of_a_sum() -> None:
    fg.manual_seed(0)
    rnn, head = nn.RNN(1, 8, batch_first=True), nn.Linear(8, 1)
    opt = fg.optim.Adam([*rnn.parameters(), *head.parameters()], lr=0.02)
    x = normal(0, 64, 6, 1, dtype="float32")
    target = (x.sum((1, 2)) > 0).astype("float32")
    for _ in range(60):
        opt.zero_grad()
        _, h = rnn(fg.tensor(x))
        loss = F.binary_cross_entropy_with_logits(head(h[0]).squeeze(1), fg.tensor(target))
        loss.backward()
        opt.step()
    assert loss.item() < 0.25
