"""Tensors among other libraries' arrays."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest
import torch

import fastgrad as fg


def test_from_numpy_shares_memory() -> None:
    array = np.arange(6.0).reshape(2, 3)
    for view in (array, array.T, array[::-1], array[:, ::2], array[1:]):
        t = fg.from_numpy(view)
        assert np.shares_memory(t.numpy(), view)
        assert t.shape == view.shape
    fg.from_numpy(array).zero_()
    assert not array.any()


@pytest.mark.parametrize("dtype", ["float16", "int8", "int16", "uint16", "uint64", "complex64", ">f8", "object", "U3"])
def test_from_numpy_refuses_what_it_would_have_to_convert(dtype: str) -> None:
    with pytest.raises(TypeError, match=r"from_numpy\(\): argument 'array' is of dtype"):
        fg.from_numpy(np.zeros(2, dtype))


def test_from_numpy_wants_an_array() -> None:
    with pytest.raises(TypeError, match="ndarray"):
        fg.from_numpy([1.0])  # type: ignore[arg-type]


def test_read_only_arrays() -> None:
    array = np.ones(2)
    array.flags.writeable = False
    t = fg.from_numpy(array)
    assert (t * 2).tolist() == [2.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        t.add_(1)


def test_numpy_and_array() -> None:
    x = fg.ones(2)
    assert x.numpy() is x.data
    assert np.asarray(x) is x.data
    assert np.array(x) is not x.data
    assert np.asarray(x, dtype="float64").dtype == np.float64
    y = x.requires_grad_()
    with pytest.raises(RuntimeError, match="detach"):
        y.numpy()
    with pytest.raises(RuntimeError, match="detach"):
        np.asarray(y)
    assert y.numpy(force=True) is y.data
    assert y.detach().numpy() is y.data
    with pytest.raises(ValueError, match="copy"):
        fg.ones(2).__array__("float64", copy=False)


@pytest.mark.parametrize(
    "case",
    [
        lambda a, t: a + t,
        lambda a, t: a - t,
        lambda a, t: a * t,
        lambda a, t: a / t,
        lambda a, t: a**t,
        lambda a, t: a @ t.T,
        lambda a, t: a < t,
        lambda a, t: a == t,
        lambda a, t: a % t,
        lambda a, t: a // t,
    ],
)
def test_arrays_on_the_left(case: Any) -> None:
    a, b = np.full((2, 3), 2.0), np.full((2, 3), 3.0)
    t = fg.tensor(b, requires_grad=True)
    result = case(a, t)
    assert isinstance(result, fg.Tensor)
    np.testing.assert_allclose(result.detach().numpy(), case(a, b))
    scalar = case(np.float64(2.0), t) if not np.array_equal(result.shape, (2, 2)) else result
    assert isinstance(scalar, fg.Tensor)
    assert scalar.shape == result.shape


def test_numpy_scalars_are_numbers() -> None:
    x = fg.ones(2)
    assert (x * np.float64(2.0)).dtype == fg.float32
    assert (np.float64(2.0) * x).dtype == fg.float32
    assert (x + np.int64(2)).dtype == fg.float32
    assert (np.float32(2.0) * x).tolist() == [2.0, 2.0]


def test_dlpack_with_numpy_and_torch() -> None:
    x = fg.arange(6, dtype=fg.float32).reshape(2, 3)
    for other in (np.from_dlpack(x), torch.from_dlpack(x), torch.from_dlpack(x.T)):
        assert other.shape in ((2, 3), (3, 2))
    torch.from_dlpack(x).zero_()
    assert x.sum().item() == 0
    theirs = torch.arange(6, dtype=torch.float64).reshape(2, 3).T
    ours = fg.from_dlpack(theirs)
    assert ours.shape == (3, 2)
    theirs[0, 0] = 42
    assert ours[0, 0].item() == 42
    assert x.__dlpack_device__() == (1, 0)
    assert fg.from_dlpack(x).data_ptr() == x.data_ptr()


def test_dlpack_refusals() -> None:
    with pytest.raises(BufferError, match="gradient"):
        np.from_dlpack(fg.ones(2, requires_grad=True))
    with pytest.raises(TypeError, match="from_dlpack"):
        fg.from_dlpack([1.0])
    with pytest.raises(TypeError, match="dtype"):
        fg.from_dlpack(np.zeros(2, "complex64"))


def test_as_tensor_shares_where_it_can() -> None:
    array = np.ones(2, "float32")
    assert fg.as_tensor(array).data is array
    assert fg.as_tensor(array, dtype=fg.float64).dtype == fg.float64
    t = fg.as_tensor(array)
    assert fg.as_tensor(t) is t
    assert fg.tensor(array).data is not array
    assert not np.shares_memory(fg.asarray(array, copy=True).data, array)
    theirs = torch.ones(2)
    assert np.shares_memory(fg.as_tensor(theirs).data, theirs.numpy())


def test_torch_takes_fastgrad_arrays() -> None:
    assert torch.from_numpy(fg.ones(2).numpy()).sum().item() == 2
    with contextlib.suppress(TypeError):
        assert torch.as_tensor(fg.ones(2)).shape == (2,)


def test_numpy_functions_leave_tensors_alone() -> None:
    with pytest.raises(TypeError):
        np.add(np.ones(2), fg.ones(2))
