"""Transforms of data sets: one element at a time, and batched."""

from __future__ import annotations

import collections
import re

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.utils.data import DataLoader, Subset, TensorDataset, random_split
from tests.data.common import rows

Point = collections.namedtuple("Point", "x y")
X = np.arange(12, dtype=np.float32).reshape(6, 2)
Y = np.arange(6)


class Batched:
    """Counts its calls and multiplies."""

    batched = True

    def __init__(self, factor=10):
        self.factor = factor
        self.shapes = []

    def __call__(self, x):
        self.shapes.append(x.shape)
        return x * self.factor


def double(x):
    return x * 2


def both(loader):
    return [np.concatenate([np.asarray(part) for part in parts]) for parts in zip(*loader, strict=True)]


@pytest.mark.parametrize("transform", [double, Batched(2), lambda x: x.numpy() * 2])
def test_elements_rows_and_batches_agree(transform):
    dataset = TensorDataset(X, Y, transform=transform)
    element = dataset[2]
    assert np.asarray(element[0]).tolist() == [8.0, 10.0]
    assert element[1].item() == 2
    assert dataset[1:3][0].tolist() == [[4.0, 6.0], [8.0, 10.0]]
    assert dataset[[0, 5]][0].tolist() == [[0.0, 2.0], [20.0, 22.0]]
    assert dataset[3:3][1].tolist() == []
    for shuffle in (False, True):
        x, y = both(DataLoader(dataset, 4, shuffle=shuffle))
        assert x.dtype == np.float32
        np.testing.assert_array_equal(x, 2 * X[y])


def test_a_batched_transform_is_called_once_a_batch(gathers):
    transform = Batched()
    loader = DataLoader(TensorDataset(X, Y, transform=transform), 4, shuffle=True)
    x, y = both(loader)
    np.testing.assert_array_equal(x, 10 * X[y])
    assert transform.shapes == [(4, 2), (2, 2)]
    assert len(gathers) == 4


def test_transforms_of_parts():
    inner, outer = Batched(3), Batched(5)
    dataset = Subset(TensorDataset(X, Y, transform=inner), [5, 1, 3], transform=outer)
    x, y = both(DataLoader(dataset, 2))
    assert y.tolist() == [5, 1, 3]
    np.testing.assert_array_equal(x, 15 * X[y])
    assert inner.shapes == outer.shapes == [(2, 2), (1, 2)]
    assert dataset[1][0].tolist() == [30.0, 45.0]
    assert dataset[[1, 0]][0].tolist() == [[30.0, 45.0], [150.0, 165.0]]
    one = Subset(dataset, [2], transform=double)
    assert [x.tolist() for x, _ in DataLoader(one, 1)] == [[[180.0, 210.0]]]


def test_training_data_alone_is_augmented():
    train, test = random_split(TensorDataset(X, Y), [4, 2], fg.Generator().manual_seed(0))
    train = Subset(train, range(len(train)), transform=double)
    assert {(x == 2 * X[y]).all() for x, y in zip(*both(DataLoader(train, 3)), strict=True)} == {True}
    assert {(x == X[y]).all() for x, y in zip(*both(DataLoader(test, 3)), strict=True)} == {True}


def test_the_array_of_a_transform_that_writes_stays_as_it_is():
    def negate(x):
        x *= -1
        return x

    negate.batched = True
    x = X.copy()
    dataset = TensorDataset(x, Y, transform=negate)
    for _ in range(2):
        assert both(DataLoader(dataset, 6))[0].tolist() == (-X).tolist()
    assert x.tolist() == X.tolist()


@pytest.mark.parametrize(
    ("element", "expected"),
    [((1, 2), (2, 2)), ([1, 2], [2, 2]), (Point(1, 2), Point(2, 2)), (4, 8), (np.ones(2), None)],
)
@pytest.mark.parametrize("transform", [double, Batched(2)])
def test_the_first_entry_is_the_input(element, expected, transform):
    got = Subset([element], [0], transform=transform)[0]
    assert type(got) is type(element) or transform is not double
    assert got == expected if expected is not None else got.tolist() == [2.0, 2.0]


def test_lists_of_elements():
    class Several:
        def __len__(self):
            return 4

        def __getitems__(self, indices):
            return [(index, "a") for index in indices]

        def __getitem__(self, index):
            raise AssertionError

    part = Subset(Several(), [3, 1], transform=double)
    assert [x.tolist() for x, _ in DataLoader(part, 2)] == [[6, 2]]


def wrong(y):
    def transform(x):
        return y

    transform.batched = True
    return transform


@pytest.mark.parametrize(
    ("y", "given"),
    [
        (np.ones((3, 2)), "a batch of 4 from which it made 3 rows, expected 4 rows"),
        (fg.ones(5), "a batch of 4 from which it made 5 rows, expected 4 rows"),
        (np.ones(()), "a batch of 4 from which it made a ndarray without rows"),
        ("abcd", "a batch of 4 from which it made a str without rows"),
    ],
)
def test_a_batched_transform_that_returns_something_else(y, given):
    with pytest.raises(ValueError, match=re.escape(f"transform(): argument 'x' is {given}")):
        list(DataLoader(TensorDataset(X, Y, transform=wrong(y)), 4))


def test_a_transform_that_returns_ragged_batches():
    def cut(x):
        return x[: 1 + int(x[0].item() > 5)]

    message = "batch[3][0]' is of shape (2,), expected shape (1,) like batch[0][0] (batch 0 of epoch 0: elements [0, 1,"
    with pytest.raises(ValueError, match=re.escape(message)):
        list(DataLoader(TensorDataset(X, Y, transform=cut), 4))


def test_what_is_no_transform():
    for make in (lambda: TensorDataset(X, transform=3), lambda: Subset(rows(3), [0], transform=3)):
        with pytest.raises(TypeError, match=r"argument 'transform' is a int, expected a callable or None"):
            make()
