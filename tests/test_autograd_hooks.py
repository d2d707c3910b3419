"""Hooks, retained gradients and what a tensor says of its history."""

from __future__ import annotations

import pytest

import fastgrad as fg


def leaf(*values: float) -> fg.Tensor:
    return fg.tensor(list(values), dtype=fg.float64, requires_grad=True)


def test_hooks_on_leaves_and_inner_values() -> None:
    x = leaf(1.0, 2.0)
    seen = []
    x.register_hook(lambda dx: seen.append(("x", dx.tolist())))
    y = x * 2
    handle = y.register_hook(lambda dy: dy * 10)
    y.register_hook(lambda dy: seen.append(("y", dy.tolist())))
    (y + y).sum().backward(retain_graph=True)
    assert seen == [("y", [20.0, 20.0]), ("x", [40.0, 40.0])]
    handle.remove()
    handle.remove()
    x.grad = None
    (y * 1).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_leaf_hook_sees_the_sum_once() -> None:
    x = leaf(1.0)
    seen = []
    with x.register_hook(lambda dx: seen.append(dx.item())):
        (x * 2 + x * 3 + x).sum().backward()
    (x * 2).sum().backward()
    assert seen == [6.0]


def test_hook_replaces_and_is_checked() -> None:
    x = leaf(1.0, 2.0)
    handle = x.register_hook(lambda dx: dx * 0 + 5)
    x.sum().backward()
    assert x.grad.tolist() == [5.0, 5.0]
    handle.remove()
    x.register_hook(lambda dx: dx.sum())
    with pytest.raises(RuntimeError, match="changed the shape"):
        x.sum().backward()


def test_hooks_do_not_record() -> None:
    x = leaf(1.0)
    seen = []
    x.register_hook(lambda dx: seen.append((fg.is_grad_enabled(), (dx * x).requires_grad)))
    x.sum().backward()
    assert seen == [(False, False)]


def test_hook_needs_a_gradient() -> None:
    with pytest.raises(RuntimeError, match="doesn't require gradient"):
        fg.ones(1).register_hook(print)
    with pytest.raises(TypeError, match="callable"):
        leaf(1.0).register_hook(3)  # type: ignore[arg-type]


def test_post_accumulate_grad_hook() -> None:
    x = leaf(1.0)
    seen = []
    handle = x.register_post_accumulate_grad_hook(lambda t: seen.append(t.grad.item()))
    (x * 2).sum().backward()
    (x * 2).sum().backward()
    handle.remove()
    (x * 2).sum().backward()
    assert seen == [2.0, 4.0]
    with pytest.raises(RuntimeError, match="non-leaf"):
        (x * 2).register_post_accumulate_grad_hook(print)


def test_retain_grad() -> None:
    x = leaf(1.0, 2.0)
    y = x * 3
    assert not y.retains_grad
    y.retain_grad()
    y.retain_grad()
    assert y.retains_grad
    y.register_hook(lambda dy: dy * 2)
    y.sum().backward(retain_graph=True)
    assert y.grad.tolist() == [2.0, 2.0]
    y.sum().backward()
    assert y.grad.tolist() == [4.0, 4.0]
    x.retain_grad()
    with pytest.raises(RuntimeError, match="requires_grad=False"):
        fg.ones(1).retain_grad()


def test_requires_grad_rules() -> None:
    x = leaf(1.0)
    y = x * 2
    assert (x.is_leaf, y.is_leaf, x.grad_fn) == (True, False, None)
    assert y.grad_fn.name() == "MulBackward0"
    with pytest.raises(RuntimeError, match="leaf variables"):
        y.requires_grad_(False)
    with pytest.raises(RuntimeError, match="floating point"):
        fg.tensor([1]).requires_grad_()
    assert not x.requires_grad_(False).requires_grad
    assert not (y > 1).requires_grad
    assert not y.argmax().requires_grad
    assert not y.detach().requires_grad
    assert y.detach().data is y.data
