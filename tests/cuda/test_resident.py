"""Chains of small layers as one kernel, against the kernels of their commands: tests/native/check_resident.cpp."""

from __future__ import annotations

import ctypes

import pytest

from tests.cuda.conftest import EMULATED


def test_chains_of_layers(capfd: pytest.CaptureFixture[str]) -> None:
    if not EMULATED:
        pytest.skip("tools/emulate_cuda.sh runs this; on a GPU the program check_resident does")
    failures = ctypes.CDLL(EMULATED).check_resident(60)
    assert failures == 0, capfd.readouterr().out
