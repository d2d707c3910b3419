"""Samplers in a loader: its batches are theirs, and a loop goes on where another one was left."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.utils.data import (
    ClassBalancedSampler,
    DataLoader,
    DistributedSampler,
    HardExampleSampler,
    RandomSampler,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)

LABELS = np.repeat([0, 1, 2], [12, 6, 2])
DATA = TensorDataset(np.arange(20))

SAMPLERS = {
    "random": lambda g: RandomSampler(DATA, generator=g),
    "subset": lambda g: SubsetRandomSampler(range(0, 20, 2), generator=g),
    "weighted": lambda g: WeightedRandomSampler(range(20), 15, generator=g),
    "balanced": lambda g: ClassBalancedSampler(LABELS, 4, generator=g),
    "distributed": lambda g: DistributedSampler(DATA, 2, 1),
    "hard": lambda g: HardExampleSampler(DATA, generator=g),
}


def seeded(seed):
    return fg.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", SAMPLERS)
def test_batches_follow_the_sampler(name):
    alone = SAMPLERS[name](seeded(0))
    loader = DataLoader(DATA, 4, sampler=SAMPLERS[name](seeded(0)))
    for epoch in range(3):
        batches = [batch.tolist() for (batch,) in loader]
        order = alone.order(epoch).tolist()
        assert batches == [order[i : i + 4] for i in range(0, len(order), 4)]


def train(loader, sampler, epochs, stop=None):
    """Go through a loader and record losses that are functions of the element and how often it came: the batches."""
    seen = []
    for _ in range(epochs):
        for (batch,) in loader:
            seen.append(batch.tolist())
            sampler.update(batch, 1 / (1 + np.array(batch.tolist())) + 0.1 * len(seen))
            if stop is not None and len(seen) == stop:
                return seen
    return seen


@pytest.mark.parametrize("stop", [1, 3, 5, 7, 9])
def test_losses_recorded_in_a_broken_off_epoch_are_kept(stop):
    whole = HardExampleSampler(DATA, generator=seeded(1))
    wanted = train(DataLoader(DATA, 4, sampler=whole), whole, 4)
    first = HardExampleSampler(DATA, generator=seeded(1))
    loader = DataLoader(DATA, 4, sampler=first)
    seen = train(loader, first, 4, stop)
    state = pickle.loads(pickle.dumps(loader.state_dict()))

    second = HardExampleSampler(DATA, generator=seeded(2))
    loader = DataLoader(DATA, 4, sampler=second)
    loader.load_state_dict(state)
    while len(seen) < len(wanted):
        for (batch,) in loader:
            seen.append(batch.tolist())
            second.update(batch, 1 / (1 + np.array(batch.tolist())) + 0.1 * len(seen))
    assert seen == wanted
    np.testing.assert_array_equal(second.losses, whole.losses)
