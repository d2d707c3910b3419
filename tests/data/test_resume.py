"""A loop that goes on where another one was: bit for bit, with any number of workers."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.utils.data import DataLoader, Dataset, SequentialSampler, TensorDataset, WeightedRandomSampler
from tests.data import worker_sets as sets


def load(dataset, workers=0, seed=0, **options):
    if workers:
        options["multiprocessing_context"] = "fork"
    return DataLoader(dataset, num_workers=workers, generator=fg.Generator().manual_seed(seed), **options)


def plain(batch):
    return [np.asarray(x.numpy()).tobytes() for x in batch]


def run(loader, epochs=2):
    """All batches of some epochs, and the state after each and before the first."""
    batches, states = [], [json.loads(json.dumps(loader.state_dict()))]
    while loader.epoch < epochs:
        for batch in loader:
            batches.append(plain(batch))
            states.append(pickle.loads(pickle.dumps(loader.state_dict())))
    return batches, states


def check_every_step(make, others):
    """From the state after each batch loaders go on with the next one, through two epochs."""
    batches, states = run(make(0))
    assert len(states) == len(batches) + 1
    assert len({tuple(batch) for batch in batches}) == len(batches)
    for done, state in enumerate(states):
        for other in others:
            loader = other()
            loader.load_state_dict(state)
            assert run(loader)[0] == batches[done:], done


class Noise:
    """A transform that draws."""

    batched = True

    def __call__(self, x):
        return x + np.random.rand(*x.shape).astype(np.float32)


ARRAYS = TensorDataset(np.arange(60, dtype=np.float32).reshape(20, 3), np.arange(20))
NOISY = TensorDataset(np.arange(60, dtype=np.float32).reshape(20, 3), np.arange(20), transform=Noise())


@pytest.mark.parametrize("dataset", [ARRAYS, NOISY, sets.Noisy(20)], ids=["arrays", "transform", "python"])
@pytest.mark.parametrize("drop_last", [False, True])
def test_every_step_of_two_epochs(dataset, drop_last):
    def make(seed):
        return load(dataset, 0, seed, batch_size=3, shuffle=True, drop_last=drop_last)

    check_every_step(make, [lambda: make(seed=9)])


@pytest.mark.parametrize(("first", "then"), [(0, 2), (2, 0), (2, 3)])
def test_every_step_of_two_epochs_with_other_workers(first, then):
    def make(workers, seed):
        return load(sets.Noisy(9), workers, seed, batch_size=2, shuffle=True)

    check_every_step(lambda seed: make(first, seed), [lambda: make(then, 9)])


def test_single_elements():
    def make(seed):
        return load(sets.Noisy(6), 0, seed, batch_size=None, shuffle=True)

    batches, states = [], []
    loader = make(0)
    for _ in range(2):
        for x, _ in loader:
            batches.append(x.tolist())
            states.append(loader.state_dict())
    for done, state in enumerate(states, 1):
        loader = make(1)
        loader.load_state_dict(state)
        rest = []
        while loader.epoch < 2:
            rest += [x.tolist() for x, _ in loader]
        assert rest == batches[done:]


@pytest.mark.parametrize("workers", [0, 2])
def test_streams(workers):
    def make(seed):
        return load(sets.Measured(14, 14), workers, seed, batch_size=3)

    check_every_step(make, [lambda: make(seed=9)])


class Unordered:
    """A sampler without orders, which is told the epoch."""

    def __init__(self, lists):
        self.lists = lists

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __iter__(self):
        order = np.random.default_rng(self.epoch).permutation(10).tolist()
        return iter([order[i : i + 4] for i in range(0, 10, 4)] if self.lists else order)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("dataset", [ARRAYS, sets.Noisy(20)], ids=["arrays", "python"])
def test_samplers_of_the_user(dataset, workers):
    def make(seed, lists):
        options = {"batch_sampler": Unordered(True)} if lists else {"batch_size": 4, "sampler": Unordered(False)}
        return load(dataset, workers, seed, **options)

    for lists in (False, True):
        check_every_step(lambda seed, lists=lists: make(seed, lists), [lambda lists=lists: make(9, lists)])
    assert [x[1].tolist() for x in make(0, True)] == [x[1].tolist() for x in make(0, False)]


def test_samplers_with_orders():
    def make(seed):
        generator = fg.Generator().manual_seed(seed)
        sampler = WeightedRandomSampler(np.arange(1.0, 21), 11, generator=generator)
        return load(ARRAYS, 0, seed, batch_size=2, sampler=sampler)

    check_every_step(make, [lambda: make(seed=9)])


class Remembering:
    """A sampler whose next order depends on the last one."""

    def __init__(self):
        self.seed = 1

    def __iter__(self):
        order = np.random.default_rng(self.seed).permutation(6).tolist()
        self.seed = 17 * self.seed + 1
        return iter(order)

    def state_dict(self):
        return {"seed": self.seed}

    def load_state_dict(self, state):
        self.seed = state["seed"]


def test_the_state_of_a_sampler_is_that_at_the_beginning_of_the_epoch():
    check_every_step(
        lambda seed: load(sets.Noisy(6), 0, seed, batch_size=2, sampler=Remembering()),
        [lambda: load(sets.Noisy(6), 0, 9, batch_size=2, sampler=Remembering())],
    )


def test_only_batches_that_were_given_out_count():
    loader = load(sets.Noisy(20), 2, batch_size=2, prefetch_factor=4)
    loop = iter(loader)
    assert loader.state_dict()["batches"] == 0
    next(loop)
    next(loop)
    state = loader.state_dict()
    assert (state["epoch"], state["batches"], loader.epoch) == (0, 2, 1)
    list(loop)
    state = loader.state_dict()
    assert (state["epoch"], state["batches"]) == (1, 0)


def test_after_a_break_the_next_loop_is_another_epoch():
    loader = load(ARRAYS, batch_size=5, shuffle=True)
    for batch in loader:
        first = batch[1].tolist()
        break
    state = loader.state_dict()
    assert next(iter(loader))[1].tolist() != first
    loader.load_state_dict(state)
    rest = [i for batch in loader for i in batch[1].tolist()]
    assert sorted(first + rest) == list(range(20))


def test_set_epoch():
    loader = load(sets.Noisy(8), batch_size=3, shuffle=True)
    epochs = [[plain(batch) for batch in loader] for _ in range(3)]
    loader.set_epoch(1)
    assert [plain(batch) for batch in loader] == epochs[1]
    assert loader.epoch == 2
    with pytest.raises(ValueError, match=r"DataLoader\.set_epoch\(\): argument 'epoch' is -1"):
        loader.set_epoch(-1)


def test_the_state_draws_what_the_loop_would_have_drawn():
    for dataset in (ARRAYS, sets.Noisy(8)):
        loaders = [load(dataset, batch_size=3, shuffle=True) for _ in range(2)]
        loaders[0].state_dict()
        assert run(loaders[0]) == run(loaders[1])
    before = fg.get_rng_state()
    loader = DataLoader(ARRAYS, 4)
    list(loader)
    assert loader.state_dict()["seed"] is None
    after = fg.get_rng_state()
    assert before == after  # arrays in order need no seed


STATE = load(sets.Noisy(8), batch_size=2, shuffle=True).state_dict()
BAD = [
    (3, TypeError, "'state_dict' is a int"),
    ({}, ValueError, r"'state_dict' is of keys \[\], expected keys \['batch_size', 'batches',"),
    ({**STATE, "more": 1}, ValueError, "'state_dict' is of keys .*'more'"),
    ({**STATE, "length": 9}, ValueError, r"'state_dict\['length'\]' is 9, expected 8 as here"),
    ({**STATE, "batch_size": 3}, ValueError, r"'state_dict\['batch_size'\]' is 3, expected 2 as here"),
    ({**STATE, "drop_last": True}, ValueError, r"'state_dict\['drop_last'\]' is True, expected False"),
    ({**STATE, "epoch": -1}, ValueError, r"'state_dict\['epoch'\]' is -1, expected at least 0"),
    ({**STATE, "batches": "a"}, TypeError, r"'state_dict\['batches'\]' is"),
    ({**STATE, "batches": 5}, ValueError, r"'state_dict\['batches'\]' is 5, expected at most 4"),
    ({**STATE, "seed": 0.5}, TypeError, r"'state_dict\['seed'\]' is"),
    (
        {**STATE, "sampler": None}, ValueError,
        r"'state_dict\['sampler'\]' is that of a sampler without state, expected that of a RandomSampler",
    ),
    (
        {**STATE, "sampler": {"name": "SequentialSampler", "state": {"epoch": 0}}}, ValueError,
        r"'state_dict\['sampler'\]' is that of a SequentialSampler, expected that of a RandomSampler",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("state", "error", "message"), BAD)
def test_states_that_do_not_fit(state, error, message):
    loader = load(sets.Noisy(8), batch_size=2, shuffle=True)
    before = loader.state_dict()
    with pytest.raises(error, match=rf"DataLoader\.load_state_dict\(\): argument {message}"):
        loader.load_state_dict(state)
    assert loader.state_dict() == before


def test_states_of_other_kinds():
    stream = load(sets.Counting(8), 0, batch_size=2)
    state = stream.state_dict()
    with pytest.raises(ValueError, match=r"'state_dict\['num_workers'\]' is 0, expected 2 as here"):
        load(sets.Counting(8), 2, batch_size=2).load_state_dict(state)
    fresh = load(sets.Noisy(8), batch_size=2, sampler=[1, 2])
    ordered = load(sets.Noisy(8), batch_size=2, sampler=SequentialSampler(range(8)))
    with pytest.raises(ValueError, match="expected none, as the sampler here has no load_state_dict"):
        fresh.load_state_dict(ordered.state_dict())
    stream.load_state_dict({**state, "batches": 7})
    with pytest.raises(ValueError, match="Counting that ended after 4 batches, expected at least 7"):
        list(stream)


def test_workers_that_stay_learn_the_seed_of_a_state():
    loader = load(sets.Noisy(8), 2, seed=1, batch_size=2, shuffle=True, persistent_workers=True)
    list(loader)
    other = load(sets.Noisy(8), 0, seed=2, batch_size=2, shuffle=True)
    state = other.state_dict()
    expected = run(other)[0]
    loader.load_state_dict(state)
    assert run(loader)[0] == expected


class Growing(Dataset):
    """Is longer than its length says only where nobody looks."""

    def __init__(self, length):
        self.length = length

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        return [0, 1, 2, 3][index]


@pytest.mark.parametrize("workers", [0, 1])
def test_a_length_that_lies(workers):
    assert [x.tolist() for x in load(Growing(4), workers, batch_size=2)] == [[0, 1], [2, 3]]
    message = r"a Growing whose element 4 cannot be had \(IndexError: list index out of range\), expected 6 elements"
    with pytest.raises(IndexError, match=message):
        list(load(Growing(6), workers, batch_size=2))
    with pytest.raises(IndexError, match=message):
        list(load(Growing(6), workers, batch_size=None))


def test_a_stream_whose_length_lies():
    for workers, drop_last in ((0, False), (2, False), (2, True), (0, True)):
        options = {"workers": workers, "batch_size": 3, "drop_last": drop_last}
        assert [len(r) for x, r in load(sets.Measured(6, 6), **options)]
        with pytest.raises(ValueError, match="a Measured that gave more than 5 elements"):
            list(load(sets.Measured(6, 5), **options))
        with pytest.raises(ValueError, match="a Measured that gave 6 elements, expected 7 elements as its length says"):
            list(load(sets.Measured(6, 7), **options))
    with pytest.raises(ValueError, match=r"more than 6 elements, which each of its workers goes through, unless"):
        list(load(sets.Measured(6, 6, shared=False), 2))
