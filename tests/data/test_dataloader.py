"""Batches of rows of tensors: what is in them, in which order, and which are copies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastgrad as fg
from fastgrad.utils.data import DataLoader, Subset, TensorDataset, random_split
from tests.data.common import rows, targets

sizes = st.integers(0, 40)


@settings(deadline=None, max_examples=100)
@given(sizes, st.integers(1, 45), st.booleans(), st.booleans(), st.integers(0, 2**32), st.data())
def test_batches_hold_the_right_rows(count, batch_size, shuffle, drop_last, seed, data):
    dataset = whole = rows(count)
    wanted = list(range(count))
    for _ in range(data.draw(st.integers(0, 2), "depth")):
        if not wanted:
            break
        chosen = data.draw(st.lists(st.integers(-len(wanted), len(wanted) - 1), min_size=1, max_size=30))
        kind = data.draw(st.sampled_from([list, tuple, np.array, fg.tensor]))
        dataset = Subset(dataset, kind(chosen))
        wanted = [wanted[i] for i in chosen]
    if shuffle and not wanted:
        return
    loader = DataLoader(
        dataset, batch_size, shuffle, drop_last=drop_last, generator=fg.Generator().manual_seed(seed)
    )
    batches = list(loader)
    full = len(wanted) // batch_size
    assert len(loader) == len(batches) == (full if drop_last or len(wanted) % batch_size == 0 else full + 1)
    assert all(len(batch[1]) == batch_size for batch in batches[:full])
    got = [i for batch in batches for i in batch[1].tolist()]
    if shuffle:
        assert len(got) == sum(len(batch[1]) for batch in batches)
        if not drop_last:
            assert sorted(got) == sorted(wanted)
    else:
        assert got == wanted[: len(got)]
    for batch in batches:
        assert type(batch) is list
        np.testing.assert_array_equal(batch[0].numpy(), whole.tensors[0].numpy()[batch[1].numpy()])


@pytest.mark.parametrize("dtype", ["f4", "f8", "i8", "i4", "u1", "?"])
@pytest.mark.parametrize("shape", [(50,), (50, 1), (50, 7), (50, 3, 5), (50, 0), (50, 300)])
def test_gathered_rows_equal_numpy(dtype, shape):
    x = np.random.default_rng(0).integers(0, 100, shape).astype(dtype)
    loader = DataLoader(TensorDataset(x, np.arange(50)), 8, shuffle=True)
    for batch, index in loader:
        assert batch.dtype == x.dtype
        np.testing.assert_array_equal(batch.numpy(), x[index.numpy()])


@pytest.mark.parametrize("layout", ["F", "reversed", "step", "broadcast", "read-only"])
def test_arrays_in_any_memory(layout):
    x = np.arange(60.0).reshape(20, 3)
    if layout == "F":
        x = np.asfortranarray(x)
    elif layout == "reversed":
        x = x[::-1]
    elif layout == "step":
        x = np.arange(240.0).reshape(40, 6)[::2, ::2]
    elif layout == "broadcast":
        x = np.broadcast_to(np.arange(3.0), (20, 3))
    else:
        x.flags.writeable = False
    for shuffle in (False, True):
        for batch, index in DataLoader(TensorDataset(x, np.arange(20)), 6, shuffle=shuffle):
            np.testing.assert_array_equal(batch.numpy(), x[index.numpy()])


def test_one_native_call_per_array_and_batch(gathers):
    dataset = rows(20)
    list(DataLoader(dataset, 8, shuffle=True))
    assert len(gathers) == 3 * 2
    parts = random_split(Subset(dataset, list(range(10, 20))), [6, 4])
    gathers.clear()
    list(DataLoader(parts[0], 3, shuffle=True))
    assert len(gathers) == 2 * 2
    assert all(len(index) == 3 for _, _, index in gathers)


@pytest.mark.parametrize("part", ["all", "range", "list", "array", "nested"])
def test_rows_in_a_row_are_views(part, gathers):
    dataset = whole = rows(20)
    start = 0
    if part != "all":
        start = 5
        indices = {"range": range(5, 15), "list": list(range(5, 15)), "array": np.arange(5, 15)}
        dataset = Subset(dataset, indices.get(part, range(3, 18)))
        if part == "nested":
            dataset = Subset(dataset, range(2, 12))
    for i, batch in enumerate(DataLoader(dataset, 4)):
        assert batch[1].tolist() == list(range(start + 4 * i, start + 4 * i + len(batch[1])))
        for tensor, source in zip(batch, whole.tensors, strict=True):
            assert np.shares_memory(tensor.numpy(), source.numpy())
    assert gathers == []


def test_changed_rows_are_seen():
    x = np.zeros((4, 2))
    loader = DataLoader(TensorDataset(x), 2)
    shuffled = DataLoader(TensorDataset(x), 2, shuffle=True)
    x += 1
    assert all((batch.numpy() == 1).all() for kind in (loader, shuffled) for (batch,) in kind)


def test_gradients_reach_the_tensors():
    x = fg.tensor(np.ones((5, 2)), requires_grad=True)
    for shuffle in (False, True):
        x.grad = None
        for (batch,) in DataLoader(TensorDataset(x), 2, shuffle=shuffle, drop_last=True):
            (batch * 3).sum().backward()
        assert x.grad.sum().item() == 4 * 2 * 3


def test_orders_are_reproducible_and_differ_by_epoch():
    def order(loader):
        return [i for batch in targets(loader) for i in batch]

    loaders = [
        DataLoader(rows(50), 7, shuffle=True, generator=fg.Generator().manual_seed(5)) for _ in range(2)
    ]
    first, second = order(loaders[0]), order(loaders[0])
    assert first != second != list(range(50))
    assert [order(loaders[1]), order(loaders[1])] == [first, second]
    for _ in range(2):
        fg.manual_seed(5)
        plain = DataLoader(rows(50), 7, shuffle=True)
        assert [order(plain), order(plain)] == [first, second]  # the seed is drawn in the same way


def test_what_is_drawn_meanwhile_changes_no_order():
    def orders(disturb):
        generator = fg.Generator().manual_seed(1)
        loader = DataLoader(rows(30), 10, shuffle=True, generator=generator)
        given = []
        for _ in range(2):
            for batch in loader:
                if disturb:
                    generator.manual_seed(7)
                given.append(batch[1].tolist())
        return given

    assert orders(False) == orders(True)


def test_loops_at_the_same_time_are_independent():
    loader = DataLoader(rows(6), 2)
    assert [(a[1].tolist(), b[1].tolist()) for a, b in zip(loader, loader, strict=True)] == [
        ([0, 1], [0, 1]),
        ([2, 3], [2, 3]),
        ([4, 5], [4, 5]),
    ]
