"""What a recorded step depends on besides arrays: modules and hooks, which may change between calls."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from fastgrad.autograd.node import Leaf, Value

__all__ = ["describe", "hooks_of", "unchanged"]

_PLAIN = (bool, int, float, str, type(None), type, np.dtype, np.generic)


def hooks_of(leaf: Leaf) -> tuple[Any, ...]:
    """The hooks of a leaf by their numbers, each of which is given once."""
    return tuple(leaf.hooks or ()), tuple(leaf.post_hooks or ())


def describe(module: Any) -> dict[str, Any]:
    """What decides what a call of the module does, but for the content of its tensors."""
    found: dict[str, Any] = {}
    for name, value in vars(module).items():
        if name in ("_parameters", "_buffers", "_modules"):
            found[name] = tuple([(key, id(member)) for key, member in value.items()])
        elif name == "_hooks":
            if value is not None:
                found[name] = tuple([tuple(table) for table in (value.forward_pre, value.forward, value.backward)])
        elif name == "forward" or isinstance(value, Value):
            found[name] = id(value)
        elif isinstance(value, _PLAIN) or (isinstance(value, tuple) and all(isinstance(x, _PLAIN) for x in value)):
            found[name] = value.__class__, repr(value)
    return found


def unchanged(
    modules: Iterable[tuple[Any, dict[str, Any]]], hooks: Iterable[tuple[Leaf, Any]]
) -> Callable[[], bool] | None:
    """What says whether modules and hooks are still as they were when they were first used.

    What the recorded call itself has changed, but for training and evaluation, makes no difference: a module may count
    its calls.
    """
    expected = []
    for module, before in modules:
        after = describe(module)
        kept = {name: value for name, value in before.items() if name == "training" or after.get(name) == value}
        # The members are kept alive, so that no other object gets their identity.
        members = [list(vars(module)[name].values()) for name in ("_parameters", "_buffers", "_modules")]
        members.append([value for value in vars(module).values() if isinstance(value, Value)])
        expected.append((weakref.ref(module), kept, set(before) | set(after), members))
    leaves = list(hooks)
    if not expected and not leaves:
        return None

    def is_same() -> bool:
        for reference, kept, known, _ in expected:
            module = reference()
            if module is None:  # made by the recorded call, and gone with it
                continue
            now = describe(module)
            if any(now.get(name) != value for name, value in kept.items()) or not now.keys() <= known:
                return False
        return all(hooks_of(leaf) == numbers for leaf, numbers in leaves)

    return is_same
