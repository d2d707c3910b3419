"""Draws with weights: probabilities with and without replacement."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.utils.data import WeightedRandomSampler
from fastgrad.utils.data.weighted import draw

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
    """All ordered triples have the probability of drawing one after the other."""
    sampler = WeightedRandomSampler(np.array(WEIGHTS) * scale, 3, False, generator=seeded(0))
    drawn = np.array([sampler.order(epoch) for epoch in range(15_000)])
    total = sum(WEIGHTS)
    possible = list(itertools.permutations(np.flatnonzero(WEIGHTS), 3))
    counts = [int((drawn == triple).all(axis=1).sum()) for triple in possible]
    assert sum(counts) == len(drawn)
    probabilities = []
    for i, j, k in possible:
        a, b, c = WEIGHTS[i], WEIGHTS[j], WEIGHTS[k]
        probabilities.append(a / total * b / (total - a) * c / (total - a - b))
    assert p_value(counts, probabilities) > 1e-3


def test_places_without_replacement_have_no_favourites():
    """With equal weights, every place has every element equally often."""
    sampler = WeightedRandomSampler(np.ones(100), 50, False, generator=seeded(0))
    places = np.array([sampler.order(epoch) for epoch in range(400)])
    assert all(len(set(order.tolist())) == 50 for order in places)
    # A mean of 400 places is 49.5, with a deviation of 28.9 / 20.
    np.testing.assert_allclose(places.mean(axis=0), 49.5, atol=6)


def test_all_that_can_be_drawn_are_a_permutation():
    assert sorted(WeightedRandomSampler(WEIGHTS, 4, replacement=False)) == [1, 2, 4, 5]


@pytest.mark.parametrize("weights", [[1.0, 0.1, 0.0], [0.3, 0.7, 0.0], [1.0, 1.0, 0.0], [0.1, 0.3, 0.0]])
def test_largest_random_number_draws_the_last_that_is_possible(weights):
    class Highest:
        def random(self, size):
            return np.full(size, np.nextafter(1.0, 0.0))

        def permutation(self, x):
            return x

    assert draw(Highest(), np.array(weights), 3, True).tolist() == [1, 1, 1]


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
