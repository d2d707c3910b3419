"""Letters are what they are called, differ, and come back from their seed."""

from __future__ import annotations

import numpy as np
import pytest
from examples.letters import ALPHABET, FONTS, SIDE, letters


def test_shapes_and_classes() -> None:
    x, y = letters(260, seed=3)
    assert x.shape == (260, SIDE, SIDE)
    assert x.dtype == np.float32
    assert y.dtype == np.int64
    assert np.bincount(y).tolist() == [10] * len(ALPHABET)
    assert x.min() == 0.0
    assert 0.9 < x.max() <= 1.0
    assert 0.05 < x.mean() < 0.3


def test_seed() -> None:
    x, y = letters(52, seed=1)
    again, y_again = letters(52, seed=1)
    other, _ = letters(52, seed=2)
    np.testing.assert_array_equal(x, again)
    np.testing.assert_array_equal(y, y_again)
    assert (x != other).any()


@pytest.mark.parametrize("font", FONTS)
def test_letters_of_a_font_are_whole_and_different(font: str) -> None:
    x, _ = letters(26, rotation=0, shift=0, scale=0, fonts=[font])
    assert (x.sum((1, 2)) > 20).all()
    border = np.concatenate([x[:, 0], x[:, -1], x[:, :, 0], x[:, :, -1]], 1)
    assert border.max() == 0.0
    flat = x.reshape(26, -1)
    distances = np.square(flat[:, None] - flat[None]).sum(-1)[~np.eye(26, dtype=bool)]
    assert distances.min() > 5


def centre(x: np.ndarray) -> np.ndarray:
    """Where the middle of each picture's ink is, from left to right, in pixels."""
    return (x.sum(1) @ np.arange(SIDE)) / x.sum((1, 2))


def test_letters_move_as_they_are_told() -> None:
    still, _ = letters(26, rotation=0, shift=0, scale=0, fonts=FONTS[:1])
    moved, _ = letters(26, rotation=0, shift=3, scale=0, fonts=FONTS[:1])
    shifts = centre(moved) - centre(still)
    assert np.abs(shifts).max() <= 3.01
    assert np.ptp(shifts) > 3
    np.testing.assert_allclose(moved.sum((1, 2)), still.sum((1, 2)), rtol=0.01)
