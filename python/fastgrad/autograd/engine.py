"""What the backward pass leaves to Python: hooks, gradients that have to be added or copied, which way to go.

The pass itself is native: ``csrc/tape/sweep.cpp``, ``csrc/tape/backward.cpp``.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from fastgrad import _tape
from fastgrad.arrays import as_array, is_writable
from fastgrad.autograd.graph import wrap
from fastgrad.autograd.mode import no_grad, state
from fastgrad.autograd.node import Leaf, Node, Value
from fastgrad.errors import bad_type

__all__ = ["TWICE", "Grads", "add_gradient", "as_array", "path_to", "recorder", "run_hooks", "run_post_hooks"]

Edge = Node | Leaf
Grads = dict[Edge, Any]

# A fork while another thread adds gradients up must not leave the child with a lock that nobody opens.
os.register_at_fork(
    before=_tape.lock_accumulation,
    after_in_parent=_tape.unlock_accumulation,
    after_in_child=_tape.unlock_accumulation,
)

TWICE = (
    "Trying to backward through the graph a second time: what it had saved was freed by the first pass. "
    "Specify retain_graph=True on the first if you need to backward twice, or to access it later."
)


def run_hooks(hooks: dict[int, Any], g: Any) -> Any:
    """The gradient after all hooks have seen, and perhaps replaced, it."""
    with no_grad():
        for hook in tuple(hooks.values()):
            given = wrap(g)
            result = hook(given)
            if result is not None:
                if not isinstance(result, Value):
                    raise bad_type("hook", "result", type(result).__name__, "a Tensor or None")
                if result.data.shape != given.data.shape:
                    raise RuntimeError(
                        f"hook has changed the shape of the gradient: {given.data.shape} to {result.data.shape}"
                    )
                g = result.data
                if g.dtype != given.data.dtype:
                    raise RuntimeError(f"hook has changed the dtype of the gradient: {given.data.dtype} to {g.dtype}")
    return g


def run_post_hooks(hooks: dict[int, Any], t: Value) -> None:
    """Tell all hooks that a backward pass has added to the gradient of `t`."""
    with no_grad():
        for hook in tuple(hooks.values()):
            hook(t)


def recorder() -> Any:
    """Who writes down what this thread does, or None; the tape asks only while any thread is recorded."""
    return state.recorder


def add_gradient(t: Value, g: np.ndarray, alone: bool) -> None:
    """Add `g` to the gradient of a leaf; the first one is copied unless nobody else holds it (`alone`).

    The tape calls this, one thread at a time, where it cannot just take `g` over.
    """
    before = t.grad
    data = t.data
    if before is None:
        if not alone or g.dtype != data.dtype:
            copy = np.empty_like(data) if g.shape == data.shape else np.empty(g.shape, data.dtype, like=data)
            copy[...] = g
            g = copy
        t.grad = wrap(g)
    elif is_writable(before.data) and before.node is None:
        np.add(before.data, g, before.data)
        before.version.count += 1
    else:
        t.grad = wrap(as_array(before.data + g))


def path_to(grads: Grads, wanted: Grads) -> set[Edge]:
    """The nodes between the roots and the wanted ones, without the latter unless they lead to another."""
    found: set[Edge] = set()
    nodes: dict[int, Node] = {}
    oldest = max((edge.order for edge in wanted if isinstance(edge, Node)), default=None)
    only_nodes = all(isinstance(edge, Node) for edge in wanted)
    pending = [edge for edge in grads if isinstance(edge, Node)]
    while pending:
        node = pending.pop()
        if node.order in nodes:
            continue
        nodes[node.order] = node
        if node.rule is None and node not in wanted:
            raise RuntimeError(TWICE)
        for edge in node.edges:
            # An older node cannot lead to a wanted one.
            if isinstance(edge, Node) and not (only_nodes and oldest is not None and edge.order > oldest):
                pending.append(edge)
    for order in sorted(nodes, reverse=True):  # oldest first
        node = nodes[order]
        if any(edge in found or edge in wanted for edge in node.edges if edge is not None):
            found.add(node)
    return found
