"""The backward pass: what it computes, what it keeps, what it refuses."""

from __future__ import annotations

import gc
import threading
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


def test_no_grad_and_enable_grad() -> None:
    x = leaf(1.0)

    @fg.no_grad()
    def quiet() -> bool:
        return (x * 2).requires_grad

    @fg.no_grad
    def bare() -> bool:
        return fg.is_grad_enabled()

    @fg.enable_grad()
    def loud() -> bool:
        return (x * 2).requires_grad

    assert (quiet(), bare(), loud()) == (False, False, True)
    with fg.no_grad():
        assert not fg.is_grad_enabled()
        assert loud()
        with fg.enable_grad():
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad
        assert fg.ones(1, requires_grad=True).requires_grad
    assert fg.is_grad_enabled()
    assert quiet.__name__ == "quiet"


def test_no_grad_ends_with_an_exception() -> None:
    with pytest.raises(KeyError), fg.no_grad():
        raise KeyError
    assert fg.is_grad_enabled()


def test_no_grad_on_a_generator() -> None:
    @fg.no_grad()
    def values() -> Any:
        got = yield fg.is_grad_enabled()
        try:
            yield got, fg.is_grad_enabled()
        except ValueError:
            yield "caught", fg.is_grad_enabled()
        return "end"

    generator = values()
    assert next(generator) is False
    assert fg.is_grad_enabled()
    assert generator.send(3) == (3, False)
    assert generator.throw(ValueError()) == ("caught", False)
    assert fg.is_grad_enabled()
    with pytest.raises(StopIteration, match="end"):
        next(generator)


def test_set_grad_enabled() -> None:
    with fg.set_grad_enabled(False):
        assert not fg.is_grad_enabled()
    fg.set_grad_enabled(False)
    try:
        assert not fg.is_grad_enabled()
    finally:
        fg.set_grad_enabled(True)

    @fg.set_grad_enabled(False)
    def decorated() -> bool:
        return fg.is_grad_enabled()

    assert fg.is_grad_enabled()
    assert not decorated()
    with pytest.raises(TypeError, match="mode"):
        fg.set_grad_enabled(1)  # type: ignore[arg-type]


def test_recording_is_a_switch_of_each_thread() -> None:
    seen = []
    with fg.no_grad():
        thread = threading.Thread(target=lambda: seen.append(fg.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_threads_add_to_one_gradient() -> None:
    w = fg.zeros(1000, dtype=fg.float64, requires_grad=True)

    def work() -> None:
        for _ in range(50):
            (w * 1).sum().backward()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(w.grad.tolist()) == {200.0}


def test_numpy_warns_as_before() -> None:
    """Operations are quiet about infinities; numpy's own settings stay the caller's."""
    x = leaf(0.0)
    (x.log() + 1 / x + (x * 1e308).exp()).sum().backward()
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        np.ones(1) / np.zeros(1)
