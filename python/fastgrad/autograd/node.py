"""What the tape is made of: values, the nodes that made them, the leaves where gradients end."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = ["Leaf", "Node", "Rule", "Value", "Version"]

Rule = Callable[..., Any]


class Version:
    """How often a piece of memory was changed; shared by all tensors that see it.

    `aliases` are the views of it (weakly), to be told when its history changes.
    """

    # Of the class until the first change: most memory is never changed, and is made faster this way.
    count: int = 0
    aliases: list[weakref.ref[Value]] | None = None


class Leaf:
    """Where the gradient of a tensor ends that requires one and is not the result of an operation."""

    __slots__ = ("hooks", "post_hooks", "tensor")

    def __init__(self, tensor: Value) -> None:
        self.tensor = weakref.ref(tensor)  # nobody can ask a dead tensor for its gradient
        self.hooks: dict[int, Callable[..., Any]] | None = None
        self.post_hooks: dict[int, Callable[..., Any]] | None = None

    def name(self) -> str:
        """The name of this kind of node."""
        return "AccumulateGrad"

    def __repr__(self) -> str:
        return "<AccumulateGrad>"


class Node:
    """One recorded operation.

    Attributes
    ----------
    order : int
        Smaller for nodes made later.
    rule : callable or None
        ``rule(dy, needs) -> gradients``, one per edge; None when a backward pass has used it up.
    edges : tuple
        Per parent the Node or Leaf its gradient goes to, or None if it requires none.
    versions, counts : tuple or None
        The memory that the rule reads, and how often it had been changed at the time of recording.
    hooks : dict or None
        Called with the gradient of the node's output before the rule.
    """

    __slots__ = ("__weakref__", "counts", "edges", "hooks", "label", "order", "rule", "versions")

    order: int
    rule: Rule | None
    edges: tuple[Node | Leaf | None, ...]
    versions: tuple[Version, ...] | None
    counts: tuple[int, ...]
    hooks: dict[int, Callable[..., Any]] | None
    label: str

    def name(self) -> str:
        """The name of this kind of node, made from the function that recorded it."""
        label = self.label if self.rule is None else self.rule.__qualname__
        if label.endswith("Backward"):  # a Function of the user's
            return label
        return "".join(word[:1].upper() + word[1:] for word in label.partition(".")[0].split("_")) + "Backward0"

    @property
    def next_functions(self) -> tuple[tuple[Node | Leaf | None, int], ...]:
        """The edges, each with the number 0, as torch shows them."""
        return tuple((edge, 0) for edge in self.edges)

    def free(self) -> None:
        """Let go of what only a backward pass needs."""
        if self.rule is not None:
            self.label = self.rule.__qualname__
            self.rule = self.versions = None
            self.edges = ()

    def __repr__(self) -> str:
        return f"<{self.name()}>"


class Value:
    """The part of a tensor that the tape sees.

    Attributes
    ----------
    data : ndarray
        The values.
    grad : Tensor or None
        What backward passes have summed up for a leaf.
    node : Node, Leaf or None
        Where its gradient goes; None if it requires no gradient.
    version : Version
        The changes of its memory, shared with views.
    base : Tensor or None
        The tensor it is a view of.
    """

    __slots__ = ("__weakref__", "base", "data", "grad", "node", "version")

    data: np.ndarray
    grad: Tensor | None
    node: Node | Leaf | None
    version: Version
    base: Value | None
