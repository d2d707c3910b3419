"""Which commands a GPU runs as one kernel: a small network's, whose rows then stay on the chip from layer to layer.

The kernel decides whether it can; commands that it cannot take run one after the other as ever.
"""

from __future__ import annotations

from fastgrad.program.fuse import Plan
from fastgrad.program.ir import Command, Ref
from fastgrad.program.teams import Team

__all__ = ["kept_by_others", "make_residents"]

_WIDEST = 128  # of a layer's result: csrc/cuda/resident_program.hpp
# Rows of a wide input leave no room for many of them on the chip. A large batch then passes by in so many turns that a
# layer which reads them is faster on its own.
_WIDE_INPUT = 256
_MOST_WIDE_ROWS = 256

# The arguments with a row for every row of the batch that have to be that narrow.
_NARROW = {
    "linear_forward": (0,),
    "activation_backward": (0, 1),
    "cross_entropy": (2,),
    "nll_loss": (2,),
    "pointwise_loss": (2,),
    "linear_grad_input": (0, 1),
    "linear_sgd": (4,),
    "linear_adam": (6,),
}
_INPUTS = {"linear_forward": 2, "linear_sgd": 5, "linear_adam": 7}  # the input of a layer, of any width but for that


def make_residents(plan: Plan) -> list[Team]:
    """The ranges of neighbours that one kernel is to run."""
    teams: list[Team] = []
    begin = 0
    while begin < len(plan.commands):
        end = begin
        while end < len(plan.commands) and _is_small(plan.commands[end], _rows(plan.commands[begin])):
            end += 1
        if end - begin > 1:
            teams.append((begin, end))
        begin = max(end, begin + 1)
    return teams


def kept_by_others(plan: Plan, team: Team) -> list[Ref]:
    """What a team writes and others read, or the caller does."""
    begin, end = team
    others = [*plan.commands[:begin], *plan.commands[end:]]
    written = [ref for command in plan.commands[begin:end] for ref in command.writes]
    return [ref for ref in written if not plan.is_private(ref.buffer) or any(c.is_reading(ref.buffer) for c in others)]


def _narrow(command: Command) -> list[Ref]:
    if command.function is not None or command.name not in _NARROW:
        return []
    return [command.args[i] for i in _NARROW[command.name]]


def _rows(command: Command) -> int:
    refs = _narrow(command)
    return refs[0].shape[0] if refs and refs[0].shape else 0


def _is_small(command: Command, rows: int) -> bool:
    refs = _narrow(command)
    if not refs or not all(len(r.shape) == 2 and r.shape[0] == rows and r.shape[1] <= _WIDEST for r in refs):
        return False
    return rows <= _MOST_WIDE_ROWS or command.name not in _INPUTS or _input(command).shape[1] <= _WIDE_INPUT


def _input(command: Command) -> Ref:
    ref: Ref = command.args[_INPUTS[command.name]]
    return ref
