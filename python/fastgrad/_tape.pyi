"""The tape: how operations are recorded and gradients flow back."""

import weakref
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np

from fastgrad.tensor import Tensor

class Version:
    """How often a piece of memory was changed; shared by all tensors that see it."""

    count: int
    aliases: list[weakref.ref[Value]] | None

class Value:
    """The part of a tensor that the tape sees."""

    data: np.ndarray
    grad: Tensor | None
    node: Any  # Node | Leaf | None of fastgrad.autograd.node
    version: Version
    base: Value | None

class Leaf:
    """Where the gradient of a tensor ends that requires one and is not the result of an operation."""

    hooks: dict[int, Callable[..., Any]] | None
    post_hooks: dict[int, Callable[..., Any]] | None
    def __init__(self, tensor: Value) -> None: ...
    @property
    def tensor(self) -> weakref.ref[Value]: ...

class Node:
    """One recorded operation."""

    hooks: dict[int, Callable[..., Any]] | None
    @property
    def order(self) -> int: ...
    @property
    def rule(self) -> Callable[..., Any] | None: ...
    @property
    def edges(self) -> tuple[Any, ...]: ...
    @property
    def label(self) -> str: ...

class Switch:
    """Whether this thread records operations."""

    enabled: bool

def is_recording(*tensors: Value) -> bool: ...
def wrap(y: Any) -> Tensor: ...
def record(
    y: Any,
    parents: Sequence[Value],
    rule: Callable[..., Any],
    saved: Sequence[Value] = ...,
    saves_output: bool = ...,
    constants: tuple[Any, ...] = ...,
) -> Tensor: ...
def make_node(
    edges: Sequence[Any], rule: Callable[..., Any], saved: Sequence[Value] = ..., extra: Sequence[Version] = ...
) -> Any: ...
def sweep(
    grads: dict[Any, Any], keep: bool, path: set[Any] | None, captured: dict[Any, Any] | None
) -> None: ...
def pop(grads: dict[Any, Any]) -> tuple[Any, Any, bool]: ...
def accumulate(t: Value, g: Any, alone: bool) -> None: ...
def seed(tensor: Any) -> dict[Any, Any] | None: ...
def backward(grads: dict[Any, Any], keep: bool) -> None: ...
def with_gradients(tensors: Sequence[Value]) -> tuple[Any, Any, Any]: ...
def are_same(a: Sequence[Any], b: Sequence[Any]) -> bool: ...
def count_changes(tensors: Sequence[Value]) -> None: ...
def set_quiet(variable: ContextVar[Any], value: Any) -> None: ...
def set_result_class(type: type[Value]) -> None: ...
def set_node_class(type: type[Node]) -> None: ...
def lock_accumulation() -> None: ...
def unlock_accumulation() -> None: ...
