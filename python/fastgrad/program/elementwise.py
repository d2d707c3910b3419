"""Elementwise commands of numpy as native ones, neighbours joined: one visit to memory for all of them.

Only operations that are exactly rounded take part, so a chain has the bits that numpy has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastgrad.arrays import full
from fastgrad.program.fuse import Plan, kernel
from fastgrad.program.ir import Buffer, Command, Ref

__all__ = ["join_elementwise"]

_ARITHMETIC: dict[Any, str] = {
    np.add: "add", np.subtract: "subtract", np.multiply: "multiply", np.divide: "divide", np.negative: "negative",
    np.absolute: "absolute", np.square: "square", np.sqrt: "sqrt", np.reciprocal: "reciprocal", np.where: "where",
    np.positive: "positive", np.ndarray.astype: "positive",
}  # fmt: skip
_COMPARISONS: dict[Any, str] = {
    np.greater: "greater", np.greater_equal: "greater_equal", np.less: "less", np.less_equal: "less_equal",
    np.equal: "equal", np.not_equal: "not_equal",
}  # fmt: skip
_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
_BOOL = np.dtype(np.bool_)
_MOST_MEMORY, _MOST_SLOTS, _MOST_STEPS = 24, 24, 64  # of a chain: csrc/cpu/elementwise_ops.hpp
_REACH = 64  # how many commands further on a neighbour is looked for


@dataclass
class _Link:
    """A command as an operation on arrays of one shape."""

    command: Command
    op: str
    dtype: np.dtype[Any]
    target: Ref
    operands: list[Any]  # Ref, or a number
    axes: tuple[int, ...]  # of the target, in the order of memory

    @property
    def shape(self) -> tuple[int, ...]:
        """The target's, in the order of memory."""
        return tuple([self.target.shape[i] for i in self.axes])

    def steps(self, ref: Ref) -> tuple[int, ...]:
        """The strides of an operand along the target's axes, in the order of memory."""
        missing = len(self.target.shape) - len(ref.shape)
        strides = [0] * missing + [s if n != 1 else 0 for n, s in zip(ref.shape, ref.strides, strict=True)]
        return tuple([strides[i] for i in self.axes])


def join_elementwise(plan: Plan) -> None:
    """Make chains of what numpy does element by element."""
    i = 0
    while i < len(plan.commands):
        first = _link(plan, plan.commands[i])
        if first is not None:
            chain = _Chain(first)
            j = i + 1
            while j < min(len(plan.commands), i + _REACH):
                link = _link(plan, plan.commands[j])
                if link is not None and _can_move(plan.commands[i + 1 : j], link.command) and chain.takes(link):
                    chain.links.append(link)
                    del plan.commands[j]
                else:
                    j += 1
            plan.commands[i] = chain.links[0].command  # for `lower` to see the others only
            plan.commands[i] = chain.command(plan, i)
        i += 1


def _can_move(between: Iterable[Command], command: Command) -> bool:
    """Whether the command can be run before those."""
    reads, writes = {r.buffer for r in command.reads}, {r.buffer for r in command.writes}
    for other in between:
        theirs = {r.buffer for r in other.writes}
        if theirs & (reads | writes) or writes & {r.buffer for r in other.reads}:
            return False
    return True


def _link(plan: Plan, command: Command) -> _Link | None:
    """The command as part of a chain, if it can be one."""
    function = command.function
    try:
        op = _ARITHMETIC.get(function) or _COMPARISONS.get(function)
    except TypeError:  # a function that cannot be hashed
        return None
    if op is None or len(command.writes) != 1 or set(command.kwargs) - {"out", "dtype", "copy"}:
        return None
    if op == "where" and len(command.args) != 3:
        return None
    (target,) = command.writes
    operands = list(command.args[:1] if function is np.ndarray.astype else command.args)
    if any(not isinstance(x, (Ref, bool, int, float, np.floating, np.bool_)) for x in operands):
        return None
    found = {x.dtype for x in operands if isinstance(x, (Ref, np.generic))} - {_BOOL}
    if function in _COMPARISONS:
        if target.dtype != _BOOL or len(found) != 1:
            return None
        (dtype,) = found
    else:
        dtype = target.dtype
    if dtype not in _FLOATS or found - {dtype} or not 0 < np.prod(target.shape) < 2**40:
        return None
    if op == "where" and not (isinstance(operands[0], Ref) and operands[0].dtype == _BOOL):
        return None
    axes = _order(target)
    link = _Link(command, op, dtype, target, operands, axes) if axes is not None else None
    refs = [x for x in operands if isinstance(x, Ref)]
    if any(x.buffer.on_device != (plan.example is not None) for x in (target, *refs)):
        return None
    if link is None or _split([(link, x) for x in (target, *refs)]) is None:
        return None
    return link if all(_is_apart(target, x) for x in refs) else None


def _order(ref: Ref) -> tuple[int, ...] | None:
    """The axes of an array in the order of memory, if it has no gaps; without those of one element."""
    axes = sorted((i for i, n in enumerate(ref.shape) if n != 1), key=lambda i: -ref.strides[i])
    step = ref.dtype.itemsize
    for i in reversed(axes):
        if ref.strides[i] != step:
            return None
        step *= ref.shape[i]
    return tuple(axes)


def _is_apart(target: Ref, other: Ref) -> bool:
    """Whether an element that is written is read for itself alone."""
    if target.buffer is not other.buffer or target.same(other):
        return True
    if min(other.strides, default=0) < 0:
        return False
    reach = sum((n - 1) * s for n, s in zip(other.shape, other.strides, strict=True))
    end = other.offset + reach + other.dtype.itemsize
    return end <= target.offset or target.offset + target.nbytes <= other.offset


def _split(parts: Sequence[tuple[_Link, Ref]]) -> int | None:
    """How many axes are rows, the others being columns, so that every array has one stride for each of both."""
    shape = parts[0][0].shape
    for rows in range(len(shape) + 1):
        if all(_two_strides(link.steps(ref), shape, rows, ref.dtype.itemsize) is not None for link, ref in parts):
            return rows
    return None


def _two_strides(strides: Sequence[int], shape: Sequence[int], rows: int, item: int) -> tuple[int, int] | None:
    outer = _one_stride(strides[:rows], shape[:rows], 0)
    inner = _one_stride(strides[rows:], shape[rows:], item)
    return None if outer is None or inner not in (0, item) else (outer, inner)


def _one_stride(strides: Sequence[int], shape: Sequence[int], of_none: int) -> int | None:
    """The stride of several axes as one, None if there is no such stride."""
    for i in range(len(strides) - 1):
        if strides[i] != strides[i + 1] * shape[i + 1]:
            return None
    return strides[-1] if strides else of_none


class _Chain:
    """Operations in order, on arrays of one shape, dtype and order of axes."""

    def __init__(self, first: _Link) -> None:
        self.links = [first]

    def takes(self, link: _Link) -> bool:
        """Whether it can be made longer by one more."""
        first = self.links[0]
        same = link.dtype == first.dtype and link.shape == first.shape and link.axes == first.axes
        if not same or len(link.target.shape) != len(first.target.shape):
            return False
        links = [*self.links, link]
        if sum(1 + len(x.operands) for x in links) > _MOST_STEPS - 8:
            return False
        if len(_distinct(links)) > _MOST_MEMORY:
            return False
        refs = [x for x in (link.target, *link.operands) if isinstance(x, Ref)]
        for old in self.links:
            if not all(_is_apart(old.target, x) for x in refs):
                return False
            if not all(_is_apart(link.target, x) for x in old.operands if isinstance(x, Ref)):
                return False
        return _split([(x, r) for x in links for r in (x.target, *x.operands) if isinstance(r, Ref)]) is not None

    def command(self, plan: Plan, at: int) -> Command:
        """The kernel's command."""
        return _Lowering(self.links, plan, at).command()


def _distinct(links: Sequence[_Link]) -> list[Any]:
    found: list[Any] = []
    for link in links:
        for x in (link.target, *link.operands):
            if not any(_is_same(x, y) for y in found):
                found.append(x)
    return found


def _is_same(x: Any, y: Any) -> bool:
    if isinstance(x, Ref) or isinstance(y, Ref):
        return isinstance(x, Ref) and isinstance(y, Ref) and x.same(y)
    return repr(float(x)) == repr(float(y))


class _Lowering:
    """From links to memory, registers and steps."""

    def __init__(self, links: Sequence[_Link], plan: Plan, at: int) -> None:
        self.links = links
        self.plan = plan
        self.dtype = links[0].dtype
        self.shape = links[0].shape
        parts = [(x, r) for x in links for r in (x.target, *x.operands) if isinstance(r, Ref)]
        rows = _split(parts)
        assert rows is not None
        self.rows = rows
        targets: list[tuple[_Link, Ref]] = []
        for link in links:
            if not any(link.target.same(t) for _, t in targets):
                targets.append((link, link.target))
        elsewhere = {r.buffer for i, c in enumerate(plan.commands) if i != at for r in (*c.reads, *c.writes)}
        self.outputs = [(k, t) for k, t in targets if not plan.is_private(t.buffer) or t.buffer in elsewhere]
        self.inputs: list[tuple[_Link, Any]] = []
        written: list[Ref] = []
        for link in links:
            for x in link.operands:
                if not any(_is_same(x, t) for t in written) and not any(_is_same(x, y) for _, y in self.inputs):
                    self.inputs.append((link, x))
            written.append(link.target)

    def command(self) -> Command:
        """The kernel's command."""
        steps, slots = self._steps()
        inputs = [self._flat(link, x) for link, x in self.inputs]
        outputs = [self._flat(link, ref) for link, ref in self.outputs]
        return kernel("elementwise", (outputs, inputs, steps, self.dtype.name, slots), outputs)

    def _flat(self, link: _Link, x: Any) -> Ref:
        """An array as (rows, columns); a number as one in memory."""
        shape = tuple([int(np.prod(part)) for part in (self.shape[: self.rows], self.shape[self.rows :])])
        if not isinstance(x, Ref):
            buffer = Buffer(self.plan.buffer(0).number, full((), x, self.dtype, like=self.plan.example))
            buffer.kind = "external"
            return Ref(buffer, 0, shape, (0, 0), self.dtype)
        strides = _two_strides(link.steps(x), self.shape, self.rows, x.dtype.itemsize)
        assert strides is not None
        return Ref(x.buffer, x.offset, shape, strides, x.dtype)

    def _steps(self) -> tuple[list[tuple[Any, ...]], int]:
        """Operations on registers, and how many slots they need."""
        count = len(self.inputs)
        last = self._last_uses()
        free: list[int] = []
        slots = 0
        steps: list[tuple[Any, ...]] = []
        # Where each value is now: (what it is, its register, whether that is a slot).
        values: list[tuple[Any, int, bool]] = []

        def slot() -> int:
            nonlocal slots
            if free:
                return free.pop()
            slots += 1
            return count + len(self.outputs) + slots - 1

        def step(op: str, to: int, *registers: int) -> None:
            steps.append((op, to, *registers, *[to] * (3 - len(registers))))

        for n, link in enumerate(self.links):
            registers = []
            for x in link.operands:
                known = next((v for v in values if _is_same(v[0], x)), None)
                if known is None:
                    known = self._load(x, slot, step)
                    values.append(known)
                registers.append(known[1])
            for value in [v for v in values if v[2] and last.get(self._key(v[0]), -1) <= n]:
                values.remove(value)
                free.append(value[1])
            place = next((k for k, (_, t) in enumerate(self.outputs) if t.same(link.target)), None)
            values = [v for v in values if not _is_same(v[0], link.target)]
            if place is None or link.target.dtype == _BOOL:
                to = slot()
                step(link.op, to, *registers)
                values.append((link.target, to, True))
                if place is not None:
                    step("to_bool", count + place, to)
            else:
                step(link.op, count + place, *registers)
                values.append((link.target, count + place, False))
        return steps, slots

    def _load(self, x: Any, slot: Any, step: Any) -> tuple[Any, int, bool]:
        number = next(k for k, (_, y) in enumerate(self.inputs) if _is_same(x, y))
        flat = self._flat(*self.inputs[number])
        is_bool = flat.dtype == _BOOL
        if flat.strides[1] == flat.dtype.itemsize and not is_bool:
            return x, number, False
        to = slot()
        op = "from_bool" if flat.strides[1] else "fill"
        step(f"{op}_from_bool" if is_bool and not flat.strides[1] else op, to, number)
        return x, to, True

    def _key(self, x: Any) -> Any:
        return (x.buffer, x.layout) if isinstance(x, Ref) else repr(float(x))

    def _last_uses(self) -> dict[Any, int]:
        """The last link that reads each value."""
        return {self._key(x): n for n, link in enumerate(self.links) for x in link.operands}
