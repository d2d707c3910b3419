"""The oracles of losses, layers, updates and random numbers: against torch and published values."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests import reference_linear as ref
from tests.reference_losses import POINTWISE, cross_entropy, nll_loss, pointwise
from tests.reference_random import philox4x32, words
from tests.reference_updates import adam, sgd

torch = pytest.importorskip("torch")
F = torch.nn.functional
rng = np.random.default_rng(7)


def torch_loss(function, x, *arguments, reduction, **options):
    v = torch.tensor(x, requires_grad=True)
    loss = function(v, *[torch.tensor(a) for a in arguments], reduction=reduction, **options)
    (dx,) = torch.autograd.grad(loss.sum(), v)
    return loss.detach().numpy(), dx.numpy()


def check(ours, theirs, rtol=1e-11):
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-13)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_cross_entropy(reduction, weighted, smoothing):
    x = rng.normal(size=(9, 5)) * 3
    weight = rng.random(5) + 0.1 if weighted else None
    options = {"weight": None if weight is None else torch.tensor(weight), "label_smoothing": smoothing}
    for target in (
        rng.integers(0, 5, 9),
        np.array([-100, 1, 2, -100, 0, 4, 3, 3, 1]),
        np.full(9, -100),
        rng.dirichlet(np.ones(5), 9),
    ):
        ours = cross_entropy(x, target, weight, label_smoothing=smoothing, reduction=reduction)
        check(ours, torch_loss(F.cross_entropy, x, target, reduction=reduction, **options))
    ours = cross_entropy(x, rng.integers(0, 5, 9) * 0 + 2, weight, 2, smoothing, reduction)
    check(ours, torch_loss(F.cross_entropy, x, np.full(9, 2), reduction=reduction, ignore_index=2, **options))


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("weighted", [False, True])
def test_nll_loss(reduction, weighted):
    x = ref.log_softmax(rng.normal(size=(9, 5)))
    weight = rng.random(5) + 0.1 if weighted else None
    for target in (rng.integers(0, 5, 9), np.array([-1, 1, 2, -1, 0, 4, 3, 3, 1]), np.full(9, -1)):
        theirs = torch_loss(
            F.nll_loss,
            x,
            target,
            reduction=reduction,
            ignore_index=-1,
            weight=None if weight is None else torch.tensor(weight),
        )
        check(nll_loss(x, target, weight, -1, reduction), theirs)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize(("kind", "parameter"), POINTWISE)
def test_pointwise(kind, parameter, reduction):
    x, target = rng.normal(size=(2, 6, 7)) * 2
    options, keyword = {}, {"smooth_l1_loss": "beta", "huber_loss": "delta"}.get(kind)
    if keyword:
        options[keyword] = parameter
    target[0, 0] = x[0, 0]
    target[0, 1] = x[0, 1] - parameter
    weights = [{}]
    if kind.startswith("binary"):
        target = rng.random((6, 7))
        target[1], target[2] = 0.0, 1.0
        weight, pos_weight = rng.random((2, 6, 7))
        weights.append({"weight": weight})
        if kind == "binary_cross_entropy":
            x = np.abs(np.sin(x))
            x[1:3, :3], x[1:3, 3:6], x[1:3, 6] = 0.0, 1.0, 1e-30
        else:
            x[1:3, 0], x[1:3, 1] = 120.0, -120.0
            weights.append({"weight": weight, "pos_weight": pos_weight})
    for w in weights:
        theirs = torch_loss(
            getattr(F, kind),
            x,
            target,
            reduction=reduction,
            **options,
            **{k: torch.tensor(v) for k, v in w.items()},
        )
        rtol = 1e-8 if kind == "binary_cross_entropy" else 1e-11  # torch holds its 1e-12 as a float32
        check(pointwise(kind, x, target, parameter=parameter, reduction=reduction, **w), theirs, rtol)


def test_layers():
    x, w, b, dy = (
        rng.normal(size=(5, 4)),
        rng.normal(size=(3, 4)),
        rng.normal(size=3),
        rng.normal(size=(5, 3)),
    )
    v = [torch.tensor(a, requires_grad=True) for a in (x, w, b)]
    y = F.linear(*v)
    check([ref.linear(x, w, b)], [y.detach()])
    check(ref.linear_backward(dy, x, w), torch.autograd.grad(y, v, torch.tensor(dy)))
    for a in (rng.normal(size=4), rng.normal(size=1)):
        x, dy = rng.normal(size=(2, 3, 4, 5))
        x[0, 0, 0] = 0.0
        v = [torch.tensor(x, requires_grad=True), torch.tensor(a, requires_grad=True)]
        y = F.prelu(*v)
        check([ref.prelu(x, a)], [y.detach()])
        check(ref.prelu_backward(dy, x, a), torch.autograd.grad(y, v, torch.tensor(dy)))
    x, dy = rng.normal(size=(2, 6, 8)) * 5
    for forward, backward, function in (
        (ref.softmax, ref.softmax_backward, F.softmax),
        (ref.log_softmax, ref.log_softmax_backward, F.log_softmax),
    ):
        v = torch.tensor(x, requires_grad=True)
        y = function(v, -1)
        check([forward(x), backward(dy, forward(x))], [y.detach(), *torch.autograd.grad(y, v, torch.tensor(dy))])
    index = rng.integers(0, 7, 20)
    for padding in (None, 3):
        v = torch.zeros(7, 4, dtype=torch.float64, requires_grad=True)
        dy = rng.normal(size=(20, 4))
        y = F.embedding(torch.tensor(index), v, padding_idx=padding)
        check(
            [ref.embedding_backward(dy, index, 7, -1 if padding is None else padding)],
            torch.autograd.grad(y, v, torch.tensor(dy)),
        )


@pytest.mark.parametrize(
    ("momentum", "dampening", "nesterov"), [(0, 0, False), (0.9, 0, False), (0.9, 0.3, False), (0.9, 0, True)]
)
@pytest.mark.parametrize(("weight_decay", "maximize"), [(0.0, False), (0.1, False), (0.1, True)])
def test_sgd(momentum, dampening, nesterov, weight_decay, maximize):
    options = dict(
        lr=0.1,
        momentum=momentum,
        dampening=dampening,
        nesterov=nesterov,
        weight_decay=weight_decay,
        maximize=maximize,
    )
    p, buffer = rng.normal(size=6), None
    v = torch.tensor(p, requires_grad=True)
    optimizer = torch.optim.SGD([v], **options)
    for step in range(4):
        g = rng.normal(size=6)
        p, buffer = sgd(p, g, buffer, first=step == 0, **options)
        v.grad = torch.tensor(g)
        optimizer.step()
        check([p], [v.detach()])


@pytest.mark.parametrize(
    ("decoupled", "amsgrad", "maximize", "weight_decay"),
    list(itertools.product([0, 1], [0, 1], [0, 1], [0.0, 0.1])),
)
def test_adam(decoupled, amsgrad, maximize, weight_decay):
    p, m, v_ = rng.normal(size=6), np.zeros(6), np.zeros(6)
    v_max = np.zeros(6) if amsgrad else None
    v = torch.tensor(p, requires_grad=True)
    options = dict(lr=0.01, weight_decay=weight_decay, maximize=bool(maximize))
    optimizer = (torch.optim.AdamW if decoupled else torch.optim.Adam)([v], amsgrad=bool(amsgrad), **options)
    for step in range(1, 6):
        g = rng.normal(size=6) / step
        p, m, v_, v_max = adam(p, g, m, v_, v_max, step, decoupled=bool(decoupled), **options)
        v.grad = torch.tensor(g)
        optimizer.step()
        check([p], [v.detach()])


def test_philox_known_answers():
    # The known-answer tests that come with the authors' Random123 library, philox4x32 with ten rounds.
    ones = 0xFFFFFFFF
    pi = [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344]
    for counter, key, expected in (
        ([0] * 4, (0, 0), [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ([ones] * 4, (ones, ones), [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
        (pi, (0xA4093822, 0x299F31D0), [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]),
    ):
        assert philox4x32(np.array([counter], np.uint64), key)[0].tolist() == expected
    np.testing.assert_array_equal(words(5, 7, 20), words(5, 0, 27)[7:])
