"""What a recorded step depends on besides arrays: modules and hooks, which may change between calls.

Optimisers count for their hooks alone; the rest of them is looked at natively.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from fastgrad.autograd.node import Leaf, Value

__all__ = ["describe", "hooks_of", "unchanged"]

# What a call finds decides, not what it leaves behind: one that ends in evaluation, or takes its hooks off.
_AS_FOUND = ("training", "_hooks")
_PLAIN = (bool, int, float, str, type(None), type, np.dtype, np.generic)


def hooks_of(x: Any) -> tuple[Any, ...]:
    """The hooks of a leaf or an optimiser by their numbers, each of which is given once."""
    if isinstance(x, Leaf):
        return tuple(x.hooks or ()), tuple(x.post_hooks or ())
    return tuple(x._step_pre_hooks or ()), tuple(x._step_post_hooks or ())


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
    modules: Iterable[tuple[Any, dict[str, Any]]], hooks: Iterable[tuple[Any, Any]]
) -> Callable[[], bool] | None:
    """What says whether modules and hooks are still as they were when they were first used.

    What the recorded call itself has changed, but for training, evaluation and hooks, makes no difference: a module may
    count its calls.
    """
    expected = []
    for module, before in modules:
        after = describe(module)
        kept = {name: value for name, value in before.items() if after.get(name) == value}
        kept.update({name: before.get(name) for name in _AS_FOUND})
        # The members are kept alive, so that no other object gets their identity.
        members = [list(vars(module)[name].values()) for name in ("_parameters", "_buffers", "_modules")]
        members.append([value for value in vars(module).values() if isinstance(value, Value)])
        expected.append((weakref.ref(module), kept, set(before) | set(after), members))
    hooked = list(hooks)
    if not expected and not hooked:
        return None

    def is_same() -> bool:
        for reference, kept, known, _ in expected:
            module = reference()
            if module is None:  # made by the recorded call, and gone with it
                continue
            now = describe(module)
            if any(now.get(name) != value for name, value in kept.items()) or not now.keys() <= known:
                return False
        return all(hooks_of(x) == numbers for x, numbers in hooked)

    return is_same
