"""Samplers under torch's names: which elements, how often, and as a function of seed and epoch."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastgrad as fg
from fastgrad.utils.data import (
    BatchSampler,
    ClassBalancedSampler,
    DistributedSampler,
    EpochSampler,
    HardExampleSampler,
    RandomSampler,
    Sampler,
    SeededSampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

LABELS = np.repeat([0, 1, 2], [12, 6, 2])

SEEDED = {
    "random": lambda g: RandomSampler(range(20), generator=g),
    "random with replacement": lambda g: RandomSampler(range(20), replacement=True, generator=g),
    "random, longer": lambda g: RandomSampler(range(20), num_samples=45, generator=g),
    "subset": lambda g: SubsetRandomSampler(range(0, 40, 2), generator=g),
    "weighted": lambda g: WeightedRandomSampler(range(20), 15, generator=g),
    "weighted without replacement": lambda g: WeightedRandomSampler(range(20), 15, False, generator=g),
    "balanced": lambda g: ClassBalancedSampler(LABELS, 4, generator=g),
    "oversampled": lambda g: ClassBalancedSampler(LABELS, 4, oversample=True, generator=g),
    "hard": lambda g: HardExampleSampler(range(20), generator=g),
}


@pytest.fixture(params=SEEDED)
def make(request):
    return SEEDED[request.param]


def seeded(seed):
    return fg.Generator().manual_seed(seed)


def uniform_p_value(counts):
    """How likely counts as uneven as these are, if all are equally likely."""
    return pytest.importorskip("scipy.stats").chisquare(counts).pvalue


def test_orders_are_functions_of_seed_and_epoch(make):
    a, b, c = make(seeded(1)), make(seeded(1)), make(seeded(2))
    orders = [a.order(epoch) for epoch in range(5)]
    for epoch in (3, 0, 4, 0):
        np.testing.assert_array_equal(b.order(epoch), orders[epoch])
    assert len({tuple(order) for order in orders}) == 5
    assert c.order(0).tolist() != orders[0].tolist()
    for order in orders:
        assert order.dtype == np.int64
        assert order.shape == (len(a),)


def test_seed_is_drawn_once_at_first_use(make):
    generator = seeded(3)
    state = generator.get_state()
    a = make(generator)
    assert generator.get_state() == state
    first = a.order(0)
    assert generator.get_state() != state
    state = generator.get_state()
    assert a.order(1).tolist() != first.tolist()
    assert generator.get_state() == state


def test_manual_seed_is_where_seeds_come_from(make):
    fg.manual_seed(5)
    a, b = make(None), make(None)
    first, second = a.order(0).tolist(), b.order(0).tolist()
    assert first != second
    fg.manual_seed(5)
    assert make(None).order(0).tolist() == first


def test_loops_go_from_epoch_to_epoch(make):
    sampler = make(seeded(4))
    orders = [sampler.order(epoch).tolist() for epoch in range(4)]
    assert list(sampler) == orders[0]
    assert all(type(i) is int for i in sampler)
    next(iter(sampler))  # a loop that is left early was an epoch too
    assert sampler.epoch == 3
    assert list(sampler) == orders[3]
    sampler.set_epoch(1)
    assert list(sampler) == orders[1]
    assert sampler.epoch == 2


def test_state_repeats_what_comes(make):
    sampler = make(seeded(6))
    list(sampler)
    state = pickle.loads(pickle.dumps(sampler.state_dict()))
    wanted = [list(sampler) for _ in range(3)]
    other = make(seeded(7))
    other.load_state_dict(state)
    assert [list(other) for _ in range(3)] == wanted
    untouched = make(seeded(6))
    list(untouched)
    assert [list(untouched) for _ in range(3)] == wanted


def test_loading_a_state_draws_no_seed(make):
    state = make(seeded(6)).state_dict()
    generator = seeded(3)
    before = generator.get_state()
    sampler = make(generator)
    sampler.load_state_dict(state)
    sampler.order(0)
    assert generator.get_state() == before


def test_pickled_samplers_go_on(make):
    sampler = make(seeded(8))
    copy = pickle.loads(pickle.dumps(sampler))
    assert list(copy) == list(sampler)
    copy = pickle.loads(pickle.dumps(sampler))
    assert list(copy) == list(sampler)


def test_sequential():
    sampler = SequentialSampler(range(5))
    assert list(sampler) == list(sampler) == sampler.order(7).tolist() == [0, 1, 2, 3, 4]
    assert len(sampler) == 5
    assert sampler.state_dict() == {"epoch": 2}
    assert list(SequentialSampler([])) == []
    assert sampler.data_source == range(5)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 30), st.integers(1, 90), st.integers(0, 2**32))
def test_random_is_one_permutation_after_the_other(total, num_samples, seed):
    order = RandomSampler(range(total), num_samples=num_samples, generator=seeded(seed)).order(0).tolist()
    assert len(order) == num_samples
    for start in range(0, num_samples, total):
        part = order[start : start + total]
        assert len(set(part)) == len(part)
        assert set(part) <= set(range(total))


def test_random_reads_the_length_anew():
    data = [1, 2]
    sampler = RandomSampler(data)
    data.append(3)
    assert len(sampler) == 3
    assert sorted(sampler) == [0, 1, 2]


def test_permutations_are_uniform():
    """All 24 orders of 4 elements are equally likely over epochs, and over seeds."""
    one = RandomSampler(range(4), generator=seeded(0))
    for orders in (
        [one.order(epoch) for epoch in range(4800)],
        [RandomSampler(range(4), generator=seeded(seed)).order(0) for seed in range(4800)],
    ):
        counts = np.unique(np.array(orders) @ [64, 16, 4, 1], return_counts=True)[1]
        assert len(counts) == 24
        assert uniform_p_value(counts) > 1e-3


def test_replacement_is_uniform():
    order = RandomSampler(range(10), replacement=True, num_samples=100_000, generator=seeded(0)).order(0)
    assert uniform_p_value(np.bincount(order)) > 1e-3
    assert uniform_p_value(np.bincount(order[1:] * 10 + order[:-1])) > 1e-3


@pytest.mark.parametrize("kind", [list, tuple, np.array, fg.tensor])
def test_subset(kind):
    indices = kind([7, -1, 7, 2])
    sampler = SubsetRandomSampler(indices)
    assert sampler.indices is indices
    assert len(sampler) == 4
    assert sorted(sampler) == [-1, 2, 7, 7]
    assert list(SubsetRandomSampler([])) == []


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("source", ["sequential", "random", "of a user", "list"])
def test_batches(source, drop_last):
    class Own(Sampler):
        def __iter__(self):
            return iter([5, 3, 1, 2, 4])

        def __len__(self):
            return 5

    sampler = {
        "sequential": lambda: SequentialSampler(range(5)),
        "random": lambda: RandomSampler(range(5), generator=seeded(0)),
        "of a user": Own,
        "list": lambda: [9, 8, 7, 6, 5],
    }[source]()
    numbers = sampler.order(0).tolist() if isinstance(sampler, EpochSampler) else list(sampler)
    batches = BatchSampler(sampler, 2, drop_last)
    assert batches.sampler is sampler
    assert (batches.batch_size, batches.drop_last) == (2, drop_last)
    wanted = [numbers[:2], numbers[2:4]] + ([] if drop_last else [numbers[4:]])
    assert list(batches) == wanted
    assert len(batches) == len(wanted)


def test_batches_draw_the_order_when_the_loop_begins():
    sampler = RandomSampler(range(6), generator=seeded(0))
    batches = iter(BatchSampler(sampler, 4, False))
    wanted = sampler.order(0).tolist()
    sampler.set_epoch(9)
    assert next(batches) + next(batches) == wanted


def test_bases_say_what_is_missing():
    with pytest.raises(NotImplementedError, match=r"Sampler has no __iter__\(\)"):
        iter(Sampler())
    with pytest.raises(NotImplementedError, match=r"EpochSampler has no order\(\)"):
        iter(EpochSampler())
    assert not hasattr(Sampler(), "order")


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 40), st.integers(1, 9), st.booleans(), st.data())
def test_distributed_equals_torch(total, num_replicas, drop_last, data):
    torch = pytest.importorskip("torch")
    rank = data.draw(st.integers(0, num_replicas - 1))
    arguments = (range(total), num_replicas, rank, False, 3, drop_last)
    ours, theirs = DistributedSampler(*arguments), torch.utils.data.DistributedSampler(*arguments)
    assert list(ours) == list(theirs)
    assert len(ours) == len(theirs)


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 40), st.integers(1, 9), st.integers(-5, 5))
def test_shuffled_shares_are_disjoint_and_complete(total, num_replicas, seed):
    for epoch in range(2):
        shares = [DistributedSampler(range(total), num_replicas, rank, seed=seed) for rank in range(num_replicas)]
        drawn = np.array([share.order(epoch) for share in shares])
        counts = np.bincount(drawn.ravel(), minlength=total)
        assert counts.min() >= 1
        assert counts.max() - counts.min() <= 1
        kept = [
            DistributedSampler(range(total), num_replicas, rank, seed=seed, drop_last=True).order(epoch)
            for rank in range(num_replicas)
        ]
        drawn = np.concatenate(kept)
        assert len(np.unique(drawn)) == len(drawn) == total // num_replicas * num_replicas


def test_distributed_orders_follow_seed_and_epoch():
    a = DistributedSampler(range(30), 3, 1)
    assert a.seed == 0
    assert a.order(0).tolist() != a.order(1).tolist()
    assert a.order(0).tolist() != DistributedSampler(range(30), 3, 1, seed=1).order(0).tolist()
    first, second = list(a), list(a)
    assert first != second  # torch's repeats itself
    b = DistributedSampler(range(30), 3, 1)
    b.load_state_dict({**a.state_dict(), "epoch": 1})
    assert list(b) == second


def test_samplers_of_a_user_have_seeds_and_epochs():
    class Half(SeededSampler):
        def order(self, epoch):
            return self.random(epoch).permutation(10)[:5]

        def __len__(self):
            return 5

    a, b = Half(seeded(0)), Half(seeded(0))
    assert list(a) == b.order(0).tolist()
    assert list(a) == b.order(1).tolist()
