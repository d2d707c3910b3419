"""Functions that run before and after every step of an optimiser."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from types import MethodType
from typing import Any

from fastgrad.backend import native
from fastgrad.errors import bad_type

__all__ = ["Hooked", "RemovableHandle"]

_numbers = itertools.count()
HookTable = dict[int, Callable[..., Any]]


class RemovableHandle:
    """What registering a hook returns; ``remove()``, or leaving a ``with`` block, takes the hook off."""

    def __init__(self, optimizer: Hooked, name: str, number: int) -> None:
        self._optimizer = weakref.ref(optimizer)
        self._name = name
        self._number = number

    def remove(self) -> None:
        """Take the hook off; nothing happens if it is off already."""
        optimizer = self._optimizer()
        if optimizer is not None:
            optimizer._remove_hook(self._name, self._number)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


class Hooked:
    """The hooks of an optimiser. While it has any, a ``step`` of its own runs them; without, nothing is there."""

    _step_pre_hooks: HookTable | None = None
    _step_post_hooks: HookTable | None = None

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Have ``hook(optimizer, args, kwargs)`` run before every step.

        Parameters
        ----------
        hook : callable
            Gets the arguments of `step`, the optimiser first; returns None, or ``(args, kwargs)`` to replace them.

        Returns
        -------
        RemovableHandle
            Its ``remove()`` takes the hook off again.

        Notes
        -----
        Source: ``torch.optim.Optimizer.register_step_pre_hook``.
        """
        return self._add_hook("_step_pre_hooks", hook)

    def register_step_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Have ``hook(optimizer, args, kwargs)`` run after every step.

        Parameters
        ----------
        hook : callable
            Gets the arguments of `step`, the optimiser first; what it returns makes no difference.

        Returns
        -------
        RemovableHandle
            Its ``remove()`` takes the hook off again.

        Notes
        -----
        Source: ``torch.optim.Optimizer.register_step_post_hook``.

        Examples
        --------
        >>> import fastgrad as fg
        >>> w = fg.tensor([2.0], requires_grad=True)
        >>> optimizer = fg.optim.SGD([w], lr=0.5)
        >>> w.sum().backward()
        >>> with optimizer.register_step_post_hook(lambda *_: print(w.item())):
        ...     optimizer.step()
        1.5
        """
        return self._add_hook("_step_post_hooks", hook)

    def _add_hook(self, name: str, hook: Callable[..., Any]) -> RemovableHandle:
        if not callable(hook):
            raise bad_type(f"register{name.removesuffix('s')}", "hook", f"a {type(hook).__name__}", "a callable")
        attributes = self.__dict__
        if not (self._step_pre_hooks or self._step_post_hooks):
            attributes["_step_pre_hooks"], attributes["_step_post_hooks"] = {}, {}
            attributes["step"] = _Step(self, attributes.get("step"))
        number = next(_numbers)
        attributes[name][number] = hook
        native._modules_changed()
        return RemovableHandle(self, name, number)

    def _without_hooks(self) -> dict[str, Any]:
        """The attributes that a copy or a pickle has."""
        attributes = {k: v for k, v in self.__dict__.items() if k not in ("_step_pre_hooks", "_step_post_hooks")}
        step = attributes.get("step")
        if isinstance(step, _Step):
            attributes["step"] = step.before
            if step.before is None:
                del attributes["step"]
        return attributes

    def _remove_hook(self, name: str, number: int) -> None:
        attributes = self.__dict__
        attributes.get(name, {}).pop(number, None)
        if not (self._step_pre_hooks or self._step_post_hooks):
            attributes.pop("_step_pre_hooks", None)
            attributes.pop("_step_post_hooks", None)
            step = attributes.get("step")
            if isinstance(step, _Step):  # else somebody has put something around it
                del attributes["step"]
                if step.before is not None:
                    attributes["step"] = step.before
        native._modules_changed()


class _Step:
    """``step`` with the hooks around it."""

    def __init__(self, optimizer: Hooked, before: Callable[..., Any] | None) -> None:
        self._optimizer = weakref.ref(optimizer)
        self.before = before  # a step of the optimiser's own that was there already

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        optimizer: Any = self._optimizer()
        args = (optimizer, *args)
        for hook in tuple((optimizer._step_pre_hooks or {}).values()):
            changed = hook(optimizer, args, kwargs)
            if changed is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise bad_type("step pre-hook", "result", f"a {type(changed).__name__}", "None or (args, kwargs)")
                args, kwargs = changed
        step = MethodType(type(optimizer).step, optimizer) if self.before is None else self.before
        result = step(*args[1:], **kwargs)
        for hook in tuple((optimizer._step_post_hooks or {}).values()):
            hook(optimizer, args, kwargs)
        return result
