"""Gradients vanish through sigmoids as the lecture says, and not through the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from examples.common import Result
from examples.vanishing_gradients import LECTURE, chains

from tests.examples.common import quick


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return quick("vanishing_gradients", tmp_path_factory.mktemp("pictures"))


def test_table_of_the_lecture(result: Result) -> None:
    found = np.array(result.numbers["gradients"]["sigmoid, N(0, 0.05²)"])
    assert (np.abs(np.log(found / LECTURE)) < np.log(3)).all()
    steps = found[1:] / found[:-1]
    assert (steps > 3).all()
    assert (steps < 60).all()


def test_factor_per_layer(result: Result) -> None:
    for name, (of_weights, of_outputs) in result.numbers["factors"].items():
        if name.startswith("sigmoid"):
            assert 3 < of_weights < 12, name
            assert 3 < of_outputs < 12, name
        elif not name.endswith("0.05²)"):
            assert 0.6 < of_weights < 1.6, name
            assert 0.6 < of_outputs < 1.6, name


def test_what_is_learned(result: Result) -> None:
    last = {name: accuracies[-1] for name, accuracies in result.numbers["accuracies"].items()}
    chance = 1 / 26
    for name in last:
        if name.startswith("sigmoid"):
            assert last[name] < 3 * chance, name
    assert last["tanh, Glorot"] > 10 * chance
    assert last["ELU, He"] > 10 * chance


def test_chain_against_the_chain_rule() -> None:
    """The medians of gradient / bound are those of a loop in numpy over the same numbers."""
    found = chains(500, seed=4)["shares"]
    generator = np.random.default_rng(4)
    w, x, t = generator.normal(0, 3, (5, 500)), generator.uniform(0, 1, 500), generator.uniform(-1, 1, 500)
    z = [x]
    for weight in w:
        z.append(1 / (1 + np.exp(-z[-1] * weight)))
    gradient, bound = z[-1] - t, np.full(500, 2.0)
    assert (np.abs(gradient) <= bound).all()
    for step in range(5):
        y, weight = z[5 - step], w[4 - step]
        gradient, bound = gradient * y * (1 - y) * weight, bound * 0.25 * np.abs(weight)
        assert found[step]["violations"] == 0
        share = np.abs(gradient) / bound
        assert found[step]["median"] == pytest.approx(np.median(share), rel=1e-10)
        assert found[step]["largest"] == pytest.approx(share.max(), rel=1e-10)


def test_seed_changes_numbers_and_repeats(tmp_path: Path) -> None:
    assert chains(100, 1)["shares"] == chains(100, 1)["shares"]
    assert chains(100, 1)["shares"] != chains(100, 2)["shares"]
