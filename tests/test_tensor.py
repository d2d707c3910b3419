"""Tensors as objects: making, describing, converting, copying, printing them."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import torch

import fastgrad as fg

RNG = np.random.default_rng(11)


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (1.5, fg.float32),
        (2, fg.int64),
        (True, fg.bool),
        ([1, 2.5], fg.float32),
        ([], fg.float32),
        ([[1], [2]], fg.int64),
        (np.float64(1.0), fg.float32),
        (np.float32(1.0), fg.float32),
        (np.int32(1), fg.int32),
        ([True, False], fg.bool),
        (np.zeros(2), fg.float64),
        (np.zeros(2, "float16"), fg.float32),
        (np.zeros(2, ">f8"), fg.float64),
        (np.zeros(2, "int8"), fg.int64),
        (np.zeros(2, "uint16"), fg.int64),
        (np.zeros(2, "uint32"), fg.int64),
        (np.zeros(2, "int32"), fg.int32),
        (np.zeros(2, "uint8"), fg.uint8),
        ([np.zeros(2)], fg.float64),
        (range(3), fg.int64),
    ],
)
def test_dtype_of_new_tensors(data: Any, dtype: Any) -> None:
    t = fg.tensor(data)
    assert t.dtype == dtype
    assert t.data.dtype.isnative
    np.testing.assert_array_equal(t.numpy(), np.asarray(data))


@pytest.mark.parametrize(
    "data",
    [
        np.zeros(2, complex),
        np.array(["a"]),
        np.array([None]),
        np.zeros(2, "uint64"),
        np.zeros(2, "longdouble"),
        "abc",
        None,
        np.zeros(1, "datetime64[s]"),
        1j,
    ],
)
def test_dtypes_that_tensors_do_not_have(data: Any) -> None:
    with pytest.raises(TypeError, match=r"tensor\(\): argument 'data'"):
        fg.tensor(data)


def test_bad_creation() -> None:
    with pytest.raises(ValueError, match=r"tensor\(\)"):
        fg.tensor([[1, 2], [3]])
    with pytest.raises(ValueError, match="device"):
        fg.zeros(2, device="tpu")
    with pytest.raises(ValueError, match="device"):
        fg.ones(2).to("mps")
    with pytest.raises(RuntimeError, match="floating point"):
        fg.zeros(2, dtype=fg.int64, requires_grad=True)
    with pytest.raises(TypeError, match="float16"):
        fg.ones(2).half()
    with pytest.raises(TypeError, match="dtype"):
        fg.zeros(2, dtype="complex64")
    with pytest.raises(ValueError, match="zeros"):
        fg.zeros(-1)
    with pytest.raises(ValueError, match="step"):
        fg.arange(0, 1, -1)
    with pytest.raises(ValueError, match="step"):
        fg.arange(0, 1, 0)


def test_default_dtype() -> None:
    assert fg.get_default_dtype() == fg.float32
    fg.set_default_dtype(fg.float64)
    try:
        x = fg.tensor(1.0)
        assert x.dtype == fg.zeros(2).dtype == fg.rand(2).dtype == (fg.tensor([1]) * 0.5).dtype == fg.float64
        assert repr(x) == "tensor(1.)"
        assert repr(fg.ones(1, dtype=fg.float32)) == "tensor([1.], dtype=float32)"
    finally:
        fg.set_default_dtype(fg.float32)
    with pytest.raises(TypeError, match="set_default_dtype"):
        fg.set_default_dtype(fg.int64)


@pytest.mark.parametrize(
    "make",
    [
        lambda m: m.arange(5),
        lambda m: m.arange(1, 7, 2),
        lambda m: m.arange(0, 1, 0.3),
        lambda m: m.arange(5, 0, -2),
        lambda m: m.arange(2.5),
        lambda m: m.arange(3, dtype=m.float64),
        lambda m: m.linspace(0, 1, 7),
        lambda m: m.linspace(3, -1, 4),
        lambda m: m.linspace(0, 1, 1),
        lambda m: m.eye(3),
        lambda m: m.eye(2, 4),
        lambda m: m.full((2, 3), 7),
        lambda m: m.full((2,), 0.5),
        lambda m: m.full((2,), True),
        lambda m: m.zeros(2, 3),
        lambda m: m.zeros((2, 3)),
        lambda m: m.ones(0, 3),
        lambda m: m.zeros(()),
        lambda m: m.zeros_like(m.ones(2, dtype=m.int64)),
        lambda m: m.ones_like(m.zeros(2, 2), dtype=m.float64),
        lambda m: m.full_like(m.zeros(3), 2.5),
        lambda m: m.ones(2).new_zeros(3),
        lambda m: m.ones(2, dtype=m.float64).new_tensor([1, 2]),
        lambda m: m.logspace(0, 2, 3),
        lambda m: m.ones(2).new_full((2,), 3),
        lambda m: m.scalar_tensor(3.5),
    ],
)
def test_factories_agree_with_torch(make: Any) -> None:
    ours, theirs = make(fg), make(torch)
    assert ours.shape == tuple(theirs.shape)
    assert str(ours.dtype) == str(theirs.dtype).removeprefix("torch.")
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6)


def test_attributes() -> None:
    x = fg.zeros(2, 3, dtype=fg.float64)
    assert (x.shape, x.ndim, x.dim(), x.numel(), x.nelement(), len(x)) == ((2, 3), 2, 2, 6, 6, 2)
    assert (x.size(), x.size(1), x.size(-1), x.stride(), x.T.stride(), x.stride(0)) == ((2, 3), 3, 3, (3, 1), (1, 3), 3)
    assert (x.element_size(), x.itemsize, x.nbytes, x.device, x.is_floating_point()) == (8, 8, 48, "cpu", True)
    assert (x.is_contiguous(), x.T.is_contiguous(), x.contiguous() is x) == (True, False, True)
    assert x.type() == "fastgrad.DoubleTensor"
    assert x.type(fg.int64).dtype == fg.int64
    assert fg.is_tensor(x)
    with pytest.raises(IndexError):
        x.size(2)


def test_python_numbers() -> None:
    assert (float(fg.tensor(2.5)), int(fg.tensor([3])), bool(fg.tensor([[0]])), complex(fg.tensor(1.0))) == (
        2.5,
        3,
        False,
        1,
    )
    assert [10, 20, 30][fg.tensor(1)] == 20
    assert fg.tensor([1.5]).item() == 1.5
    assert fg.tensor([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
    assert 3.0 in fg.tensor([1.0, 3.0])
    assert [t.item() for t in fg.arange(3)] == [0, 1, 2]
    with pytest.raises(RuntimeError, match="ambiguous"):
        bool(fg.ones(2))
    with pytest.raises(RuntimeError, match="Scalar"):
        fg.ones(2).item()
    with pytest.raises(TypeError, match="0-d"):
        len(fg.tensor(1.0))
    with pytest.raises(TypeError, match="0-d"):
        iter(fg.tensor(1.0))
    with pytest.raises(TypeError, match="integer"):
        [1, 2][fg.tensor(1.0)]  # type: ignore[call-overload]


def test_hash_and_equality() -> None:
    x, y = fg.ones(2), fg.ones(2)
    assert len({x, y, x}) == 2
    assert (x == y).tolist() == [True, True]
    assert (x == None) is False  # noqa: E711
    assert (x != "a") is True


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies(duplicate: Any) -> None:
    x = fg.from_numpy(np.asfortranarray(RNG.standard_normal((2, 3)))).requires_grad_()
    y = duplicate(x)
    assert y is not x
    assert y.requires_grad
    assert y.stride() == x.stride()
    np.testing.assert_array_equal(y.data, x.data)
    y.data[0, 0] = 99
    assert x.data[0, 0] != 99
    (y * 2).sum().backward()
    assert y.grad is not None
    assert x.grad is None


def test_deepcopy_keeps_gradients_and_identity() -> None:
    x = fg.ones(2, requires_grad=True)
    x.sum().backward()
    a, b = copy.deepcopy([x, x])
    assert a is b
    assert a.grad.tolist() == [1.0, 1.0]
    assert a.grad is not x.grad
    with pytest.raises(RuntimeError, match="graph leaves"):
        copy.deepcopy(x * 2)


def test_subclasses_survive() -> None:
    class Named(fg.Tensor):
        pass

    x = Named(np.ones(2, "float32"), requires_grad=True)
    x.name = "x"
    y = copy.deepcopy(x)
    assert (type(y), y.name, y.requires_grad) == (Named, "x", True)
    assert type(x + 1) is fg.Tensor


def test_promotion_agrees_with_torch() -> None:
    names = ["float32", "float64", "int64", "int32", "uint8", "bool"]
    for a in names:
        for shape_a in [(), (2,)]:
            x, x_ = fg.ones(shape_a, dtype=a), torch.ones(shape_a, dtype=getattr(torch, a))
            for number in (True, 2, 2.5):
                assert str((x + number).dtype) == str((x_ + number).dtype)[6:], (a, shape_a, number)
                assert str((number * x).dtype) == str((number * x_).dtype)[6:], (a, shape_a, number)
                assert str((x / number).dtype) == str((x_ / number).dtype)[6:], (a, shape_a, number)
            for b in names:
                for shape_b in [(), (2,)]:
                    y, y_ = fg.ones(shape_b, dtype=b), torch.ones(shape_b, dtype=getattr(torch, b))
                    assert str((x + y).dtype) == str((x_ + y_).dtype)[6:], (a, shape_a, b, shape_b)
