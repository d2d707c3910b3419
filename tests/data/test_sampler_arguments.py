"""Samplers' arguments that cannot be used: an error that names function, argument, what was given and expected."""

from __future__ import annotations

import re

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.utils.data import (
    BatchSampler,
    ClassBalancedSampler,
    DistributedSampler,
    HardExampleSampler,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

X = range(3)


def recorded(indices, losses):
    HardExampleSampler(X).update(indices, losses)


def loaded(make=HardExampleSampler, without="", **changes):
    state = {**make(X).state_dict(), **changes}
    state.pop(without, None)
    make(X).load_state_dict(state)


BAD = [
    # Every sampler
    (lambda: RandomSampler(X, generator=3), TypeError, "RandomSampler", "generator", "a int, expected a Generator or"),
    (
        lambda: SubsetRandomSampler(X, np.random.default_rng()),
        TypeError,
        "SubsetRandomSampler",
        "generator",
        "a Generator, expected a Generator or",
    ),
    (lambda: SequentialSampler(X).set_epoch(-1), ValueError, "SequentialSampler.set_epoch", "epoch", "-1, expected at"),
    (lambda: RandomSampler(X).set_epoch(0.5), TypeError, "RandomSampler.set_epoch", "epoch", "a float, expected an"),
    (lambda: RandomSampler(X).order(-1), ValueError, "RandomSampler.order", "epoch", "-1, expected at least 0"),
    (lambda: RandomSampler(X).order("a"), TypeError, "RandomSampler.order", "epoch", "a str, expected an int"),
    # States
    (
        lambda: SequentialSampler(X).load_state_dict(3),
        TypeError,
        "SequentialSampler.load_state_dict",
        "state_dict",
        "a int, expected what state_dict() returned",
    ),
    (
        lambda: loaded(RandomSampler, without="seed"),
        ValueError,
        "RandomSampler.load_state_dict",
        "state_dict",
        "without 'seed', expected what",
    ),
    (
        lambda: loaded(RandomSampler, epoch=-1),
        ValueError,
        "RandomSampler.load_state_dict",
        "state_dict['epoch']",
        "-1, expected at least 0",
    ),
    (
        lambda: loaded(RandomSampler, seed=0.5),
        TypeError,
        "RandomSampler.load_state_dict",
        "state_dict['seed']",
        "a float, expected an int",
    ),
    (
        lambda: loaded(begun=-1),
        ValueError,
        "HardExampleSampler.load_state_dict",
        "state_dict['begun']",
        "-1, expected at least 0",
    ),
    (
        lambda: loaded(losses=np.ones(4)),
        ValueError,
        "HardExampleSampler.load_state_dict",
        "state_dict['losses']",
        "of shape (4,), expected shape (3,)",
    ),
    # Lengths
    (lambda: SequentialSampler(3), TypeError, "SequentialSampler", "data_source", "a int, expected something with a"),
    (lambda: RandomSampler([]), ValueError, "RandomSampler", "data_source", "empty, expected at least 1 element"),
    (lambda: RandomSampler(X, num_samples=0), ValueError, "RandomSampler", "num_samples", "0, expected at least 1"),
    (lambda: RandomSampler(X, num_samples=1.0), TypeError, "RandomSampler", "num_samples", "a float, expected an int"),
    (lambda: RandomSampler(X, "yes"), TypeError, "RandomSampler", "replacement", "a str, expected True or False"),
    (lambda: SubsetRandomSampler(7), ValueError, "SubsetRandomSampler", "indices", "of shape (), expected one axis"),
    (lambda: SubsetRandomSampler([0.5]), TypeError, "SubsetRandomSampler", "indices", "of dtype float64, expected int"),
    (lambda: SubsetRandomSampler([[1], [1, 2]]), ValueError, "SubsetRandomSampler", "indices", "ragged, expected one"),
    # Batches
    (lambda: BatchSampler(3, 1, False), TypeError, "BatchSampler", "sampler", "a int, expected a Sampler or an iter"),
    (lambda: BatchSampler(X, 0, False), ValueError, "BatchSampler", "batch_size", "0, expected at least 1"),
    (lambda: BatchSampler(X, None, False), TypeError, "BatchSampler", "batch_size", "a NoneType, expected an int"),
    (lambda: BatchSampler(X, 1, 2), ValueError, "BatchSampler", "drop_last", "2, expected True or False"),
    # Weights
    (lambda: WeightedRandomSampler([], 1), ValueError, "WeightedRandomSampler", "weights", "empty, expected at least"),
    (
        lambda: WeightedRandomSampler([1.0, -2.0], 1),
        ValueError,
        "WeightedRandomSampler",
        "weights",
        "with -2.0, expected finite numbers >= 0",
    ),
    (
        lambda: WeightedRandomSampler([1.0, np.nan], 1),
        ValueError,
        "WeightedRandomSampler",
        "weights",
        "with nan, expected finite numbers >= 0",
    ),
    (
        lambda: WeightedRandomSampler([1.0, np.inf], 1),
        ValueError,
        "WeightedRandomSampler",
        "weights",
        "with inf, expected finite numbers >= 0",
    ),
    (lambda: WeightedRandomSampler([0.0], 1), ValueError, "WeightedRandomSampler", "weights", "all 0, expected at"),
    (lambda: WeightedRandomSampler(["a"], 1), TypeError, "WeightedRandomSampler", "weights", "of dtype <U1, expected"),
    (
        lambda: WeightedRandomSampler(np.ones((2, 1)), 1),
        ValueError,
        "WeightedRandomSampler",
        "weights",
        "of shape (2, 1), expected one axis of numbers",
    ),
    (lambda: WeightedRandomSampler([1.0], 0), ValueError, "WeightedRandomSampler", "num_samples", "0, expected at"),
    (
        lambda: WeightedRandomSampler([1.0, 0.0, 2.0], 3, replacement=False),
        ValueError,
        "WeightedRandomSampler",
        "num_samples",
        "3, expected at most 2, the number of weights above 0",
    ),
    # Shares
    (lambda: DistributedSampler([], 1, 0), ValueError, "DistributedSampler", "dataset", "empty, expected at least"),
    (lambda: DistributedSampler(X, 0, 0), ValueError, "DistributedSampler", "num_replicas", "0, expected at least 1"),
    (lambda: DistributedSampler(X, 2, -1), ValueError, "DistributedSampler", "rank", "-1, expected at least 0"),
    (
        lambda: DistributedSampler(X, 2, 2),
        ValueError,
        "DistributedSampler",
        "rank",
        "2, expected below num_replicas, which is 2",
    ),
    (lambda: DistributedSampler(X, 2, 0, seed="a"), TypeError, "DistributedSampler", "seed", "a str, expected an int"),
    # Classes
    (lambda: ClassBalancedSampler([], 1), ValueError, "ClassBalancedSampler", "labels", "empty, expected at least 1"),
    (lambda: ClassBalancedSampler([0.0], 1), TypeError, "ClassBalancedSampler", "labels", "of dtype float64, expected"),
    (
        lambda: ClassBalancedSampler(np.eye(3, dtype=int), 1),
        ValueError,
        "ClassBalancedSampler",
        "labels",
        "of shape (3, 3), expected one axis of integers",
    ),
    (lambda: ClassBalancedSampler([0], 0), ValueError, "ClassBalancedSampler", "batch_size", "0, expected at least 1"),
    (
        lambda: ClassBalancedSampler([0], 1, num_samples=3),
        ValueError,
        "ClassBalancedSampler",
        "num_samples",
        "3, expected None where oversample is False",
    ),
    (
        lambda: ClassBalancedSampler([0], 1, True, num_samples=0),
        ValueError,
        "ClassBalancedSampler",
        "num_samples",
        "0, expected at least 1",
    ),
    # Losses
    (lambda: HardExampleSampler([]), ValueError, "HardExampleSampler", "data_source", "empty, expected at least 1"),
    (lambda: HardExampleSampler(X, 0), ValueError, "HardExampleSampler", "num_samples", "0, expected at least 1"),
    (
        lambda: HardExampleSampler(X, temperature=0),
        ValueError,
        "HardExampleSampler",
        "temperature",
        "0, expected a number > 0",
    ),
    (
        lambda: HardExampleSampler(X, temperature="a"),
        TypeError,
        "HardExampleSampler",
        "temperature",
        "a str, expected a number",
    ),
    (lambda: HardExampleSampler(X, floor=1.5), ValueError, "HardExampleSampler", "floor", "1.5, expected between 0"),
    (lambda: HardExampleSampler(X, guard=0), ValueError, "HardExampleSampler", "guard", "0, expected a number > 0 or"),
    (lambda: HardExampleSampler(X, guard=np.inf), ValueError, "HardExampleSampler", "guard", "inf, expected a finite"),
    (lambda: HardExampleSampler(X, patience=0), ValueError, "HardExampleSampler", "patience", "0, expected at least 1"),
    (
        lambda: HardExampleSampler(X, labels=[0, 1]),
        ValueError,
        "HardExampleSampler",
        "labels",
        "of length 2, expected length 3, that of 'data_source'",
    ),
    (lambda: HardExampleSampler(X, labels=0.5), ValueError, "HardExampleSampler", "labels", "of shape (), expected"),
    (lambda: recorded([3], [1.0]), IndexError, "HardExampleSampler.update", "indices", "with 3, expected numbers in 0"),
    (lambda: recorded([-1], [1.0]), IndexError, "HardExampleSampler.update", "indices", "with -1, expected numbers in"),
    (lambda: recorded([0.0], [1.0]), TypeError, "HardExampleSampler.update", "indices", "of dtype float64, expected"),
    (lambda: recorded([0], [1.0, 2.0]), ValueError, "HardExampleSampler.update", "losses", "of length 2, expected len"),
    (lambda: recorded([0], fg.tensor(1.0)), ValueError, "HardExampleSampler.update", "losses", "of shape (), expected"),
    (lambda: recorded([0], [np.nan]), ValueError, "HardExampleSampler.update", "losses", "with nan, expected finite"),
    (lambda: recorded([0], [np.inf]), ValueError, "HardExampleSampler.update", "losses", "with inf, expected finite"),
    (lambda: recorded([0], [-1.0]), ValueError, "HardExampleSampler.update", "losses", "with -1.0, expected finite"),
    (lambda: recorded([0], [True]), TypeError, "HardExampleSampler.update", "losses", "of dtype bool, expected num"),
    (
        lambda: HardExampleSampler(X).weights([5]),
        IndexError,
        "HardExampleSampler.weights",
        "indices",
        "with 5, expected numbers in 0 ... 2",
    ),
]


@pytest.mark.parametrize(
    ("call", "error", "function", "argument", "rest"), BAD, ids=[f"{row[2]}-{row[3]}-{row[4][:8]}" for row in BAD]
)
def test_error_tells_what_is_wrong(call, error, function, argument, rest):
    with pytest.raises(error, match=re.escape(f"{function}(): argument '{argument}' is {rest}")):
        call()


def test_nothing_is_changed_by_a_bad_update_or_state():
    sampler = HardExampleSampler(X, generator=fg.Generator().manual_seed(0))
    sampler.update([0, 1], [1.0, 2.0])
    before = sampler.state_dict()
    with pytest.raises(ValueError, match="nan"):
        sampler.update([1, 2], [4.0, np.nan])
    for change in ({"epoch": -1}, {"seed": "a"}, {"strikes": np.zeros(2, int)}):
        with pytest.raises((ValueError, TypeError)):
            sampler.load_state_dict({**before, "losses": np.zeros(3), "seed": 3, "epoch": 4, **change})
    after = sampler.state_dict()
    assert {key: str(value) for key, value in before.items()} == {key: str(value) for key, value in after.items()}
