"""Hooks before and after forward, and after backward."""

from __future__ import annotations

import copy
import gc
import weakref
from typing import Any

import numpy as np
import pytest
import torch

import fastgrad as fg
from fastgrad import nn
from tests.nn.compare import close, normal, same_parameters


def test_forward_hooks_see_and_replace_arguments_and_results() -> None:
    layer = nn.Identity()
    calls: list[Any] = []
    first = layer.register_forward_pre_hook(
        lambda module, args: calls.append(("pre", module is layer, len(args)))
    )
    layer.register_forward_pre_hook(lambda module, args: args[0] + 1)
    layer.register_forward_pre_hook(lambda module, args: (args[0] * 2,))
    layer.register_forward_hook(
        lambda module, args, output: calls.append(("post", args[0].item(), output.item()))
    )
    last = layer.register_forward_hook(lambda module, args, output: output + 100)
    assert layer(fg.tensor(1.0)).item() == 104
    assert calls == [("pre", True, 1), ("post", 4.0, 4.0)]
    last.remove()
    first.remove()
    first.remove()
    assert layer(fg.tensor(1.0)).item() == 4
    assert len(calls) == 3


def test_order_prepending_and_context() -> None:
    layer = nn.Identity()
    order: list[str] = []
    layer.register_forward_hook(lambda *_: order.append("a"))
    layer.register_forward_hook(lambda *_: order.append("b"), prepend=True)
    with layer.register_forward_pre_hook(lambda *_: order.append("c")):
        layer(fg.ones(1))
    layer(fg.ones(1))
    assert order == ["c", "b", "a", "b", "a"]


def test_hooks_with_keyword_arguments() -> None:
    class Scale(nn.Module):
        def forward(self, x: fg.Tensor, factor: float = 1.0) -> fg.Tensor:
            return x * factor

    layer = Scale()
    seen: list[Any] = []
    layer.register_forward_pre_hook(
        lambda module, args, kwargs: (args, {"factor": kwargs["factor"] + 1}), with_kwargs=True
    )
    layer.register_forward_hook(lambda module, args, kwargs, output: seen.append(kwargs), with_kwargs=True)
    assert layer(fg.ones(1), factor=2.0).item() == 3
    assert seen == [{"factor": 3.0}]
    layer.register_forward_pre_hook(lambda module, args, kwargs: args, with_kwargs=True)
    with pytest.raises(TypeError, match="args, kwargs"):
        layer(fg.ones(1), factor=2.0)


def test_hooks_are_callables() -> None:
    for register in ("register_forward_hook", "register_forward_pre_hook", "register_full_backward_hook"):
        with pytest.raises(TypeError, match="callable"):
            getattr(nn.Identity(), register)("hook")


def run_backward_hook(
    library: Any, layer: Any, tensor: Any, needs_input: bool, change: bool
) -> dict[str, Any]:
    """The same scenario in either library: what the hook sees, and the gradients in the end."""
    seen: dict[str, Any] = {}

    def hook(module: Any, grad_input: tuple, grad_output: tuple) -> Any:
        assert module is layer
        seen["input"] = [None if g is None else g.numpy().copy() for g in grad_input]
        seen["output"] = [None if g is None else g.numpy().copy() for g in grad_output]
        return tuple(None if g is None else 3 * g for g in grad_input) if change else None

    layer.register_full_backward_hook(hook)
    x = tensor(normal(0, 3, 4), requires_grad=needs_input)
    y = layer(x * 2 if needs_input else x)
    (y * tensor(normal(1, *y.shape))).sum().backward()
    seen["x"] = None if x.grad is None else x.grad.numpy()
    seen["weight"] = layer.weight.grad.numpy()
    return seen


# torch warns where the input needs no gradient.
@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
@pytest.mark.parametrize("needs_input", [True, False])
@pytest.mark.parametrize("change", [True, False])
def test_full_backward_hook_is_torchs(needs_input: bool, change: bool) -> None:
    theirs = torch.nn.Linear(4, 2, dtype=torch.float64)
    ours = nn.Linear(4, 2, dtype="float64")
    same_parameters(ours, theirs)
    a = run_backward_hook(fg, ours, fg.tensor, needs_input, change)
    b = run_backward_hook(torch, theirs, torch.tensor, needs_input, change)
    for key in b:
        p, q = (v if isinstance(v, list) else [v] for v in (a[key], b[key]))
        for left, right in zip(p, q, strict=True):
            assert (left is None) == (right is None)
            if right is not None:
                close(left, right)


def test_backward_hook_with_several_inputs_and_outputs() -> None:
    class Mix(nn.Module):
        def forward(self, a: fg.Tensor, flag: bool, b: fg.Tensor) -> tuple[fg.Tensor, fg.Tensor]:
            return a * b, a + b

    module = Mix()
    seen: list[Any] = []
    handle = module.register_full_backward_hook(lambda module, gi, go: seen.append((gi, go)))
    a, b = fg.tensor([2.0], requires_grad=True), fg.tensor([5.0])
    p, q = module(a, True, b)
    (p + 10 * q).sum().backward()
    grad_input, grad_output = seen[0]
    assert grad_input[0].item() == 15
    assert grad_input[1] is None
    assert grad_input[2] is None
    assert [g.item() for g in grad_output] == [1, 10]
    assert a.grad.item() == 15
    handle.remove()
    p, q = module(a, True, b)
    p.sum().backward()
    assert len(seen) == 1


def test_backward_hook_returning_another_number_of_gradients_is_an_error() -> None:
    layer = nn.Linear(2, 2)
    layer.register_full_backward_hook(lambda module, gi, go: (gi[0], gi[0]))
    x = fg.ones(1, 2, requires_grad=True)
    with pytest.raises(RuntimeError, match="2 gradients, expected 1"):
        layer(x).sum().backward()


def test_hooks_leave_no_cycle_behind() -> None:
    layer = nn.Linear(2, 2)
    layer.register_full_backward_hook(lambda *_: None)
    gc.disable()
    try:
        y = layer(fg.ones(1, 2, requires_grad=True))
        alive = weakref.ref(y)
        del y
        assert alive() is None
    finally:
        gc.enable()


def test_hooks_without_gradients_do_no_harm() -> None:
    layer = nn.Linear(2, 2)
    layer.register_full_backward_hook(lambda module, gi, go: pytest.fail("called"))
    with fg.no_grad():
        assert not layer(fg.ones(1, 2)).requires_grad


def test_calls_without_hooks_go_straight_to_forward_again() -> None:
    layer = nn.Linear(2, 2)
    handles = [
        layer.register_forward_hook(lambda *_: None),
        layer.register_full_backward_hook(lambda *_: None),
    ]
    assert not layer._direct
    handles[0].remove()
    assert not layer._direct
    handles[1].remove()
    assert layer._direct


def test_a_copy_has_the_hooks_and_its_own_list_of_them() -> None:
    layer = nn.Identity()
    handle = layer.register_forward_hook(lambda module, args, output: output + 1)
    twin = copy.deepcopy(layer)
    handle.remove()
    assert layer(fg.tensor(0.0)).item() == 0
    assert twin(fg.tensor(0.0)).item() == 1


def test_a_forward_set_on_the_instance_is_what_runs() -> None:
    layer = nn.Linear(2, 2)
    layer.forward = lambda x: x + 1
    np.testing.assert_array_equal(layer(fg.zeros(1)).numpy(), np.ones(1, "float32"))
    del layer.forward
    assert layer(fg.zeros(1, 2)).shape == (1, 2)


def test_a_paused_hook_does_not_run_until_it_is_resumed() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    calls: list[str] = []
    handle = net[0].register_forward_hook(lambda *_: calls.append("a"))
    handle.resume()  # it runs already
    net(fg.ones(1, 2))
    handle.pause()
    handle.pause()
    net(fg.ones(1, 2))
    assert calls == ["a"]
    assert net[0]._direct  # the two layers run as one again
    net[0].register_forward_hook(lambda *_: calls.append("b"))
    handle.resume()
    net(fg.ones(1, 2))
    assert calls == ["a", "b", "a"]
    handle.pause()
    handle.remove()
    handle.resume()
    net(fg.ones(1, 2))
    assert calls == ["a", "b", "a", "b"]
