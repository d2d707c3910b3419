"""Operations, layers and losses on the GPU give torch's values and gradients: on the same GPU, if torch can use it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import fastgrad as fg
from fastgrad import nn, optim
from fastgrad.nn import functional as F
from tests.cuda.compare import ON_THE_CPU
from tests.cuda.conftest import HAS_GPU
from tests.program import test_ops
from tests.torch import test_ops as agreeing
from tests.torch.agreement import agree

THERE = "cuda" if HAS_GPU and torch.cuda.is_available() else "cpu"  # torch's device
CASES = [
    *[case for case in test_ops.CASES if case.id not in ON_THE_CPU],
    *[pytest.param(case, arrays, id=name) for name, case, arrays in agreeing.CASES if name in test_ops.REFUSED],
]
ACTIVATIONS = ("relu", "sigmoid", "tanh", "gelu", "elu", "silu", "softplus", "leaky_relu", "mish", "selu", "hardswish")
SIZES = [(1, 3, 2), (7, 33, 10), (130, 17, 129)]
# torch's own, in a thread whose first work is a gradient
pytestmark = pytest.mark.filterwarnings("ignore:Attempting to run cuBLAS", "ignore:The AccumulateGrad node")


@pytest.mark.filterwarnings("ignore:var")
@pytest.mark.parametrize(("case", "arrays"), CASES)
def test_operation(case: Any, arrays: tuple[np.ndarray, ...]) -> None:
    tolerance = 1e-6 if any(a.dtype.kind != "f" for a in arrays) else 1e-11
    has_numbers = any(a.dtype.kind == "f" for a in arrays)  # torch multiplies no matrices of integers on a GPU
    agree(case, arrays, tolerance, tolerance, "cuda", THERE if has_numbers else "cpu")


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng((seed, *shape)).standard_normal(shape)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_layer(name: str, size: tuple[int, int, int]) -> None:
    m, n, k = size

    def case(module: Any, x: Any, w: Any, b: Any) -> Any:
        functional = F if module is fg else torch.nn.functional
        return getattr(functional, name)(functional.linear(x, w, b))

    agree(case, (numbers(m, k), numbers(n, k, seed=1), numbers(n, seed=2)), 1e-10, 1e-10, "cuda", THERE)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss", "mse_loss", "huber_loss", "binary_cross_entropy"])
def test_loss(name: str, reduction: str) -> None:
    x = numbers(9, 5)
    of_classes = name in ("cross_entropy", "nll_loss")
    target = np.array([0, 4, 2, 1, 1, -100, 3, 0, 2]) if of_classes else np.random.default_rng(1).random((9, 5))

    def case(module: Any, x: Any) -> Any:
        functional = F if module is fg else torch.nn.functional
        x = x.sigmoid() if name.startswith("binary") else x
        given = module.tensor(target, device="cuda" if module is fg else THERE)
        return getattr(functional, name)(x, given, reduction=reduction)

    agree(case, (x,), 1e-10, 1e-10, "cuda", THERE)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_training(name: str) -> None:
    options: dict[str, Any] = {"lr": 0.05, "weight_decay": 0.01}
    if name == "SGD":
        options |= {"momentum": 0.9, "nesterov": True}
    x, target = numbers(40, 6), np.arange(40) % 3
    ours = nn.Sequential(nn.Linear(6, 20), nn.Tanh(), nn.Linear(20, 3)).to(fg.float64).to("cuda")
    theirs = torch.nn.Sequential(torch.nn.Linear(6, 20), torch.nn.Tanh(), torch.nn.Linear(20, 3))
    theirs = theirs.to(torch.float64).to(THERE)
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        q.data.copy_(torch.tensor(p.detach().cpu().numpy()))
    optimizers = [
        getattr(module, name)(net.parameters(), **options) for module, net in ((optim, ours), (torch.optim, theirs))
    ]
    batches = (
        (fg.tensor(x, device="cuda"), fg.tensor(target, device="cuda")),
        (torch.tensor(x, device=THERE), torch.tensor(target, device=THERE)),
    )
    for _ in range(5):
        losses = []
        for net, optimizer, loss, given in zip(
            (ours, theirs), optimizers, (F.cross_entropy, torch.nn.functional.cross_entropy), batches, strict=True
        ):
            optimizer.zero_grad()
            value = loss(net(given[0]), given[1])
            value.backward()
            optimizer.step()
            losses.append(value.item())
        assert losses[0] == pytest.approx(losses[1], rel=1e-10)
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(p.detach().cpu().numpy(), q.detach().cpu().numpy(), 1e-9, 1e-9)
