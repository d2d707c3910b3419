"""Few examples that are changed a little are worth more; changes that do not occur are not."""

from __future__ import annotations

import numpy as np
import pytest
from examples.augmentation import pictures
from examples.common import Result

from tests.examples.common import quick


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return quick("augmentation", tmp_path_factory.mktemp("pictures"))


@pytest.mark.parametrize(("kind", "gain"), [("letters", 0.15), ("digits", 0.01)])
def test_small_changes_help(result: Result, kind: str, gain: float) -> None:
    found = {name: values.mean(1) for name, values in result.numbers["accuracies"][kind].items()}
    assert (found["changed a little"] > found["as they are"] + gain).all()
    assert (found["and mirrored"] < found["changed a little"] - 0.05).all()


def test_more_examples_help(result: Result) -> None:
    for found in result.numbers["accuracies"].values():
        for values in found.values():
            assert (np.diff(values.mean(1)) > 0.05).all()


@pytest.mark.parametrize("kind", ["letters", "digits"])
def test_pictures(kind: str) -> None:
    x, y, x_test, y_test = pictures(kind, 2, 0)
    classes = 26 if kind == "letters" else 10
    assert np.array_equal(np.bincount(y), np.full(classes, 2))
    assert set(y_test) == set(range(classes))
    assert len(x) == len(y)
    assert len(x_test) == len(y_test) > 1000
    assert x.dtype == x_test.dtype == np.float32
    assert min(x.min(), x_test.min()) == 0
    assert max(x.max(), x_test.max()) == 1
    train, test = ({picture.tobytes() for picture in part} for part in (x, x_test))
    assert not train & test
