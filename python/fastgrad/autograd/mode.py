"""Whether operations are recorded: a switch of every thread, and the ways to turn it."""

from __future__ import annotations

import contextvars
import functools
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from fastgrad import _tape
from fastgrad.errors import bad_type

__all__ = ["decorate", "enable_grad", "is_grad_enabled", "no_grad", "set_grad_enabled", "state"]

F = TypeVar("F", bound=Callable[..., Any])


class _State(_tape.Switch, threading.local):
    """What each thread has of its own.

    Attributes
    ----------
    enabled : bool
        Whether operations are recorded; native, because the tape asks at every operation.
    precision : str or None
        What products of matrices on a GPU make of float32 factors (`fastgrad.precision`); None is float32. The class
        has what holds in all threads, a thread what holds in its ``autocast``.
    recorder : Recorder or None
        Who writes down a step that this thread is recording (`fastgrad.compile`).
    quiet : callable
        ``quiet(f, *args)`` calls f where numpy does not warn of overflow, division by zero and invalid
        values: as in torch, inf and nan are results. Entering a prepared context costs a tenth of
        ``numpy.errstate``.
    """

    recorder: Any = None
    precision: str | None = None

    def __init__(self) -> None:
        context = contextvars.copy_context()
        context.run(np.seterr, all="ignore")
        self.quiet = context.run


state = _State()


def _find_error_state() -> tuple[contextvars.ContextVar[Any], Any]:
    """The context variable in which numpy keeps what to do about floating-point errors, and its silent value.

    The backward pass sets it, at a quarter of the cost of ``numpy.errstate``. It cannot use `_State.quiet`: hooks must
    run in the context of whoever called backward.
    """
    context = contextvars.copy_context()
    context.run(np.seterr, all="ignore")
    before = contextvars.copy_context()
    changed = [(variable, value) for variable, value in context.items() if before.get(variable) is not value]
    if len(changed) != 1:
        raise ImportError("numpy keeps its floating-point error state elsewhere than fastgrad knows")
    return changed[0]


_tape.set_quiet(*_find_error_state())


def is_grad_enabled() -> bool:
    """Whether this thread records operations.

    Examples
    --------
    >>> import fastgrad as fg
    >>> with fg.no_grad():
    ...     fg.is_grad_enabled()
    False
    """
    return state.enabled


def decorate(make: Callable[[], Any], function: F) -> F:
    """`function` run with the switch as the context manager `make()` sets it."""
    # CO_GENERATOR: a generator runs when it is asked for values, long after the call.
    if getattr(getattr(function, "__code__", None), "co_flags", 0) & 0x20:

        @functools.wraps(function)
        def generate(*args: Any, **kwargs: Any) -> Any:
            generator = function(*args, **kwargs)
            resume, sent = generator.send, None
            while True:
                try:
                    with make():
                        value = resume(sent)
                except StopIteration as stop:
                    return stop.value
                try:
                    resume, sent = generator.send, (yield value)
                except GeneratorExit:
                    with make():
                        generator.close()
                    raise
                except BaseException as error:  # thrown in by the caller: the generator's own to handle
                    resume, sent = generator.throw, error

        return generate  # type: ignore[return-value]

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with make():
            return function(*args, **kwargs)

    return call  # type: ignore[return-value]


class _Switch:
    """Context manager and decorator that sets the switch and puts it back."""

    __slots__ = ("before",)
    enabled = True

    def __new__(cls, function: Any = None) -> Any:
        # Used without parentheses: @no_grad
        return object.__new__(cls) if function is None else decorate(cls, function)

    def __enter__(self) -> None:
        self.before = state.enabled
        state.enabled = self.enabled

    def __exit__(self, *exception: object) -> None:
        state.enabled = self.before

    def __call__(self, function: F) -> F:
        return decorate(type(self), function)


class no_grad(_Switch):
    """Context manager and decorator: operations of this thread are not recorded.

    Results do not require gradients, and nothing is kept for a backward pass.

    Notes
    -----
    Source: ``torch.no_grad``. It can be nested, and used with or without parentheses as a decorator.

    Examples
    --------
    >>> import fastgrad as fg
    >>> x = fg.ones(2, requires_grad=True)
    >>> with fg.no_grad():
    ...     (2 * x).requires_grad
    False
    """

    __slots__ = ()
    enabled = False


class enable_grad(_Switch):
    """Context manager and decorator: operations are recorded, also inside ``no_grad``.

    Notes
    -----
    Source: ``torch.enable_grad``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> x = fg.ones(2, requires_grad=True)
    >>> with fg.no_grad(), fg.enable_grad():
    ...     (2 * x).requires_grad
    True
    """

    __slots__ = ()


class set_grad_enabled:
    """Turn recording on or off: at once, and back at the end of a ``with`` block if used as one.

    Parameters
    ----------
    mode : bool
        Whether operations of this thread are recorded from now on.

    Raises
    ------
    TypeError
        If `mode` is not a bool.

    Notes
    -----
    Source: ``torch.set_grad_enabled``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> training = False
    >>> with fg.set_grad_enabled(training):
    ...     fg.is_grad_enabled()
    False
    """

    __slots__ = ("before", "mode")

    def __init__(self, mode: bool) -> None:
        if not isinstance(mode, bool):
            raise bad_type("set_grad_enabled", "mode", type(mode).__name__, "a bool")
        self.before = state.enabled
        self.mode = mode
        state.enabled = mode

    def __enter__(self) -> None:
        state.enabled = self.mode

    def __exit__(self, *exception: object) -> None:
        state.enabled = self.before

    def __call__(self, function: F) -> F:
        # A decorator says what holds while the function runs, not what holds from now on.
        state.enabled = self.before
        return decorate(functools.partial(set_grad_enabled, self.mode), function)
