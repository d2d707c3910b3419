"""What the tape is made of: values, the nodes that made them, the leaves where gradients end.

The objects are native (``csrc/tape/objects.hpp``); here is what is only for people to read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastgrad import _tape
from fastgrad._tape import Value, Version

__all__ = ["Leaf", "Node", "Rule", "Value", "Version"]

Rule = Callable[..., Any]


class Leaf(_tape.Leaf):
    """Where the gradient of a tensor ends that requires one and is not the result of an operation.

    Attributes
    ----------
    tensor : weak reference
        To the tensor: nobody can ask a dead one for its gradient.
    hooks, post_hooks : dict or None
        Called with the gradient before it is added to the tensor's, and with the tensor after that.
    """

    __slots__ = ()

    def name(self) -> str:
        """The name of this kind of node."""
        return "AccumulateGrad"

    def __repr__(self) -> str:
        return "<AccumulateGrad>"


class Node(_tape.Node):
    """One recorded operation.

    Attributes
    ----------
    order : int
        Smaller for nodes made later.
    rule : callable or None
        ``rule(dy, needs) -> gradients``, one per edge; None when a backward pass has used it up.
    edges : tuple
        Per parent the Node or Leaf its gradient goes to, or None if it requires none.
    hooks : dict or None
        Called with the gradient of the node's output before the rule.
    label : str
        The name of a rule that was used up.
    """

    __slots__ = ()

    def name(self) -> str:
        """The name of this kind of node, made from the function that recorded it."""
        label = self.label if self.rule is None else self.rule.__qualname__
        if label.endswith("Backward"):  # a Function of the user's
            return label
        return "".join(word[:1].upper() + word[1:] for word in label.partition(".")[0].split("_")) + "Backward0"

    @property
    def next_functions(self) -> tuple[tuple[_tape.Node | _tape.Leaf | None, int], ...]:
        """The edges, each with the number 0, as torch shows them."""
        return tuple((edge, 0) for edge in self.edges)

    def __repr__(self) -> str:
        return f"<{self.name()}>"


_tape.set_node_class(Node)
