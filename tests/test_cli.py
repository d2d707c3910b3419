"""The command line as its users meet it: exit status, one line on stderr, files whole or not there."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.cli import main
from fastgrad.cli.training import HOW_TIMED

PNG = b"\x89PNG\r\n\x1a\n"
TINY = ["--epochs", "2", "--hidden", "8", "--batch-size", "32"]


def run(*arguments: str | Path, missing: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own; packages with a file in `missing` cannot be imported there."""
    environment = dict(os.environ)
    if missing is not None:
        paths = [str(missing), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    command = [sys.executable, "-m", "fastgrad", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def without(tmp_path: Path) -> Any:
    """A folder in which the named packages exist but do not import."""

    def make(*packages: str) -> Path:
        folder = tmp_path / "missing"
        folder.mkdir()
        for package in packages:
            text = f"raise ModuleNotFoundError('No module named {package}', name={package!r})\n"
            (folder / f"{package}.py").write_text(text, encoding="utf-8")
        return folder

    return make


@pytest.fixture
def flowers(tmp_path: Path) -> Path:
    """A table of two classes that one feature tells apart."""
    generator = np.random.default_rng(0)
    lines = ["length;kind;width"]
    for row in range(60):
        kind = ("rose", "lily")[row % 2]
        lines.append(f"{row % 2 + generator.normal(0, 0.1):.3f};{kind};{generator.normal():.3f}")
    path = tmp_path / "flowers.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.smoke
def test_compare_beside_torch(tmp_path: Path) -> None:
    picture, numbers = tmp_path / "out.png", tmp_path / "out.json"
    done = run("compare", *TINY, "--plot", picture, "--json", numbers)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "largest difference of any weight after epoch 1" in done.stdout
    assert "recorded by fg.compile" in done.stdout
    assert HOW_TIMED in done.stdout
    assert picture.read_bytes().startswith(PNG)
    figures = json.loads(numbers.read_text(encoding="utf-8"))
    assert set(figures["libraries"]) == {"fastgrad", "torch"}
    for library in figures["libraries"].values():
        assert len(library["loss"]) == len(library["accuracy"]) == 2
        assert 0 < library["step_seconds"]["p10"] <= library["step_seconds"]["median"]
    assert figures["largest_weight_difference"]["after_first_epoch"] < 1e-5
    assert figures["data"]["train_rows"] + figures["data"]["test_rows"] == 1797
    medians = [library["step_seconds"]["median"] for library in figures["libraries"].values()]
    assert figures["ratio"] == pytest.approx(medians[1] / medians[0])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.json", "out.png"]


def test_defaults_learn_the_digits(tmp_path: Path) -> None:
    assert main(["compare", "--no-torch", "--json", str(tmp_path / "out.json")]) == 0
    figures = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert figures["libraries"]["fastgrad"]["accuracy"][-1] >= 0.95
    assert figures["ratio"] is None
    assert figures["torch_missing"] == "left out by --no-torch"


@pytest.mark.parametrize(
    "options",
    [
        ["--l1", "1e-3", "--l2", "1e-2"],
        ["--activation", "prelu", "--momentum", "0"],
        ["--activation", "gelu_tanh", "--hidden", "6,5,7"],
        ["--hidden", "none"],
    ],
)
def test_same_weights_as_torch_in_float64(options: list[str], flowers: Path, tmp_path: Path) -> None:
    numbers = tmp_path / "out.json"
    command = ["compare", "--data", str(flowers), "--target", "kind", "--dtype", "float64", *TINY]
    assert main([*command, *options, "--json", str(numbers)]) == 0
    figures = json.loads(numbers.read_text(encoding="utf-8"))
    assert figures["largest_weight_difference"]["after_last_epoch"] < 1e-12
    assert figures["data"]["classes"] == ["lily", "rose"]


def test_without_torch_it_trains_and_says_what_is_missing(without: Any) -> None:
    done = run("compare", *TINY, missing=without("torch"))
    assert done.returncode == 0
    assert "torch:    not installed; to train it as well: pip install 'fastgrad[compare]'" in done.stdout
    assert "median time per step, fastgrad" in done.stdout


def test_without_the_extras_it_says_what_is_missing_in_one_line(without: Any, tmp_path: Path) -> None:
    folder = without("sklearn", "matplotlib")
    done = run("compare", missing=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("fastgrad: error: scikit-learn")
    assert done.stderr.count("\n") == 1
    done = run("compare", "--plot", tmp_path / "a.png", missing=folder)
    assert done.returncode == 2
    assert "matplotlib is not installed" in done.stderr
    assert not (tmp_path / "a.png").exists()


def test_own_npz(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    generator = np.random.default_rng(1)
    y = generator.integers(0, 3, 90)
    x = generator.normal(size=(90, 4)) + 3 * y[:, None]
    np.savez(tmp_path / "a.npz", X=x, y=y, other=y == 1)
    assert main(["compare", "--no-torch", "--data", str(tmp_path / "a.npz"), *TINY]) == 0
    assert "4-8-3, relu" in capsys.readouterr().out
    assert main(["compare", "--no-torch", "--data", str(tmp_path / "a.npz"), "--target", "other", *TINY]) == 0
    assert "4-8-2, relu" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "nowhere.csv", "--target", "y"], "nowhere.csv does not exist"),
        (["--target", "y"], "--target: there is no --data"),
        (["--activation", "rellu"], "'rellu' is unknown, expected one of"),
        (["--plot", "picture.bmp"], "expected .png, .svg, .pdf"),
        (["--plot", "nowhere/picture.png"], "nowhere does not exist"),
        (["--json", "."], "is a folder"),
        (["--json", "a.png", "--plot", "a.png"], "both name a.png"),
        (["--threads", "100000"], "--threads: 100000 is more than"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_status_2(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["compare", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["train"], ["compare", "--epochs", "0"], ["compare", "--lr", "nan"], ["compare", "--lr", "-1"],
        ["compare", "--hidden", "10,x"], ["compare", "--hidden", "0"], ["compare", "--momentum", "1"],
        ["compare", "--l1", "-1"], ["compare", "--dtype", "float16"], ["compare", "--batch-size", "2.5"],
        ["compare", "--seed", "-3"], ["compare", "--unknown"],
    ],
)  # fmt: skip
def test_arguments_that_do_not_parse(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("fastgrad")
    assert err.count("\n") == 1


def test_a_diverging_run_says_so(flowers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["compare", "--no-torch", "--data", str(flowers), "--target", "kind", "--lr", "1e30", *TINY]
    assert main([*command, "--json", str(tmp_path / "out.json"), "--plot", str(tmp_path / "out.svg")]) == 0
    assert "training diverged" in capsys.readouterr().out
    figures = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert figures["libraries"]["fastgrad"]["loss"][-1] is None
    assert "<svg" in (tmp_path / "out.svg").read_text(encoding="utf-8")


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, words in (
        (["--version"], f"fastgrad {fg.__version__}"),
        (["compare", "--help"], "--plot FILE"),
    ):
        with pytest.raises(SystemExit) as exit_:
            main(arguments)
        assert exit_.value.code == 0
        assert words in capsys.readouterr().out


def test_doctor(without: Any) -> None:
    done = run("doctor", missing=without("torch", "sklearn", "matplotlib"))  # it imports none of them
    assert done.returncode == 0
    assert done.stderr == ""
    for words in (fg.__version__, "compiler", "chosen", "threads", "scikit-learn", "faster"):
        assert words in done.stdout


def test_progress_is_shown_on_a_terminal() -> None:
    fcntl = pytest.importorskip("fcntl")  # pseudo-terminals are a thing of Unix
    termios = pytest.importorskip("termios")
    reader, writer = os.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 25, 80, 0, 0))
    command = [sys.executable, "-m", "fastgrad", "compare", "--no-torch", *TINY]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=writer, timeout=60, check=False)
    os.set_blocking(reader, False)
    shown = os.read(reader, 1 << 16).decode()
    os.close(writer)
    os.close(reader)
    assert done.returncode == 0, shown
    assert "0/90" in shown
    assert "steps/s" in shown
    assert b"\r" not in done.stdout


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    command = [sys.executable, "-m", "fastgrad", "doctor"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 1
