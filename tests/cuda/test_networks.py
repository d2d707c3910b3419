"""Layers, losses, optimisers, schedulers and hooks: a network trains on the GPU as on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import fastgrad as fg
from fastgrad import nn, optim
from fastgrad.arrays import is_start, start
from tests.cuda.compare import assert_same

Make = Callable[..., nn.Module]

# A layer, made with the options `device` and `dtype`, and the shape of its input.
LAYERS: dict[str, tuple[Make, tuple[int, ...]]] = {
    "Linear": (lambda **o: nn.Linear(4, 3, **o), (5, 4)),
    "Linear without bias": (lambda **o: nn.Linear(4, 3, bias=False, **o), (5, 4)),
    "Linear with activation": (lambda **o: nn.Linear(4, 3, activation="gelu", **o), (2, 5, 4)),
    "LayerNorm": (lambda **o: nn.LayerNorm(4, **o), (5, 4)),
    "BatchNorm1d": (lambda **o: nn.BatchNorm1d(4, **o), (5, 4)),
    "BatchNorm1d, cumulative": (lambda **o: nn.BatchNorm1d(4, momentum=None, **o), (5, 4)),
    "PReLU": (lambda **o: nn.PReLU(4, **o), (5, 4)),
    "RNN": (lambda **o: nn.RNN(4, 3, num_layers=2, bidirectional=True, **o), (6, 2, 4)),
    "RNN, dropout": (lambda **o: nn.RNN(4, 3, num_layers=2, dropout=0.5, nonlinearity="relu", **o), (6, 2, 4)),
    "RNNCell": (lambda **o: nn.RNNCell(4, 3, **o), (2, 4)),
    "Dropout": (lambda **o: nn.Dropout(0.4), (5, 4)),
    "Softmax": (lambda **o: nn.Softmax(1), (5, 4)),
    "LogSoftmax": (lambda **o: nn.LogSoftmax(0), (5, 4)),
    "Flatten": (lambda **o: nn.Flatten(), (5, 2, 2)),
    "Unflatten": (lambda **o: nn.Unflatten(1, (2, 2)), (5, 4)),
    "Identity": (lambda **o: nn.Identity(), (5, 4)),
    "Sequential": (lambda **o: nn.Sequential(nn.Linear(4, 6, **o), nn.Tanh(), nn.Linear(6, 2, **o)), (5, 4)),
}


def _pair(make: Make) -> tuple[nn.Module, nn.Module]:
    """The same module on the CPU and made on the GPU."""
    fg.manual_seed(0)
    reference = make()
    fg.manual_seed(0)
    return reference, make(device="cuda")


def _first(result: Any) -> fg.Tensor:
    return result[0] if isinstance(result, tuple) else result


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name: str) -> None:
    make, shape = LAYERS[name]
    modules = _pair(make)
    for p in modules[1].parameters():
        assert p.is_cuda
    outcome = []
    for module, device in zip(modules, ("cpu", "cuda"), strict=True):
        fg.manual_seed(1)
        x = fg.randn(*shape, device=device, requires_grad=True)
        y = _first(module(x))
        (y * fg.arange(y.numel(), device=device).reshape(y.shape)).sum().backward()
        grads = [p.grad for p in module.parameters()]
        outcome.append([y, x.grad, *grads, *module.parameters(), *module.buffers()])
    for reference, result in zip(*outcome, strict=True):
        assert_same(result, reference, "cuda:0")


LOSSES = {
    "CrossEntropyLoss": (nn.CrossEntropyLoss(), "classes"),
    "CrossEntropyLoss, weighted": (nn.CrossEntropyLoss(fg.tensor([1.0, 2.0, 0.5])), "classes"),
    "NLLLoss": (nn.NLLLoss(), "classes"),
    "MSELoss": (nn.MSELoss(), "numbers"),
    "L1Loss": (nn.L1Loss(), "numbers"),
    "SmoothL1Loss": (nn.SmoothL1Loss(), "numbers"),
    "HuberLoss": (nn.HuberLoss(), "numbers"),
    "BCELoss": (nn.BCELoss(), "numbers"),
    "BCEWithLogitsLoss": (nn.BCEWithLogitsLoss(pos_weight=fg.tensor([1.0, 2.0, 0.5])), "numbers"),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name: str) -> None:
    loss, kind = LOSSES[name]
    outcome = []
    for device in ("cpu", "cuda"):
        fg.manual_seed(0)
        x = fg.rand(4, 3, device=device, requires_grad=True)
        target = fg.tensor([0, 2, 1, 1], device=device) if kind == "classes" else fg.rand(4, 3, device=device)
        value = loss.to(device)(x, target)
        value.backward()
        outcome.append((value, x.grad))
    for reference, result in zip(*outcome, strict=True):
        assert_same(result, reference, "cuda:0")


OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda p: optim.SGD(p, lr=0.1),
    "SGD, momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01, l1=0.01),
    "Adam": lambda p: optim.Adam(p, lr=0.01, amsgrad=True),
    "AdamW": lambda p: optim.AdamW(p, lr=0.01),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training(name: str) -> None:
    def make(**o: Any) -> nn.Module:
        return nn.Sequential(nn.Linear(4, 8, **o), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3, **o))

    trained = []
    for net in _pair(make):
        device = next(net.parameters()).device
        fg.manual_seed(1)
        optimizer = OPTIMIZERS[name](net.parameters())
        scheduler = optim.lr_scheduler.StepLR(optimizer, 2, gamma=0.5)
        x, t = fg.randn(16, 4, device=device), fg.randint(0, 3, (16,), device=device)
        for _ in range(5):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(x), t)
            loss.backward()
            norm = nn.utils.clip_grad_norm_(net.parameters(), 0.5)
            nn.utils.clip_grad_value_(net.parameters(), 0.1)
            optimizer.step()
            scheduler.step()
        state = [v for s in optimizer.state.values() for v in s.values() if isinstance(v, fg.Tensor)]
        trained.append([loss, norm, *net.parameters(), *state])
    for reference, result in zip(*trained, strict=True):
        assert_same(result, reference, "cuda:0")


def test_a_first_gradient_is_taken_over_and_others_are_added() -> None:
    x = fg.ones(3, device="cuda", requires_grad=True)
    given = []
    x.register_hook(lambda g: given.append(g.data))
    (x * 2).sum().backward()
    first = x.grad
    (x * 3).sum().backward()
    assert x.grad is first
    assert first.tolist() == [5.0, 5.0, 5.0]
    y = fg.ones(3, device="cuda", requires_grad=True)
    fg.autograd.backward(y + y, fg.ones(3, device="cuda"))
    assert y.grad.device == "cuda:0"


def test_backward_begins_with_a_1_that_is_known_to_be_one() -> None:
    x = fg.tensor(2.0, device="cuda", requires_grad=True)
    assert is_start(start(x.data))
    assert not is_start(x.data)
    x.backward()
    assert x.grad is not None
    x.grad.add_(1)  # the 1 is not the user's
    assert (x.grad.item(), start(x.data).item()) == (2.0, 1.0)


def test_gradients_have_memory_of_their_own() -> None:
    x, s = fg.ones(3, 2, device="cuda", requires_grad=True), fg.ones(2, 3, device="cuda", requires_grad=True)
    (x.sum() + x.mean() + x.T[0].sum() + (s.view(6)[1:] * 1).sum()).backward()
    x.grad.mul_(2)
    assert x.grad.stride() in ((2, 1), (1, 3))
    assert s.grad.tolist() == [[0.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    y = fg.ones(4, device="cuda", requires_grad=True)
    y.sum().backward()
    y.grad += fg.arange(4, device="cuda")
    assert y.grad.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert y.grad.stride() == (1,)


def test_hooks() -> None:
    net = nn.Sequential(nn.Linear(3, 2), nn.Tanh()).cuda()
    seen: list[Any] = []
    net[0].register_forward_hook(lambda module, args, y: seen.append(y.device))
    net[0].register_full_backward_hook(lambda module, dx, dy: seen.append(dy[0].device))
    x = fg.ones(4, 3, device="cuda", requires_grad=True)
    y = net(x)
    y.retain_grad()
    y.register_hook(lambda g: g * 2)
    y.sum().backward()
    assert seen == ["cuda:0", "cuda:0"]
    assert y.grad.tolist() == [[2.0, 2.0]] * 4


def test_a_function_of_the_users() -> None:
    class Double(fg.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: fg.Tensor) -> tuple[fg.Tensor, fg.Tensor]:
            ctx.save_for_backward(x)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx: Any, dy: fg.Tensor, dz: fg.Tensor) -> fg.Tensor:
            assert ctx.saved_tensors[0].is_cuda
            return dy * 2 + dz * 3

    x = fg.ones(3, device="cuda", dtype=fg.float64, requires_grad=True)
    Double.apply(x)[0].sum().backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]
    assert fg.autograd.gradcheck(lambda x: Double.apply(x)[1], (x,))
    assert fg.autograd.gradcheck(lambda x: (x.exp() * x).sum(), (x,), fast_mode=True)


@pytest.mark.parametrize("name", [name for name in nn.init.__all__ if name.endswith("_")])
def test_initial_values(name: str) -> None:
    arguments = {"constant_": (2.0,), "sparse_": (0.5,)}.get(name, ())
    outcome = []
    for device in ("cpu", "cuda"):
        fg.manual_seed(3)
        outcome.append(getattr(nn.init, name)(fg.empty(4, 6, device=device), *arguments))
    assert_same(outcome[1], outcome[0], "cuda:0")
