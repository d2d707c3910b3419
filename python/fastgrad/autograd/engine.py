"""The engine of the backward pass: gradients flow along the edges, latest operation first."""

from __future__ import annotations

import os
import threading
from heapq import heappop, heappush
from sys import getrefcount
from typing import Any

import numpy as np

from fastgrad.autograd.graph import Parts, wrap
from fastgrad.autograd.mode import no_grad, state
from fastgrad.autograd.node import Leaf, Node, Value
from fastgrad.autograd.traced import as_array
from fastgrad.errors import bad_type

__all__ = ["Grads", "accumulate", "path_to", "pop", "run_hooks", "sweep"]

Edge = Node | Leaf
Grads = dict[Edge, Any]

_ndarray = np.ndarray
_accumulating = threading.Lock()
# A fork while another thread adds gradients up must not leave the child with a lock that nobody opens.
os.register_at_fork(
    before=_accumulating.acquire, after_in_parent=_accumulating.release, after_in_child=_accumulating.release
)

_TWICE = (
    "Trying to backward through the graph a second time: what it had saved was freed by the first pass. "
    "Specify retain_graph=True on the first if you need to backward twice, or to access it later."
)


def _changed(node: Node) -> RuntimeError:
    assert node.versions is not None
    for version, saved in zip(node.versions, node.counts, strict=True):
        if version.count != saved:
            break
    return RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"{node.name()} reads memory that is at version {version.count}; expected version {saved} instead"
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


def sweep(grads: Grads, keep: bool, path: set[Edge] | None, captured: Grads | None) -> None:
    """Turn the gradients in `grads` into those of the leaves; `path` limits where they may go.

    Kept as a function of its own: when it returns, nothing but `grads` refers to the gradients it made.
    """
    nodes: dict[int, Any] = {}
    for edge in grads:
        if edge.__class__ is Node:
            nodes[edge.order] = edge
    heap = sorted(nodes)
    recorder = state.recorder
    own: set[Edge] = set()  # sums that were made here and may be added to in place
    while heap:
        node = nodes.pop(heappop(heap))
        dy = grads.pop(node)
        if dy.__class__ is not _ndarray and dy.__class__ is not Parts:
            dy = as_array(dy)  # a numpy scalar, of a 0-dimensional operation
        if node.hooks is not None:
            dy = run_hooks(node.hooks, dy)
        if captured is not None and node in captured:
            captured[node] = dy
            if node not in path:  # type: ignore[operator]
                continue
        rule = node.rule
        if rule is None:
            raise RuntimeError(_TWICE)
        edges = node.edges
        versions = node.versions
        if versions is not None:
            for version, saved in zip(versions, node.counts):  # noqa: B905
                if version.count != saved:
                    raise _changed(node)
        if path is None:
            needs = (True,) if len(edges) == 1 else tuple([edge is not None for edge in edges])
        else:
            needs = tuple([edge in path or edge in captured for edge in edges])  # type: ignore[operator]
        results = rule(dy, needs)
        if recorder is not None:
            results = [d if d is None or d.__class__ is Parts else recorder.trace(as_array(d)) for d in results]
        if not keep:
            node.free()
        i = 0
        for d in results:
            edge = edges[i]
            if d is None or edge is None or (path is not None and not needs[i]):
                i += 1
                continue
            i += 1
            if edge not in grads:
                grads[edge] = d
                if edge.__class__ is Node:
                    order = edge.order
                    nodes[order] = edge
                    heappush(heap, order)
            elif edge in own and d.__class__ is not Parts:
                prior = grads[edge]
                np.add(prior, d, prior)
            else:
                total = grads[edge] + d
                if total.__class__ is _ndarray:
                    own.add(edge)
                grads[edge] = total


def pop(grads: Grads) -> tuple[Any, Any, bool]:
    """A leaf, its gradient, and whether nobody else holds the gradient's memory."""
    leaf, g = grads.popitem()
    if g.__class__ is not _ndarray:
        return leaf, as_array(g), False
    alone = getrefcount(g) == _ALONE
    base = g.base
    if alone and base is not None:
        # All of an array that only this view holds, as after a reshape.
        alone = base.__class__ is _ndarray and base.size == g.size and getrefcount(base) == _ALONE + 1
    return leaf, g, alone and g.flags.writeable


# What getrefcount says of an array that only a local name holds differs between versions of Python.
_ALONE = 0


def _measure_alone() -> int:
    g = np.empty(0)
    return getrefcount(g)


_ALONE = _measure_alone()


def accumulate(t: Value, g: np.ndarray, alone: bool) -> None:
    """Add `g` to the gradient of a leaf; keep it as it is if that is the first and nobody else holds it."""
    with _accumulating:
        _accumulate(t, g, alone)


def _accumulate(t: Value, g: np.ndarray, alone: bool) -> None:
    before = t.grad
    data = t.data
    if before is None:
        if not alone or g.dtype != data.dtype:
            copy = np.empty_like(data) if g.shape == data.shape else np.empty(g.shape, data.dtype)
            copy[...] = g
            g = copy
        t.grad = wrap(g)
    elif before.data.flags.writeable and before.node is None:
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
            raise RuntimeError(_TWICE)
        for edge in node.edges:
            # An older node cannot lead to a wanted one.
            if isinstance(edge, Node) and not (only_nodes and oldest is not None and edge.order > oldest):
                pending.append(edge)
    for order in sorted(nodes, reverse=True):  # oldest first
        node = nodes[order]
        if any(edge in found or edge in wanted for edge in node.edges if edge is not None):
            found.add(node)
    return found
