"""The pages of docs/gallery: people write them, runs write the tables in them."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["refresh"]

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
    before = page.read_text(encoding="utf-8")
    block = f"{BEGIN}\n```text\n{text}\n```\n{END}"
    after, count = re.subn(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: block, before, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"refresh(): {page} has {count} places for what is printed, expected one: {BEGIN} … {END}")
    page.write_text(after, encoding="utf-8")
