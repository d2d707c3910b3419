"""The last hidden layer of sigmoids saturates, and that is why nothing is learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from examples.common import Result
from examples.saturation import BATCH, SIGMOID, build, digits, escape, train

import fastgrad as fg
from tests.examples.common import quick


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return quick("saturation", tmp_path_factory.mktemp("pictures"))


def test_sigmoids_saturate_from_the_top(result: Result) -> None:
    for depth in (4, 5):
        course = result.numbers["courses"][f"sigmoid, {depth} hidden layers"]
        first, last = course.mean[0], course.mean[-1]
        assert (np.abs(first - 0.5) < 0.05).all()
        assert last[-1] < 0.1
        assert (np.diff(last[:-1]) > -0.01).all()  # the nearer to the output the higher
        assert last[-2] > 0.6
        assert last[0] == pytest.approx(0.5, abs=0.05)
        assert course.spread[-1, -1] < 0.1 * course.spread[0, -1]
        assert escape(course) is None
        assert course.tested < 0.2


def test_others_learn(result: Result) -> None:
    courses = result.numbers["courses"]
    for name, epoch in (("sigmoid, 3 hidden layers", 40), ("tanh, 4 hidden layers", 3), ("ReLU, 4 hidden layers", 4)):
        assert (escape(courses[name]) or 1000) <= epoch
        assert courses[name].tested > 0.9
    assert (np.abs(courses["tanh, 4 hidden layers"].mean) < 0.15).all()
    assert courses["ReLU, 4 hidden layers"].saturation[-1].mean() == pytest.approx(0.5, abs=0.1)


def test_what_is_observed_is_what_an_eager_loop_sees() -> None:
    course = train(SIGMOID, 1, seed=3)
    x, y, _, _ = map(fg.from_numpy, digits(3))
    fg.manual_seed(3)
    net = build(SIGMOID)
    order = fg.randperm(len(x))[:BATCH]
    value, means = x[order], []
    for layer in net:
        value = layer(value)
        if isinstance(layer, SIGMOID.activation):
            means.append(value.detach().numpy().mean(dtype=np.float64))
    np.testing.assert_allclose(course.mean[0], means, rtol=1e-12)
    fg.nn.functional.cross_entropy(value, y[order]).backward()
    gradients = [np.abs(net[i].weight.grad.numpy()).mean(dtype=np.float64) for i in (0, 2, 4, 6)]
    np.testing.assert_allclose(course.gradient[0], gradients, rtol=1e-6)


def test_seed_changes_numbers_and_repeats(tmp_path: Path) -> None:
    a, b, c = (train(SIGMOID, 1, seed).mean.tolist() for seed in (1, 1, 2))
    assert a == b
    assert a != c
