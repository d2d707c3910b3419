"""Mixing helps, small classes need repeating, and wrong labels take over unless there is a guard."""

from __future__ import annotations

import numpy as np
import pytest
from examples.common import Result
from examples.example_order import digits_with

from tests.examples.common import quick


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return quick("example_order", tmp_path_factory.mktemp("pictures"))


def test_sorted_examples_are_learned_slowly(result: Result) -> None:
    equal = result.numbers["equal"]
    for name in ("shuffled", "balanced", "hard examples", "hard, with guard"):
        assert equal[name][0] > equal["sorted by class"][0] + 0.3
        assert equal[name][-1] > 0.96


def test_small_classes_need_to_be_shown_more_often(result: Result) -> None:
    unequal = result.numbers["unequal"]
    for name in ("small classes repeated", "hard examples", "hard, with guard"):
        assert unequal[name][2] > unequal["shuffled"][2] + 0.08
        assert unequal[name][-1] > unequal["shuffled"][-1]
    assert abs(unequal["balanced"] - unequal["shuffled"]).max() < 0.05
    assert unequal["sorted by class"][2] < unequal["shuffled"][2]
    assert unequal["hard, guard without labels"][-1] < unequal["hard, with guard"][-1] - 0.05


def test_classes_in_a_batch(result: Result) -> None:
    classes = result.numbers["classes"]
    assert classes["small classes repeated"] == 10
    assert classes["sorted by class"] < 1.3
    assert classes["balanced"] > classes["shuffled"] + 0.5


def test_wrong_labels_take_over_without_a_guard(result: Result) -> None:
    drawn, accuracy = result.numbers["drawn wrong"], result.numbers["noisy"]
    np.testing.assert_allclose(drawn["shuffled"], 0.2, atol=0.005)
    assert drawn["hard examples"][4:].min() > 0.35
    assert accuracy["hard examples"][-1] < accuracy["shuffled"][-1] - 0.03


def test_guard_keeps_wrong_labels_out(result: Result) -> None:
    drawn, accuracy = result.numbers["drawn wrong"], result.numbers["noisy"]
    assert drawn["hard, with guard"][8:].max() < 0.15
    assert accuracy["hard, with guard"][-1] > accuracy["shuffled"][-1] + 0.02
    assert accuracy["hard, with guard"][-1] > accuracy["hard examples"][-1] + 0.1
    assert result.numbers["suspects wrong"] > 0.9
    assert result.numbers["wrong suspected"] > 0.8


def test_data() -> None:
    right, noisy = digits_with(3), digits_with(3, wrong=0.2)
    assert not right.wrong.any()
    assert noisy.wrong.mean() == pytest.approx(0.2, abs=1e-3)
    np.testing.assert_array_equal(right.x, noisy.x)
    np.testing.assert_array_equal(right.y != noisy.y, noisy.wrong)
    counts = np.bincount(digits_with(3, shrink=0.7).y)
    assert counts.tolist() == [140, 98, 68, 48, 33, 23, 16, 11, 8, 5]
