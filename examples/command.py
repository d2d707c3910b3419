"""The command line ``python -m examples``."""

from __future__ import annotations

import argparse
import ast
import importlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from examples import EXPERIMENTS
from examples.pages import refresh, refresh_index

__all__ = ["available", "main", "run_alone", "summary"]

HERE = Path(__file__).parent
GALLERY = HERE.parent / "docs" / "gallery"


def available() -> list[str]:
    """Give the names of the experiments."""
    return [name for name in EXPERIMENTS if (HERE / f"{name}.py").exists()]


def summary(name: str) -> str:
    """Give the first line of an experiment's docstring, without importing it."""
    text = ast.get_docstring(ast.parse((HERE / f"{name}.py").read_text(encoding="utf-8"))) or ""
    return text.split("\n", 1)[0]


def main(argv: Sequence[str] | None = None) -> int:
    """List the experiments, or run some, and return the exit status.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments after the program's name; ``sys.argv[1:]`` by default.

    Returns
    -------
    int
        0.

    Raises
    ------
    SystemExit
        Status 2, for arguments that cannot be used.
    """
    parser = _parser()
    options = parser.parse_args(argv)
    if not options.names and not options.docs:
        print(_listing())
        return 0
    for name in options.names:
        if name != "all" and name not in available():
            parser.exit(2, f"{parser.prog}: error: there is no experiment {name!r}\n\n{_listing()}\n")
    if options.seed < 0:
        parser.error(f"--seed: {options.seed} is negative, expected a whole number of at least 0")
    if options.docs and (options.quick or options.output or options.seed):
        parser.error("--docs: goes with neither --quick, --output nor --seed: the gallery shows full runs")
    names = available() if "all" in options.names else list(dict.fromkeys(options.names))
    folder = GALLERY if options.docs else options.output or HERE / "output"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"--output: {folder} cannot be made: {error.strerror}")
    for name in names:
        _run(name, folder, options)
    if options.docs:
        refresh_index(folder / "index.md", {name: summary(name) for name in available()})
    return 0


def run_alone(file: str) -> int:
    """Run the experiment in `file`, with the options given on the command line: ``python -m examples.NAME``."""
    return main([Path(file).stem, *sys.argv[1:]])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m examples",
        description="Run experiments: each prints tables and draws a picture. Without a name, list them.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="which experiments; all for all of them")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where pictures go (default: examples/output)")
    parser.add_argument("--quick", action="store_true", help="smaller, in seconds: does it run at all?")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of everything random (default: 0)")
    parser.add_argument("--docs", action="store_true", help="refresh pictures, tables and list of docs/gallery")
    return parser


def _listing() -> str:
    width = max(map(len, available()))
    lines = [f"  {name:<{width}}  {summary(name)}" for name in available()]
    return "\n".join(["Experiments (python -m examples NAME …, or all):", *lines])


def _run(name: str, folder: Path, options: argparse.Namespace) -> None:
    from examples.common import Options

    print(f"== {name}: {summary(name)}\n", flush=True)
    start = time.perf_counter()
    result = importlib.import_module(f"examples.{name}").run(Options(folder, options.quick, options.seed))
    seconds = time.perf_counter() - start
    text = "\n\n".join(str(table) for table in result.tables)
    print(f"{text}\n\npicture: {result.picture} ({seconds:.1f} s)\n", flush=True)
    if options.docs:
        refresh(folder / f"{name}.md", text)
