"""The examples of docs/cuda.md run on the GPU, not only on the processor."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import test_docs


def test_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    test_docs.test_examples(test_docs.ROOT / "docs/cuda.md", tmp_path, monkeypatch)
    assert "on cuda:0" in capsys.readouterr().out
