"""Each stage of preprocessing lets descent go further, and whitened data are white."""

from __future__ import annotations

import numpy as np
import pytest
from examples.common import Result
from examples.preprocessing import STAGES, two_columns

from tests.examples.common import quick


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return quick("preprocessing", tmp_path_factory.mktemp("pictures"))


def test_each_stage_trains_further(result: Result) -> None:
    loss = result.numbers["loss"]
    assert loss["raw"] > 0.5
    assert loss["centred"] < 0.5 * loss["raw"]
    assert loss["standardised"] < 0.5 * loss["centred"]
    assert loss["whitened"] < 0.6 * loss["standardised"]


def test_raw_data_saturate_the_first_layer(result: Result) -> None:
    saturated = result.numbers["saturated"]
    assert saturated["raw"] > 0.9
    assert saturated["standardised"] < 0.05
    assert saturated["whitened"] < 0.05


def test_accuracy(result: Result) -> None:
    accuracy = result.numbers["accuracy"]
    assert accuracy["raw"] < 0.75
    assert min(accuracy["standardised"], accuracy["whitened"]) > 0.92


def test_covariances(result: Result) -> None:
    covariance = result.numbers["covariance"]
    np.testing.assert_allclose(covariance["centred"], covariance["raw"], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(covariance["standardised"].diagonal(), 1, rtol=1e-6)
    np.testing.assert_allclose(covariance["whitened"], np.eye(30), atol=1e-6)


def test_two_columns_are_correlated() -> None:
    assert list(STAGES) == ["raw", "centred", "standardised", "whitened"]
    x = two_columns()
    assert x.shape == (569, 2)
    assert 0.5 < np.corrcoef(x.T)[0, 1] < 0.9
