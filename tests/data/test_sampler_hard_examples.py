"""Hard-example sampling: probabilities from losses, and what an order depends on."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import fastgrad as fg
import fastgrad.nn.functional as F
from tests.data.hard_examples import ALL, begin, sampler_of, with_outliers


def test_without_losses_an_epoch_is_a_permutation():
    sampler = sampler_of(1000)
    assert sampler.probabilities.tolist() == [1 / 1000] * 1000
    assert sorted(sampler.order(0).tolist()) == list(range(1000))
    assert np.isnan(sampler.losses).all()
    assert sampler.suspects.tolist() == []


@settings(deadline=None, max_examples=100)
@given(
    hnp.arrays(np.float64, st.integers(1, 30), elements=st.floats(0, 1e300)),
    st.sampled_from([0.5, 1.0, 2.0, 7.0, np.inf]),
    st.floats(0, 1),
    st.integers(1, 100),
    st.integers(0, 2**32),
)
def test_probabilities_and_counts(losses, temperature, floor, num_samples, seed):
    n = len(losses)
    sampler = sampler_of(n, seed, temperature=temperature, floor=floor, guard=None, num_samples=num_samples)
    sampler.update(range(n), losses)
    share = (losses / max(losses.max(), 1e-300)) ** (1 / temperature)
    share = share / share.sum() if share.any() else np.full(n, 1 / n)
    p = floor / n + (1 - floor) * share
    np.testing.assert_allclose(sampler.probabilities, p, rtol=1e-9, atol=1e-300)
    order = sampler.order(0)
    assert len(order) == len(sampler) == num_samples
    counts = np.bincount(order, minlength=n)
    assert (counts >= np.floor(num_samples * p - 1e-6)).all()
    assert (counts <= np.ceil(num_samples * p + 1e-6)).all()


def test_counts_are_right_on_the_average():
    losses = np.arange(20) / 7
    sampler = sampler_of(floor=0.2, guard=None, num_samples=33)
    sampler.update(ALL, losses)
    p = 0.2 / 20 + 0.8 * losses / losses.sum()
    drawn = np.array([sampler.order(epoch) for epoch in range(4000)])
    counts = np.array([np.bincount(order, minlength=20) for order in drawn])
    # A count is one of two neighbours, so its deviation is at most 1/2, that of a mean 1/2/sqrt(4000) = 0.008.
    np.testing.assert_allclose(counts.mean(axis=0), 33 * p, atol=0.035)
    # No place in the epoch is another's: every place has every element with its probability.
    for place in (0, 16, 32):
        share = np.bincount(drawn[:, place], minlength=20) / 4000
        np.testing.assert_allclose(share, p, atol=4.5 * np.sqrt(p.max() / 4000))


def test_unseen_elements_count_as_the_mean():
    sampler = sampler_of(4, floor=0.0, guard=None)
    sampler.update([0, 1], [1.0, 3.0])
    np.testing.assert_allclose(sampler.probabilities, np.array([1, 3, 2, 2]) / 8)


def test_last_loss_counts():
    sampler = sampler_of(3, floor=0.0, guard=None)
    sampler.update([0, 1, 2], [5.0, 1.0, 1.0])
    sampler.update([0, 0], [9.0, 2.0])
    np.testing.assert_allclose(sampler.probabilities, [0.5, 0.25, 0.25])
    assert sampler.losses.tolist() == [2.0, 1.0, 1.0]


def test_losses_that_are_all_zero_give_equal_probabilities():
    sampler = sampler_of(5)
    sampler.update(range(5), np.zeros(5))
    assert sampler.probabilities.tolist() == [0.2] * 5


def test_losses_that_are_all_zero_clear_suspects():
    sampler = sampler_of(patience=1)
    begin(sampler, 0, with_outliers())
    begin(sampler, 1, np.zeros(20))
    assert sampler.suspects.tolist() == []
    begin(sampler, 2, with_outliers(0))
    assert sampler.suspects.tolist() == []


def test_losses_and_indices_of_any_kind():
    x = fg.tensor([[1.0, 2.0], [0.5, 0.0]], requires_grad=True)
    losses = F.cross_entropy(x, fg.tensor([0, 0]), reduction="none")
    a, b = sampler_of(), sampler_of()
    a.update(fg.tensor([3, 5]), losses)
    b.update([3, 5], [float(v) for v in losses.detach().numpy()])
    np.testing.assert_array_equal(a.losses, b.losses)


def test_order_depends_on_losses_recorded_before_the_epoch():
    a, b = sampler_of(seed=1), sampler_of(seed=1)
    for sampler in (a, b):
        sampler.update(ALL, np.arange(20.0))
    order = a.order(1).tolist()
    a.update(ALL, np.arange(20.0)[::-1])  # counts for the next epoch
    assert a.order(1).tolist() == order
    assert b.order(1).tolist() == order
    b.update(ALL, np.arange(20.0)[::-1])
    assert a.order(2).tolist() == b.order(2).tolist()
    assert sampler_of(seed=1).order(2).tolist() != a.order(2).tolist()


def test_state_in_the_middle_of_an_epoch():
    sampler = sampler_of(seed=2, guard=1.0)
    rng = np.random.default_rng(0)

    def go_on(sampler, epochs, rng):
        orders = []
        for epoch in epochs:
            orders.append(sampler.order(epoch).tolist())
            half = orders[-1][10:]
            sampler.update(half, rng.exponential(size=len(half)) * (1 + 9 * (np.array(half) < 3)))
        return orders, sampler.suspects.tolist()

    go_on(sampler, range(4), rng)
    first = sampler.order(4)
    sampler.update(first[:10], rng.exponential(size=10))
    state = pickle.loads(pickle.dumps(sampler.state_dict()))
    copy = rng.bit_generator.state
    wanted = go_on(sampler, range(4, 9), rng)
    other = sampler_of(seed=3, guard=1.0)
    other.load_state_dict(state)
    rng.bit_generator.state = copy
    assert go_on(other, range(4, 9), rng) == wanted
    assert wanted[1]


def test_state_is_a_copy():
    sampler = sampler_of(3)
    sampler.update([0, 1, 2], [1.0, 2.0, 3.0])
    state = sampler.state_dict()
    other = sampler_of(3)
    other.load_state_dict(state)
    sampler.update([0], [9.0])
    other.update([1], [7.0])
    assert state["losses"].tolist() == [1.0, 2.0, 3.0]
    sampler.losses[0] = 5.0
    assert sampler.losses.tolist() == [9.0, 2.0, 3.0]


def test_weights_undo_the_probabilities():
    """The weighted mean over drawn elements is that over the data set, of any function."""
    sampler = sampler_of(num_samples=50, floor=0.2)
    sampler.update(ALL, with_outliers())
    sampler.order(0)
    p = sampler.probabilities
    values = np.cos(ALL)
    w = sampler.weights(ALL)
    assert w.dtype == np.float32
    assert (w <= 1 / 0.2 + 1e-5).all()
    assert (p * w * values).sum() == pytest.approx(values.mean(), rel=1e-6)
    sampler.update(ALL, with_outliers()[::-1])
    np.testing.assert_array_equal(sampler.weights(ALL), w)  # those of the epoch that began
    means = []
    for epoch in range(1, 400):
        order = sampler.order(epoch)
        means.append((values[order] * sampler.weights(order)).mean())
    assert np.mean(means) == pytest.approx(values.mean(), abs=0.01)


def test_weight_of_what_cannot_be_drawn_is_infinite():
    sampler = sampler_of(3, floor=0.0, guard=None)
    sampler.update(range(3), [0.0, 1.0, 1.0])
    assert 0 not in sampler.order(0)
    np.testing.assert_allclose(sampler.weights([0, 1, 2]), [np.inf, 2 / 3, 2 / 3], rtol=1e-6)
