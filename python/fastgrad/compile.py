"""compile: a function that is recorded once and replayed natively, without Python."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar, overload

from fastgrad import backend
from fastgrad.autograd.mode import state
from fastgrad.autograd.node import Leaf, Value, Version
from fastgrad.errors import bad_type
from fastgrad.program.build import Built
from fastgrad.program.kernels import flop
from fastgrad.program.record import Call, record
from fastgrad.program.text import text
from fastgrad.tensor import Tensor

__all__ = ["CompiledFunction", "Program", "compile"]

F = TypeVar("F", bound=Callable[..., Any])

backend.native._bind_tape(Tensor, Value, Version, Leaf, state)


class Program:
    """What a call with one kind of arguments does: a list of native commands.

    Attributes
    ----------
    flop : int
        Floating-point operations of the matrix products in one run.
    nbytes : int
        Memory of intermediate values and results; what is not needed at the same time shares it.

    Notes
    -----
    ``str(program)`` lists the commands, ``len(program)`` counts them.
    """

    def __init__(self, function: str, built: Built) -> None:
        self._function = function
        self._built = built
        self.nbytes = built.nbytes
        self.flop = sum(flop(command) for command in built.commands)

    @property
    def commands(self) -> list[str]:
        """The names of the commands, in order."""
        return [command.name for command in self._built.commands]

    def __len__(self) -> int:
        return len(self._built.commands)

    def __str__(self) -> str:
        return text(self._function, self._built.commands, self._built.places, self.nbytes)

    def __repr__(self) -> str:
        return f"<Program of {self._function}: {len(self)} commands, {self.flop} FLOP, {self.nbytes} bytes>"


class CompiledFunction:
    """A function that `compile` has wrapped.

    Attributes
    ----------
    programs : list of Program
        What was recorded and is still kept.
    """

    def __init__(self, function: Callable[..., Any], fuse: bool, keep_grads: bool, max_programs: int) -> None:
        self.function = function
        self.__wrapped__ = function
        self.__name__ = getattr(function, "__name__", type(function).__name__)
        self.__doc__ = function.__doc__
        self._fuse = fuse
        self._keep_grads = keep_grads
        self._max_programs = max_programs
        self.clear()

    def clear(self) -> None:
        """Forget all programs; the next call records again."""
        # Per structure of the arguments: the native programs, and the function that calls them.
        self._programs: OrderedDict[Any, tuple[Any, Any]] = OrderedDict()
        self._recorded: dict[Any, Program] = {}
        self._plain: Any = _never

    @property
    def programs(self) -> list[Program]:
        return [
            self._recorded[native] for programs, _ in self._programs.values() for native in reversed(programs.list())
        ]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not kwargs:
            result = self._plain(args)
            if result is not NotImplemented:
                return result
        return self._call(args, kwargs)

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if state.recorder is not None:  # part of another recording
            return self.function(*args, **kwargs)
        call = Call(self.__name__, args, kwargs)
        found = self._programs.get(call.key)
        if found is None:
            return self._record(call)
        programs, replay = found
        result = programs.call(call.dense)
        if result is NotImplemented:
            return self._record(call)
        if len(self._programs) > 1:
            with suppress(KeyError):  # another thread may have cleared it
                self._programs.move_to_end(call.key)
        call.copy_back()
        self._plain = replay if call.is_plain else self._plain
        return result

    def _record(self, call: Call) -> Any:
        result, built = record(self.function, call, self._fuse, self._keep_grads)
        programs = backend.native.Programs()
        programs, _ = self._programs.setdefault(call.key, (programs, programs.caller()))
        programs.add(built.native, self._max_programs)
        self._recorded[built.native] = Program(self.__name__, built)
        # All together they are at most so many; those of the structure that was called longest ago go first.
        self._programs.move_to_end(call.key)
        while sum(len(each.list()) for each, _ in self._programs.values()) > self._max_programs:
            self._programs.popitem(last=False)
            self._plain = _never
        kept = {native for each, _ in self._programs.values() for native in each.list()}
        self._recorded = {native: program for native, program in self._recorded.items() if native in kept}
        return result


def _never(args: Any) -> Any:
    return NotImplemented


@overload
def compile(function: Callable[..., Any], *, fuse: bool = ..., keep_grads: bool = ..., max_programs: int = ...) -> CompiledFunction: ...
@overload
def compile(*, fuse: bool = ..., keep_grads: bool = ..., max_programs: int = ...) -> Callable[[Callable[..., Any]], CompiledFunction]: ...
def compile(
    function: Callable[..., Any] | None = None, *, fuse: bool = True, keep_grads: bool = False, max_programs: int = 16
) -> Any:
    if function is None:
        return lambda function: compile(function, fuse=fuse, keep_grads=keep_grads, max_programs=max_programs)
    if not callable(function):
        raise bad_type("compile", "function", f"a {type(function).__name__}", "a callable")
    return CompiledFunction(function, fuse, keep_grads, max_programs)
