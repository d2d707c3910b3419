"""Fixtures for the tests of the optimisers."""

from __future__ import annotations

import pytest

from tests.optim.common import KINDS


@pytest.fixture(params=KINDS)
def kind(request):
    """Each optimiser with some of its options: class, dict."""
    return KINDS[request.param]
