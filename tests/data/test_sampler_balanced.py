"""Batches with as many classes as possible, against all orders (small cases) and the largest flow (any)."""

from __future__ import annotations

import functools
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastgrad as fg
from fastgrad.utils.data import ClassBalancedSampler


def sampler_of(counts, batch_size, seed=0, **options):
    """A sampler of shuffled labels, classes being named 10, 11, …"""
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)) + 10, counts))
    return ClassBalancedSampler(labels, batch_size, generator=fg.Generator().manual_seed(seed), **options)


def batches(sampler, epoch=0):
    """The labels of each batch."""
    labels = sampler.labels[sampler.order(epoch)]
    return np.split(labels, range(sampler.batch_size, len(labels), sampler.batch_size))


def classes_in(sampler, epoch=0):
    return [len(set(batch.tolist())) for batch in batches(sampler, epoch)]


def all_outcomes(counts, sizes):
    """The numbers of classes in the batches, sorted, of every way to fill them."""

    @functools.cache
    def fill(left, i):
        if i == len(sizes):
            return {()}
        found = set()
        for take in itertools.product(*(range(n + 1) for n in left)):
            if sum(take) == sizes[i]:
                here = sum(t > 0 for t in take)
                rest = tuple(n - t for n, t in zip(left, take, strict=True))
                found |= {tuple(sorted((here, *others))) for others in fill(rest, i + 1)}
        return found

    return fill(tuple(counts), 0)


def sizes_of(total, batch_size):
    return [min(batch_size, total - start) for start in range(0, total, batch_size)]


def largest_total(counts, sizes):
    """Pairs of batch and class, by the largest flow from classes through batches."""
    csgraph = pytest.importorskip("scipy.sparse.csgraph")
    sparse = pytest.importorskip("scipy.sparse")
    c, b = len(counts), len(sizes)
    capacity = np.zeros((c + b + 2, c + b + 2), np.int32)
    capacity[-2, :c] = counts
    capacity[:c, c : c + b] = 1
    capacity[c : c + b, -1] = sizes
    return csgraph.maximum_flow(sparse.csr_array(capacity), c + b, c + b + 1).flow_value


@settings(deadline=None, max_examples=150)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=5).filter(lambda c: sum(c) <= 10), st.integers(1, 6), st.data())
def test_no_order_is_better(counts, batch_size, data):
    sampler = sampler_of(counts, batch_size, data.draw(st.integers(0, 2**32)))
    possible = all_outcomes(tuple(counts), tuple(sizes_of(sum(counts), batch_size)))
    got = tuple(sorted(classes_in(sampler, data.draw(st.integers(0, 5)))))
    assert sum(got) == max(map(sum, possible))
    assert got == max(possible)  # the poorest batch has most, then the second poorest, and so on


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=20), st.integers(1, 40), st.data())
def test_total_is_the_largest_flow_and_even(counts, batch_size, data):
    sampler = sampler_of(counts, batch_size, data.draw(st.integers(0, 2**32)))
    sizes = sizes_of(sum(counts), batch_size)
    got = classes_in(sampler)
    assert sum(got) == largest_total(counts, sizes)
    full = got[:-1] or got
    assert max(full) - min(full) <= 1
    assert got[-1] == sizes[-1] or abs(got[-1] - min(full)) <= 1
    order = sampler.order(0)
    assert order.dtype == np.int64
    assert sorted(order.tolist()) == list(range(sum(counts)))


def test_classes_of_very_different_size():
    sampler = sampler_of([1000, 10, 1], 32)
    found = batches(sampler)
    assert all((batch == 10).any() for batch in found)
    assert sum((batch == 11).any() for batch in found) == 10
    assert sorted(classes_in(sampler)) == [1] * 21 + [2] * 11


def test_balanced_classes_are_all_in_every_batch():
    assert classes_in(sampler_of([30] * 10, 10)) == [10] * 30


def test_more_classes_than_places():
    assert classes_in(sampler_of([7] * 50, 16)) == [16] * 21 + [14]


def test_what_is_left_of_large_classes_is_spread():
    """Elements beyond one per batch are as evenly spread as those."""
    for batch in batches(sampler_of([400, 200, 100, 100], 16)):
        np.testing.assert_allclose(np.bincount(batch - 10), [8, 4, 2, 2], atol=2)


def test_places_are_random():
    """In which batches the elements of a small class are differs from epoch to epoch, and is uniform over many."""
    sampler = sampler_of([95, 5], 10)
    seen = np.array([[(batch == 11).any() for batch in batches(sampler, epoch)] for epoch in range(600)])
    assert (seen.sum(axis=1) == 5).all()
    # Mean of each batch 0.5; standard deviation of a mean 0.02
    np.testing.assert_allclose(seen.mean(axis=0), 0.5, atol=0.08)
    # No two batches go together: the covariance of drawing 5 of 10 is -1/36 for all pairs.
    covariance = np.cov(seen.T)[~np.eye(10, dtype=bool)]
    np.testing.assert_allclose(covariance, -1 / 36, atol=0.045)


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=20),
    st.integers(1, 40),
    st.integers(1, 300),
    st.integers(0, 2**32),
)
def test_oversampled_classes_are_equally_frequent(counts, batch_size, num_samples, seed):
    sampler = sampler_of(counts, batch_size, seed, oversample=True, num_samples=num_samples)
    assert len(sampler) == num_samples
    for labels in [*batches(sampler), np.concatenate(batches(sampler))]:
        found = np.bincount(labels - 10, minlength=len(counts))
        assert found.max() - found.min() <= 1
    used = np.bincount(sampler.order(0), minlength=sum(counts))
    for c in range(len(counts)):
        of_class = used[sampler.labels == c + 10]
        assert of_class.max() - of_class.min() <= 1


def test_oversampling_without_a_length_is_as_long_as_the_data_set():
    sampler = sampler_of([1000, 10, 1], 32, oversample=True)
    assert len(sampler) == len(list(sampler)) == 1011
    assert np.bincount(np.concatenate(batches(sampler)) - 10).tolist() == [337] * 3


def test_repeats_of_a_class_come_in_ever_new_order():
    sampler = sampler_of([600, 3], 2, oversample=True)
    of_class = sampler.order(0)[sampler.labels[sampler.order(0)] == 11]
    rounds = of_class[:300].reshape(100, 3)
    assert (np.sort(rounds) == np.sort(rounds[0])).all()
    counts = np.unique(rounds, axis=0, return_counts=True)[1]
    assert len(counts) == 6
    assert counts.max() < 35  # 17 on the average


@pytest.mark.parametrize("kind", [list, tuple, np.asarray, fg.tensor])
def test_labels_of_any_kind(kind):
    labels = [-5, 3, -5, 3, 1000]
    sampler = ClassBalancedSampler(kind(labels), 3, generator=fg.Generator().manual_seed(0))
    assert classes_in(sampler) == [3, 2]


@pytest.mark.parametrize("oversample", [False, True])
def test_order_is_a_function_of_seed_and_epoch(oversample):
    a, b = (sampler_of([9, 5, 2], 4, 3, oversample=oversample) for _ in range(2))
    first = [a.order(epoch).tolist() for epoch in range(4)]
    assert [b.order(epoch).tolist() for epoch in reversed(range(4))] == first[::-1]
    assert len({tuple(order) for order in first}) == 4
