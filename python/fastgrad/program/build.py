"""From a recording to a native program: what each buffer is, the passes, memory, and the commands themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastgrad import backend
from fastgrad.arrays import address, invoke, is_memory
from fastgrad.autograd.mode import state
from fastgrad.program.elementwise import join_elementwise
from fastgrad.program.fuse import Plan, drop_copies, drop_unread, fuse, kernel
from fastgrad.program.ir import Buffer, Command, Ref, leaves, map_leaves
from fastgrad.program.memory import Arrays, aligned, overwrite, place
from fastgrad.program.recorder import Recorder
from fastgrad.program.resident import kept_by_others, make_residents
from fastgrad.program.surface import (
    Argument,
    Result,
    add_arguments,
    add_draws,
    add_results,
    add_tape,
    add_updates,
    is_python_used,
)
from fastgrad.program.teams import Team, make_teams

__all__ = ["Built", "build"]


@dataclass
class Built:
    """A native program and what is known of it."""

    native: Any
    programs: Any  # the class of what it is kept in
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
    precision: str | None,
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
    precision : str or None
        What products on a GPU were told then.
    """
    # Where each result lies in its buffer, before that gets memory of the program's own.
    refs = [None if r.array is None else recorder.ref(r.array) for r in results]
    plan = _plan(recorder, arguments, results)
    drop_unread(plan)
    drop_copies(plan)
    if fused:
        fuse(plan)
        join_elementwise(plan)
    teams = _teams(plan) if fused else []
    overwrite(plan)
    places, nbytes = place(plan.commands, teams)
    native = recorder.native.Program()
    memory = Arrays(places, nbytes, recorder.example)
    at = _add_commands(native, recorder, plan.commands, memory)
    add_arguments(native, recorder, arguments, plan)
    fresh, bytes_made = add_results(native, results, refs, plan, memory)
    add_tape(native, recorder, arguments, effects)
    add_updates(native, plan.commands, at)
    add_draws(native, recorder.draws, plan.commands, at)
    for begin, end in reversed(teams):
        kept = [memory.array(ref) for ref in kept_by_others(plan, (begin, end))]
        native.team(at[begin - 1] + 1 if begin else 0, at[end - 1] + 1, kept)
    # The memory of arguments and results is another one in every call: that of the recorded call is let go.
    gone = [b for b in recorder.buffers.values() if b.kind in ("input", "output") and not is_python_used(plan, b)]
    native.keep([owner for owner in memory.owners if not any(owner is b.array for b in gone)])
    for buffer in gone:
        buffer.array = None
    native.grad_enabled, native.single = grad_enabled, single
    if recorder.example is not None:
        native.require_precision(precision)
    for buffer in recorder.buffers.values():
        buffer.let_go()
    return Built(native, recorder.native.Programs, plan.commands, places, nbytes + bytes_made, fresh, teams)


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
        owner = buffer.held()
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
            buffer.array = aligned(buffer.nbytes, recorder.example if buffer.on_device else None)
            buffer.address = address(buffer.array)
        del owner
    return Plan(commands, outputs, recorder.example)


def _teams(plan: Plan) -> list[Team]:
    """The neighbours that run together: on several threads, or as one kernel of a GPU."""
    return make_teams(plan) if plan.example is None else make_residents(plan)


def _start(buffer: Buffer) -> Command:
    """Give an internal buffer what it has to hold when the program begins."""
    start = buffer.start
    assert start is not None
    constant = Buffer(-1 - buffer.number, start)
    constant.kind = "external"
    refs = [Ref(b, 0, start.shape, start.strides, start.dtype) for b in (buffer, constant)]
    return kernel("copy", tuple(refs), refs[:1])


def _add_commands(native: Any, recorder: Recorder, commands: Sequence[Command], memory: Arrays) -> list[int]:
    """Add all commands; the number that each has in the native program (a check may come before its kernel)."""
    numbers: list[int] = []
    on_device = recorder.example is not None

    def make() -> None:
        for command in commands:
            args, kwargs = map_leaves(memory.array, command.args), map_leaves(memory.array, command.kwargs)
            if command.function is None:
                if any(isinstance(x, Ref) and x.buffer.on_device != on_device for x in leaves(command.args)):
                    recorder.refuse(f"{command.name}() computes on the CPU, other kernels on a GPU")
                if command.name == "sgd" and command.args[2] is not None:
                    args = (*args[:10], [False] * len(args[0]))  # since the recording, every buffer holds something
                getattr(backend.native, command.name)(*args)
            else:
                targets = [memory.array(ref) for ref in command.results]
                native.add_python(_runner(command.name, command.function, args, kwargs, targets))
            numbers.append(len(native) - 1)

    native.build(make)
    return numbers


def _runner(name: str, function: Any, args: Any, kwargs: Any, targets: list[Any]) -> Callable[[], None]:
    """A numpy call whose results go to the targets."""
    if isinstance(function, np.ufunc) and "out" not in kwargs and len(targets) == function.nout:
        out = targets[0] if len(targets) == 1 else tuple(targets)

        def run_ufunc() -> None:
            state.quiet(lambda: function(*args, **kwargs, out=out))

        return run_ufunc

    def run() -> None:
        result = state.quiet(lambda: invoke(function, args, kwargs))
        fresh = iter(targets)
        for x in leaves(result):
            if (is_memory(x) or isinstance(x, np.generic)) and targets:
                target = next(fresh, None)
                if target is None:
                    break
                if target.shape != x.shape:
                    raise RuntimeError(f"a recorded {name}() gives shape {x.shape}, expected {target.shape} as before")
                target[...] = x

    return run
