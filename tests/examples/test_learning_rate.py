"""Too small, right and too large rates do what the lecture says, on landscapes and on digits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from examples.common import Result
from examples.learning_rate import BEST, CURVATURES, MODES, STEPS, VALLEY_RATES, VALLEY_START, two_holes

from tests.examples.common import quick


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return quick("learning_rate", tmp_path_factory.mktemp("pictures"))


def test_paths_in_the_valley_are_those_of_the_closed_formula(result: Result) -> None:
    """Along an axis of curvature c a step multiplies by 1 − η c."""
    for name, (points, _) in result.numbers["paths"]["valley"].items():
        factors = 1 - VALLEY_RATES[name] * np.array(CURVATURES)
        expected = np.array(VALLEY_START) * factors ** np.arange(STEPS + 1)[:, None]
        np.testing.assert_allclose(points, expected, rtol=1e-10, atol=1e-12)


def test_rates_in_the_valley(result: Result) -> None:
    end = {name: values[-1] / values[0] for name, (_, values) in result.numbers["paths"]["valley"].items()}
    assert 0.1 < end["too small"] < 1
    assert end["right"] < 1e-4
    assert end["too large"] > 10


def test_small_rate_is_trapped(result: Result) -> None:
    paths = result.numbers["paths"]["two holes"]
    ends = {name: points[-1] for name, (points, _) in paths.items()}
    np.testing.assert_allclose(ends["too small"], (-0.92, 0), atol=0.02)  # the narrow hole
    np.testing.assert_allclose(ends["right"], (1.37, 0), atol=0.02)  # the wide one
    assert paths["right"][1][-1] < paths["too small"][1][-1] - 0.5
    assert np.abs(np.diff(paths["too large"][0][-10:], axis=0)).max() > 0.5  # still jumping about


def test_holes_in_numpy(result: Result) -> None:
    points, values = result.numbers["paths"]["two holes"]["right"]
    np.testing.assert_allclose([two_holes(x, y, math.exp) for x, y in points], values, rtol=1e-12)


def test_batches_on_digits(result: Result) -> None:
    over_time, sweep = result.numbers["over_time"], result.numbers["sweep"]
    last = {name: J[-1] for name, (_, J) in over_time.items()}
    assert last["online"] < last["batch"] / 3
    assert last["mini-batch of 32"] < last["batch"] / 3
    steps = {name: len(losses) for name, (losses, _) in over_time.items()}
    assert steps == {name: 3 * math.ceil(1438 / (size or 1438)) for name, size in MODES.items()}
    rates = result.numbers["rates"]
    diverged = {name: [not math.log(10) > J for J in values] for name, values in sweep.items()}
    assert diverged["online"][rates.index(1.0)]
    assert not diverged["mini-batch of 32"][rates.index(1.0)]
    assert not diverged["batch"][rates.index(1.0)]
    best = {name: rates[int(np.nanargmin(values))] for name, values in sweep.items()}
    assert best["online"] < best["mini-batch of 32"] <= best["batch"]
    assert list(BEST) == list(MODES)
