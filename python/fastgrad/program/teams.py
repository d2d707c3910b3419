"""Which commands several threads run together: each thread does its part of all of them, without waiting in between.

Two kinds of neighbours make a team: commands that go over the rows of a batch, where a thread's rows of one command are
all that its rows of the next one need; and updates, which do not depend on each other.
"""

from __future__ import annotations

from fastgrad.program.fuse import Plan
from fastgrad.program.ir import Buffer, Command, Ref
from fastgrad.program.kernels import flop

__all__ = ["Team", "make_teams"]

Team = tuple[int, int]  # the first command, and the one after the last

# The arguments that have a row per row of the batch.
_ROWS = {
    "linear_forward": (0, 1, 2),
    "linear_grad_input": (0, 1, 3),
    "cross_entropy": (1, 2, 3),
    "nll_loss": (1, 2, 3),
}
_UPDATES = ("linear_sgd", "linear_adam")
# A large product is cut better by itself: by columns, so that no two threads pack the same numbers.
_MOST_FLOP = 30_000_000


def make_teams(plan: Plan) -> list[Team]:
    """Put commands that can be run together side by side, and say which they are."""
    _postpone_updates(plan)
    teams: list[Team] = []
    commands = plan.commands
    i = 0
    while i < len(commands):
        end = i + 1
        if _is_small(commands[i], tuple(_ROWS)):
            while end < len(commands) and _joins(commands[i:end], commands[end]):
                end += 1
        elif _is_small(commands[i], _UPDATES):
            while end < len(commands) and _is_small(commands[end], _UPDATES):
                end += 1
        if end - i > 1:
            teams.append((i, end))
        i = end
    return teams


def _is_small(command: Command, names: tuple[str, ...]) -> bool:
    return command.name in names and command.function is None and flop(command) <= _MOST_FLOP


def _rows(command: Command) -> list[Ref]:
    return [command.args[i] for i in _ROWS[command.name] if command.args[i] is not None]


def _joins(team: list[Command], command: Command) -> bool:
    """Whether a thread that has done its rows of all of the team can go on with its rows of the command."""
    if not _is_small(command, tuple(_ROWS)):
        return False
    rows = _rows(command)
    if rows[0].shape[0] != _rows(team[0])[0].shape[0]:
        return False
    made = {ref.buffer: ref for other in team for ref in _rows(other) if other.is_writing(ref.buffer)}
    written = {ref.buffer for other in team for ref in other.writes}
    used = {ref.buffer for other in team for ref in (*other.reads, *other.writes)}
    if any(ref.buffer in used for ref in command.writes):
        return False
    # Of what the team has made, a thread has its own rows only.
    return all(
        ref.buffer not in written
        or (ref.buffer in made and ref.same(made[ref.buffer]) and any(ref is row for row in rows))
        for ref in command.reads
    )


def _postpone_updates(plan: Plan) -> None:
    """Let updates come after the commands that follow and have nothing to do with them."""
    done: list[Command] = []
    waiting: list[Command] = []
    for command in plan.commands:
        if _is_small(command, _UPDATES):
            waiting.append(command)
            continue
        if not _is_small(command, tuple(_ROWS)) or any(_conflict(update, command) for update in waiting):
            done += waiting
            waiting = []
        done.append(command)
    plan.commands = done + waiting


def _conflict(a: Command, b: Command) -> bool:
    def touched(c: Command) -> set[Buffer]:
        return {ref.buffer for ref in (*c.reads, *c.writes)}

    return bool({r.buffer for r in a.writes} & touched(b) or {r.buffer for r in b.writes} & touched(a))
