"""The examples in README.md and docs/ do what they say."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

import fastgrad as fg
from fastgrad.cuda import library

ROOT = Path(__file__).parent.parent
PAGES = [
    path
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if "```python" in path.read_text(encoding="utf-8")
]
# Blocks after this comment are pieces of a file, shown to be read.
FRAGMENT = "<!-- a fragment -->\n"
# Blocks after this one run only where there is a GPU.
GPU = "<!-- needs a GPU -->\n"
BLOCK = re.compile(rf"(?P<fragment>{FRAGMENT})?(?P<gpu>{GPU})?^```python\n(?P<code>.*?)^```", re.MULTILINE | re.DOTALL)


def test_pages_with_examples_are_found() -> None:
    assert {"README.md", "quickstart.md"} <= {page.name for page in PAGES}


def test_tests_named_in_the_numerical_rules_exist() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", (ROOT / "docs/numerics.md").read_text(encoding="utf-8"))
    assert named
    for path, function in named:
        assert f"def {function}" in (ROOT / path).read_text(encoding="utf-8"), (path, function)


def _has_gpu(code: str) -> bool:
    """Whether there is a GPU, or what stands for one in tests/cuda: that one runs no recorded steps."""
    if not fg.cuda.is_available():
        return False
    return "fg.compile" not in code or library.kernels().__name__ != "kernels"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All examples of a page share their names, as a reader who types them one after the other would find."""
    monkeypatch.chdir(tmp_path)
    fg.manual_seed(0)
    text = page.read_text(encoding="utf-8")
    names: dict[str, object] = {"__name__": "__main__"}
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for block in BLOCK.finditer(text):
        if block["fragment"] or (block["gpu"] and not _has_gpu(block["code"])):
            continue
        line = text.count("\n", 0, block.start("code"))
        if ">>>" in block["code"]:
            example = doctest.DocTestParser().get_doctest(block["code"], names, page.name, str(page), line)
            runner.run(example, clear_globs=False)
            names.update(example.globs)
        else:
            exec(compile("\n" * line + block["code"], str(page), "exec"), names)
    assert runner.summarize(verbose=False).failed == 0
