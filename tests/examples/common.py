"""Run an experiment as the tests do."""

from __future__ import annotations

import importlib
from pathlib import Path

from examples.common import Options, Result

LARGEST_PICTURE = 150_000  # bytes


def quick(name: str, folder: Path, seed: int = 0) -> Result:
    """Run the experiment in its quick form, and see that it printed and drew something."""
    result = importlib.import_module(f"examples.{name}").run(Options(folder, quick=True, seed=seed))
    assert result.tables
    assert all(len(table.rows) > 0 and str(table) for table in result.tables)
    assert result.picture == folder / f"{name}.png"
    data = result.picture.read_bytes()
    assert data.startswith(b"\x89PNG")
    assert 5_000 < len(data) < LARGEST_PICTURE
    return result
