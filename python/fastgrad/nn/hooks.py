"""Functions that run before and after a module's forward, and when its backward is done."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastgrad.autograd.graph import is_recording, record_many
from fastgrad.errors import bad_type
from fastgrad.tensor import Tensor

if TYPE_CHECKING:
    from fastgrad.nn.module import Module

__all__ = ["Hooks", "RemovableHandle", "call", "register"]

_numbers = itertools.count()
# number -> (hook, whether it takes keyword arguments), in the order of running
HookTable = dict[int, tuple[Callable[..., Any], bool]]


class Hooks:
    """The hooks of one module, by when they run."""

    def __init__(self) -> None:
        self.forward_pre: HookTable = {}
        self.forward: HookTable = {}
        self.backward: HookTable = {}


class RemovableHandle:
    """What registering a hook returns; ``remove()``, or leaving a ``with`` block, takes the hook off."""

    def __init__(self, module: Module, kind: str, number: int) -> None:
        self._module = weakref.ref(module)
        self._kind = kind
        self._number = number
        self._paused: tuple[Callable[..., Any], bool] | None = None

    def remove(self) -> None:
        """Take the hook off; nothing happens if it is off already."""
        self._paused = None
        self._take_off()

    def pause(self) -> None:
        """Take the hook off for now."""
        self._paused = self._take_off() or self._paused

    def resume(self) -> None:
        """Put a hook that is paused back, behind all others.

        To a recorded step it is the hook that it was: what was recorded with it fits again.
        """
        module, paused = self._module(), self._paused
        if module is None or paused is None:
            return
        self._paused = None
        if module._hooks is None:
            module._hooks = Hooks()
        getattr(module._hooks, self._kind)[self._number] = paused
        module._calls_changed()

    def _take_off(self) -> Any:
        """What the table held, or None."""
        module = self._module()
        if module is None or module._hooks is None:
            return None
        hooks = module._hooks
        held = getattr(hooks, self._kind).pop(self._number, None)
        if not (hooks.forward_pre or hooks.forward or hooks.backward):
            module._hooks = None
        module._calls_changed()
        return held

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


def register(
    module: Module, kind: str, hook: Callable[..., Any], prepend: bool, with_kwargs: bool
) -> RemovableHandle:
    """Add `hook` to the hooks of `kind`; see the ``register_…`` methods of :class:`fastgrad.nn.Module`."""
    if not callable(hook):
        raise bad_type(f"register_{kind}_hook", "hook", type(hook).__name__, "a callable")
    if module._hooks is None:
        module._hooks = Hooks()
    number = next(_numbers)
    table: HookTable = getattr(module._hooks, kind)
    if prepend:
        later = list(table.items())
        table.clear()
        table[number] = (hook, with_kwargs)
        table.update(later)
    else:
        table[number] = (hook, with_kwargs)
    module._calls_changed()
    return RemovableHandle(module, kind, number)


def call(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``module.forward(*args, **kwargs)`` with the module's hooks around it."""
    hooks = module._hooks
    if hooks is None:
        return module.forward(*args, **kwargs)
    for hook, with_kwargs in tuple(hooks.forward_pre.values()):
        if with_kwargs:
            changed = hook(module, args, kwargs)
            if changed is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise bad_type(
                        "forward pre-hook", "result", type(changed).__name__, "None or (args, kwargs)"
                    )
                args, kwargs = changed
        else:
            changed = hook(module, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
    backward = (
        _Backward(module, tuple(hook for hook, _ in hooks.backward.values())) if hooks.backward else None
    )
    if backward is not None:
        args = backward.watch_inputs(args)
    output = module.forward(*args, **kwargs)
    for hook, with_kwargs in tuple(hooks.forward.values()):
        changed = hook(module, args, kwargs, output) if with_kwargs else hook(module, args, output)
        if changed is not None:
            output = changed
    return output if backward is None else backward.watch_outputs(output)


class _Backward:
    """Two nodes around one call of a module: the later (outputs) sees grad_output, the earlier grad_input."""

    def __init__(self, module: Module, hooks: tuple[Callable[..., Any], ...]) -> None:
        self.module = module
        self.hooks = hooks
        self.grad_output: tuple[Tensor | None, ...] | None = None
        self.n_inputs = 0
        self.inputs_watched = False
        self.positions: list[int] = []

    def watch_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        self.n_inputs = len(args)
        self.positions = [i for i, arg in enumerate(args) if isinstance(arg, Tensor)]
        tensors = tuple(args[i] for i in self.positions)
        if not tensors or not is_recording(*tensors):
            return args
        self.inputs_watched = True
        watched = list(args)
        for i, tensor in zip(self.positions, _through(tensors, self._inputs_rule), strict=True):
            watched[i] = tensor
        return tuple(watched)

    def watch_outputs(self, output: Any) -> Any:
        several = isinstance(output, (tuple, list))
        outputs = list(output) if several else [output]
        positions = [i for i, each in enumerate(outputs) if isinstance(each, Tensor)]
        tensors = tuple(outputs[i] for i in positions)
        if not tensors or not is_recording(*tensors):
            return output
        count = len(outputs)  # the rule must not hold the outputs, which hold it

        def rule(dys: tuple[Any, ...], needs: tuple[bool, ...]) -> tuple[Any, ...]:
            grads: list[Tensor | None] = [None] * count
            for i, dy in zip(positions, dys, strict=True):
                grads[i] = None if dy is None else Tensor(dy)
            self.grad_output = tuple(grads)
            if not self.inputs_watched:
                self._run((None,) * self.n_inputs)
            return dys

        for i, tensor in zip(positions, _through(tensors, rule), strict=True):
            outputs[i] = tensor
        return type(output)(outputs) if several else outputs[0]

    def _inputs_rule(self, dys: tuple[Any, ...], needs: tuple[bool, ...]) -> tuple[Any, ...]:
        grads: list[Tensor | None] = [None] * self.n_inputs
        for i, dy, need in zip(self.positions, dys, needs, strict=True):
            grads[i] = Tensor(dy) if need and dy is not None else None
        result = self._run(tuple(grads))
        return tuple(None if (grad := result[i]) is None else grad.data for i in self.positions)

    def _run(self, grad_input: tuple[Tensor | None, ...]) -> tuple[Tensor | None, ...]:
        for hook in self.hooks:
            changed = hook(self.module, grad_input, self.grad_output)
            if changed is None:
                continue
            if not isinstance(changed, tuple):
                changed = (changed,)
            if len(changed) != len(grad_input):
                raise RuntimeError(
                    f"full backward hook of {type(self.module).__name__}: returned {len(changed)} gradients, "
                    f"expected {len(grad_input)}"
                )
            grad_input = changed
        self.grad_output = None
        return grad_input


def _through(tensors: tuple[Tensor, ...], rule: Callable[..., Any]) -> tuple[Tensor, ...]:
    """The same values as the outputs of one new node, whose backward is `rule`."""
    return record_many(tuple(tensor.data for tensor in tensors), tensors, rule)
