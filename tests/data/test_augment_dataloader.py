"""Preprocessing and augmentation as transforms of a data set: once a batch, the same with any number of workers."""

from __future__ import annotations

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.utils.data import DataLoader, TensorDataset
from fastgrad.utils.data.augment import Compose, Noise, Rotate, Shift
from fastgrad.utils.data.preprocess import Standardize

X = np.random.default_rng(0).random((60, 6, 6), dtype="f4")
Y = np.arange(60)


class Counting(Compose):
    """Notes the shapes that it is called with."""

    def __init__(self, *args):
        super().__init__(*args)
        self.shapes = []

    def __call__(self, pictures):
        self.shapes.append(tuple(pictures.shape))
        return super().__call__(pictures)


def epoch(transform, workers=0):
    fg.manual_seed(1)
    loader = DataLoader(TensorDataset(X, Y, transform=transform), batch_size=16, shuffle=True, num_workers=workers)
    x, y = zip(*loader, strict=True)
    return np.concatenate([part.numpy() for part in x]), np.concatenate([part.numpy() for part in y])


def test_called_once_a_batch():
    change = Counting([Rotate(10)])
    epoch(change)
    assert change.shapes == [(16, 6, 6)] * 3 + [(12, 6, 6)]
    dataset = TensorDataset(X, Y, transform=change)
    assert dataset[3][0].shape == (6, 6)


def test_standardised_batches_are_the_standardised_data():
    standardize = Standardize().fit(X)
    x, y = epoch(standardize)
    assert np.array_equal(x, standardize(X)[y])


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_change_nothing(workers):
    change = Compose([Rotate(20), Shift(1), Noise(0.1)])
    x, y = epoch(change, workers)
    alone_x, alone_y = epoch(change)
    assert np.array_equal(y, alone_y)
    assert np.array_equal(x, alone_x)
    assert not np.allclose(x, X[y], atol=0.05)
