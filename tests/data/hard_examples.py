"""What the tests of hard-example sampling have in common."""

from __future__ import annotations

import numpy as np

import fastgrad as fg
from fastgrad.utils.data import HardExampleSampler

ALL = np.arange(20)


def seeded(seed):
    return fg.Generator().manual_seed(seed)


def sampler_of(total=20, seed=0, **options):
    return HardExampleSampler(range(total), generator=seeded(seed), **options)


def begin(sampler, epoch, losses, indices=None):
    """Begin an epoch and record losses in it."""
    sampler.order(epoch)
    sampler.update(range(len(losses)) if indices is None else indices, losses)


def with_outliers(count=2, total=20, large=10.0):
    """Losses around 1, but for the first ones."""
    losses = 1 + 0.2 * np.sin(np.arange(total))
    losses[:count] = large
    return losses
