"""Batches of any data set, single elements, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.utils.data import DataLoader, Subset, TensorDataset
from tests.data.common import Squares, rows, targets


def test_any_dataset():
    dataset = Squares(5)
    batches = list(DataLoader(dataset, 2))
    assert [batch[0].tolist() for batch in batches] == [[[0, 0], [1, 1]], [[2, 2], [3, 3]], [[4, 4]]]
    assert [batch[1].tolist() for batch in batches] == [[0, 1], [4, 9], [16]]
    assert dataset.asked == list(range(5))
    assert all(type(index) is int for index in dataset.asked)
    shuffled = DataLoader(Subset(dataset, [4, 2]), 2, shuffle=True)
    assert sorted(next(iter(shuffled))[1].tolist()) == [4, 16]
    assert targets(DataLoader(list(zip("abc", [1, 2, 3], strict=True)), 2)) == [[1, 2], [3]]


def test_elements_a_list_at_a_time():
    class Several(Squares):
        def __getitems__(self, indices):
            self.asked.append(indices)
            return [(0, index) for index in indices]

    dataset = Several(5)
    assert targets(DataLoader(dataset, 3)) == [[0, 1, 2], [3, 4]]
    assert dataset.asked == [[0, 1, 2], [3, 4]]


def test_a_getitem_of_ones_own_is_respected(gathers):
    class Doubled(TensorDataset):
        def __getitem__(self, index):
            x, target = super().__getitem__(index)
            return x * 2, target

    class Backwards(Subset):
        def __getitem__(self, index):
            return self.dataset[self.indices[-1 - index]]

    x = np.arange(6.0)
    doubled = Doubled(x, np.arange(6))
    assert [batch[0].tolist() for batch in DataLoader(doubled, 3)] == [[0, 2, 4], [6, 8, 10]]
    assert [b[0].tolist() for b in DataLoader(Subset(doubled, [5, 1]), 2)] == [[10, 2]]
    assert targets(DataLoader(Backwards(rows(6), [0, 1, 2]), 3)) == [[2, 1, 0]]
    assert gathers == []


def test_collate_fn():
    batches = list(DataLoader(rows(5), 2, collate_fn=lambda elements: [t.item() for _, t in elements]))
    assert batches == [[0, 1], [2, 3], [4]]


def test_without_batches():
    loader = DataLoader(Squares(3), batch_size=None)
    assert len(loader) == 3
    elements = list(loader)
    assert isinstance(elements[2][0], fg.Tensor)
    assert elements[2][1] == 4
    shuffled = DataLoader(Squares(30), batch_size=None, shuffle=True, collate_fn=lambda element: element[1])
    assert sorted(shuffled) == [i * i for i in range(30)]


def test_agrees_with_torch_about_lengths_and_empty_data():
    torch = pytest.importorskip("torch")
    for count in range(8):
        theirs = torch.utils.data.TensorDataset(torch.arange(count))
        ours = TensorDataset(np.arange(count))
        for size in range(1, 9):
            for drop_last in (False, True):
                a = DataLoader(ours, size, drop_last=drop_last)
                b = torch.utils.data.DataLoader(theirs, size, drop_last=drop_last)
                assert len(a) == len(b)
                assert [x.tolist() for (x,) in a] == [x.tolist() for (x,) in b]
    for library, empty in (
        (fg, TensorDataset(np.arange(0))),
        (torch, torch.utils.data.TensorDataset(torch.arange(0))),
    ):
        with pytest.raises(ValueError, match=r"empty|num_samples"):
            library.utils.data.DataLoader(empty, 2, shuffle=True)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"batch_size": 0}, ValueError, "batch_size' is 0, expected an integer >= 1"),
        ({"batch_size": -3}, ValueError, "batch_size' is -3"),
        ({"batch_size": 2.0}, TypeError, r"batch_size' is 2\.0"),
        ({"batch_size": True}, TypeError, "batch_size' is True"),
        ({"batch_size": None, "drop_last": True}, ValueError, "drop_last"),
        ({"generator": 3}, TypeError, "generator' is int"),
        ({"collate_fn": 3}, TypeError, "collate_fn' is int"),
        ({"dataset": 3}, TypeError, "dataset' is int"),
        ({"dataset": (i for i in range(3))}, TypeError, "dataset' is generator"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=rf"DataLoader\(\): argument '.*{message}"):
        DataLoader(**{"dataset": rows(3), **arguments})


@pytest.mark.parametrize(("indices", "number"), [([0, 3], 3), ([0, -4], -4), (np.array([7]), 7)])
def test_subset_out_of_range(indices, number):
    with pytest.raises(IndexError, match=rf"Subset\(\): argument 'indices' is with {number}"):
        list(DataLoader(Subset(rows(3), indices)))


def test_subset_with_other_indices():
    with pytest.raises(TypeError, match="a sequence of integers"):
        list(DataLoader(Subset(rows(3), np.array([0.5]))))


def test_ragged_elements_are_named():
    with pytest.raises(ValueError, match=r"batch\[1\]' is of shape \(2,\), expected shape \(1,\)"):
        list(DataLoader([np.ones(1), np.ones(2)], 2))
