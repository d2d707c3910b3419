"""The native tape: what `record` takes, in whose context hooks run, and what Python cannot break."""

from __future__ import annotations

import contextvars
import copy
import gc
import pickle
import weakref

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import _tape
from fastgrad.autograd.graph import make_node, named, record, wrap

place = contextvars.ContextVar("place", default="nowhere")


def leaf(*values: float) -> fg.Tensor:
    return fg.tensor(list(values), requires_grad=True)


@named("scale")
def scale_rule(dy, needs, factor, seen):
    seen.append(needs)
    return (factor * dy,)


def test_constants_go_to_the_rule():
    x, seen = leaf(1.0, 2.0), []
    y = record(3 * x.data, (x,), scale_rule, (), False, (np.float32(3), seen))
    assert y.grad_fn.name() == "ScaleBackward0"
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
    assert seen == [(True,)]


def test_constants_go_with_the_graph():
    x = leaf(1.0)
    kept = np.ones(1, np.float32)
    gone = weakref.ref(kept)
    y = record(x.data.copy(), (x,), lambda dy, needs, k: (dy * k,), constants=(kept,))
    del kept
    y.backward(retain_graph=True)
    assert gone() is not None
    y.backward()
    assert gone() is None


def test_a_cycle_through_constants_is_collected():
    x = leaf(1.0)
    box = []
    y = record(x.data.copy(), (x,), lambda dy, needs, b: (dy,), constants=(box,))
    box.append(y)
    gone = weakref.ref(y)
    del y, box
    gc.collect()
    assert gone() is None


def test_too_many_constants_are_an_error():
    x = leaf(1.0)
    y = record(x.data.copy(), (x,), lambda dy, needs, *rest: (dy,), constants=(0,) * 9)
    with pytest.raises(RuntimeError, match=r"argument 'constants' is too long"):
        y.backward()


def test_many_saved_versions_are_watched():
    xs = [fg.ones(2) for _ in range(7)]
    x = leaf(1.0, 2.0)
    y = record(x.data.copy(), (x,), lambda dy, needs: (dy,), tuple(xs), True)
    xs[-1].add_(1)
    with pytest.raises(RuntimeError, match=r"at version 1; expected version 0"):
        y.sum().backward()


@pytest.mark.parametrize("wrong", [1, np.ones(2), None])
def test_parents_and_saved_must_be_tensors(wrong):
    x = leaf(1.0)
    with pytest.raises(TypeError, match="expected a Tensor"):
        record(x.data.copy(), (wrong, x), lambda dy, needs: (dy, dy))
    with pytest.raises(TypeError, match="expected a Tensor"):
        record(x.data.copy(), (x,), lambda dy, needs: (dy,), (wrong,))
    with pytest.raises(TypeError, match="expected a Tensor"):
        _tape.is_recording(x.detach(), wrong)
    with pytest.raises(TypeError, match="expected Tensors"):
        _tape.count_changes([wrong])


def test_nodes_are_numbered_downwards():
    first, second = (make_node((None,), lambda dy, needs: (dy,)) for _ in range(2))
    assert second.order < first.order


def test_attributes_of_nodes_are_read_only():
    y = leaf(1.0) * 2
    for name in ("rule", "edges", "order", "label"):
        with pytest.raises(AttributeError):
            setattr(y.grad_fn, name, None)


def test_hooks_run_in_the_context_of_the_caller():
    x, seen = leaf(1.0), []
    y = x * 2

    def hook(dy: fg.Tensor) -> None:
        seen.append(place.get())
        place.set("hook")

    y.register_hook(hook)
    x.register_hook(hook)
    place.set("caller")
    y.backward()
    assert seen == ["caller", "hook"]
    assert place.get() == "hook"


def test_backward_is_silent_and_leaves_numpys_error_state():
    x = leaf(0.0)
    with np.errstate(all="raise"):
        before = np.geterr()
        (1 / x).backward()
        assert np.geterr() == before
        y = x * 2
        y.register_hook(lambda dy: (_ for _ in ()).throw(ValueError("from the hook")))
        with pytest.raises(ValueError, match="from the hook"):
            y.backward()
        assert np.geterr() == before
    assert x.grad.item() == -np.inf


def test_backward_within_a_hook():
    x, inner = leaf(1.0, 2.0), leaf(3.0)
    y = x * x
    y.register_hook(lambda dy: (inner * 2).backward() if fg.is_grad_enabled() else None)
    handle = x.register_post_accumulate_grad_hook(lambda t: run(inner))
    y.sum().backward()
    handle.remove()
    assert inner.grad.tolist() == [2.0]
    assert x.grad.tolist() == [2.0, 4.0]


def run(inner: fg.Tensor) -> None:
    with fg.enable_grad():
        (inner * 2).sum().backward()


def test_a_tensor_without_data_says_so():
    t = fg.Tensor.__new__(fg.Tensor)
    assert (t.grad, t.node, t.base) == (None, None, None)
    with pytest.raises(AttributeError):
        t.data  # noqa: B018
    with pytest.raises(AttributeError):
        _tape.with_gradients([object()])


def test_subclasses_copies_and_pickles():
    class Named(fg.Tensor):
        name: str

    t = Named(np.ones(2, np.float32), requires_grad=True)
    t.name = "t"
    reference = weakref.ref(t)
    assert copy.deepcopy(t).name == "t"
    assert pickle.loads(pickle.dumps(fg.nn.Parameter(fg.ones(2)))).requires_grad
    del t
    assert reference() is None


def test_a_long_chain_of_histories_goes_without_recursion():
    x = leaf(1.0)
    for _ in range(200_000):
        x = record(x.data, (x,), lambda dy, needs: (dy,))
    del x


def test_with_gradients():
    a, b, c = leaf(1.0), leaf(2.0), leaf(3.0)
    a.grad, c.grad = fg.ones(1), fg.zeros(1)
    tensors, arrays, gradients = _tape.with_gradients([a, b, c])
    assert [t is u for t, u in zip(tensors, (a, c), strict=True)] == [True, True]
    assert [t is u for t, u in zip(arrays, (a.data, c.data), strict=True)] == [True, True]
    assert [t is u for t, u in zip(gradients, (a.grad.data, c.grad.data), strict=True)] == [True, True]
    assert _tape.are_same(arrays, [a.data, c.data])
    assert not _tape.are_same(arrays, [a.data])
    assert not _tape.are_same(arrays, [c.data, a.data])
    _tape.count_changes((a, a, b))
    assert [t._version for t in (a, b, c)] == [2, 1, 0]


def test_wrap_takes_numpy_scalars():
    assert wrap(np.float32(2)).shape == ()
