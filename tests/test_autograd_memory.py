"""Long graphs, what is kept, what is freed, and whose a gradient is."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.autograd.graph import record


def leaf(*values: float) -> fg.Tensor:
    return fg.tensor(list(values), dtype=fg.float64, requires_grad=True)


@pytest.mark.parametrize("n", [100_000])
def test_long_chain(n: int) -> None:
    x = leaf(1.0)
    y = x
    for _ in range(n):
        y = y + x
    y.sum().backward()
    assert x.grad.tolist() == [n + 1.0]


def test_long_chain_goes_without_backward() -> None:
    x = leaf(1.0)
    y = x * 2
    first = weakref.ref(y.grad_fn)
    for _ in range(100_000):
        y = y * x
    assert first() is not None
    del y
    assert first() is None


def test_long_chain_of_views_and_saved_tensors_goes() -> None:
    y = leaf(1.0, 2.0)
    for _ in range(30_000):
        y = y.reshape(2, 1).exp().reshape(2) * 0.0
    y.sum().backward()
    del y


def test_wide_fan_out_is_linear() -> None:
    x = leaf(1.0)
    y = x * 1
    total = y
    for _ in range(20_000):
        total = total + y
    total.sum().backward()
    assert x.grad.tolist() == [20_001.0]


def test_memory_goes_without_the_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        x = leaf(1.0, 2.0)
        y = (x * x).exp()
        z = y.sum()
        references = [weakref.ref(y), weakref.ref(z), weakref.ref(z.grad_fn), weakref.ref(y.grad_fn)]
        z.backward()
        del y, z
        assert [reference() for reference in references] == [None] * 4
        u = (x * x).exp()
        node = weakref.ref(u.grad_fn)
        u.retain_grad()
        u.register_hook(lambda dy: None)
        view = u[0]
        other = weakref.ref(u)
        del u, view
        assert (node(), other()) == (None, None)
        reference = weakref.ref(x)
        del x
        assert reference() is None
    finally:
        gc.enable()


def test_backward_frees_what_was_saved() -> None:
    x = leaf(1.0)
    y = x * 2
    z = y.exp()
    saved = weakref.ref(y)
    z.sum().backward()
    del y
    assert saved() is None
    assert z.grad_fn.next_functions == ()


def test_gradients_are_the_leaf_s_own() -> None:
    """No two leaves share a gradient's memory, and none shares it with what a rule may still hold."""
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    dy = fg.ones(2, dtype=fg.float64)
    (x + w).backward(dy)
    x.grad.add_(1)
    assert w.grad.tolist() == [1.0, 1.0]
    assert dy.tolist() == [1.0, 1.0]
    y = x.sum()
    y.backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_a_fresh_gradient_is_kept_without_a_copy() -> None:
    x = leaf(1.0, 2.0)
    made = []

    def rule(dy: np.ndarray, needs: tuple[bool, ...]) -> tuple[np.ndarray]:
        fresh = dy * 2
        made.append(fresh.__array_interface__["data"][0])
        return (fresh,)

    record(x.data.copy(), (x,), rule).sum().backward()
    assert x.grad.data_ptr() == made[0]


def test_a_gradient_that_the_rule_holds_is_copied() -> None:
    x = leaf(1.0, 2.0)
    kept = np.ones(2)
    record(x.data.copy(), (x,), lambda dy, needs: (kept,)).sum().backward()
    x.grad.zero_()
    assert kept.tolist() == [1.0, 1.0]


def test_gradient_has_the_leaf_s_memory_order_and_dtype() -> None:
    w = fg.from_numpy(np.ones((3, 2), order="F")).requires_grad_()
    w.sum().backward()
    assert w.grad.stride() == w.stride()
    x = fg.ones(2, requires_grad=True)
    (x * fg.ones(2, dtype=fg.float64)).sum().backward()
    assert x.grad.dtype == fg.float32
