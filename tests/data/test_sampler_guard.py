"""Hard-example sampling: the guard against outliers, and wrong labels, which do not take over."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import fastgrad as fg
import fastgrad.nn.functional as F
from fastgrad import nn
from fastgrad.utils.data import HardExampleSampler
from tests.data.hard_examples import ALL, begin, sampler_of, with_outliers


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
