"""What makes a list of commands shorter without changing a bit of any result.

Every pass looks for one pattern, and leaves alone what does not fit it: a value that somebody else reads, memory that
something else writes in between.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fastgrad.program.ir import Buffer, Command, Ref, leaves

__all__ = ["Plan", "drop_copies", "drop_unread", "fuse"]


@dataclass
class Plan:
    """A program in the making.

    Parameters
    ----------
    commands : list of Command
    outputs : set of Buffer
        What the call returns; it counts as read at the end.
    example : array or None
        One on the GPU that the program is for, or None.
    """

    commands: list[Command]
    outputs: set[Buffer]
    example: Any = None
    made: int = 0

    def is_private(self, buffer: Buffer) -> bool:
        """Whether nobody but the commands reads it."""
        return buffer.kind == "internal" and buffer not in self.outputs and buffer.start is None

    def readers(self, buffer: Buffer) -> list[int]:
        """The places of the commands that read it."""
        return [i for i, c in enumerate(self.commands) if c.is_reading(buffer)]

    def users(self, buffer: Buffer) -> list[int]:
        """The places of the commands that read or write it."""
        return [i for i, c in enumerate(self.commands) if c.touches(buffer)]

    def only_between(self, ref: Any, first: int, second: int) -> bool:
        """Whether an array is all of a private buffer that just these two commands use."""
        return (
            isinstance(ref, Ref)
            and ref.is_whole
            and self.is_private(ref.buffer)
            and self.users(ref.buffer) == [first, second]
        )

    def is_untouched(self, refs: Iterable[Any], first: int, second: int, reading: bool = False) -> bool:
        """Whether no command strictly between writes (or, if `reading`, reads) any of the buffers."""
        buffers = {ref.buffer for ref in refs if isinstance(ref, Ref)}
        return not any(
            c.is_writing(b) or (reading and c.is_reading(b)) for c in self.commands[first + 1 : second] for b in buffers
        )

    def buffer(self, nbytes: int) -> Buffer:
        """A new private buffer."""
        self.made += 1
        return Buffer(10_000 + self.made, nbytes=nbytes, on_device=self.example is not None)


def kernel(
    name: str, args: tuple[Any, ...], written: Iterable[Any], changed: Iterable[Any] = (), update: Any = None
) -> Command:
    """A kernel's command; arguments that are neither written nor changed are read."""
    writes = [r for r in written if isinstance(r, Ref)]
    changes = [r for r in changed if isinstance(r, Ref)]
    others = {id(r) for r in (*writes, *changes)}
    reads = [r for r in leaves(args) if isinstance(r, Ref) and id(r) not in others]
    return Command(name, None, args, {}, writes + changes, changes + reads, update)


def drop_unread(plan: Plan) -> None:
    """Leave out what computes only what nobody reads."""
    read: set[Buffer] = set(plan.outputs)
    kept: list[Command] = []
    for command in reversed(plan.commands):
        if command.name == "linear_backward":
            _narrow(command, read)
        needed = not command.writes or any(r.buffer in read or r.buffer.kind != "internal" for r in command.writes)
        if needed or getattr(command.function, "draws", False):
            kept.append(command)
            # A buffer that is written as a whole, and not read by the command, was not needed before it.
            for ref in command.writes:
                if ref.is_whole and not command.is_reading(ref.buffer) and ref.buffer not in plan.outputs:
                    read.discard(ref.buffer)
            read.update(r.buffer for r in command.reads)
    plan.commands = kept[::-1]


def _narrow(command: Command, read: set[Buffer]) -> None:
    """Of the gradients of linear, compute those that are read."""
    outputs = command.args[:3]
    wanted = [r if r is not None and (r.buffer in read or r.buffer.kind != "internal") else None for r in outputs]
    if any(a is not b for a, b in zip(wanted, command.args, strict=False)) and any(r is not None for r in wanted):
        dx, dw, db = wanted
        _, _, _, dy, saved, x, w, *others = command.args
        args = (dx, dw, db, dy, saved, None if dw is None else x, None if dx is None else w, *others)
        new = kernel("linear_backward", args, wanted)
        command.args, command.writes, command.reads = new.args, new.writes, new.reads


def drop_copies(plan: Plan) -> None:
    """Let whoever makes a value that is only copied make it at the copy's place, or use the copied value itself."""
    i = 0
    while i < len(plan.commands):
        command = plan.commands[i]
        if command.name == "copy" and command.function is None and _drop_copy(plan, i, *command.args):
            continue
        i += 1


def _drop_copy(plan: Plan, i: int, to: Ref, source: Any) -> bool:
    if not isinstance(source, Ref) or to.buffer is source.buffer or to.buffer.start is not None:
        return False
    if to.layout != source.layout or not to.is_whole or not source.is_whole:
        return False
    before, after = plan.commands[:i], plan.commands[i + 1 :]
    old, new = source.buffer, to.buffer
    if plan.is_private(old) and not any(c.touches(old) for c in after) and not any(c.touches(new) for c in before):
        for c in before:
            c.replace(old, new)
    elif plan.is_private(new) and not any(c.is_writing(old) or c.is_writing(new) for c in after):
        for c in after:
            c.replace(new, old)
    else:
        return False
    del plan.commands[i]
    return True


def fuse(plan: Plan) -> None:
    """All passes in their order."""
    _split_backward(plan)
    _fuse_forward(plan)
    _fuse_derivative(plan)
    _fuse_updates(plan)
    drop_unread(plan)


def _split_backward(plan: Plan) -> None:
    """The gradients of linear as commands of their own: dz, then dx, then dw and db."""
    commands: list[Command] = []
    for command in plan.commands:
        if command.name != "linear_backward" or command.function is not None:
            commands.append(command)
            continue
        dx, dw, db, dz, saved, x, w, activation, *precision = command.args
        if activation is not None:
            made = Ref(plan.buffer(dz.nbytes), 0, dz.shape, _c_strides(dz), dz.dtype)
            commands.append(kernel("activation_backward", (made, dz, saved, activation), [made]))
            dz = made
        if dx is not None:
            commands.append(kernel("linear_grad_input", (dx, dz, w, None, None, *precision), [dx]))
        if dw is not None or db is not None:
            args = (None, dw, db, dz, None, None if dw is None else x, None, None, *precision)
            commands.append(kernel("linear_backward", args, [dw, db]))
    plan.commands = commands


def _c_strides(ref: Ref) -> tuple[int, ...]:
    strides, step = [], ref.dtype.itemsize
    for n in reversed(ref.shape):
        strides.append(step)
        step *= n
    return tuple(strides[::-1])


def _fuse_forward(plan: Plan) -> None:
    """linear and the activation of its result."""
    for i, first in enumerate(plan.commands):
        if first.name != "linear_forward" or first.args[5] is not None:
            continue
        z, _, x, w, b, _, *precision = first.args
        for j in plan.readers(z.buffer):
            second = plan.commands[j]
            if second.name != "activation_forward" or second.function is not None or not second.args[1].same(z):
                continue
            y, _, activation = second.args
            unseen = plan.only_between(z, i, j)
            alone = plan.is_private(y.buffer) and y.is_whole and plan.users(y.buffer)[0] == j
            if len(z.shape) == 2 and alone and y.strides == z.strides and y.shape == z.shape:
                args = (y, None if unseen else z, x, w, b, activation, *precision)
                plan.commands[i] = kernel("linear_forward", args, [y, args[1]])
                plan.commands[j] = Command("nothing", None, (), {}, [], [])
            break
    _sweep_up(plan)


def _fuse_derivative(plan: Plan) -> None:
    """dx of a layer and the derivative of the activation below: dz of the layer below."""
    for i, first in enumerate(plan.commands):
        if first.name != "linear_grad_input" or first.args[4] is not None:
            continue
        dx, dz, w, _, _, *precision = first.args
        found = plan.readers(dx.buffer)
        if len(found) != 1 or found[0] <= i:
            continue
        j = found[0]
        second = plan.commands[j]
        if second.name != "activation_backward" or second.function is not None or not second.args[1].same(dx):
            continue
        below, _, saved, activation = second.args
        fits = saved is None or (saved.shape == dx.shape and saved.strides == dx.strides)
        new = plan.is_private(below.buffer) and below.is_whole and plan.users(below.buffer)[0] == j
        fits = fits and below.shape == dx.shape and plan.is_untouched([saved], i, j)
        if fits and new and plan.only_between(dx, i, j):
            plan.commands[i] = kernel("linear_grad_input", (below, dz, w, saved, activation, *precision), [below])
            plan.commands[j] = Command("nothing", None, (), {}, [], [])
    _sweep_up(plan)


def _fuse_updates(plan: Plan) -> None:
    """dw and db of a layer and the optimiser's step that uses them up."""
    for i, first in enumerate(plan.commands):
        if first.name != "linear_backward" or first.args[1] is None or first.args[0] is not None:
            continue
        dw = first.args[1]
        found = plan.readers(dw.buffer)
        if len(found) == 1 and found[0] > i:
            second = plan.commands[found[0]]
            if second.name in ("sgd", "adam") and second.update is not None:
                _fuse_update(plan, i, found[0])
    plan.commands = [c for c in plan.commands if c.name not in ("sgd", "adam") or c.update is None or c.args[0]]


def _fuse_update(plan: Plan, i: int, j: int) -> None:
    first, second = plan.commands[i], plan.commands[j]
    _, dw, db, dz, _, x, _, _, *precision = first.args
    grads = second.args[1]
    at = [next((k for k, g in enumerate(grads) if d is not None and g.same(d)), None) for d in (dw, db)]
    w_at, b_at = at
    state = _state_lists(second)
    if w_at is None or (db is not None and b_at is None):
        return
    chosen = [k for k in at if k is not None]
    operands = [r for k in chosen for r in (second.args[0][k], *(column[k] for column in state))]
    w = second.args[0][w_at]
    if not plan.only_between(dw, i, j) or (db is not None and not plan.only_between(db, i, j)):
        return
    if len(w.shape) != 2 or w.shape != dw.shape or w.strides != dw.strides:
        return
    if not plan.is_untouched(operands, i, j, reading=True):
        return
    b = None if b_at is None else second.args[0][b_at]
    w_state, b_state = (tuple(column[k] for column in state) if k is not None else () for k in at)
    if second.name == "sgd":
        lr, momentum, dampening, weight_decay, l1, nesterov, maximize = second.args[3:10]
        args: tuple[Any, ...] = (
            w, b, w_state[0] if w_state else None, b_state[0] if b_state else None, dz, x,
            lr, momentum, dampening, weight_decay, l1, nesterov, maximize, *precision,
        )  # fmt: skip
    else:
        steps, options = second.args[5], second.args[6:]
        b_step = steps[b_at] if b_at is not None else 1
        args = (w, b, w_state, b_state, steps[w_at], b_step, dz, x, *options, *precision)
    plan.commands[i] = kernel(f"linear_{second.name}", args, [], operands, second.update)
    _take_out(second, set(chosen))


def _state_lists(command: Command) -> list[Any]:
    """The lists of state of an update, one per name."""
    columns = command.args[2:3] if command.name == "sgd" else command.args[2:5]
    return [column for column in columns if column is not None]


def _take_out(command: Command, gone: set[int]) -> None:
    """Let an update leave out some of its parameters."""
    count = len(command.args[0])
    args = [
        [x for k, x in enumerate(a) if k not in gone] if isinstance(a, (list, tuple)) and len(a) == count else a
        for a in command.args
    ]
    command.args = tuple(args)
    changed = [r for column in (command.args[0], *_state_lists(command)) for r in column]
    new = kernel(command.name, command.args, [], changed, command.update)
    command.writes, command.reads = new.writes, new.reads


def _sweep_up(plan: Plan) -> None:
    plan.commands = [c for c in plan.commands if c.name != "nothing"]
