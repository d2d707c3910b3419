"""Data sets one after the other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastgrad as fg
from fastgrad.utils.data import ConcatDataset, DataLoader, IterableDataset, Subset, TensorDataset
from tests.data.common import Squares, rows


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=5), st.integers(1, 12), st.booleans(), st.booleans(),
    st.integers(0, 2**32),
)  # fmt: skip
def test_batches_equal_those_of_one_array(lengths, batch_size, shuffle, part, seed):
    total = sum(lengths)
    x = np.arange(total * 3, dtype=np.float32).reshape(total, 3)
    ends = np.cumsum(lengths).tolist()
    pieces = [slice(end - length, end) for end, length in zip(ends, lengths, strict=True)]
    whole = ConcatDataset([TensorDataset(x[piece], np.arange(total)[piece]) for piece in pieces])
    one = TensorDataset(x, np.arange(total))
    assert len(whole) == total
    if part:
        chosen = np.random.default_rng(seed).integers(0, max(total, 1), total)
        whole, one = Subset(whole, chosen), Subset(one, chosen)
    if total == 0 and shuffle:
        return
    loaders = [
        DataLoader(dataset, batch_size, shuffle, generator=fg.Generator().manual_seed(seed)) for dataset in (whole, one)
    ]
    for ours, expected in zip(*loaders, strict=True):
        for a, b in zip(ours, expected, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_agrees_with_torch():
    torch = pytest.importorskip("torch")
    parts = [list("abc"), [], list("de")]
    ours, theirs = ConcatDataset(parts), torch.utils.data.ConcatDataset(parts)
    assert len(ours) == len(theirs)
    assert ours.cumulative_sizes == theirs.cumulative_sizes
    assert [ours[i] for i in range(-5, 5)] == [theirs[i] for i in range(-5, 5)]


def test_batches_within_a_part_are_views(gathers):
    parts = [rows(8), rows(6)]
    for number, batch in enumerate(DataLoader(ConcatDataset(parts), 4)):
        shared = [np.shares_memory(batch[0].numpy(), part.tensors[0].numpy()) for part in parts]
        assert shared == [number < 2, number >= 2]
    assert gathers == []
    both = list(DataLoader(ConcatDataset(parts), 5))[1]
    assert both[1].tolist() == [5, 6, 7, 0, 1]


def test_arrays_are_gathered_a_part_at_a_time(gathers):
    list(DataLoader(ConcatDataset([rows(50), rows(50)]), 50, shuffle=True))
    assert 0 < len(gathers) <= 2 * 2 * 2  # two batches, two parts, two tensors


def test_parts_that_do_not_go_together():
    mixed = ConcatDataset([TensorDataset(np.ones((2, 3))), TensorDataset(np.ones((2, 4)))])
    assert [x.shape for (x,) in DataLoader(mixed, 2)] == [(2, 3), (2, 4)]
    with pytest.raises(ValueError, match=r"batch\[2\]\[0\]' is of shape \(4,\), expected shape \(3,\)"):
        list(DataLoader(mixed, 3))
    grown = fg.tensor(np.ones((2, 3)), requires_grad=True)
    for ((x,),) in [list(DataLoader(ConcatDataset([TensorDataset(grown), TensorDataset(np.ones((1, 3)))]), 3))]:
        x.sum().backward()
    assert grown.grad.tolist() == [[1.0] * 3] * 2


def test_of_python_and_lists():
    class Several(Squares):
        def __getitems__(self, indices):
            self.asked.append(indices)
            return [(None, -index) for index in indices]

    several, one = Several(4), Squares(3)
    whole = one + several
    assert isinstance(whole, ConcatDataset)
    loader = DataLoader(Subset(whole, [6, 0, 4, 2, 3]), 5, collate_fn=lambda elements: [e[1] for e in elements])
    assert list(loader) == [[-3, 0, -1, 4, 0]]
    assert several.asked == [[3, 1, 0]]
    assert one.asked == [0, 2]


class Stream(IterableDataset):
    def __iter__(self):
        return iter(())


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ConcatDataset(3), TypeError, "'datasets' is a int, expected an iterable"),
        (lambda: ConcatDataset([]), ValueError, "'datasets' is empty"),
        (lambda: ConcatDataset([[1], 3]), TypeError, r"'datasets\[1\]' is a int, expected a data set with __len__"),
        (lambda: ConcatDataset([Stream()]), TypeError, r"'datasets\[0\]' is a Stream"),
        (lambda: ConcatDataset([[1], [2]])["a"], TypeError, "'index' is a str"),
        (lambda: ConcatDataset([[1], [2]])[2], IndexError, "'index' is 2, expected within the dataset's length 2"),
        (lambda: ConcatDataset([[1], [2]])[-3], IndexError, "'index' is -3"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=rf"ConcatDataset(\[\])?\(\): argument {message}"):
        call()
