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
        fg.zeros(2, device="cuda")
    with pytest.raises(ValueError, match="device"):
        fg.ones(2).cuda()
    with pytest.raises(ValueError, match="device"):
        fg.ones(2).to("cuda:0")
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


PRINTED = [
    [1.0, 2.0],
    [1.5, -2.25],
    [[1.0, 2.0], [3.0, 4.5]],
    3.0,
    0.1,
    [1e-5, 1.0],
    [1e10, 1.0],
    [1e9],
    [0.00001],
    [123456.0, 0.5],
    [1000.0, 1.0],
    [1001.0, 1.0],
    [float("nan"), 1.0],
    [float("inf"), -1.5, float("nan")],
    [float("nan")],
    [0.0],
    [-0.0, 1.0],
    [1, 2, 300],
    [[1, -2], [30, 4]],
    [True, False],
    True,
    7,
    [],
    [[], []],
    [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]],
    [[[[1.0]]]],
    list(range(50)),
    [float(i) for i in range(50)],
    [i / 7 for i in range(40)],
]


@pytest.mark.parametrize("data", PRINTED, ids=str)
def test_text_agrees_with_torch(data: Any) -> None:
    assert repr(fg.tensor(data)) == repr(torch.tensor(data)).replace("torch.Size([2, 0])", "(2, 0)")


@pytest.mark.parametrize("shape", [(1001,), (2000, 3), (30, 40), (8, 9, 20), (3, 1000), (40, 30, 2), (0, 3), (2, 0, 3)])
def test_long_text_agrees_with_torch(shape: tuple[int, ...]) -> None:
    array = RNG.standard_normal(shape).astype("float32")
    assert repr(fg.tensor(array)) == repr(torch.tensor(array))


def test_text_of_what_is_special() -> None:
    x = fg.tensor([1.0, 2.0], requires_grad=True)
    assert repr(x) == repr(torch.tensor([1.0, 2.0], requires_grad=True))
    assert repr(x + 1) == repr(torch.tensor([1.0, 2.0], requires_grad=True) + 1)
    assert repr(fg.ones(2, dtype=fg.float64)) == "tensor([1., 1.], dtype=float64)"
    assert repr(fg.ones(2, dtype=fg.int32)) == "tensor([1, 1], dtype=int32)"
    assert f"{fg.tensor(3.14159):.2f}" == "3.14"
    wide = fg.zeros(9, 9, dtype=fg.float64, requires_grad=True)
    theirs = torch.zeros(9, 9, dtype=torch.float64, requires_grad=True)
    assert repr(wide) == repr(theirs).replace("torch.float64", "float64")


def test_printoptions() -> None:
    fg.set_printoptions(precision=2, sci_mode=True)
    torch.set_printoptions(precision=2, sci_mode=True)
    try:
        assert repr(fg.tensor([1.0, 20.5])) == repr(torch.tensor([1.0, 20.5]))
    finally:
        fg.set_printoptions(precision=4)
        torch.set_printoptions(profile="default")
    with pytest.raises(ValueError, match="precision"):
        fg.set_printoptions(precision=-1)


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


def test_random_tensors() -> None:
    fg.manual_seed(1)
    a = [fg.rand(3), fg.randn(2, 2), fg.randint(0, 9, (4,)), fg.randperm(5), fg.normal(0.0, 1.0, (2,))]
    fg.manual_seed(1)
    b = [fg.rand(3), fg.randn(2, 2), fg.randint(0, 9, (4,)), fg.randperm(5), fg.normal(0.0, 1.0, (2,))]
    assert all(fg.equal(x, y) for x, y in zip(a, b, strict=True))
    assert fg.initial_seed() == 1
    g = fg.Generator().manual_seed(5)
    first = fg.rand(4, generator=g)
    state = g.get_state()
    second = fg.rand(4, generator=g)
    assert not fg.equal(first, second)
    assert fg.equal(second, fg.rand(4, generator=g.set_state(state)))
    assert fg.equal(fg.rand(4, generator=pickle.loads(pickle.dumps(g))), fg.rand(4, generator=g))
    x = fg.rand(10000)
    assert 0 <= x.min().item() < x.max().item() < 1
    assert abs(x.mean().item() - 0.5) < 0.02
    assert sorted(fg.randperm(10).tolist()) == list(range(10))
    assert set(fg.randint(2, 4, (100,)).tolist()) == {2, 3}
    assert fg.bernoulli(fg.tensor([0.0, 1.0])).tolist() == [0.0, 1.0]
    assert sorted(fg.multinomial(fg.tensor([1.0, 2.0, 0.0]), 2).tolist()) == [0, 1]
    assert fg.rand_like(x).shape == fg.randn_like(x).shape == x.shape
    assert g.counter(10)[1] + 10 == g.counter(1)[1]


@pytest.mark.parametrize(
    "case",
    [
        lambda: fg.randint(3, 3, (2,)),
        lambda: fg.bernoulli(fg.tensor([2.0])),
        lambda: fg.normal(0.0, -1.0, (2,)),
        lambda: fg.multinomial(fg.tensor([0.0, 1.0]), 2),
        lambda: fg.randperm(-1),
        lambda: fg.ones(2).uniform_(1, 0),
    ],
)
def test_bad_random_arguments(case: Any) -> None:
    with pytest.raises(ValueError, match="argument"):
        case()


ERRORS = [
    (lambda x: x + fg.ones(4), ValueError, r"add\(\): argument 'y' is of shape \(4,\)"),
    (lambda x: x @ fg.ones(2, 2), ValueError, r"matmul\(\): argument 'y'"),
    (lambda x: x @ fg.ones(3, 2, dtype=fg.float64), TypeError, r"matmul\(\): argument 'y' is of dtype float64"),
    (lambda x: x.reshape(4), ValueError, r"reshape\(\): argument 'shape'"),
    (lambda x: x.T.view(-1), RuntimeError, "without copying"),
    (lambda x: x.sum(2), IndexError, r"sum\(\): argument 'dim' is 2, expected between -2 and 1"),
    (lambda x: x.sum((0, 0)), ValueError, "every dimension once"),
    (lambda x: x.mean("a"), TypeError, r"mean\(\): argument 'dim'"),
    (lambda x: x.long().mean(), TypeError, r"mean\(\): argument 'x' is of dtype int64"),
    (lambda x: x.expand(2, 4), ValueError, r"expand\(\)"),
    (lambda x: x.permute(0, 0), ValueError, r"permute\(\)"),
    (lambda x: fg.cat([x, fg.ones(2, 2)]), ValueError, r"cat\(\): argument 'tensors\[1\]'"),
    (lambda x: fg.stack([x, fg.ones(2, 2)]), ValueError, r"stack\(\)"),
    (lambda x: fg.cat([]), ValueError, "empty"),
    (lambda x: x[5], IndexError, r"getitem\(\): argument 'index'"),
    (lambda x: x[fg.tensor([7])], IndexError, "getitem"),
    (lambda x: x[1.5], IndexError, "getitem"),
    (lambda x: x[::-1], ValueError, "step"),
    (lambda x: x[fg.tensor([0.5])], IndexError, "integers or bool"),
    (lambda x: x.gather(1, fg.tensor([[9]])), IndexError, "gather"),
    (lambda x: x.gather(1, fg.tensor([0])), ValueError, "gather"),
    (lambda x: x + "a", TypeError, r"add\(\): argument 'y'"),
    (lambda x: x + None, TypeError, r"add\(\)"),
    (lambda x: fg.where(x, x, x), TypeError, "bool"),
    (lambda x: x.clamp(), ValueError, "at least one"),
    (lambda x: x.split([1, 2]), ValueError, "split"),
    (lambda x: x.chunk(0), ValueError, "chunk"),
    (lambda x: fg.ones(0).max(), ValueError, r"max\(\)"),
    (lambda x: fg.ones(0, 2).argmax(0), ValueError, "argmax"),
    (lambda x: -fg.tensor([True]), TypeError, "bool"),
    (lambda x: fg.tensor([True]) - fg.tensor([True]), TypeError, r"sub\(\)"),
    (lambda x: fg.tensor([2]) ** -1, ValueError, "pow"),
    (lambda x: ~x, TypeError, "bitwise_not"),
    (lambda x: x.masked_fill(x > 0, fg.ones(2)), ValueError, "masked_fill"),
    (lambda x: x.topk(7), ValueError, "topk"),
    (lambda x: fg.allclose(x, x.double()), TypeError, "isclose"),
]


@pytest.mark.parametrize(("case", "error", "message"), ERRORS, ids=[f"{i}-{e[2]}" for i, e in enumerate(ERRORS)])
def test_errors_name_function_and_argument(case: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        case(fg.ones(2, 3))
