"""SGD against torch over its arguments, and the rules that are its own: L1, memory orders, dtypes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.optim import SGD

torch = pytest.importorskip("torch")

SHAPES = [(5, 7), (7,), (1, 33), (2, 3, 4), (), (0, 3)]
GRID = [
    {
        "momentum": momentum,
        "dampening": dampening,
        "nesterov": nesterov,
        "weight_decay": weight_decay,
        "maximize": maximize,
        "l1": l1,
    }
    for momentum, dampening, nesterov, weight_decay, maximize, l1 in itertools.product(
        (0, 0.9), (0, 0.3), (False, True), (0, 0.1), (False, True), (0.0, 0.02)
    )
    if not (nesterov and (momentum == 0 or dampening != 0))
]


def run_both(options, dtype, steps, orders="C", seed=0):
    """Parameters after some steps, and torch's in float64, which gets L1 as a part of the gradient."""
    rng = np.random.default_rng(seed)
    start = [rng.normal(size=shape).astype(dtype) for shape in SHAPES]
    ours = [fg.tensor(w, requires_grad=True) for w in start]
    for w, order in zip(ours, itertools.cycle(orders), strict=False):
        w.data = np.array(w.data, order=order)
    theirs = [torch.tensor(w.astype("f8"), requires_grad=True) for w in start]
    options = dict(options)
    optimizer = SGD(ours, lr=0.1, **options)
    l1 = options.pop("l1")
    reference = torch.optim.SGD(theirs, lr=0.1, **options)
    for _ in range(steps):
        for w, v in zip(ours, theirs, strict=True):
            dw = rng.normal(size=w.shape).astype(dtype)
            w.grad = fg.tensor(dw)
            penalty = l1 * torch.sign(v.detach())
            v.grad = torch.tensor(dw.astype("f8")) + (-penalty if options["maximize"] else penalty)
        optimizer.step()
        reference.step()
    return [w.detach().numpy() for w in ours], [v.detach().numpy() for v in theirs]


@pytest.mark.parametrize("options", GRID, ids=str)
def test_float64_equals_torch(options):
    for w, v in zip(*run_both(options, "f8", 30), strict=True):
        np.testing.assert_allclose(w, v, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("options", GRID, ids=str)
def test_float32_stays_near_torch_in_float64(options):
    for w, v in zip(*run_both(options, "f4", 30), strict=True):
        assert w.dtype == np.float32
        # Each step rounds a few times; parameters and steps are of size about 1.
        np.testing.assert_allclose(w, v, rtol=0, atol=30 * 4 * 2.0**-24 * 4)


def test_float32_equals_torch_float32_within_ulps_after_one_step():
    rng = np.random.default_rng(1)
    start, dw = rng.normal(size=(2, 1000)).astype("f4")
    w, v = fg.tensor(start, requires_grad=True), torch.tensor(start, requires_grad=True)
    w.grad, v.grad = fg.tensor(dw), torch.tensor(dw)
    SGD([w], lr=0.1, weight_decay=0.01).step()
    torch.optim.SGD([v], lr=0.1, weight_decay=0.01).step()
    error = np.abs(w.detach().numpy() - v.detach().numpy())
    assert (error <= 2 * np.spacing(np.abs(start) + np.abs(0.1 * dw))).all()


@pytest.mark.parametrize("orders", ["C", "F", "CF"])
@pytest.mark.parametrize("momentum", [0, 0.9])
def test_memory_orders_agree_bit_for_bit(orders, momentum):
    options = {"momentum": momentum, "weight_decay": 0.1, "maximize": False, "l1": 0.01}
    plain, _ = run_both(options, "f4", 5)
    ordered, _ = run_both(options, "f4", 5, orders)
    for a, b in zip(plain, ordered, strict=True):
        np.testing.assert_array_equal(a, b)


def test_l1_leaves_zeros_of_either_sign_and_keeps_nan():
    w = fg.tensor([0.0, -0.0, 2.0, -2.0, np.nan], requires_grad=True)
    w.grad = fg.tensor([0.0, 0.0, 0.0, np.nan, 0.0])
    SGD([w], lr=0.5, l1=1.0).step()
    np.testing.assert_array_equal(w.detach().numpy(), [0, 0, 1.5, np.nan, np.nan])


def test_first_momentum_buffer_is_the_gradient_without_dampening():
    w = fg.tensor([1.0], requires_grad=True)
    optimizer = SGD([w], lr=1.0, momentum=0.5, dampening=0.75, weight_decay=1.0)
    w.grad = fg.tensor([3.0])
    optimizer.step()
    # Weight decay comes before momentum: the buffer is 3 + 1 * w.
    assert optimizer.state[w]["momentum_buffer"].tolist() == [4.0]
    assert w.tolist() == [-3.0]
    optimizer.step()
    assert optimizer.state[w]["momentum_buffer"].tolist() == [0.5 * 4 + 0.25 * (3 - 3)]


def test_no_state_without_momentum():
    w = fg.tensor([1.0], requires_grad=True)
    optimizer = SGD([w], lr=1.0)
    w.grad = fg.tensor([3.0])
    optimizer.step()
    assert optimizer.state_dict()["state"] == {}


def test_momentum_switched_on_later_starts_with_the_gradient():
    w = fg.tensor([1.0], requires_grad=True)
    w.grad = fg.tensor([3.0])
    optimizer = SGD([w], lr=1.0)
    optimizer.step()
    optimizer.param_groups[0]["momentum"] = 0.5
    optimizer.step()
    assert optimizer.state[w]["momentum_buffer"].tolist() == [3.0]


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"lr": -1.0}, "lr"),
        ({"lr": float("nan")}, "lr"),
        ({"momentum": -0.1}, "momentum"),
        ({"weight_decay": -0.1}, "weight_decay"),
        ({"l1": -0.1}, "l1"),
        ({"nesterov": True}, "nesterov"),
        ({"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "nesterov"),
    ],
)
def test_options_out_of_range(options, name):
    w = fg.tensor([1.0], requires_grad=True)
    with pytest.raises(ValueError, match=rf"SGD\(\): argument '{name}'"):
        SGD([w], **options)
    with pytest.raises(ValueError, match=name):
        SGD([{"params": [w], **options}])


@pytest.mark.parametrize("name", ["lr", "momentum", "dampening", "weight_decay", "l1"])
def test_option_of_wrong_type(name):
    with pytest.raises(TypeError, match=rf"SGD\(\): argument '{name}' is str"):
        SGD([fg.tensor([1.0], requires_grad=True)], **{name: "0.1"})
