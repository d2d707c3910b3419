"""The command line of the experiments lists them, runs them, and says what it does not know."""

from __future__ import annotations

import doctest
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from examples import EXPERIMENTS, command, common, letters, pages
from examples.command import available, main, summary
from examples.common import Table


def test_list_has_a_line_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    printed = capsys.readouterr().out
    for name in available():
        assert f"  {name} " in printed
        assert summary(name) in printed


def test_every_experiment_is_one_of_the_lecture() -> None:
    others = {"__init__", "__main__", "command", "common", "letters", "pages", "style"}
    found = {path.stem for path in command.HERE.glob("*.py")} - others
    assert found <= set(EXPERIMENTS)
    assert available() == [name for name in EXPERIMENTS if name in found]


@pytest.mark.parametrize("name", available())
def test_summaries_are_one_sentence(name: str) -> None:
    assert 20 <= len(summary(name)) <= 120
    assert summary(name).endswith(".")


@pytest.mark.parametrize("name", available())
def test_gallery_shows_each(name: str) -> None:
    page = (command.GALLERY / f"{name}.md").read_text(encoding="utf-8")
    assert f"{name}.png" in page
    assert page.count(pages.BEGIN) == page.count(pages.END) == 1
    assert (command.GALLERY / f"{name}.png").stat().st_size < 150_000


def test_gallery_lists_each() -> None:
    """If not: python -m examples --docs."""
    listed = pages.index(command.GALLERY, {name: summary(name) for name in available()})
    assert listed in (command.GALLERY / "index.md").read_text(encoding="utf-8")
    for name in available():
        assert f"]({name}.md)" in listed
        assert f"\n{name}\n" in listed


def test_run_prints_the_table_and_where_the_picture_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backprop_blocks", "--quick", "--output", str(tmp_path / "new")]) == 0
    printed = capsys.readouterr().out
    assert "two outputs" in printed
    picture = tmp_path / "new" / "backprop_blocks.png"
    assert f"picture: {picture} (" in printed
    assert picture.exists()


def test_module_runs_alone(tmp_path: Path) -> None:
    arguments = [sys.executable, "-m", "examples.backprop_blocks", "--quick", "--output", str(tmp_path)]
    done = subprocess.run(arguments, cwd=command.HERE.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "two outputs" in done.stdout
    assert (tmp_path / "backprop_blocks.png").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "there is no experiment 'nothing'\n\nExperiments (python -m examples NAME"),
        (["all", "nothing"], "there is no experiment 'nothing'"),
        (["all", "--seed", "-1"], "--seed: -1 is negative, expected a whole number of at least 0"),
        (["all", "--docs", "--quick"], "--docs: goes with neither --quick, --output nor --seed"),
        (["backprop_blocks", "--output", __file__], "cannot be made"),
    ],
)
def test_errors(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        main(arguments)
    assert exit.value.code == 2
    assert message in capsys.readouterr().err


def test_docs_run_writes_picture_and_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "GALLERY", tmp_path)
    page = tmp_path / "backprop_blocks.md"
    page.write_text(f"# Title\n\n{pages.BEGIN}\nold\n{pages.END}\n\nafter\n", encoding="utf-8")
    (tmp_path / "index.md").write_text(f"{pages.BEGIN}\n{pages.END}\n", encoding="utf-8")
    assert main(["backprop_blocks", "--docs"]) == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# Title\n\n{pages.BEGIN}\n```text\nGradients of L")
    assert text.endswith(f"\n```\n{pages.END}\n\nafter\n")
    assert "old" not in text
    assert (tmp_path / "backprop_blocks.png").exists()
    listed = (tmp_path / "index.md").read_text(encoding="utf-8")
    assert f"[**Title**](backprop_blocks.md)<br>{summary('backprop_blocks')}<br>" in listed
    assert "\n```{toctree}\n:hidden:\n\nbackprop_blocks\n```\n" in listed


def test_page_without_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing\n", encoding="utf-8")
    with pytest.raises(ValueError, match="0 places for what is printed, expected one"):
        pages.refresh(page, "text")


def test_page_is_begun(tmp_path: Path) -> None:
    pages.refresh(tmp_path / "a_page.md", "a \\1 table")
    assert (tmp_path / "a_page.md").read_text(encoding="utf-8") == (
        f"# A page\n\n![](a_page.png)\n\n{pages.BEGIN}\n```text\na \\1 table\n```\n{pages.END}\n"
    )


def test_table() -> None:
    table = Table("Title", ("name", "what", "number"), [("a", "text", 0.12345), ("long name", "t", 1000)])
    assert str(table).splitlines() == [
        "Title", "", "name       what  number", "a          text   0.123", "long name  t       1000",
    ]  # fmt: skip


@pytest.mark.parametrize("module", [common, letters])
def test_docstrings(module: ModuleType) -> None:
    assert doctest.testmod(module) == doctest.TestResults(failed=0, attempted=doctest_count(module))


def doctest_count(module: ModuleType) -> int:
    found = sum(len(test.examples) for test in doctest.DocTestFinder().find(module))
    assert found
    return found
