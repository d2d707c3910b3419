"""Batches of any data set, single elements, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.utils.data import (
    BatchSampler,
    DataLoader,
    EpochSampler,
    IterableDataset,
    SequentialSampler,
    Subset,
    TensorDataset,
)
from tests.data.common import Squares, rows, targets


class Stream(IterableDataset):
    def __iter__(self):
        return iter(range(10))


class Orders(EpochSampler):
    def __init__(self, order):
        self.given = order

    def order(self, epoch):
        return self.given

    def __len__(self):
        return len(self.given)


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
        ({"num_workers": -1}, ValueError, "num_workers' is -1, expected an integer >= 0"),
        ({"num_workers": 1.5}, TypeError, r"num_workers' is 1\.5, expected an integer"),
        ({"num_workers": True}, TypeError, "num_workers' is True"),
        ({"num_workers": 1, "timeout": -1}, ValueError, "timeout' is -1, expected a number of seconds >= 0"),
        ({"num_workers": 1, "timeout": float("nan")}, ValueError, "timeout' is nan"),
        ({"num_workers": 1, "timeout": "a"}, TypeError, "timeout' is 'a'"),
        ({"num_workers": 1, "prefetch_factor": 0}, ValueError, "prefetch_factor' is 0, expected an integer >= 1"),
        ({"num_workers": 1, "multiprocessing_context": "thread"}, ValueError, "multiprocessing_context' is 'thread'"),
        ({"num_workers": 1, "multiprocessing_context": 3}, TypeError, "multiprocessing_context' is int"),
        ({"timeout": 1}, ValueError, "timeout' is 1, expected 0 with num_workers=0"),
        ({"prefetch_factor": 2}, ValueError, "prefetch_factor' is 2, expected None with num_workers=0"),
        ({"persistent_workers": True}, ValueError, "persistent_workers' is True, expected False with num_workers=0"),
        ({"multiprocessing_context": "fork"}, ValueError, "multiprocessing_context' is 'fork', expected None with"),
        ({"worker_init_fn": 3}, TypeError, "worker_init_fn' is int"),
        ({"pin_memory": "yes"}, TypeError, "pin_memory' is a str"),
        ({"sampler": 3}, TypeError, "sampler' is int, expected a Sampler or an iterable"),
        ({"batch_sampler": 3}, TypeError, "batch_sampler' is int"),
        ({"sampler": [1], "shuffle": True}, ValueError, "shuffle' is True, expected False with a sampler"),
        ({"batch_sampler": [[1]], "batch_size": 2}, ValueError, "batch_size' is 2, expected 1 with a batch_sampler"),
        ({"batch_sampler": [[1]], "shuffle": True}, ValueError, "shuffle' is True, expected False with a batch"),
        ({"batch_sampler": [[1]], "sampler": [1]}, ValueError, r"sampler' is a list, expected None with a batch"),
        ({"batch_sampler": np.eye(2), "sampler": np.arange(2)}, ValueError, "sampler' is a ndarray, expected None"),
        ({"batch_sampler": [[1]], "drop_last": True}, ValueError, "drop_last' is True, expected False with a batch"),
        ({"dataset": Stream(), "shuffle": True}, ValueError, "shuffle' is True, expected none with an Iterable"),
        ({"dataset": Stream(), "sampler": np.arange(2)}, ValueError, "sampler' is a ndarray, expected none with an"),
        ({"dataset": Stream(), "batch_sampler": [[1]]}, ValueError, "batch_sampler' is a list, expected none"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=rf"DataLoader\(\): argument '.*{message}"):
        DataLoader(**{"dataset": rows(3), **arguments})


BAD_SAMPLERS = [
    ({"sampler": [0, 3]}, IndexError, "'sampler' is a list that gave 3 in batch 1, expected numbers below .* 3"),
    ({"sampler": [0, 1, -4], "batch_size": 2}, IndexError, "'sampler' is a list that gave -4 in batch 1"),
    ({"sampler": [7], "batch_size": None}, IndexError, "'sampler' is a list that gave 7 in batch 0"),
    ({"batch_sampler": [[0], [1, 3]]}, IndexError, "'batch_sampler' is a list that gave 3 in batch 1"),
    ({"batch_sampler": [1]}, TypeError, "'batch_sampler' is a list that gave a int, expected lists of indices"),
    ({"sampler": SequentialSampler(range(5))}, IndexError, "'sampler' is a SequentialSampler with 4 at place 4"),
    ({"sampler": Orders([0.5])}, TypeError, r"'sampler' is a Orders whose order\(0\) is of dtype float64"),
    ({"sampler": Orders([[1]])}, TypeError, r"a Orders .* int64 and shape \(1, 1\), expected integers with one axis"),
    ({"sampler": Orders([-4])}, IndexError, "'sampler' is a Orders with -4 at place 0"),
]


@pytest.mark.parametrize("dataset", [rows(3), Squares(3)], ids=["arrays", "python"])
@pytest.mark.parametrize(("arguments", "error", "message"), BAD_SAMPLERS)
def test_bad_samplers(dataset, arguments, error, message):
    with pytest.raises(error, match=message):
        list(DataLoader(dataset, **arguments))


@pytest.mark.parametrize("dataset", [rows(6), Squares(6)], ids=["arrays", "python"])
def test_samplers_and_batch_samplers(dataset):
    assert len(DataLoader(dataset, 4, sampler=[5, 0, -1, 2, 2])) == 2
    expected = [{0: 0, 5: 5, 2: 2, -1: 5}[i] for i in (5, 0, -1, 2, 2)]
    if isinstance(dataset, Squares):
        expected = [i * i for i in (5, 0, -1, 2, 2)]
    assert targets(DataLoader(dataset, 4, sampler=[5, 0, -1, 2, 2])) == [expected[:4], expected[4:]]
    assert targets(DataLoader(dataset, 4, sampler=Orders([5, 0, -1, 2, 2])))[0][:2] == expected[:2]
    given = BatchSampler(Orders([5, 0, 2]), 2, drop_last=True)
    loader = DataLoader(dataset, batch_sampler=given)
    assert (loader.batch_sampler, loader.batch_size, len(loader)) == (given, None, 1)
    assert targets(loader) == [expected[:2]]
    loader = DataLoader(dataset, batch_sampler=[np.array([5]), (0,), [2, 2]])
    assert targets(loader) == [expected[:1], expected[1:2], expected[3:]]
    assert isinstance(DataLoader(dataset, 2).batch_sampler, BatchSampler)
    assert DataLoader(dataset, None).batch_sampler is None


def test_without_a_length():
    class Names:
        def __getitem__(self, name):
            return name.upper()

    assert list(DataLoader(Names(), 2, sampler=["a", "b", "c"])) == [["A", "B"], ["C"]]
    with pytest.raises(TypeError, match="'dataset' is Names"):
        DataLoader(Names(), 2)


def test_lists_of_the_wrong_length():
    class Several(Squares):
        def __getitems__(self, indices):
            return [0] * 3

    message = "a Several whose __getitems__ gave 3 elements for batch 0 of epoch 0, expected 2 elements"
    with pytest.raises(ValueError, match=message):
        list(DataLoader(Several(4), 2))


def test_streams():
    loader = DataLoader(Stream(), 4)
    assert [x.tolist() for x in loader] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert [x.tolist() for x in DataLoader(Stream(), 4, drop_last=True)] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert list(DataLoader(Stream(), None)) == list(range(10))
    assert list(DataLoader(Stream(), 5, collate_fn=sum)) == [10, 35]
    assert (loader.sampler, loader.batch_sampler) == (None, None)
    with pytest.raises(TypeError, match="Stream"):
        len(loader)
    with pytest.raises(NotImplementedError, match=r"IterableDataset has no __iter__"):
        iter(IterableDataset())


def test_flags_of_torch_without_effect():
    assert targets(DataLoader(rows(3), 3, pin_memory=True)) == [[0, 1, 2]]


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
