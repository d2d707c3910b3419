"""Fixtures for the tests of the data loader."""

from __future__ import annotations

import pytest

from fastgrad import backend


@pytest.fixture
def gathers(monkeypatch):
    """How many calls of the native gather there were."""
    calls = []
    native = backend.kernels.gather_rows

    class Counting:
        def __getattr__(self, name):
            return getattr(kernels, name)

        def gather_rows(self, *arguments):
            calls.append(arguments)
            return native(*arguments)

    kernels = backend.kernels
    monkeypatch.setattr(backend, "kernels", Counting())
    return calls
