"""Embedding and one_hot."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import fastgrad as fg
from fastgrad.nn import functional as F
from tests.nn.compare import DTYPES, close, normal, same_parameters


def table(dtype: str, indices: np.ndarray, **options: object) -> None:
    """Compare the two modules' values and gradients on `indices`."""
    ours = fg.nn.Embedding(6, 3, dtype=dtype, **options)
    theirs = torch.nn.Embedding(6, 3, dtype=getattr(torch, dtype), **options)
    same_parameters(ours, theirs)
    y, t = ours(fg.tensor(indices)), theirs(torch.tensor(indices))
    close(y, t)
    v = normal(1, *t.shape, dtype=dtype)
    y.backward(fg.tensor(v))
    t.backward(torch.tensor(v))
    close(ours.weight.grad, theirs.weight.grad)
    close(ours.weight, theirs.weight)
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (4,), (3, 5), (2, 3, 2), (0,), (2, 0)])
@pytest.mark.parametrize("padding_idx", [None, 2, -1])
def test_module_is_torchs(dtype: str, shape: tuple[int, ...], padding_idx: int | None) -> None:
    table(dtype, np.random.default_rng(0).integers(0, 6, shape), padding_idx=padding_idx)


@pytest.mark.parametrize(
    "options", [{"scale_grad_by_freq": True}, {"max_norm": 1.0}, {"max_norm": 1.5, "norm_type": 1.0}]
)
def test_options_are_torchs(options: dict) -> None:
    table("float64", np.array([0, 1, 1, 5, 5, 5]), **options)


def test_padding_row_starts_as_zeros() -> None:
    layer = fg.nn.Embedding(5, 3, padding_idx=-2)
    assert layer.padding_idx == 3
    assert not layer.weight.detach().numpy()[3].any()
    assert layer.weight.detach().numpy()[[0, 1, 2, 4]].any(axis=1).all()


def test_gradcheck() -> None:
    w = fg.tensor(normal(0, 5, 3), requires_grad=True)
    index = fg.tensor([[0, 4, 4], [2, 0, 0]])
    assert fg.autograd.gradcheck(lambda w: F.embedding(index, w), (w,))


def test_indices_changed_before_backward_are_an_error() -> None:
    w = fg.zeros(5, 3, requires_grad=True)
    index = fg.tensor([0, 4])
    y = F.embedding(index, w).sum()
    index += 0
    with pytest.raises(RuntimeError, match=r"changed|modified"):
        y.backward()


def test_from_pretrained_shares_memory_and_is_frozen() -> None:
    values = fg.tensor(normal(0, 4, 2))
    layer = fg.nn.Embedding.from_pretrained(values, padding_idx=-1)
    assert layer.weight.data is values.data
    assert not layer.weight.requires_grad
    assert (layer.num_embeddings, layer.embedding_dim, layer.padding_idx) == (4, 2, 3)
    close(layer(fg.tensor([3, 0])), normal(0, 4, 2)[[3, 0]])
    assert fg.nn.Embedding.from_pretrained(values, freeze=False).weight.requires_grad
    with pytest.raises(ValueError, match="from_pretrained"):
        fg.nn.Embedding.from_pretrained(fg.zeros(4))


@pytest.mark.parametrize("kind", ["uint8", "int32", "int64"])
def test_indices_of_any_integer_dtype_and_layout(kind: str) -> None:
    w = normal(0, 6, 3)
    index = np.arange(6, dtype=kind)[::-2]
    close(F.embedding(fg.from_numpy(index), fg.from_numpy(np.asfortranarray(w))), w[index])


def test_wrong_arguments() -> None:
    w = fg.zeros(6, 3)
    for wrong in (6, -1):
        with pytest.raises(IndexError, match=rf"embedding\(\).*'index' is {wrong}"):
            F.embedding(fg.tensor([0, wrong]), w)
    with pytest.raises(TypeError, match=r"embedding\(\).*'index'.*float32"):
        F.embedding(fg.tensor([0.0]), w)
    with pytest.raises(ValueError, match=r"embedding\(\).*'w'"):
        F.embedding(fg.tensor([0]), fg.zeros(6))
    with pytest.raises(ValueError, match="padding_idx"):
        F.embedding(fg.tensor([0]), w, padding_idx=6)
    with pytest.raises(ValueError, match="padding_idx"):
        fg.nn.Embedding(6, 3, padding_idx=-7)


@pytest.mark.parametrize("shape", [(), (4,), (2, 3)])
@pytest.mark.parametrize("num_classes", [-1, 7])
def test_one_hot_is_torchs(shape: tuple[int, ...], num_classes: int) -> None:
    index = np.random.default_rng(0).integers(0, 6, shape)
    close(
        F.one_hot(fg.tensor(index), num_classes),
        torch.nn.functional.one_hot(torch.tensor(index), num_classes),
    )


def test_one_hot_of_nothing_and_of_wrong_things() -> None:
    assert F.one_hot(fg.zeros(0, dtype=fg.int64), 3).shape == (0, 3)
    with pytest.raises(ValueError, match="num_classes"):
        F.one_hot(fg.zeros(0, dtype=fg.int64))
    with pytest.raises(ValueError, match="num_classes"):
        F.one_hot(fg.tensor([0]), 0)
    for index, classes in (([0, 3], 3), ([-1, 0], 3)):
        with pytest.raises(IndexError, match=r"one_hot\(\).*'index'"):
            F.one_hot(fg.tensor(index), classes)
    with pytest.raises(TypeError, match="float32"):
        F.one_hot(fg.tensor([0.0]))
