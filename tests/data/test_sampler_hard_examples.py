"""Probabilities from losses, the guard against outliers, and what an order depends on."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import fastgrad as fg
import fastgrad.nn.functional as F
from fastgrad import nn
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


def test_outlier_counts_as_the_mean_and_then_has_the_floor_alone():
    sampler = sampler_of(floor=0.1, guard=1.5, patience=2)
    losses = with_outliers()
    threshold = losses.mean() + 1.5 * losses.std()
    mean = np.minimum(losses, threshold).mean()
    watched = np.where(losses > threshold, mean, losses)
    begin(sampler, 0, losses)
    assert sampler.suspects.tolist() == []
    np.testing.assert_allclose(sampler.probabilities, 0.1 / 20 + 0.9 * watched / watched.sum())
    losses[1] = 12.0
    begin(sampler, 1, losses)
    assert sampler.suspects.tolist() == [1, 0]  # the largest loss first
    without = np.where(losses > 5, 0, losses)
    np.testing.assert_allclose(sampler.probabilities, 0.1 / 20 + 0.9 * without / without.sum())
    drawn = np.concatenate([sampler.order(epoch) for epoch in range(2, 402)])
    assert np.bincount(drawn)[:2].sum() / len(drawn) == pytest.approx(0.01, abs=0.002)


def test_strikes_are_counted_in_epochs_with_a_record():
    sampler = sampler_of(patience=3)
    begin(sampler, 0, with_outliers())
    begin(sampler, 1, with_outliers(0)[5:], range(5, 20))  # no record of the outliers: nothing new about them
    for _ in range(5):
        sampler.update([0, 1], [10.0, 10.0])  # several records in an epoch are one strike
    begin(sampler, 2, [10.0, 1.0], [0, 1])
    assert sampler.suspects.tolist() == [0]  # and the strikes of the other are forgotten
    begin(sampler, 3, [1.0, 10.0], [0, 1])
    assert sampler.suspects.tolist() == []
    begin(sampler, 4, [1.0, 10.0], [0, 1])
    begin(sampler, 5, [1.0, 10.0], [0, 1])
    assert sampler.suspects.tolist() == [1]


def test_suspects_do_not_move_the_threshold_up():
    """The second outlier is far below the first, and found all the same once that is a suspect."""
    sampler = sampler_of(patience=1)
    losses = with_outliers(1, large=1000.0)
    losses[1] = 120.0
    begin(sampler, 0, losses)
    assert sampler.suspects.tolist() == [0]
    begin(sampler, 1, losses)
    assert sampler.suspects.tolist() == [0, 1]


def test_threshold_is_at_least_a_tenth_of_the_suspects_loss():
    sampler = sampler_of(patience=1)
    begin(sampler, 0, with_outliers(1))
    learned = with_outliers(1) / 1000
    learned[:3] = 10.0, 0.99, 1.01
    begin(sampler, 1, learned)
    assert sampler.suspects.tolist() == [0, 2]


def test_rare_class_is_no_outlier_among_its_own():
    """Elements 0 to 4 have a label of their own, and all a large loss."""
    labels = np.where(ALL < 5, 7, -3)
    losses = with_outliers(5)
    losses[[4, 19]] = 30.0, 11.0
    by_label, together = sampler_of(patience=1, labels=labels), sampler_of(patience=1)
    for sampler in (by_label, together):
        begin(sampler, 0, losses)
    assert by_label.suspects.tolist() == [4, 19]
    assert set(together.suspects) != {4, 19}
    begin(by_label, 1, losses)
    share = np.where(np.isin(ALL, [4, 19]), 0, losses)
    np.testing.assert_allclose(by_label.probabilities, 0.1 / 20 + 0.9 * share / share.sum())


def test_labels_give_what_samplers_of_each_label_give():
    """Thresholds, strikes and the mean of what is not recorded, against one sampler per label."""
    labels = ALL % 3
    rng = np.random.default_rng(0)
    whole = sampler_of(guard=1.0, floor=0.0, labels=labels)
    parts = [sampler_of(np.sum(labels == label), guard=1.0, floor=0.0) for label in range(3)]
    for epoch in range(12):
        losses = rng.exponential(size=20) * (1 + 5 * (ALL < 4)) * (1 + labels)
        seen = rng.permutation(20)[:12]
        begin(whole, epoch, losses[seen], seen)
        for label, part in enumerate(parts):
            own = seen[labels[seen] == label]
            begin(part, epoch, losses[own], own // 3)
        if epoch == 0:
            continue
        suspects = [ALL[labels == label][part.suspects] for label, part in enumerate(parts)]
        assert set(whole.suspects) == set(np.concatenate(suspects))
        for label, part in enumerate(parts):
            p = whole.probabilities[labels == label]
            np.testing.assert_allclose(p / p.sum(), part.probabilities)
    assert len(whole.suspects) > 0


def test_label_without_a_record_counts_as_the_mean_of_all():
    sampler = sampler_of(4, floor=0.0, guard=None, labels=[0, 0, 1, 2])
    sampler.update([0, 2], [1.0, 3.0])
    np.testing.assert_allclose(sampler.probabilities, np.array([1, 1, 3, 2]) / 7)


def test_without_guard_outliers_have_their_share():
    sampler = sampler_of(guard=None, floor=0.1)
    losses = with_outliers()
    for epoch in range(5):
        begin(sampler, epoch, losses)
    assert sampler.suspects.tolist() == []
    np.testing.assert_allclose(sampler.probabilities, 0.1 / 20 + 0.9 * losses / losses.sum())


@pytest.mark.parametrize("loss", [0.1, 0.3, 1 / 3, 7.7, 1e-3])
def test_equal_losses_are_not_suspected(loss):
    for total in range(1, 40):
        sampler = sampler_of(total, patience=1)
        begin(sampler, 0, np.full(total, loss))
        assert sampler.suspects.tolist() == []


@settings(deadline=None, max_examples=100)
@example(np.array([5e5, 2e-313]), 0.5, 0)
@given(
    hnp.arrays(np.float64, st.integers(2, 40), elements=st.floats(0, 1e6)), st.floats(0.1, 5), st.integers(0, 2**32)
)
def test_guard_suspects_no_more_than_cantelli_allows(losses, guard, seed):
    sampler = sampler_of(len(losses), seed, guard=guard, patience=1)
    begin(sampler, 0, losses)
    assert len(sampler.suspects) <= len(losses) / (1 + guard**2) + 1e-9
    p = sampler.probabilities
    assert p.sum() == pytest.approx(1)
    assert (p >= 0.1 / len(losses) * (1 - 1e-12)).all()


def test_all_suspects_leave_equal_probabilities():
    sampler = sampler_of(4, patience=1, floor=0.1)
    begin(sampler, 0, [9.0, 1.0, 1.0, 1.0])
    begin(sampler, 1, [8.0, 1.0, 1.0], [1, 2, 3])
    begin(sampler, 2, [9.0, 8.0, 8.5, 8.0])
    for epoch in range(3, 20):
        begin(sampler, epoch, [9.0, 8.0, 8.5, 8.0])
        assert sampler.probabilities.sum() == pytest.approx(1)
        assert sampler.probabilities.min() >= 0.1 / 4


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


def test_wrong_labels_do_not_take_over():
    """A network trained on blobs of which every tenth has a wrong label, with and without guard."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, 400)
    x = (rng.normal(size=(4, 10))[y] * 1.2 + rng.normal(size=(400, 10)) * 0.5).astype(np.float32)
    wrong = np.arange(400) % 10 == 0
    y[wrong] = (y[wrong] + 1) % 4

    def train(guard):
        fg.manual_seed(0)
        net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 4))
        optimizer = fg.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        sampler = HardExampleSampler(range(400), guard=guard)
        share = []
        for _ in range(12):
            order = np.array(list(sampler))
            share.append(wrong[order].mean())
            for batch in order.reshape(-1, 20):
                losses = F.cross_entropy(net(fg.tensor(x[batch])), fg.tensor(y[batch]), reduction="none")
                sampler.update(batch, losses)
                optimizer.zero_grad()
                losses.mean().backward()
                optimizer.step()
        return np.mean(share[-6:]), sampler.suspects

    unguarded, none = train(None)
    guarded, suspects = train(1.5)
    assert unguarded > 0.3
    assert guarded < 0.1
    assert len(none) == 0
    assert wrong[suspects].mean() > 0.8
    assert wrong[suspects].sum() > 0.8 * wrong.sum()
