"""How an operation is recorded.

A node holds the edges to whatever its gradients go to and the rule that computes them; it does not refer to
its output, so memory goes when the last reference goes. The tape knows no mathematics.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad._tape import is_recording, make_node, record, set_result_class, wrap
from fastgrad.autograd.mode import state
from fastgrad.autograd.node import Leaf, Node, Rule, Value, Version

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


def named(name: str) -> Callable[[Rule], Rule]:
    """Decorator: a rule at module level that belongs to the operation `name`."""

    def rename(rule: Rule) -> Rule:
        rule.__qualname__ = name
        return rule

    return rename


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
    t = wrap(y)
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
    edge = parent.node
    if edge is not None and state.enabled:
        t.node = make_node((edge,), rule)
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
