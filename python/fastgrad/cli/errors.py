"""The one exception of the command line: what the user gave cannot be used."""

from __future__ import annotations

__all__ = ["UserError"]


class UserError(Exception):
    """Input that cannot be used; shown as one line on stderr, exit status 2."""

    def __str__(self) -> str:
        return " ".join(super().__str__().splitlines())
