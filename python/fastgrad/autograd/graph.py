"""How an operation is recorded.

A node holds the edges to whatever its gradients go to and the rule that computes them; it does not refer to
its output, so memory goes when the last reference goes. The tape knows no mathematics.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad.autograd.mode import state
from fastgrad.autograd.node import Leaf, Node, Rule, Value, Version
from fastgrad.autograd.traced import as_array

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = [
    "Leaf",
    "Node",
    "Value",
    "Version",
    "is_recording",
    "make_node",
    "named",
    "record",
    "record_many",
    "record_view",
    "set_result_class",
    "sum_to_shape",
    "wrap",
]

_new = object.__new__
_ndarray = np.ndarray
# Nodes are numbered downwards: the smallest number in a heap is the node that was made last.
_orders = count(0, -1)


# The class of recorded results: fastgrad.tensor puts its Tensor here, so that this module need not know it.
_result: Any = Value


def set_result_class(cls: type[Value]) -> None:
    """Let `cls` be what `record` and `wrap` make."""
    global _result
    _result = cls


def is_recording(*tensors: Value) -> bool:
    """Whether an operation on these tensors will be recorded."""
    if state.enabled:
        for t in tensors:
            if t.node is not None:
                return True
    return False


def wrap(y: np.ndarray) -> Tensor:
    """A tensor over the array `y` that requires no gradient."""
    t: Tensor = _new(_result)
    t.data = y if y.__class__ is _ndarray else as_array(y)
    t.grad = t.node = t.base = None
    t.version = Version()
    return t


def record(
    y: Any,
    parents: tuple[Value, ...],
    rule: Rule,
    saved: Sequence[Value] = (),
    saves_output: bool = False,
) -> Tensor:
    """A tensor over `y`, with the node that computes its gradients if any parent requires one.

    Parameters
    ----------
    y : ndarray
        The operation's result.
    parents : tuple of Tensor
        What it was computed from, in the order of the rule's gradients.
    rule : callable
        ``rule(dy, needs) -> tuple of ndarrays or None``; `dy` has the shape and dtype of `y`, each gradient
        those of its parent; `needs` is a tuple of bools, one per parent. The rule may return `dy` itself, a
        view, or a fresh array; the tape writes into none that somebody else may see.
    saved : tuple of Tensor
        The tensors whose memory the rule reads; changing it before backward is an error there.
    saves_output : bool
        Whether the rule reads `y`.

    Returns
    -------
    Tensor
    """
    t: Tensor = _new(_result)
    t.data = y if y.__class__ is _ndarray else as_array(y)
    t.grad = t.base = None
    t.version = version = Version()
    if state.enabled:
        for p in parents:
            if p.node is not None:
                break
        else:
            t.node = None
            return t
        t.node = node = _new(Node)
        node.order = next(_orders)
        node.rule = rule
        n = len(parents)
        if n == 1:
            node.edges = (p.node,)
        elif n == 2:
            node.edges = (parents[0].node, parents[1].node)
        else:
            node.edges = tuple([p.node for p in parents])
        node.hooks = None
        if not saved:
            if saves_output:
                node.versions = (version,)
                node.counts = (0,)
            else:
                node.versions = None
            return t
        # One and two are spelled out: a comprehension costs as much as all the rest of this function.
        n = len(saved)
        if n == 1:
            a = saved[0].version
            node.versions = (a,)
            node.counts = (a.count,)
        elif n == 2:
            a = saved[0].version
            b = saved[1].version
            node.versions = (a, b)
            node.counts = (a.count, b.count)
        else:
            node.versions = versions = tuple([p.version for p in saved])
            node.counts = tuple([v.count for v in versions])
        if saves_output:
            node.versions += (version,)
            node.counts += (0,)
        return t
    t.node = None
    return t


def named(name: str) -> Callable[[Rule], Rule]:
    """Decorator: a rule at module level that belongs to the operation `name`."""

    def rename(rule: Rule) -> Rule:
        rule.__qualname__ = name
        return rule

    return rename


def make_node(
    edges: tuple[Node | Leaf | None, ...],
    rule: Rule,
    saved: Sequence[Value] = (),
    extra: tuple[Version, ...] = (),
) -> Node:
    """A node by itself: for several outputs, in-place changes, and views whose base got a new history."""
    node = _new(Node)
    node.order = next(_orders)
    node.rule = rule
    node.edges = edges
    node.hooks = None
    versions = (*(p.version for p in saved), *extra)
    node.versions = versions or None
    node.counts = tuple([v.count for v in versions])
    return node


class Parts:
    """The gradients of the several outputs of one node while they come together."""

    __slots__ = ("arrays",)

    def __init__(self, arrays: list[Any]) -> None:
        self.arrays = arrays

    def __add__(self, other: Parts) -> Parts:
        return Parts(
            [b if a is None else a if b is None else a + b for a, b in zip(self.arrays, other.arrays, strict=True)]
        )


def record_many(
    ys: Sequence[Any],
    parents: tuple[Value, ...],
    rule: Rule,
    saved: Sequence[Value] = (),
    saves_output: bool = False,
) -> tuple[Tensor, ...]:
    """Like `record` for several results of one operation.

    Here ``rule(dys, needs)`` gets a tuple with None for every output that no gradient has come to. A result
    that is the array of a parent shares the parent's version.
    """
    outputs = tuple([wrap(y) for y in ys])
    for t in outputs:
        for p in parents:
            if t.data is p.data:
                t.version = p.version
    if not is_recording(*parents):
        return outputs
    n = len(outputs)

    def gather(dy: Parts, needs: tuple[bool, ...]) -> Any:
        return rule(tuple(dy.arrays), needs)

    gather.__qualname__ = getattr(rule, "__qualname__", "rule")
    extra = tuple(t.version for t in outputs) if saves_output else ()
    node = make_node(tuple([p.node for p in parents]), gather, saved, extra)
    for i, t in enumerate(outputs):
        t.node = make_node((node,), _output_rule(i, n, gather.__qualname__))
    return outputs


def _output_rule(i: int, n: int, name: str) -> Rule:
    """The rule of one output: its gradient takes its place among those of the others."""

    def rule(dy: np.ndarray, needs: tuple[bool, ...]) -> tuple[Parts]:
        arrays: list[Any] = [None] * n
        arrays[i] = dy
        return (Parts(arrays),)

    rule.__qualname__ = name
    return rule


def record_view(y: np.ndarray, parent: Value, rule: Rule) -> Tensor:
    """Like `record` for a result that may share the parent's memory.

    If it does, changes of either count for both, and each is told when the history of the other changes.
    """
    t: Tensor = _new(_result)
    t.data = y
    t.grad = None
    t.node = None
    data = parent.data
    owner = y.base
    if (owner is not None and (owner is data or owner is data.base)) or y is data:
        t.version = version = parent.version
        t.base = parent
        aliases = version.aliases
        if aliases is None:
            version.aliases = [weakref.ref(t)]
        else:
            if len(aliases) & (len(aliases) - 1) == 0 and len(aliases) >= 16:
                aliases[:] = [alias for alias in aliases if alias() is not None]
            aliases.append(weakref.ref(t))
    else:
        t.version = Version()
        t.base = None
    edge = parent.node
    if edge is not None and state.enabled:
        t.node = node = _new(Node)
        node.order = next(_orders)
        node.rule = rule
        node.edges = (edge,)
        node.hooks = None
        node.versions = None
    return t


def sum_to_shape(dy: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum the gradient of a broadcast array over the axes along which it was repeated.

    Parameters
    ----------
    dy : ndarray
        A shape that `shape` broadcasts to.
    shape : tuple of int
        The shape before broadcasting.

    Returns
    -------
    ndarray
        Of that shape; `dy` itself if there is nothing to sum.

    Examples
    --------
    >>> sum_to_shape(np.ones((4, 3)), (3,))
    array([4., 4., 4.])
    """
    given = dy.shape
    if given == shape:
        return dy
    lead = len(given) - len(shape)
    axes = [*range(lead), *(i + lead for i, n in enumerate(shape) if n == 1 and given[i + lead] != 1)]
    return np.add.reduce(dy, axis=tuple(axes), keepdims=True).reshape(shape)
