"""The pages of docs/gallery: people write them, runs write the tables in them, and the list of all of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

__all__ = ["index", "refresh", "refresh_index"]

# Between these two lines a page shows what the experiment printed.
BEGIN, END = "<!-- printed: python -m examples NAME --docs writes this -->", "<!-- end -->"


def refresh(page: Path, text: str) -> None:
    """Put `text` between the two marks of a page; a page that does not exist yet is begun.

    Raises
    ------
    ValueError
        If the page lacks the marks.
    """
    if not page.exists():
        name = page.stem
        head = f"# {name.replace('_', ' ').capitalize()}\n\n![]({name}.png)\n\n"
        page.write_text(f"{head}{BEGIN}\n{END}\n", encoding="utf-8")
    _put(page, f"```text\n{text}\n```")


def refresh_index(page: Path, summaries: Mapping[str, str]) -> None:
    """Put a picture of each experiment, its title and its summary between the marks of the page that lists them.

    Parameters
    ----------
    page : Path
        ``index.md``.
    summaries : mapping of str to str
        Names of experiments, in order, and what each is about.
    """
    _put(page, index(page.parent, summaries))


def index(folder: Path, summaries: Mapping[str, str]) -> str:
    """Make the list of `refresh_index`, of those experiments that have a page."""
    names = [name for name in summaries if (folder / f"{name}.md").exists()]
    rows = [
        f'| <img src="{name}.png" alt="{name}" width="360"> | [**{_title(folder / f"{name}.md")}**]({name}.md)<br>'
        f"{summaries[name]}<br>`python -m examples {name}` |"
        for name in names
    ]
    return "\n".join(["| | |", "|---|---|", *rows, "", "```{toctree}", ":hidden:", "", *names, "```"])


def _title(page: Path) -> str:
    return page.read_text(encoding="utf-8").split("\n", 1)[0].removeprefix("# ")


def _put(page: Path, text: str) -> None:
    before = page.read_text(encoding="utf-8")
    block = f"{BEGIN}\n{text}\n{END}"
    after, count = re.subn(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: block, before, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"refresh(): {page} has {count} places for what is printed, expected one: {BEGIN} … {END}")
    page.write_text(after, encoding="utf-8")
