"""The backward pass: what it computes, what it keeps, what it refuses."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.autograd.graph import record, record_many


def leaf(*values: float) -> fg.Tensor:
    return fg.tensor(list(values), dtype=fg.float64, requires_grad=True)


def test_fan_out_adds_gradients() -> None:
    x = leaf(2.0)
    y = x * 3
    (y * y + y + x).sum().backward()
    assert x.grad.tolist() == [2 * 9 * 2.0 + 3 + 1]


def test_product_and_sum_rules() -> None:
    a, b = leaf(2.0, 3.0), leaf(5.0, 7.0)
    (a * b + a).sum().backward()
    assert a.grad.tolist() == [6.0, 8.0]
    assert b.grad.tolist() == [2.0, 3.0]


def test_same_operand_twice() -> None:
    x = leaf(3.0)
    (x * x).sum().backward()
    (x + x).sum().backward()
    assert x.grad.tolist() == [8.0]


def test_shared_weights_in_a_recurrence() -> None:
    w, x = leaf(0.5), leaf(1.0)
    h = x
    for _ in range(10):
        h = h * w
    h.sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), 10 * 0.5**9)
    np.testing.assert_allclose(x.grad.numpy(), 0.5**10)


def test_several_roots() -> None:
    x = leaf(1.0, 2.0)
    y, z = x * 2, x * x
    fg.autograd.backward([y, z], [fg.ones(2, dtype=fg.float64), fg.tensor([1.0, 10.0], dtype=fg.float64)])
    assert x.grad.tolist() == [4.0, 42.0]


def test_the_same_root_twice() -> None:
    x = leaf(1.0)
    y = (x * 3).sum()
    fg.autograd.backward([y, y])
    assert x.grad.tolist() == [6.0]


def test_gradient_argument() -> None:
    x = leaf(1.0, 2.0)
    (x * x).backward(fg.tensor([1.0, 3.0], dtype=fg.float64))
    assert x.grad.tolist() == [2.0, 12.0]


def test_backward_accumulates_in_place() -> None:
    x = leaf(1.0)
    (x * 2).sum().backward()
    kept = x.grad
    (x * 2).sum().backward()
    assert x.grad is kept
    assert kept.tolist() == [4.0]


def test_backward_of_a_leaf() -> None:
    x = fg.tensor(2.0, requires_grad=True)
    x.backward()
    assert x.grad.item() == 1.0


def test_backward_to_inputs_only() -> None:
    x, w = leaf(2.0), leaf(3.0)
    y = x * w
    z = y * y
    z.sum().backward(inputs=[w, y])
    assert x.grad is None
    assert w.grad.tolist() == [2 * 6.0 * 2]
    assert y.grad.tolist() == [12.0]


def test_second_backward_is_an_error() -> None:
    x = leaf(1.0)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="a second time"):
        y.backward()
    with pytest.raises(RuntimeError, match="a second time"):
        fg.autograd.grad(y, x)
    assert x.grad.tolist() == [2.0]


def test_retain_graph() -> None:
    x = leaf(1.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [4.0]


def test_part_of_a_used_graph_is_an_error() -> None:
    x = leaf(1.0)
    y = x * x
    y.sum().backward()
    with pytest.raises(RuntimeError, match="a second time"):
        (y * 2).sum().backward()


def test_create_graph_is_refused() -> None:
    y = (leaf(1.0) ** 2).sum()
    with pytest.raises(RuntimeError, match="double backward is not supported"):
        y.backward(create_graph=True)
    with pytest.raises(RuntimeError, match="double backward is not supported"):
        fg.autograd.grad(y, y, create_graph=True)


def test_backward_needs_a_gradient_to_start_from() -> None:
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="scalar outputs"):
        (x * 2).backward()
    with pytest.raises(RuntimeError, match="mismatch in shape"):
        (x * 2).backward(fg.ones(3))
    with pytest.raises(RuntimeError, match="does not require grad"):
        fg.ones(1).backward()


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.add_(1),
        lambda x: x.zero_(),
        lambda x: x.__setitem__(0, 5.0),
        lambda x: x.view(-1).mul_(2),
        lambda x: x[0:1].fill_(2),
        lambda x: x.detach().copy_(fg.zeros(2)),
        lambda x: x.T.sub_(1),
        lambda x: x.uniform_(),
    ],
)
def test_changed_after_it_was_saved(change: Any) -> None:
    x, w = fg.ones(2, dtype=fg.float64), leaf(1.0, 2.0)
    y = (x * w).sum()
    change(x)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()
    assert w.grad is None


def test_changed_result_that_was_saved() -> None:
    x = leaf(1.0)
    y = x.exp()
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_change_of_what_is_not_read_is_allowed() -> None:
    x, w = fg.ones(2, dtype=fg.float64), leaf(1.0, 2.0)
    y = (x * w).sum()
    with fg.no_grad():
        w.mul_(10)  # only dx would read w
    z = (w + x).sum()
    (y + z).backward()
    assert w.grad.tolist() == [2.0, 2.0]


def test_grad_leaves_dot_grad_alone() -> None:
    x, w = leaf(2.0), leaf(3.0)
    dx, dw = fg.autograd.grad((x * w * w).sum(), [x, w])
    assert (dx.tolist(), dw.tolist()) == ([9.0], [12.0])
    assert x.grad is None
    assert w.grad is None


def test_grad_of_inner_values_computes_no_more() -> None:
    x = leaf(2.0)
    calls = []

    def rule(dy: np.ndarray, needs: tuple[bool, ...]) -> tuple[np.ndarray]:
        calls.append(needs)
        return (dy,)

    y = record(x.data.copy(), (x,), rule)
    z = (y * y).sum()
    (dy,) = fg.autograd.grad(z, y, retain_graph=True)
    assert dy.tolist() == [4.0]
    assert calls == []
    both = fg.autograd.grad(z, (x, y))
    assert [g.tolist() for g in both] == [[4.0], [4.0]]
    assert calls == [(True,)]


def test_grad_needs_tell_which_inputs_are_wanted() -> None:
    x, w = leaf(2.0), leaf(3.0)
    seen = []

    def rule(dy: np.ndarray, needs: tuple[bool, ...]) -> tuple[Any, ...]:
        seen.append(needs)
        return dy if needs[0] else None, dy if needs[1] else None, None

    y = record(x.data + w.data, (x, w, fg.ones(1)), rule)
    fg.autograd.grad(y.sum(), w, retain_graph=True)
    y.sum().backward()
    assert seen == [(False, True, False), (True, True, False)]


def test_grad_of_unused_inputs() -> None:
    x, w = leaf(2.0), leaf(3.0)
    y = (x * 2).sum()
    with pytest.raises(RuntimeError, match="not have been used"):
        fg.autograd.grad(y, [x, w], retain_graph=True)
    dx, dw = fg.autograd.grad(y, [x, w], retain_graph=True, allow_unused=True)
    assert dx.tolist() == [2.0]
    assert dw is None
    assert fg.autograd.grad(y, w, materialize_grads=True)[0].tolist() == [0.0]


def test_grad_refuses_inputs_without_gradient() -> None:
    with pytest.raises(RuntimeError, match="does not require grad"):
        fg.autograd.grad(leaf(1.0).sum(), fg.ones(1))


def test_grad_outputs() -> None:
    x = leaf(1.0, 2.0)
    (dx,) = fg.autograd.grad([x * 2, x.sum()], x, [fg.tensor([1.0, 3.0], dtype=fg.float64), None])
    assert dx.tolist() == [3.0, 7.0]


def test_several_outputs() -> None:
    x = leaf(1.0, 2.0)
    seen = []

    def rule(dys: tuple[Any, ...], needs: tuple[bool, ...]) -> tuple[Any]:
        seen.append(tuple(dy is None for dy in dys))
        return (sum(scale * dy for scale, dy in zip((2, 3), dys, strict=True) if dy is not None),)

    y, z = record_many((x.data * 2, x.data * 3), (x,), rule)
    (y + z + y).sum().backward(retain_graph=True)
    assert x.grad.tolist() == [7.0, 7.0]
    x.grad = None
    z.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
    assert seen == [(False, False), (True, False)]


def test_grad_gives_arrays_of_their_own() -> None:
    x = fg.tensor([1.0, 2.0], requires_grad=True)
    y = x * 3.0
    first, second = fg.autograd.grad(y, (x, x), grad_outputs=fg.ones(2), retain_graph=True)
    assert first is not None
    assert second is not None
    first.mul_(0.0)
    assert second.tolist() == [3.0, 3.0]
    dy = fg.ones(2)
    (through,) = fg.autograd.grad(x + 0.0, x, grad_outputs=dy)
    assert through is not None
    through.mul_(0.0)
    assert dy.tolist() == [1.0, 1.0]


def test_backward_with_inputs_counts_a_retained_gradient_once() -> None:
    x = leaf(2.0)
    y = x * x
    y.retain_grad()
    (y * y).sum().backward(inputs=[y])
    assert y.grad is not None
    assert y.grad.tolist() == [8.0]


def test_an_overflowing_sum_of_gradients_is_infinite_without_a_warning() -> None:
    x = fg.tensor([1.0], requires_grad=True)
    for _ in range(2):
        (x * 3e38).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [float("inf")]


def test_an_activation_that_reads_its_output_lets_the_input_go() -> None:
    x = leaf(1.0, -2.0)
    inner = x * 2.0
    memory = weakref.ref(inner.data)
    y = fg.nn.functional.relu(inner)
    del inner
    assert memory() is None
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [2.0, 0.0]
