"""Data sets and their division."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastgrad as fg
from fastgrad.utils.data import Dataset, Subset, TensorDataset, random_split


class Letters(Dataset):
    """A data set without arrays."""

    def __init__(self, count=26):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if not -self.count <= index < self.count:
            raise IndexError(index)
        return {"code": index % self.count, "letter": chr(97 + index % self.count)}


def test_fastgrad_data_is_the_same_module():
    import fastgrad.data
    import fastgrad.utils.data

    assert fastgrad.data is fastgrad.utils.data
    assert fg.data is fg.utils.data
    assert fg.data.DataLoader is fg.utils.data.DataLoader


def test_tensor_dataset_gives_rows():
    x, target = np.arange(12.0).reshape(4, 3), fg.tensor([3, 2, 1, 0])
    dataset = TensorDataset(x, target)
    assert len(dataset) == 4
    row, label = dataset[1]
    assert row.tolist() == [3.0, 4.0, 5.0]
    assert label.item() == 2
    assert dataset[-1][1].item() == 0
    assert [part.tolist() for part in dataset[1:3]] == [[[3.0, 4.0, 5.0], [6.0, 7.0, 8.0]], [2, 1]]
    with pytest.raises(IndexError):
        dataset[4]


def test_tensor_dataset_shares_memory():
    x = np.zeros((4, 3))
    dataset = TensorDataset(x, fg.from_numpy(x))
    x[2] = 7
    assert dataset[2][0].tolist() == [7.0, 7.0, 7.0]
    assert dataset[2][1].tolist() == [7.0, 7.0, 7.0]


@pytest.mark.parametrize(
    ("given_dtype", "dtype"), [("f2", "f4"), ("i2", "i8"), (">f4", "f4"), ("?", "?"), ("u1", "u1")]
)
def test_dtypes_are_those_of_tensors(given_dtype, dtype):
    dataset = TensorDataset(np.ones((2, 2), given_dtype))
    assert dataset.tensors[0].dtype == np.dtype(dtype)


@pytest.mark.parametrize(
    ("tensors", "error", "message"),
    [
        ((), ValueError, "at least one"),
        ((np.ones(3), np.ones(4)), ValueError, r"tensors\[1\]' is of length 4, expected length 3"),
        ((np.ones(3), np.array(4.0)), ValueError, r"tensors\[1\]' is of shape \(\)"),
        (([1, 2, 3],), TypeError, r"tensors\[0\]' is list"),
        ((np.ones(3, complex),), TypeError, "complex128"),
    ],
)
def test_bad_tensors(tensors, error, message):
    with pytest.raises(error, match=message):
        TensorDataset(*tensors)


def test_subset():
    part = Subset(Letters(), [25, 0, -1])
    assert len(part) == 3
    assert [part[i]["letter"] for i in range(3)] == ["z", "a", "z"]
    again = Subset(part, [1])
    assert again[0]["letter"] == "a"
    rows = Subset(TensorDataset(np.arange(10)), [5, 6, 7])
    assert rows[[0, 2]][0].tolist() == [5, 7]


def test_dataset_has_no_elements_of_its_own():
    with pytest.raises(NotImplementedError, match=r"Dataset has no __getitem__"):
        Dataset()[0]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=6), st.integers(0, 2**32))
def test_random_split_is_a_partition(lengths, seed):
    if sum(lengths) == 1:
        lengths = [*lengths, 1]
    dataset = Letters(sum(lengths))
    parts = random_split(dataset, lengths, fg.Generator().manual_seed(seed))
    assert [len(part) for part in parts] == lengths
    assert sorted(i for part in parts for i in np.asarray(part.indices).tolist()) == list(range(sum(lengths)))


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 500), st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_fractions_equal_torch(total, weights):
    torch = pytest.importorskip("torch")
    fractions = [weight / sum(weights) for weight in weights]
    if sum(fractions) > 1:
        fractions[-1] -= sum(fractions) - 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # both warn of empty parts
        try:
            wanted = [len(part) for part in torch.utils.data.random_split(range(total), fractions)]
        except ValueError:
            with pytest.raises(ValueError, match="lengths"):
                random_split(Letters(total), fractions)
            return
        assert [len(part) for part in random_split(Letters(total), fractions)] == wanted


def test_random_split_is_reproducible():
    def draw(generator=None):
        return [np.asarray(part.indices).tolist() for part in random_split(Letters(), [20, 6], generator)]

    assert draw(fg.Generator().manual_seed(1)) == draw(fg.Generator().manual_seed(1))
    assert draw(fg.Generator().manual_seed(1)) != draw(fg.Generator().manual_seed(2))
    fg.manual_seed(3)
    first = draw()
    fg.manual_seed(3)
    assert draw() == first
    assert draw() != first


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([3, 4], "of sum 7, expected sum 10"),
        ([11, -1], r"lengths\[1\]' is -1"),
        ([0.5, 0.4], r"lengths\[0\]' is 0.5"),
        ([1.5, -0.5], r"lengths\[0\]' is 1.5, expected a fraction"),
        ([], "of sum 0"),
    ],
)
def test_bad_lengths(lengths, message):
    with pytest.raises(ValueError, match=message):
        random_split(Letters(10), lengths)


def test_empty_part_warns():
    with pytest.warns(UserWarning, match="part 1 is empty"):
        random_split(Letters(1), [0.5, 0.5])
