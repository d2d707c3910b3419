"""The examples of docs/cuda.md that need a GPU."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import test_docs


def test_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (test_docs.ROOT / "docs/cuda.md").read_text(encoding="utf-8")
    assert any(block["gpu"] for block in test_docs.BLOCK.finditer(text))
    test_docs.test_examples(test_docs.ROOT / "docs/cuda.md", tmp_path, monkeypatch)
