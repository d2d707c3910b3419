"""Workers of the loader: what comes, in which order, from whom, and through which memory."""

from __future__ import annotations

import itertools
import multiprocessing
import os

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.utils.data import DataLoader, Subset, TensorDataset
from tests.data import worker_sets as sets
from tests.data.processes import children, descriptors, shared_files, wait_until


def equal(left, right):
    """Whether two lists of batches have the same bits."""
    return len(left) == len(right) and all(
        (a.numpy() == b.numpy()).all() and a.dtype == b.dtype and a.shape == b.shape
        for x, y in zip(left, right, strict=True)
        for a, b in zip(x, y, strict=True)
    )


def load(dataset, workers=2, **options):
    options.setdefault("generator", fg.Generator().manual_seed(3))
    if workers:
        options.setdefault("multiprocessing_context", "fork")
    else:
        options.pop("multiprocessing_context", None)
    return DataLoader(dataset, num_workers=workers, **options)


@pytest.mark.parametrize("method", ["forkserver", "spawn", "fork"])
def test_every_start_method_gives_the_batches_of_this_process(method):
    here = load(sets.Noisy(), 0, batch_size=3, shuffle=True)
    there = load(sets.Noisy(), 2, batch_size=3, shuffle=True, multiprocessing_context=method)
    assert equal(list(here), list(there))


def test_forkserver_is_the_default():
    loader = DataLoader(sets.Noisy(), num_workers=1)
    assert loader.multiprocessing_context.get_start_method() == "forkserver"
    context = multiprocessing.get_context("spawn")
    assert DataLoader(sets.Noisy(), num_workers=1, multiprocessing_context=context).multiprocessing_context is context


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("options", [{}, {"prefetch_factor": 1}, {"prefetch_factor": 5, "drop_last": True}])
def test_order_and_numbers_do_not_depend_on_workers(workers, options):
    here = {key: value for key, value in options.items() if key != "prefetch_factor"}
    one = load(sets.Noisy(23), 0, batch_size=4, shuffle=True, **here)
    other = load(sets.Noisy(23), workers, batch_size=4, shuffle=True, **options)
    first, second = list(one), list(one)
    assert equal(first, list(other))
    assert equal(second, list(other))
    assert not equal(first, second)
    drawn = np.concatenate([x.numpy() for x, _ in first])
    assert len(np.unique(drawn, axis=0)) == len(drawn)  # no two elements got the same random numbers
    assert len(np.unique(drawn)) == drawn.size


def test_persistent_workers_stay():
    loader = load(sets.Told(), batch_size=2, persistent_workers=True)
    first = [batch["pid"].tolist() for batch in loader]
    assert first == [batch["pid"].tolist() for batch in loader]
    pids = {pid for batch in first for pid in batch}
    assert pids <= children()
    del loader
    assert wait_until(lambda: not pids & children())


def test_persistent_workers_after_a_break_and_beside_another_loop():
    here = load(sets.Noisy(40), 0, batch_size=2)
    expected = [list(here) for _ in range(3)]
    loader = load(sets.Noisy(40), batch_size=2, persistent_workers=True)
    for number, batch in enumerate(loader):
        assert equal([batch], expected[0][number : number + 1])
        if number == 4:
            break
    older = iter(loader)
    assert equal([next(older)], expected[1][:1])
    assert equal(list(loader), expected[2])
    with pytest.raises(RuntimeError, match="a newer loop over this loader has taken its workers"):
        next(older)


def test_two_loops_at_the_same_time():
    loader = load(sets.Noisy(8), batch_size=4)
    pairs = list(zip(loader, loader, strict=True))
    assert [[x[1].tolist() for x in pair] for pair in pairs] == [[[0, 1, 2, 3]] * 2, [[4, 5, 6, 7]] * 2]
    assert not equal([a for a, _ in pairs], [b for _, b in pairs])  # two epochs


def test_what_a_worker_knows():
    batches = list(load(sets.Told(), batch_size=2))
    assert [batch["id"].tolist() for batch in batches] == [[0, 0], [1, 1], [0, 0], [1, 1]]  # in turns
    assert {n for batch in batches for n in batch["of"].tolist()} == {2}
    assert {n for batch in batches for n in batch["threads"].tolist()} == {1}
    assert len({n for batch in batches for n in batch["pid"].tolist()} | {os.getpid()}) == 3
    seeds = [batch["seed"].tolist() for batch in batches]
    assert seeds[0] == seeds[2] != seeds[1] == seeds[3]
    assert seeds == [batch["seed"].tolist() for batch in load(sets.Told(), batch_size=2)]
    assert fg.utils.data.get_worker_info() is None


def started(elements):
    return [sets.Noisy.started] * len(elements)


def test_worker_init_fn():
    batches = list(load(sets.Noisy(6), batch_size=1, worker_init_fn=sets.init_well, collate_fn=started))
    assert batches == [[0], [1]] * 3
    assert not hasattr(sets.Noisy, "started")


def structure(elements):
    x = np.stack([element[0] for element in elements])
    return {
        "fortran": np.asfortranarray(x),
        "strided": x[:, ::2],
        "text": ["a" * 10000, b"b"],
        "nothing": None,
        "empty": np.empty((0, 3)),
        "nested": (fg.tensor([1.0, 2.0]), [np.int64(3)]),
        "leaf": fg.tensor([1.0], requires_grad=True),
    }


def test_any_structure_comes_as_it_is():
    (here,) = load(sets.Noisy(600), 0, batch_size=600, collate_fn=structure)
    (there,) = load(sets.Noisy(600), 1, batch_size=600, collate_fn=structure)
    assert here.keys() == there.keys()
    for name in ("fortran", "strided", "empty"):
        np.testing.assert_array_equal(here[name], there[name])
        assert here[name].dtype == there[name].dtype
    assert there["fortran"].flags.f_contiguous
    assert (there["text"], there["nothing"]) == (here["text"], None)
    assert there["nested"][0].tolist() == [1.0, 2.0]
    assert there["nested"][1] == [3]
    assert there["leaf"].requires_grad
    there["fortran"][:] = 7  # memory of its own


@pytest.mark.parametrize("workers", [1, 2])
def test_batches_stay_valid_as_long_as_they_are_held(workers):
    sizes = [100, 5000, 20, 70000, 300, 5000, 5000, 200000] * 6
    held = list(load(sets.Large(sizes), workers, batch_size=None, persistent_workers=True))
    for index, (x, size) in enumerate(zip(held, sizes, strict=True)):
        assert x.shape == (size,)
        assert bool((x == index).all())
    part = held[3][10:20]
    del held
    assert part.tolist() == [3.0] * 10


def test_slabs_are_used_again_and_never_have_names():
    before = shared_files()
    loader = load(sets.Large([50000] * 60), 2, batch_size=1, persistent_workers=True)
    addresses = set()
    for number, batch in enumerate(loader):
        assert bool((batch == number).all())
        assert shared_files() == before
        addresses.add(batch.numpy().ctypes.data)
        if number == 20:
            opened = descriptors()
        batch.zero_()
    assert len(addresses) <= 10
    assert descriptors() == opened


def test_arrays_in_memory_start_no_worker(monkeypatch):
    def refuse(self):
        raise AssertionError("workers for arrays")

    monkeypatch.setattr(DataLoader, "_workers", refuse)
    whole = TensorDataset(np.arange(12.0), np.arange(12))
    for dataset in (whole, Subset(whole, range(0, 12, 2)), whole + whole):
        loader = DataLoader(dataset, batch_size=4, shuffle=True, num_workers=4)
        got = sorted(i for batch in loader for i in batch[1].tolist())
        assert got == sorted(dataset[i][1].item() for i in range(len(dataset)))
    single = DataLoader(whole, batch_size=None, num_workers=4)
    assert [x.item() for x, _ in single] == list(range(12))


def test_an_empty_data_set_starts_no_worker():
    assert list(load(sets.Noisy(0), 2)) == []


class Keys(sets.Noisy):
    """Elements under names."""

    def __getitem__(self, key):
        return key.upper()


@pytest.mark.parametrize("workers", [0, 2])
def test_samplers_of_the_user(workers):
    loader = load(sets.Noisy(10), workers, batch_size=2, sampler=[3, -1, 9, 3])
    assert [batch[1].tolist() for batch in loader] == [[3, -1], [9, 3]]
    assert len(loader) == 2
    loader = load(sets.Noisy(10), workers, batch_sampler=[[1], np.array([2, 3]), (4, 5, 6)])
    assert [batch[1].tolist() for batch in loader] == [[1], [2, 3], [4, 5, 6]]
    assert len(loader) == 3
    loader = load(Keys(10), workers, batch_size=2, sampler=["a", "b", "c"])
    assert list(loader) == [["A", "B"], ["C"]]


@pytest.mark.parametrize(
    ("count", "workers", "drop_last"), [(11, 2, False), (11, 3, True), (4, 3, False), (0, 2, False), (17, 0, True)]
)
def test_iterable_data_sets_in_turns(count, workers, drop_last):
    shares = [list(range(count))[first :: workers or 1] for first in range(workers or 1)]
    batches = [[share[i : i + 2] for i in range(0, len(share), 2)] for share in shares]
    turns = [batch for turn in itertools.zip_longest(*batches) for batch in turn if batch]
    expected = [batch for batch in turns if len(batch) == 2 or not drop_last]
    loader = load(sets.Counting(count), workers, batch_size=2, drop_last=drop_last)
    assert [x.tolist() for x, _ in loader] == expected


def test_random_numbers_of_streams():
    def drawn(workers):
        loader = load(sets.Counting(24), workers, batch_size=4)
        return [[r.tolist() for _, r in loader] for _ in range(2)]

    for workers in (0, 2):
        first, second = drawn(workers)
        assert [first, second] == drawn(workers)
        assert len({r for batch in first + second for r in batch}) == 48
    assert drawn(0) == drawn(1)


@pytest.mark.parametrize("workers", [0, 2])
def test_random_numbers_here_go_on_as_if_nothing_were_loaded(workers):
    import random

    def draw():
        return random.random(), np.random.randn(), fg.rand(1).item()

    def sequence(loader):
        random.seed(1)
        np.random.seed(1)
        fg.manual_seed(1)
        drawn = [draw()]
        for _ in loader:
            drawn.append(draw())
        return drawn

    loader = load(sets.Noisy(8), workers, batch_size=2)
    list(loader)  # the seed is drawn here
    assert sequence(loader) == sequence(range(4))
    if not workers:
        stream = load(sets.Counting(8), 0, batch_size=2)
        list(stream)
        assert sequence(stream) == sequence(range(4))
