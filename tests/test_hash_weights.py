"""The tool that compares weights trained with different numbers of threads."""

from __future__ import annotations

import sys

import pytest
from tools import hash_weights


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["hash_weights", *arguments])
    return hash_weights.main()


def test_same_weights(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--cases", "tiny,rl", "--steps", "3", "--threads", "1,3", "--optimizer", "adam", "--eager"]
    assert run(monkeypatch, *arguments) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [(case, how, threads) for case, how, threads, *_ in lines] == [
        (case, how, threads) for case in ("tiny", "rl") for how in ("recorded", "eager") for threads in "13"
    ]
    assert len({line[-1] for line in lines}) == 2
    assert all(len(line[-1]) == 64 for line in lines)


def test_different_weights(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(hash_weights, "digest", lambda case, threads, *_: f"{threads}")
    assert run(monkeypatch, "--cases", "tiny", "--threads", "1,1") == 0
    assert run(monkeypatch, "--cases", "tiny", "--threads", "1,2") == 1
    assert "depend on the threads: tiny" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--cases", "huge,tiny"], "--cases: huge unknown, expected some of online"),
        (["--steps", "0"], "--steps: given 0, expected at least 1"),
        (["--threads", "0"], "--threads"),
    ],
)
def test_arguments(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    with pytest.raises(SystemExit) as stop:
        run(monkeypatch, *arguments)
    assert stop.value.code == 2
    assert words in capsys.readouterr().err
