"""Formulas, tape and numerical gradients agree on every block of the lecture."""

from __future__ import annotations

from pathlib import Path

import pytest
from examples.backprop_blocks import BLOCKS, lecture, tape

from tests.examples.common import quick


def test_all_three_agree(tmp_path: Path) -> None:
    numbers = quick("backprop_blocks", tmp_path).numbers
    assert numbers["tape"] <= 1e-15
    assert numbers["numerical"] <= 1e-8


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_gradients_are_not_trivial(block: object) -> None:
    values, parts, gradients = lecture(block)
    assert gradients["L"] == 0.0  # nothing comes back into L
    assert values["L"] == 0.5 * (values["y"] - 1.0) ** 2
    assert all(abs(part) > 0.01 for part in parts)
    assert tape(block) == pytest.approx({name: gradients[name] for name in block.inputs}, rel=1e-14)
