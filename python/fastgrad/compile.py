"""compile: a function that is recorded once and replayed natively, without Python."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import MethodType
from typing import Any, overload

from fastgrad import backend
from fastgrad.autograd.mode import state
from fastgrad.autograd.node import Leaf, Value, Version
from fastgrad.errors import bad_type, bad_value
from fastgrad.program.build import Built
from fastgrad.program.epoch import run_epoch
from fastgrad.program.kernels import flop
from fastgrad.program.record import Call, plain_key, record
from fastgrad.program.text import text
from fastgrad.tensor import Tensor

__all__ = ["CompiledFunction", "Program", "compile"]


def bind(native: Any) -> None:
    """Tell a device's programs the tape's classes."""
    native._bind_tape(Tensor, Value, Version, Leaf, state)


bind(backend.native)


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
        built = self._built
        return text(self._function, built.commands, built.places, self.nbytes, built.teams)

    def __repr__(self) -> str:
        return f"<Program of {self._function}: {len(self)} commands, {self.flop} FLOP, {self.nbytes} bytes>"


class CompiledFunction(backend.native.Compiled):
    """A function that `compile` has wrapped.

    Attributes
    ----------
    programs : list of Program
        What was recorded and is still kept.
    """

    def __init__(self, function: Callable[..., Any], fuse: bool, keep_grads: bool, max_programs: int) -> None:
        super().__init__()
        self.function = function
        self.__wrapped__ = function
        self.__name__ = getattr(function, "__name__", type(function).__name__)
        self.__doc__ = function.__doc__
        self._fuse = fuse
        self._keep_grads = keep_grads
        self._max_programs = max_programs
        self._attribute = self.__name__
        self.clear()

    def __set_name__(self, owner: type, name: str) -> None:
        self._attribute = name

    def __get__(self, instance: Any, owner: type | None = None) -> CompiledFunction:
        """As a method: every object has a compiled function of its own, which lives as long as the object."""
        if instance is None:
            return self
        method = MethodType(self.function, instance)
        bound = CompiledFunction(method, self._fuse, self._keep_grads, self._max_programs)
        if hasattr(instance, "__dict__"):
            vars(instance)[self._attribute] = bound
        return bound

    def __deepcopy__(self, memo: dict[int, Any]) -> CompiledFunction:
        function = copy.deepcopy(self.function, memo)
        return CompiledFunction(function, self._fuse, self._keep_grads, self._max_programs)

    def clear(self) -> None:
        """Forget all programs; the next call records again."""
        self._programs: OrderedDict[Any, Any] = OrderedDict()  # per structure of the arguments
        self._recorded: dict[Any, Program] = {}
        self._call_first(None)

    @property
    def programs(self) -> list[Program]:
        return [self._recorded[native] for programs in self._programs.values() for native in reversed(programs.list())]

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if state.recorder is not None:  # part of another recording
            return self.function(*args, **kwargs)
        call = Call(self.__name__, args, kwargs)
        programs = self._programs.get(call.key)
        result = NotImplemented if programs is None else programs.call(call.dense)
        if result is NotImplemented:
            return self._record(call)
        if len(self._programs) > 1:
            with suppress(KeyError):  # another thread may have cleared it
                self._programs.move_to_end(call.key)
        call.copy_back()
        if call.is_plain:
            self._call_first(programs)
        return result

    def _record(self, call: Call) -> Any:
        result, built = record(self.function, call, self._fuse, self._keep_grads)
        programs = self._programs.get(call.key)
        if not isinstance(programs, built.programs):  # none yet, or for another device, which no argument tells
            programs = self._programs[call.key] = built.programs()
        programs.add(built.native, self._max_programs)
        self._recorded[built.native] = Program(self.__name__, built)
        # All together they are at most so many; those of the structure that was called longest ago go first.
        self._programs.move_to_end(call.key)
        while sum(len(each.list()) for each in self._programs.values()) > self._max_programs:
            self._programs.popitem(last=False)
            self._call_first(None)
        kept = {native for each in self._programs.values() for native in each.list()}
        self._recorded = {native: program for native, program in self._recorded.items() if native in kept}
        return result

    def _last_program(self, arrays: Sequence[Any]) -> Built | None:
        """What a call with tensors of such arrays ran last, if it was a program."""
        found = self._programs.get(plain_key(arrays))
        natives = found.list() if found else []
        return self._recorded[natives[0]]._built if natives else None

    def run_epoch(self, arrays: Any, order: Any = None, batch_size: int = 1, drop_last: bool = False) -> Any:
        """Call the function on every batch of an epoch: rows gathered and steps replayed in one native call.

        Parameters
        ----------
        arrays : tuple of Tensor
            One per argument of the function, a row per example.
        order : Tensor or ndarray of int64, optional
            The rows in the order in which they are used, ``fg.randperm(n)`` for one; as they lie by default.
        batch_size : int
            Rows per step.
        drop_last : bool
            Leave out the last batch if it is smaller.

        Returns
        -------
        Tensor, or the structure that the function returns
            The results of the steps, stacked: a scalar loss becomes a Tensor of shape (steps,). What is no array is as
            the first step returned it.

        Raises
        ------
        IndexError, TypeError
            If `order` names a row that is not there, or something is of a type that cannot be used; nothing has run.
        ValueError
            If arrays differ in length, or there is no batch; nothing has run. If a step returns other shapes or dtypes
            than those before it, as a last smaller one may.
        RuntimeError
            If the step cannot be recorded, or a function that is being recorded calls this.
        KeyboardInterrupt
            On Ctrl-C, between two steps; those before are complete. A step that calls numpy may be interrupted there,
            as an eager one may.

        Notes
        -----
        The first step, and a last smaller one, are ordinary calls, which may record; so are all steps of a function
        that returns part of a tensor, or one that it has not computed. Python runs between steps in handlers of
        signals and in other threads only: step a scheduler after the epoch.

        Examples
        --------
        >>> import fastgrad as fg
        >>> net = fg.nn.Linear(2, 1)
        >>> opt = fg.optim.SGD(net.parameters(), lr=0.1)
        >>> @fg.compile
        ... def step(x, y):
        ...     loss = fg.nn.functional.mse_loss(net(x), y)
        ...     opt.zero_grad()
        ...     loss.backward()
        ...     opt.step()
        ...     return loss
        >>> x = fg.randn(100, 2)
        >>> losses = step.run_epoch((x, x.sum(1, keepdim=True)), fg.randperm(100), batch_size=10)
        >>> losses.shape
        (10,)
        """
        return run_epoch(self, arrays, order, batch_size, drop_last)


@overload
def compile(
    function: Callable[..., Any], *, fuse: bool = ..., keep_grads: bool = ..., max_programs: int = ...
) -> CompiledFunction: ...
@overload
def compile(
    *, fuse: bool = ..., keep_grads: bool = ..., max_programs: int = ...
) -> Callable[[Callable[..., Any]], CompiledFunction]: ...
def compile(
    function: Callable[..., Any] | None = None,
    *,
    fuse: bool = True,
    keep_grads: bool = False,
    max_programs: int = 16,
) -> Any:
    """Record a function once, and replay what it did natively at every later call.

    The first call with arguments of some shapes and dtypes runs the function as usual and writes down every kernel and
    every numpy call; later ones run that list natively, without the GIL where there is a kernel for everything. Results
    have the bits of the eager tape.

    Parameters
    ----------
    function : callable
        A training step, an evaluation: anything that computes with Tensors. Left out, `compile` is a decorator with
        options.
    fuse : bool
        Join commands: a matrix product with the derivative that follows it, or with the optimiser's step; neighbours of
        element-wise arithmetic; small neighbours that threads run together.
    keep_grads : bool
        Keep the gradients that the function clears, makes, and uses up in an optimiser's step. They are dropped
        otherwise, mostly without ever being stored, and ``.grad`` is None after a call.
    max_programs : int
        How many programs are kept; of more, those used longest ago go first.

    Returns
    -------
    CompiledFunction
        To be called like the function. ``programs`` lists what was recorded, ``str(program)`` its commands.

    Raises
    ------
    TypeError
        If `function` cannot be called.
    RuntimeError
        From a call that records: if the function reads a value (``item()``, ``if loss > 1``), replaces ``x.data``, or
        computes a shape from values. It names the line.

    Notes
    -----
    - Python runs while recording only: prints, counters and hooks take part once, and what hooks compute is recorded.
      Numbers that are no Tensors are part of the program, or, as arguments, of its signature.
    - Read anew in every call: the options of optimisers (learning rates, momentum, betas, penalties), the counters of
      Adam, dropout and random numbers, and whatever Tensors hold.
    - Recorded again: other shapes, dtypes, strides or structure of the arguments; a parameter, a state of an optimiser
      or a gradient in other memory; ``requires_grad`` and the grad mode; on a GPU, ``autocast`` and the precision
      of products; ``train()``/``eval()``, layers, plain options and hooks of the modules that are called.
    - Settled when recorded: whatever else Python decides, such as the numbers in a closure, or which Tensors are used.
    - Results are new memory at every call, and carry no history. Gradients that stay in ``.grad`` are the same memory
      at every call.
    - What has no kernel of its own is a call of numpy at its place in the list.
    - A method that is decorated in its class has programs per object.

    Examples
    --------
    >>> import fastgrad as fg
    >>> import fastgrad.nn.functional as F
    >>> net = fg.nn.Sequential(fg.nn.Linear(4, 8), fg.nn.ReLU(), fg.nn.Linear(8, 3))
    >>> opt = fg.optim.SGD(net.parameters(), lr=0.1)
    >>> @fg.compile
    ... def step(x, y):
    ...     loss = F.cross_entropy(net(x), y)
    ...     opt.zero_grad()
    ...     loss.backward()
    ...     opt.step()
    ...     return loss
    >>> x, y = fg.randn(16, 4), fg.randint(3, (16,))
    >>> first, later = step(x, y), step(x, y)
    >>> bool(later < first)
    True
    >>> step.programs[0].commands
    ['linear_forward', 'linear_forward', 'cross_entropy', 'linear_grad_input', 'linear_sgd', 'linear_sgd']
    """
    if function is None:
        return lambda function: compile(function, fuse=fuse, keep_grads=keep_grads, max_programs=max_programs)
    if not callable(function):
        raise bad_type("compile", "function", f"a {type(function).__name__}", "a callable")
    if isinstance(max_programs, bool) or not isinstance(max_programs, int):
        raise bad_type("compile", "max_programs", f"a {type(max_programs).__name__}", "an int")
    if max_programs < 1:
        raise bad_value("compile", "max_programs", str(max_programs), "at least 1")
    return CompiledFunction(function, fuse, keep_grads, max_programs)
