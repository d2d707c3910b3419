"""From a recording to a native program: what each buffer is, the passes, memory, and the commands themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastgrad import backend
from fastgrad.autograd.mode import state
from fastgrad.program.elementwise import join_elementwise
from fastgrad.program.fuse import Plan, drop_copies, drop_unread, fuse, kernel
from fastgrad.program.ir import Buffer, Command, Ref, byte_bounds, leaves, map_leaves
from fastgrad.program.memory import aligned, place
from fastgrad.program.recorder import DrawnInt, Recorder
from fastgrad.program.surroundings import unchanged
from fastgrad.program.teams import Team, make_teams

__all__ = ["Argument", "Result", "build"]


@dataclass
class Argument:
    """An argument of the call: a Tensor or an array."""

    array: np.ndarray  # what stood for it while recording
    is_tensor: bool
    requires_grad: bool


@dataclass
class Result:
    """One returned value."""

    value: Any  # a Tensor, an array, or any other object
    array: np.ndarray | None = None  # of a Tensor or array that is made anew for every call
    is_tensor: bool = False
    argument: int = -1  # the argument that it is, or -1


class _Memory:
    """Fixed memory for arrays; holds what owns it."""

    def __init__(self, address: int, ref: Ref, owner: np.ndarray) -> None:
        self.owner = owner
        self.__array_interface__ = {
            "version": 3,
            "data": (address + ref.offset, not owner.flags.writeable),
            "shape": ref.shape,
            "strides": ref.strides,
            "typestr": ref.dtype.str,
        }


@dataclass
class Built:
    """A native program and what is known of it."""

    native: Any
    commands: list[Command]
    places: dict[Buffer, int]
    nbytes: int
    fresh: list[int]  # per result, the number of the memory that it is all of; -1 for others
    teams: list[Team]  # commands that are run together


def build(
    recorder: Recorder,
    arguments: Sequence[Argument],
    results: Sequence[Result],
    effects: Sequence[tuple[Any, int, Any]],
    fused: bool,
    single: bool,
    grad_enabled: bool,
) -> Built:
    """Turn a recording into a native program.

    Parameters
    ----------
    recorder : Recorder
        After the function has returned and nothing of it is held any more but by those who want it.
    arguments, results : sequences
        Of the call.
    effects : sequence of (Tensor or None, argument or -1, Tensor or None)
        What becomes of the ``.grad`` of a tensor or argument.
    fused : bool
        Whether commands are joined.
    single : bool
        Whether the only result is returned as it is.
    grad_enabled : bool
        Whether the tape was on when the call began.
    """
    # Where each result lies in its buffer, before that gets memory of the program's own.
    refs = [None if r.array is None else Ref(*_place_of(recorder, r.array)) for r in results]
    plan = _plan(recorder, arguments, results)
    drop_unread(plan)
    drop_copies(plan)
    if fused:
        fuse(plan)
        join_elementwise(plan)
    teams = make_teams(plan) if fused else []
    places, nbytes = place(plan.commands, teams)
    native = backend.native.Program()
    memory = _Arrays(places, nbytes)
    at = _add_commands(native, plan.commands, memory)
    native.keep(memory.owners)
    _add_arguments(native, recorder, arguments, plan)
    fresh, bytes_made = _add_results(native, results, refs, plan, memory)
    _add_tape(native, recorder, arguments, effects)
    _add_updates(native, plan.commands, at)
    for draw in recorder.draws:
        indices = [i for c, i in zip(plan.commands, at, strict=True) if _draw_of(c) is draw]
        native.add_draw(draw.generator, draw.count, indices)
    for begin, end in reversed(teams):
        native.team(at[begin - 1] + 1 if begin else 0, at[end - 1] + 1)
    native.grad_enabled, native.single = grad_enabled, single
    return Built(native, plan.commands, places, nbytes + bytes_made, fresh, teams)


def _plan(recorder: Recorder, arguments: Sequence[Argument], results: Sequence[Result]) -> Plan:
    """Say of every buffer what it is."""
    outputs = {recorder.buffer(r.array) for r in results if r.array is not None}
    inputs = {recorder.buffer(a.array) for a in arguments}
    seen = {recorder.buffer(array) for _, array, _, _ in recorder.seen.values()}
    fixed = outputs | inputs | seen
    buffers = list(recorder.buffers.values())
    written: set[Buffer] = set()
    needed: set[Buffer] = set()  # their content counts before any command writes it
    for command in recorder.commands:
        for ref in command.reads:
            if ref.buffer not in written:
                needed.add(ref.buffer)
        written.update(ref.buffer for ref in command.writes)
    # What a kept start does not say: the memory itself. Of all other memory nothing here holds on to the array.
    content = {b: b.array for b in buffers if b in fixed or (b in needed and b.start is None)}
    recorder.let_go()
    commands = list(recorder.commands)
    for buffer in buffers:
        owner = buffer.owner() if buffer.owner is not None else None
        if buffer in inputs:
            buffer.kind = "input"
        elif buffer in outputs:
            buffer.kind = "output"
        elif buffer in content or owner is not None:  # it was there before, or somebody outside holds it
            buffer.kind = "external"
        elif buffer in needed:
            commands.insert(0, _start(buffer))
        buffer.array, buffer.start = content.get(buffer, owner), None
        if buffer.kind == "output":  # the caller has the memory of the recorded call
            buffer.array = aligned(buffer.nbytes)
            buffer.address = buffer.array.__array_interface__["data"][0]
        del owner
    return Plan(commands, outputs)


def _start(buffer: Buffer) -> Command:
    """Give an internal buffer what it has to hold when the program begins."""
    start = buffer.start
    assert start is not None
    constant = Buffer(-1 - buffer.number, start)
    constant.kind = "external"
    refs = [Ref(b, 0, start.shape, start.strides, start.dtype) for b in (buffer, constant)]
    return kernel("copy", tuple(refs), refs[:1])


class _Arrays:
    """The arrays that commands work on."""

    def __init__(self, places: dict[Buffer, int], nbytes: int) -> None:
        self.places = places
        self.block = aligned(nbytes)
        self._start = self.block.__array_interface__["data"][0]
        self.owners: list[np.ndarray] = [self.block]  # the program has to keep them

    def address(self, buffer: Buffer) -> tuple[int, np.ndarray]:
        """Where a buffer lies, and who owns that."""
        if buffer.kind == "internal":
            return self._start + self.places[buffer], self.block
        assert buffer.array is not None
        return buffer.address, buffer.array

    def array(self, x: Any) -> Any:
        """The array that a Ref stands for; anything else is returned as it is."""
        if not isinstance(x, Ref):
            return x
        address, owner = self.address(x.buffer)
        if not any(owner is each for each in self.owners):
            self.owners.append(owner)
        return np.asarray(_Memory(address, x, owner))


def _add_commands(native: Any, commands: Sequence[Command], memory: _Arrays) -> list[int]:
    """Add all commands; the number that each has in the native program (a check may come before its kernel)."""
    numbers: list[int] = []

    def make() -> None:
        for command in commands:
            args, kwargs = map_leaves(memory.array, command.args), map_leaves(memory.array, command.kwargs)
            if command.function is None:
                if command.name == "sgd" and command.args[2] is not None:
                    args = (*args[:10], [False] * len(args[0]))  # since the recording, every buffer holds something
                getattr(backend.native, command.name)(*args)
            else:
                targets = [memory.array(ref) for ref in command.results]
                native.add_python(_runner(command.name, command.function, args, kwargs, targets))
            numbers.append(len(native) - 1)

    native.build(make)
    return numbers


def _runner(name: str, function: Any, args: Any, kwargs: Any, targets: list[np.ndarray]) -> Callable[[], None]:
    """A numpy call whose results go to the targets."""
    if isinstance(function, np.ufunc) and "out" not in kwargs and len(targets) == function.nout:
        out = targets[0] if len(targets) == 1 else tuple(targets)

        def run_ufunc() -> None:
            state.quiet(lambda: function(*args, **kwargs, out=out))

        return run_ufunc

    def run() -> None:
        result = state.quiet(lambda: function(*args, **kwargs))
        fresh = iter(targets)
        for x in leaves(result):
            if isinstance(x, (np.ndarray, np.generic)) and targets:
                target = next(fresh, None)
                if target is None:
                    break
                if target.shape != x.shape:
                    raise RuntimeError(f"a recorded {name}() gives shape {x.shape}, expected {target.shape} as before")
                target[...] = x

    return run


def _is_python_used(plan: Plan, buffer: Buffer) -> bool:
    return any(c.function is not None and c.touches(buffer) for c in plan.commands)


def _add_arguments(native: Any, recorder: Recorder, arguments: Sequence[Argument], plan: Plan) -> None:
    for argument in arguments:
        buffer = next(b for b in recorder.buffers.values() if b.kind == "input" and b.array is argument.array)
        native.add_input(
            argument.array,
            argument.is_tensor,
            argument.requires_grad,
            bool(plan.users(buffer)),
            not _is_python_used(plan, buffer),
            any(c.is_writing(buffer) for c in plan.commands),
        )


def _add_results(
    native: Any, results: Sequence[Result], refs: Sequence[Ref | None], plan: Plan, memory: _Arrays
) -> tuple[list[int], int]:
    """Add all results; per result the number of the memory that is made anew for it alone, and the bytes of all."""
    numbers: dict[Buffer, int] = {}
    total = 0
    alone: list[int] = []
    for result, ref in zip(results, refs, strict=True):
        alone.append(-1)
        if result.argument >= 0:
            native.add_argument(result.argument)
        elif ref is None:
            native.add_object(result.value)
        else:
            if ref.buffer.kind == "external":
                native.add_object(result.value)
                continue
            address, owner = memory.address(ref.buffer)
            whole = Ref(ref.buffer, 0, (ref.buffer.nbytes,), (1,), np.dtype(np.uint8))
            base = np.asarray(_Memory(address, whole, owner))
            if ref.buffer not in numbers:
                if ref.is_whole and result.array is not None and result.array.flags.c_contiguous:
                    alone[-1] = len(set(numbers.values()))
                numbers[ref.buffer] = native.add_fresh(base, not _is_python_used(plan, ref.buffer))
                total += ref.buffer.nbytes
            native.add_output(numbers[ref.buffer], base, memory.array(ref), result.is_tensor)
    return alone, total


def _place_of(recorder: Recorder, array: np.ndarray) -> tuple[Any, ...]:
    owner = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    buffer = recorder.buffers[id(owner)]
    return buffer, array.__array_interface__["data"][0] - buffer.address, array.shape, array.strides, array.dtype


def _add_tape(
    native: Any, recorder: Recorder, arguments: Sequence[Argument], effects: Sequence[tuple[Any, int, Any]]
) -> None:
    """Guards, versions, modules and gradients."""
    versions: dict[int, tuple[Any, int]] = {}
    for t, array, node, count in recorder.seen.values():
        read = recorder.grads_read.get(id(t))
        native.add_guard(t, array, node, read is not None, None if read is None else read[1])
        native.add_memory(*byte_bounds(array), recorder.is_written(array))
        if t.version.count > count:
            versions[id(t.version)] = t.version, t.version.count - count
    for t, grad in recorder.grads_read.values():
        if id(t) not in recorder.seen:
            native.add_guard(t, t.data, t.node, True, grad)
    for version, by in versions.values():
        native.add_bump(version, by)
    native.surroundings = unchanged(recorder.modules.values(), recorder.hooks.values())
    for tensor, argument, grad in effects:
        native.add_effect(tensor, argument, grad)


def _add_updates(native: Any, commands: Sequence[Command], at: Sequence[int]) -> None:
    done: set[int] = set()
    for command in commands:
        if command.update is None or id(command.update) in done:
            continue
        done.add(id(command.update))
        optimizer, group, tensors = command.update.optimizer, command.update.group, command.update.tensors
        indices = [i for c, i in zip(commands, at, strict=True) if c.update is command.update]
        adam = command.name.endswith("adam")
        names = optimizer._names(group)
        buffers = [optimizer.state[p][name] for p in tensors for name in names]
        # The kernels were recorded with the step that has been taken by now.
        steps = [optimizer.state[p]["step"] for p in tensors] if adam else []
        for buffer in buffers:
            native.add_guard(buffer, buffer.data, buffer.node, False, None)
        native.add_update(optimizer, group, adam, indices, list(tensors), list(names), buffers, steps)


def _draw_of(command: Command) -> Any:
    return next((a.draw for a in command.args if isinstance(a, DrawnInt)), None)
