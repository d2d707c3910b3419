"""The lecture's data set and loader give every file once an epoch, whoever makes the batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from examples.common import Result
from examples.datasets import MyDataset, shake, shrink
from examples.letters import ALPHABET, FONTS, drawn, letters

import fastgrad as fg
from fastgrad.utils.data import DataLoader
from tests.examples.common import quick


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return quick("datasets", tmp_path_factory.mktemp("pictures"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for letter in ALPHABET:
        drawn(FONTS[0], letter).save(tmp_path / f"{letter}-{FONTS[0]}.png")
    return tmp_path


def test_batch(result: Result) -> None:
    batch = result.numbers["batch"]
    assert set(batch) == {"image", "letter"}
    assert batch["image"].shape == (32, 29, 29)
    assert batch["letter"].shape == (32,)
    assert len(set(batch["letter"].tolist())) > 10


def test_batches_are_the_same_for_any_number_of_workers(result: Result) -> None:
    digests = {digest for found in ("workers", "far") for digest, _ in result.numbers[found].values()}
    assert len(digests) == 1
    assert all(seconds > 0 for _, seconds in result.numbers["workers"].values())


def test_shaking_helps(result: Result) -> None:
    assert result.numbers["shaken"][-1] > 0.3
    assert result.numbers["shaken"][0] < 0.15


def test_an_epoch_of_files_as_they_lie(folder: Path) -> None:
    """The letters that come out are those that `letters` draws without moving them, each once."""
    x, y = letters(26, rotation=0, shift=0, scale=0, fonts=FONTS[:1])
    expected = {int(label): tile for tile, label in zip(x, y, strict=True)}
    fg.manual_seed(0)
    loader = DataLoader(MyDataset(folder, transform=shrink), batch_size=8, shuffle=True)
    seen = []
    for batch in loader:
        for tile, label in zip(batch["image"].numpy(), batch["letter"].tolist(), strict=True):
            np.testing.assert_allclose(tile, expected[label], atol=1e-6)
            seen.append(label)
    assert sorted(seen) == list(range(26))
    assert seen != sorted(seen)


def test_every_epoch_shakes_anew(folder: Path) -> None:
    fg.manual_seed(0)
    loader = DataLoader(MyDataset(folder, transform=shake), batch_size=26)
    (first,), (second,) = list(loader), list(loader)
    assert first["letter"].tolist() == second["letter"].tolist() == list(range(26))
    differences = np.abs(first["image"].numpy() - second["image"].numpy()).max((1, 2))
    assert (differences > 0.1).all()
