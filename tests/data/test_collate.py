"""From elements to batches, against torch where it accepts the same."""

from __future__ import annotations

import collections

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.utils.data import default_collate, default_convert

torch = pytest.importorskip("torch")

Point = collections.namedtuple("Point", "x y")

BATCHES = {
    "floats": [1.5, 2.0, -3.0],
    "ints": [1, 2, -3],
    "bools": [True, False],
    "int first": [1, 2.5],
    "numpy floats": [np.float32(1.5), np.float32(2.5)],
    "numpy doubles": [np.float64(1.5), np.float64(2.5)],
    "numpy ints": [np.int32(1), np.int32(2)],
    "numpy bools": [np.bool_(True), np.bool_(False)],
    "arrays": [np.arange(3), np.arange(3) + 1],
    "matrices": [np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32)],
    "zero-dimensional": [np.array(1.0), np.array(2.0)],
    "strings": ["a", "b"],
    "bytes": [b"a", b"b"],
    "tuples": [(1, 2.0), (3, 4.0)],
    "lists": [[1, "a"], [2, "b"]],
    "dicts": [{"x": 1, "y": [np.ones(2)]}, {"x": 2, "y": [np.zeros(2)]}],
    "ordered dicts": [collections.OrderedDict(x=1), collections.OrderedDict(x=2)],
    "named tuples": [Point(1, 2.0), Point(3, 4.0)],
    "nested": [({"a": (1, [2.0])}, "s"), ({"a": (3, [4.0])}, "t")],
    "one": [(np.ones(2), 1)],
}


def assert_same(ours, theirs):
    """One structure with equal values and dtypes, tensors being those of each library."""
    if isinstance(theirs, torch.Tensor):
        assert isinstance(ours, fg.Tensor)
        assert ours.dtype == theirs.numpy().dtype
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    elif isinstance(theirs, dict):
        assert type(ours) is type(theirs)
        assert list(ours) == list(theirs)
        for key in theirs:
            assert_same(ours[key], theirs[key])
    elif isinstance(theirs, (list, tuple)):
        assert type(ours) is type(theirs)
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            assert_same(a, b)
    else:
        assert ours == theirs


@pytest.mark.parametrize("name", BATCHES)
def test_collate_equals_torch(name):
    assert_same(default_collate(BATCHES[name]), torch.utils.data.default_collate(BATCHES[name]))


@pytest.mark.parametrize("name", BATCHES)
def test_convert_equals_torch(name):
    for element in BATCHES[name]:
        assert_same(default_convert(element), torch.utils.data.default_convert(element))


def test_tensors_are_stacked():
    batch = default_collate([fg.tensor([1.0, 2.0]), fg.tensor([3.0, 4.0])])
    assert batch.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert batch.dtype == np.float32


def test_gradients_pass():
    x = fg.tensor([1.0, 2.0], requires_grad=True)
    (default_collate([x, x * 2]) * fg.tensor([[1.0, 1.0], [10.0, 10.0]])).sum().backward()
    assert x.grad.tolist() == [21.0, 21.0]


def test_mapping_that_cannot_be_made_from_a_dict_becomes_one():
    elements = [collections.defaultdict(list, x=1), collections.defaultdict(list, x=2)]
    batch = default_collate(elements)
    assert batch["x"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("batch", "error", "message"),
    [
        ([], ValueError, "batch' is empty"),
        ([np.ones(3), np.ones(2)], ValueError, r"batch\[1\]' is of shape \(2,\), expected shape \(3,\)"),
        ([(1, np.ones(3)), (1, np.ones((3, 1)))], ValueError, r"batch\[1\]\[1\]' is of shape \(3, 1\)"),
        ([{"x": 1}, {"y": 1}], ValueError, r"batch\[1\]' is without \['x'\]"),
        ([{"x": [1]}, {"x": [1, 2]}], ValueError, r"batch\[1\]\['x'\]' is of length 2, expected length 1"),
        ([1, None], TypeError, r"batch\[1\]' is NoneType, expected a number"),
        ([np.ones(2), 1.0], TypeError, r"batch\[1\]' is float, expected a Tensor or ndarray"),
        ([{"x": 1}, 3], TypeError, r"batch\[1\]' is int, expected a dict"),
        ([(1, 2), 3], TypeError, r"batch\[1\]' is int, expected a tuple or list"),
        (["a", 3], TypeError, r"batch\[1\]' is int, expected a string"),
        ([None, None], TypeError, r"batch\[0\]' is NoneType, expected Tensors"),
        ([{"x": object()}], TypeError, r"batch\[0\]\['x'\]' is object"),
    ],
)
def test_bad_batches(batch, error, message):
    with pytest.raises(error, match=message):
        default_collate(batch)
