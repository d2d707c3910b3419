"""Tests that need gigabytes run only when they are asked for."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what is marked `large`, unless -m names that mark."""
    if "large" in (config.getoption("-m") or ""):
        return
    for item in items:
        if item.get_closest_marker("large"):
            item.add_marker(pytest.mark.skip(reason="needs nine gigabytes: pytest -m large"))
