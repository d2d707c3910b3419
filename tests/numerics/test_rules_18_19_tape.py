"""Rules 18 and 19: values changed after they were saved, backward twice, fan-out, very long chains."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import fastgrad as fg
import fastgrad.nn.functional as F


def leaf(*shape: int) -> fg.Tensor:
    return fg.ones(*shape, requires_grad=True)


def inplace(t: fg.Tensor) -> None:
    with fg.no_grad():
        t += 1


@pytest.mark.parametrize(
    "function",
    [
        lambda v: v * v, lambda v: v.exp(), lambda v: v.pow(3), lambda v: F.gelu(v), lambda v: F.sigmoid(v),
        lambda v: F.linear(v, v), lambda v: F.linear(v, v, activation="silu"), lambda v: v @ v,
        lambda v: F.softmax(v, -1), lambda v: F.cross_entropy(v, v.detach().softmax(-1)),
        lambda v: F.mse_loss(v, v * 2), lambda v: v / v,
    ],
    ids=["mul", "exp", "pow", "gelu", "sigmoid", "linear", "fused", "matmul", "softmax", "entropy", "mse", "div"],
)  # fmt: skip
def test_rule_18_a_saved_value_that_changes_is_an_error_or_does_not_matter(function):
    """Either backward refuses, or it did not need the changed tensor and gives the gradient from before the change."""
    x = leaf(3, 3)
    v = x * 2
    y = function(v).sum()
    y.backward()
    expected = x.grad.numpy().copy()
    x.grad = None
    v = x * 2
    y = function(v).sum()
    inplace(v)
    refused = False
    try:
        y.backward()
    except RuntimeError:
        refused = True
    assert x.grad is None if refused else np.array_equal(x.grad.numpy(), expected)


@pytest.mark.parametrize("which", ["input", "weight", "output", "view of the input", "memory through detach"])
def test_rule_18_what_must_be_refused(which):
    x, w = leaf(2, 3), leaf(4, 3)
    v, u = x * 2, w * 2
    y = F.linear(v, u, activation="tanh")
    loss = (y * 1).sum()
    changed = {"input": v, "weight": u, "output": y, "view of the input": v[0], "memory through detach": u.detach()}[
        which
    ]
    inplace(changed)
    with pytest.raises(RuntimeError, match=r"(?i)in[- ]?place|version|changed|modified"):
        loss.backward()


def test_rule_19_backward_twice():
    x = leaf(3)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match=r"retain_graph"):
        y.backward()
    z = (x * x).sum()
    z.backward(retain_graph=True)
    z.backward()
    assert x.grad.tolist() == [6.0, 6.0, 6.0]


def test_rule_19_gradients_of_shared_values_add_up(isa):
    x, w = leaf(5, 4), leaf(4, 4)
    h = F.linear(x, w, activation="tanh")
    y = F.linear(h, w)  # the weight twice
    (y.sum() + h.sum() + (h * h).sum()).backward()  # h four times
    hn = np.tanh(np.full((5, 4), 4.0))
    dh = 4.0 + 1.0 + 2 * hn
    dz = dh * (1 - hn**2)
    np.testing.assert_allclose(x.grad.numpy(), dz @ np.ones((4, 4)), rtol=2e-3)
    np.testing.assert_allclose(w.grad.numpy(), dz.T @ np.ones((5, 4)) + np.ones((4, 5)) @ hn, rtol=1e-5)


def calls_of_backward(length: int) -> int:
    """How many Python and C functions the backward of a chain calls."""
    x = leaf(1)
    y = x
    for _ in range(length):
        y = y * 1.0
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        y.backward()
    finally:
        sys.setprofile(None)
    assert x.grad.tolist() == [1.0]
    return calls


def test_rule_19_a_chain_takes_linear_work():
    few, many = calls_of_backward(1000), calls_of_backward(4000)
    assert many < 5 * few


def test_rule_19_a_chain_of_100_000_nodes_does_not_recurse():
    x = leaf(1)
    y = x
    for _ in range(100_000):
        y = y * 1.0
    y.backward()
    assert x.grad.tolist() == [1.0]


def test_rule_19_a_long_chain_is_freed_without_recursion():
    x = leaf(1)
    y = x
    for _ in range(100_000):
        y = y + x
    del y
    assert x.grad is None
