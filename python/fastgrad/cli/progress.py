"""A progress bar on stderr, where somebody can see it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["progress"]


@contextmanager
def progress(total: int) -> Iterator[Callable[[int, str], object]]:
    """Show a bar of `total` steps while the context lasts; silent where stderr is no terminal.

    Parameters
    ----------
    total : int
        Steps to come.

    Yields
    ------
    callable
        ``advance(steps, text)``: so many more steps are done, and what is being worked on.
    """
    try:
        from tqdm import tqdm
    except ImportError:  # an extra: without it there is simply no bar
        tqdm = None
    if tqdm is None or not sys.stderr.isatty():
        yield lambda steps, text: None
        return
    with tqdm(total=total, unit=" steps", file=sys.stderr, leave=False, dynamic_ncols=True) as bar:

        def advance(steps: int, text: str) -> None:
            bar.set_description(text, refresh=False)
            bar.update(steps)

        yield advance
