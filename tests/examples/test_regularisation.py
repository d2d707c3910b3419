"""L1 makes zeros, most of all where there is only noise; L2 settles twin columns as ridge regression does."""

from __future__ import annotations

import numpy as np
import pytest
from examples.common import Result
from examples.regularisation import fit_twins, twin_columns

from tests.examples.common import quick


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return quick("regularisation", tmp_path_factory.mktemp("pictures"))


def test_zeros(result: Result) -> None:
    zeros, of_noise = result.numbers["zeros"], result.numbers["zeros of noise"]
    assert zeros["none"] < 0.05
    assert zeros["L2"] < 0.2
    assert zeros["L1"] > 0.7
    assert of_noise["L1"] > 0.85
    assert of_noise["L1"] > zeros["L1"]


def test_penalties_help_on_unseen_digits(result: Result) -> None:
    accuracy, best = result.numbers["accuracy"], result.numbers["best"]
    assert accuracy["none"] > 0.8
    assert best["L2"] > accuracy["none"]
    assert best["L1"] > accuracy["none"] + 0.01


def test_twins(result: Result) -> None:
    twins = result.numbers["twins"]
    spread = {name: w[:, 0].std() for name, w in twins.items()}
    assert spread["none"] > 0.7
    assert spread["L2"] < 0.3 * spread["none"]
    for w in twins.values():
        assert abs(w.sum(1).mean() - 2) < 0.1
    assert (np.abs(twins["L1"]) < 1e-3).any(1).mean() > 0.2


@pytest.mark.parametrize("penalty", [0.0, 0.03])
def test_descent_finds_the_solution_of_the_normal_equations(penalty: float) -> None:
    x1, x2, t = twin_columns(20, seed=3)
    found = fit_twins(0.0, penalty, sets=20, seed=3)
    for w, *columns, target in zip(found, x1, x2, t, strict=True):
        x = np.stack(columns, 1)
        expected = np.linalg.solve(x.T @ x / len(x) + penalty * np.eye(2), x.T @ target / len(x))
        np.testing.assert_allclose(w, expected, atol=2e-2 if penalty == 0 else 1e-6)
