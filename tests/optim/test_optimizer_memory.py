"""Steps on parameters in unusual, replaced, or read-only memory, and of both dtypes."""

from __future__ import annotations

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.optim import SGD
from tests.optim.common import assert_equal, give_gradients, leaf, values


def test_replaced_data_and_state_are_used(kind):
    build, options = kind
    start = np.arange(6.0).reshape(2, 3)
    a, b = leaf(start), leaf(start)
    one, other = build([a], **options), build([b], **options)
    for i in range(6):
        give_gradients([a], i)
        give_gradients([b], i)
        if i == 2:  # the same values in other memory of another order
            b.data = np.array(b.data, order="F")
        if i == 4:
            one.state.clear()
            other.state.clear()
        one.step()
        other.step()
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())


def test_float32_and_float64_in_one_group(kind):
    build, options = kind
    start = np.linspace(-1, 1, 5)
    a, b, c = leaf(start, "f4"), leaf(start, "f8"), leaf(start, "f4")
    alone = [leaf(start, "f4"), leaf(start, "f8"), leaf(start, "f4")]
    optimizer, single = build([a, b, c], **options), [build([p], **options) for p in alone]
    for seed in range(4):
        give_gradients([a, b, c], seed)
        for p, q in zip(alone, (a, b, c), strict=True):
            p.grad = q.grad
        optimizer.step()
        for s in single:
            s.step()
    assert_equal(values([a, b, c]), values(alone))
    assert [p.dtype for p in (a, b, c)] == [np.float32, np.float64, np.float32]


def views(dtype):
    """Memory that is dense in no order, dense in an unusual one, or unaligned."""
    big = np.arange(400, dtype=dtype) / 100
    raw = np.zeros(24 * big.itemsize + 1, np.uint8)[1:].view(dtype).reshape(4, 6)
    raw[...] = big[:24].reshape(4, 6)
    return {
        "columns": big.reshape(20, 20)[:, ::3],
        "reversed": big[:30][::-1],
        "step": big[::4],
        "permuted": big[:60].reshape(3, 4, 5).transpose(1, 0, 2),
        "one row": big.reshape(20, 20)[:1, :7],
        "one column": big.reshape(20, 20)[:7, :1],
        "unaligned": raw,
    }


@pytest.mark.parametrize("layout", views("f4"))
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_parameters_in_any_memory(kind, layout, dtype):
    build, options = kind
    view = views(dtype)[layout]
    a, b = fg.tensor(view.copy(), requires_grad=True), fg.tensor(view.copy(), requires_grad=True)
    rest = leaf([1.0], dtype)
    b.data = view
    one, other = build([a], **options), build([b, rest], **options)
    for seed in range(3):
        give_gradients([a], seed)
        b.grad = fg.tensor(np.asfortranarray(a.grad.numpy()))
        rest.grad = fg.tensor(np.ones(1, dtype))
        one.step()
        other.step()
    assert b.data is view
    np.testing.assert_array_equal(a.detach().numpy(), view)


def test_what_lies_between_the_elements_of_a_view_stays(kind):
    build, options = kind
    memory = np.ones((4, 6))
    w = leaf(np.ones((4, 3)))
    w.data = memory[:, ::2]
    give_gradients([w], 0)
    build([w], **options).step()
    assert (memory[:, 1::2] == 1).all()
    assert (memory[:, ::2] != 1).all()


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("layout", ["C", "strided"])
def test_read_only_memory_is_an_error_and_nothing_is_written(kind, groups, layout):
    build, options = kind
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    optimizer = build([a, b] if groups == 1 else [{"params": [a]}, {"params": [b]}], **options)
    give_gradients([a, b], 0)
    memory = np.array([3.0, 0.0, 4.0, 0.0])[::2] if layout == "strided" else np.array([3.0, 4.0])
    memory.flags.writeable = False
    b.data = memory
    with pytest.raises(ValueError, match=r"read-only|writ"):
        optimizer.step()
    assert a.tolist() == [1.0, 2.0]
    assert b.tolist() == [3.0, 4.0]
    assert not any(optimizer.state.values())


@pytest.mark.parametrize("groups", [1, 2])
def test_memory_made_read_only_later(kind, groups):
    build, options = kind
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    optimizer = build([a, b] if groups == 1 else [{"params": [a]}, {"params": [b]}], **options)
    give_gradients([a, b], 0)
    optimizer.step()
    optimizer.step()
    before = values([a, b])
    b.data.flags.writeable = False
    with pytest.raises(ValueError, match=r"read-only|writ"):
        optimizer.step()
    assert_equal(values([a, b]), before)


@pytest.mark.parametrize("steps_before", [0, 1])
@pytest.mark.parametrize(("wrong", "error"), [(np.ones(3), ValueError), (np.ones(2, "f4"), TypeError)])
def test_gradient_that_does_not_fit_is_an_error_and_nothing_is_written(kind, steps_before, wrong, error):
    build, options = kind
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    optimizer = build([{"params": [a]}, {"params": [b]}], **options)
    give_gradients([a, b], 0)
    for _ in range(steps_before):
        optimizer.step()
    before = values([a, b])
    b.grad.data = wrong
    with pytest.raises(error, match=r"step\(\): argument 'params' is of"):
        optimizer.step()
    assert_equal(values([a, b]), before)


def test_memory_with_several_elements_in_one_place_is_an_error():
    w = leaf(np.zeros(3))
    w.data = np.lib.stride_tricks.as_strided(np.zeros(1), (3,), (0,))
    w.grad = fg.tensor(np.ones(3))
    with pytest.raises(ValueError, match="a place of its own"):
        SGD([w]).step()
