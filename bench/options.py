"""What a benchmark run is told, by the command line or by the process that starts it."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from bench.harness import Effort

__all__ = ["Options"]


@dataclass(frozen=True)
class Options:
    """How to measure, in one process.

    Parameters
    ----------
    threads : int
        Threads that every contestant uses.
    effort : Effort
        Rounds and length of blocks.
    only : tuple of str
        Names of what to measure; empty for everything.
    quick : bool
        A run to see that everything works: small sizes, nothing that compiles for seconds.
    optimizer : str
        Which of `bench.optimizers` trains, where the subject trains.
    forward : bool
        The forward pass alone, without an optimiser.
    dtype : str
        Of the arrays, where the subject has a choice.
    picture : bool
        Whether there will be a picture, which wants more points than a table.
    seconds : float
        After which nothing more is begun, where the subject heeds it.
    """

    threads: int
    effort: Effort
    only: tuple[str, ...] = ()
    quick: bool = False
    optimizer: str = "sgd"
    forward: bool = False
    dtype: str = "float32"
    picture: bool = False
    seconds: float = float("inf")

    def wants(self, name: str) -> bool:
        """Whether the part of that name was asked for."""
        return not self.only or name in self.only

    def say(self, text: str) -> None:
        """Tell what is being measured to whoever watches."""
        print(f"{self.threads} threads: {text} …", file=sys.stderr, flush=True)
