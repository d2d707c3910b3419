"""The random numbers of a batch, and those of everybody else."""

from __future__ import annotations

import random

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.utils.data import numpy_state
from fastgrad.utils.data.streams import Streams, mix, seed_streams


def draw():
    return random.random(), random.gauss(0, 1), np.random.rand(), np.random.randn(), fg.rand(1).item()


@pytest.mark.parametrize("used", [[], ["rand"], ["randn"], ["randn", "randn"], ["randn", "rand", "randn"]])
@pytest.mark.parametrize("inside", [0, 1, 2, 700])
def test_all_sources_go_on_as_before(used, inside):
    def sequence(disturb):
        random.seed(1)
        np.random.seed(1)
        fg.manual_seed(1)
        drawn = []
        for name in [*used, "randn", "randn"]:
            drawn.append(getattr(np.random, name)())
            if disturb:
                with Streams(1, 2, len(drawn)):
                    for _ in range(inside):
                        draw()
            drawn.append(random.gauss(0, 1))
            drawn.append(fg.rand(1).item())
            drawn.append(fg.nn.functional.dropout(fg.ones(8), 0.5).tolist())
        return drawn

    assert sequence(False) == sequence(True)


def test_after_an_error_too():
    random.seed(1)
    expected = random.random()
    random.seed(1)
    with pytest.raises(KeyError), Streams(0):
        raise KeyError
    assert random.random() == expected


def test_numpy_is_told_its_whole_state():
    np.random.seed(5)
    for count in range(5):
        np.random.randn(count)
        kept = numpy_state.keep()
        before = np.random.get_state(legacy=False)
        np.random.randn(1001)
        numpy_state.put_back(kept)
        after = np.random.get_state(legacy=False)
        assert (after["state"]["key"] == before["state"]["key"]).all()
        assert after["state"]["pos"] == before["state"]["pos"]
        assert (after["has_gauss"], after["has_gauss"] and after["gauss"]) == (
            before["has_gauss"], before["has_gauss"] and before["gauss"],
        )  # fmt: skip
        assert (kept.memory is None) == bool(before["has_gauss"])


def test_streams_differ_by_every_number():
    keys = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0), (0, 0, 0, 0), (2**63 - 1, 0, 0)]
    drawn = []
    for key in keys:
        with Streams(*key):
            drawn.append(draw())
            seed_streams(*key)
            assert draw() == drawn[-1]
    assert len({number for numbers in drawn for number in numbers}) == len(keys) * 5
    assert len({mix(*key) for key in keys}) == len(keys)
    assert all(0 <= mix(*key) < 2**63 for key in keys)
