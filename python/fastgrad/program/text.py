"""A program as text: one line per command with shapes, floating-point operations and buffers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastgrad.program.ir import Buffer, Command, Ref, leaves
from fastgrad.program.kernels import flop

__all__ = ["text"]


def text(
    function: str,
    commands: Sequence[Command],
    places: dict[Buffer, int],
    nbytes: int,
    teams: Sequence[tuple[int, int]] = (),
) -> str:
    """The listing of a program."""
    total = sum(flop(c) for c in commands)
    lines = [f"{function}: {len(commands)} commands, {_count(total)}FLOP, {nbytes:,} bytes"]
    marks = [" "] * len(commands)
    for begin, end in teams:
        marks[begin:end] = ["/", *["|"] * (end - begin - 2), "\\"]
    rows = [
        (
            f"{i} {marks[i]}",
            command.name,
            ", ".join(_name(ref, places) for ref in command.writes),
            ", ".join(_name(ref, places) for ref in command.reads if ref not in command.writes),
            _options(command),
            f"{_count(flop(command))}FLOP" if flop(command) else "",
        )
        for i, command in enumerate(commands)
    ]
    widths = [max((len(row[k]) for row in rows), default=0) for k in range(6)]
    for row in rows:
        number, name, writes, reads, options, work = (
            cell.rjust(w) if k in (0, 5) else cell.ljust(w) for k, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        lines.append(f"{number}  {name}  {writes} {'<-' if row[3] else '  '} {reads}  {options}  {work}".rstrip())
    lines.append("")
    if teams:
        on_gpu = any(ref.buffer.on_device for command in commands for ref in command.writes)
        how = "as one kernel if it can" if on_gpu else "each thread its part of all of them"
        lines.append(f"/ | \\: run together, {how}")
    lines.append("b: buffer of the program, at its place in bytes; x: fixed memory; in: argument; out: result")
    return "\n".join(lines)


def _name(ref: Ref, places: dict[Buffer, int]) -> str:
    buffer = ref.buffer
    shape = "x".join(map(str, ref.shape)) or "scalar"
    kind = {"internal": f"b@{places.get(buffer, 0)}", "external": f"x{buffer.number}"}.get(buffer.kind)
    if kind is None:
        kind = f"{'in' if buffer.kind == 'input' else 'out'}{buffer.number}"
    return f"{kind}({shape})"


def _options(command: Command) -> str:
    """What of the arguments is no array and says something: an activation, a reduction."""
    if command.name == "elementwise":
        return " ".join(step[0] for step in command.args[2] if not step[0].startswith(("fill", "from_", "to_")))
    found: list[Any] = [
        a for a in leaves(command.args) if a.__class__.__name__ == "Activation" or (isinstance(a, str) and len(a) < 40)
    ]
    names = [getattr(a, "name", a) for a in found]
    if command.function is not None:
        names.append("in Python")
    return " ".join(map(str, names))


def _count(n: float) -> str:
    for unit in ("", "k", "M", "G"):
        if n < 1000 or unit == "G":
            return f"{n:.4g} {unit}" if unit else f"{n:.4g} "
        n /= 1000
    return ""
