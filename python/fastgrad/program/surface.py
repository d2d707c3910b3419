"""What a program has to do with Python: arguments, results, the tape, optimisers, random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastgrad.program.draws import Draw, DrawnInt
from fastgrad.program.fuse import Plan
from fastgrad.program.ir import Buffer, Command, Ref, byte_bounds
from fastgrad.program.memory import Arrays, view
from fastgrad.program.recorder import Recorder
from fastgrad.program.surroundings import unchanged

__all__ = [
    "Argument", "Result", "add_arguments", "add_draws", "add_results", "add_tape", "add_updates", "is_python_used",
]  # fmt: skip


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


def is_python_used(plan: Plan, buffer: Buffer) -> bool:
    """Whether a call of Python's has an array of the buffer, which stays where it is."""
    return any(c.function is not None and c.touches(buffer) for c in plan.commands)


def add_arguments(native: Any, recorder: Recorder, arguments: Sequence[Argument], plan: Plan) -> None:
    """Add what each argument has to be, and whether commands use its own memory."""
    for argument in arguments:
        buffer = next(b for b in recorder.buffers.values() if b.kind == "input" and b.array is argument.array)
        native.add_input(
            argument.array,
            argument.is_tensor,
            argument.requires_grad,
            bool(plan.users(buffer)),
            not is_python_used(plan, buffer),
            any(c.is_writing(buffer) for c in plan.commands),
        )


def add_results(
    native: Any, results: Sequence[Result], refs: Sequence[Ref | None], plan: Plan, memory: Arrays
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
            base = view(address, whole, owner)
            if ref.buffer not in numbers:
                if ref.is_whole and result.array is not None and result.array.flags.c_contiguous:
                    alone[-1] = len(set(numbers.values()))
                numbers[ref.buffer] = native.add_fresh(base, not is_python_used(plan, ref.buffer))
                total += ref.buffer.nbytes
            native.add_output(numbers[ref.buffer], base, memory.array(ref), result.is_tensor)
    return alone, total


def add_tape(
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


def add_updates(native: Any, commands: Sequence[Command], at: Sequence[int]) -> None:
    """Add the steps of optimisers, whose options are read anew in every run."""
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


def add_draws(native: Any, draws: Sequence[Draw], commands: Sequence[Command], at: Sequence[int]) -> None:
    """Random numbers, and the commands that take them."""
    for draw in draws:
        indices = [i for c, i in zip(commands, at, strict=True) if _draw_of(c) is draw]
        native.add_draw(draw.generator, draw.count, indices)
    native.finish_draws()


def _draw_of(command: Command) -> Any:
    return next((a.draw for a in command.args if isinstance(a, DrawnInt)), None)
