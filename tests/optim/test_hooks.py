"""Hooks before and after a step."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from typing import Any

import pytest
import torch

import fastgrad as fg


def make() -> tuple[Any, Any]:
    w = fg.tensor([4.0], requires_grad=True)
    w.grad = fg.tensor([1.0])
    return w, fg.optim.SGD([w], lr=1.0)


def test_hooks_run_in_the_order_of_torch() -> None:
    traces = []
    for library in (fg, torch):
        w = library.tensor([4.0], requires_grad=True)
        w.grad = library.tensor([1.0])
        opt = library.optim.SGD([w], lr=1.0)
        trace: list[Any] = []
        opt.register_step_post_hook(lambda o, args, kwargs, w=w, trace=trace: trace.append(("post", w.item())))
        opt.register_step_pre_hook(lambda o, *more, w=w, trace=trace: trace.append(("pre", w.item(), *more)))
        opt.register_step_post_hook(lambda o, *_, opt=opt, trace=trace: trace.append(("last", o is opt)))
        assert opt.step(lambda: 7) == 7
        opt.step(closure=lambda: 8)
        trace = [(*entry[:2], *[len(more) for more in entry[2:]]) for entry in trace]
        traces.append(trace)
    assert traces[0] == traces[1]
    assert len(traces[0]) == 6


def test_a_pre_hook_replaces_the_arguments() -> None:
    _, opt = make()
    opt.register_step_pre_hook(lambda o, args, kwargs: ((*args[:1], lambda: 9), {}))
    assert opt.step() == 9


def test_without_hooks_nothing_is_left() -> None:
    w, opt = make()
    before = dict(vars(opt))
    first, second = opt.register_step_pre_hook(lambda *_: None), opt.register_step_post_hook(lambda *_: None)
    first.remove()
    first.remove()
    assert vars(opt) != before
    with second:
        opt.step()
    assert vars(opt).keys() == before.keys()
    assert w.item() == 3.0


def test_a_step_of_ones_own_stays() -> None:
    _, opt = make()
    plain = opt.step
    calls: list[str] = []
    opt.step = lambda: (calls.append("own"), plain())[1]
    own = opt.step
    with opt.register_step_post_hook(lambda *_: calls.append("hook")):
        opt.step()
        assert copy.deepcopy(opt).step is own
    assert opt.step is own
    assert calls == ["own", "hook"]


def test_copies_have_no_hooks() -> None:
    _, opt = make()
    calls: list[int] = []
    opt.register_step_post_hook(lambda *_: calls.append(1))
    for other in (copy.deepcopy(opt), pickle.loads(pickle.dumps(opt))):
        other.step()
    assert not calls
    opt.step()
    assert calls == [1]


def test_an_optimizer_with_hooks_goes_with_its_last_reference() -> None:
    _, opt = make()
    handle = opt.register_step_post_hook(lambda *_: None)
    gone = weakref.ref(opt)
    gc.disable()
    try:
        del opt
        assert gone() is None
    finally:
        gc.enable()
    handle.remove()


def test_errors() -> None:
    _, opt = make()
    with pytest.raises(
        TypeError, match=r"register_step_post_hook\(\): argument 'hook' is a int, expected a callable"
    ):
        opt.register_step_post_hook(3)
    opt.register_step_pre_hook(lambda *_: 5)
    with pytest.raises(
        TypeError, match=r"step pre-hook\(\): argument 'result' is a int, expected None or \(args, kwargs\)"
    ):
        opt.step()
