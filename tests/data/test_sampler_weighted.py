"""Draws with weights: probabilities with and without replacement."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.utils.data import WeightedRandomSampler

WEIGHTS = [0.0, 1.0, 5.0, 0.0, 2.0, 0.5, 0.0]


def seeded(seed):
    return fg.Generator().manual_seed(seed)


def p_value(counts, probabilities):
    stats = pytest.importorskip("scipy.stats")
    return stats.chisquare(counts, np.asarray(probabilities) * np.sum(counts)).pvalue


@pytest.mark.parametrize("scale", [1e-310, 1e-3, 1.0, 3e307])
def test_draws_with_replacement(scale):
    weights = np.array(WEIGHTS) * scale
    order = WeightedRandomSampler(weights, 200_000, generator=seeded(0)).order(0)
    counts = np.bincount(order, minlength=7)
    drawn = np.array(WEIGHTS) > 0
    assert counts[~drawn].tolist() == [0, 0, 0]
    assert p_value(counts[drawn], np.array(WEIGHTS)[drawn] / sum(WEIGHTS)) > 1e-3
    successive = np.bincount(order[1:] * 7 + order[:-1], minlength=49).reshape(7, 7)[drawn][:, drawn]
    p = np.array(WEIGHTS)[drawn] / sum(WEIGHTS)
    assert p_value(successive.ravel(), np.outer(p, p).ravel()) > 1e-3


@pytest.mark.parametrize("scale", [1e-310, 1.0, 3e307])
def test_draws_without_replacement(scale):
    """All ordered pairs have the probability of drawing one after the other."""
    sampler = WeightedRandomSampler(np.array(WEIGHTS) * scale, 2, False, generator=seeded(0))
    pairs = np.array([sampler.order(epoch) for epoch in range(20_000)])
    total = sum(WEIGHTS)
    possible = [(i, j) for i, j in itertools.permutations(range(7), 2) if WEIGHTS[i] and WEIGHTS[j]]
    counts = [int(((pairs[:, 0] == i) & (pairs[:, 1] == j)).sum()) for i, j in possible]
    assert sum(counts) == len(pairs)
    probabilities = [WEIGHTS[i] / total * WEIGHTS[j] / (total - WEIGHTS[i]) for i, j in possible]
    assert p_value(counts, probabilities) > 1e-3


def test_all_that_can_be_drawn_are_a_permutation():
    assert sorted(WeightedRandomSampler(WEIGHTS, 4, replacement=False)) == [1, 2, 4, 5]


def test_largest_random_number_draws_nothing_impossible():
    """The highest number below 1 times the sum may be rounded to the sum."""
    from fastgrad.utils.data.weighted import draw

    class Highest:
        def random(self, size):
            return np.full(size, np.nextafter(1.0, 0.0))

    weights = np.array([1.0, 0.1, 0.0])
    assert draw(Highest(), weights, 3, True).tolist() == [1, 1, 1]
    weights = np.array([0.3, 0.7, 2.0**-60, 0.0])
    assert draw(Highest(), weights, 1, True).tolist()[0] in (1, 2)


@pytest.mark.parametrize("kind", [list, tuple, np.array, fg.tensor])
def test_weights_of_any_kind(kind):
    sampler = WeightedRandomSampler(kind([0.0, 1.0]), 3)
    assert list(sampler) == [1, 1, 1]
    assert (sampler.num_samples, sampler.replacement, len(sampler)) == (3, True, 3)
    assert sampler.weights.tolist() == [0.0, 1.0]


def test_weights_are_copied():
    weights = np.array([0.0, 1.0])
    sampler = WeightedRandomSampler(weights, 3)
    weights[:] = 1.0, 0.0
    assert list(sampler) == [1, 1, 1]
