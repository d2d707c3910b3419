"""Looking at arrays in every run of a step, recorded or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastgrad.arrays import to_host
from fastgrad.autograd.mode import state

__all__ = ["observe"]


def observe(function: Callable[..., None], *arrays: Any) -> None:
    """function(*arrays), which changes none of them: in a recorded step a call in Python at its place in every run.

    Of arrays on a GPU it gets copies.
    """
    if state.recorder is None:
        function(*map(to_host, arrays))
        return

    def observed(*given: Any) -> None:
        function(*map(to_host, given))

    observed.__name__ = function.__name__
    state.recorder.check(observed, arrays)
