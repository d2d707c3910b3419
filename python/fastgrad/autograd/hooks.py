"""Functions of the user's that see a gradient on its way."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import Any

from fastgrad.autograd.graph import Leaf, Node, Value, wrap
from fastgrad.backend import native
from fastgrad.errors import bad_type

__all__ = ["RemovableHandle", "register_hook", "register_post_accumulate_grad_hook", "retain_grad"]

_numbers = itertools.count()
# The key of the hook that keeps an inner gradient; it comes last, to keep what the others have made.
_RETAIN = -1


class RemovableHandle:
    """What registering a hook returns;

    ``remove()``, or leaving a ``with`` block, takes the hook off again.
    """

    __slots__ = ("_hooks", "_number")

    def __init__(self, hooks: dict[int, Callable[..., Any]], number: int) -> None:
        self._hooks = hooks
        self._number = number

    def remove(self) -> None:
        """Take the hook off; nothing happens if it is off already."""
        self._hooks.pop(self._number, None)
        native._modules_changed()

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


def _node(function: str, x: Value, hook: Any) -> Node | Leaf:
    if not callable(hook):
        raise bad_type(function, "hook", f"a {type(hook).__name__}", "a callable")
    if x.node is None:
        raise RuntimeError(f"{function}(): cannot register a hook on a tensor that doesn't require gradient")
    native._modules_changed()
    node: Node | Leaf = x.node
    return node


def register_hook(x: Value, hook: Callable[..., Any]) -> RemovableHandle:
    """Have ``hook(gradient)`` called when the gradient of `x` is complete, in every backward pass from now on."""
    node = _node("register_hook", x, hook)
    hooks = node.hooks
    if hooks is None:
        hooks = node.hooks = {}
    number = next(_numbers)
    hooks[number] = hook
    if _RETAIN in hooks:
        hooks[_RETAIN] = hooks.pop(_RETAIN)
    return RemovableHandle(hooks, number)


def register_post_accumulate_grad_hook(x: Value, hook: Callable[..., Any]) -> RemovableHandle:
    """Have ``hook(x)`` called when a backward pass has added to ``x.grad``; `x` must be a leaf."""
    node = _node("register_post_accumulate_grad_hook", x, hook)
    if not isinstance(node, Leaf):
        raise RuntimeError(
            "register_post_accumulate_grad_hook(): post accumulate grad hooks cannot be registered on non-leaf tensors"
        )
    if node.post_hooks is None:
        node.post_hooks = {}
    number = next(_numbers)
    node.post_hooks[number] = hook
    return RemovableHandle(node.post_hooks, number)


def retain_grad(x: Value) -> None:
    """Let backward passes set the ``.grad`` of `x` although it is not a leaf."""
    node = x.node
    if node is None:
        raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
    if isinstance(node, Leaf) or retains_grad(x):
        return
    if node.hooks is None:
        node.hooks = {}
    tensor = weakref.ref(x)  # a node must not keep its output alive

    def keep(dy: Any) -> None:
        t = tensor()
        if t is not None:
            t.grad = wrap(dy.data.copy()) if t.grad is None else wrap(t.grad.data + dy.data)

    node.hooks[_RETAIN] = keep


def retains_grad(x: Value) -> bool:
    """Whether backward passes set the ``.grad`` of `x` although it is not a leaf."""
    return isinstance(x.node, Node) and x.node.hooks is not None and _RETAIN in x.node.hooks
