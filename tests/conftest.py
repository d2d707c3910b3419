"""Fixtures for all tests."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from fastgrad import _cpu

# A job in the background of a script ignores Ctrl-C, and so would every process that a test starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(params=_cpu.build()["isas_supported"])
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each instruction set that this processor runs, one after the other."""
    before = _cpu.build()["isa"]
    _cpu._set_isa(request.param)
    yield request.param
    _cpu._set_isa(before)


@pytest.fixture(autouse=True)
def _same_threads_afterwards() -> Iterator[None]:
    before = _cpu.get_num_threads()
    yield
    _cpu.set_num_threads(before)
