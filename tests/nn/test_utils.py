"""Gradient clipping, and parameters as a vector."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import fastgrad as fg
from fastgrad.nn import utils
from tests.nn.compare import DTYPES, close, normal


def with_gradients(dtype: str, scale: float = 1.0) -> tuple[list[fg.Tensor], list[torch.Tensor]]:
    """Parameters of several shapes with the same gradients in both libraries, one without."""
    ours, theirs = [], []
    for i, shape in enumerate([(3, 4), (5,), (), (2, 3)]):
        a = fg.nn.Parameter(np.zeros(shape, dtype, order="F"))
        b = torch.zeros(shape, dtype=getattr(torch, dtype), requires_grad=True)
        if i < 3:
            g = normal(i, *shape, dtype=dtype) * np.dtype(dtype).type(scale)
            a.grad = fg.from_numpy(np.asarray(g, order="F"))
            b.grad = torch.tensor(g)
        ours.append(a)
        theirs.append(b)
    return ours, theirs


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("norm_type", [2.0, 1.0, 3.0, math.inf])
@pytest.mark.parametrize("max_norm", [0.5, 100.0, 0.0])
def test_clip_grad_norm_is_torchs(dtype: str, norm_type: float, max_norm: float) -> None:
    ours, theirs = with_gradients(dtype)
    close(
        utils.clip_grad_norm_(iter(ours), max_norm, norm_type),
        torch.nn.utils.clip_grad_norm_(theirs, max_norm, norm_type),
    )
    for a, b in zip(ours[:3], theirs, strict=False):
        close(a.grad, b.grad)
    assert ours[3].grad is None


def test_norms_that_are_not_finite() -> None:
    ours, theirs = with_gradients("float64")
    ours[0].grad.data[0, 0] = np.nan
    theirs[0].grad[0, 0] = np.nan
    before = ours[1].grad.numpy().copy()
    with pytest.raises(RuntimeError, match="nan"):
        utils.clip_grad_norm_(ours, 1.0, error_if_nonfinite=True)
    np.testing.assert_array_equal(ours[1].grad.numpy(), before)
    assert math.isnan(utils.clip_grad_norm_(ours, 1.0).item())
    torch.nn.utils.clip_grad_norm_(theirs, 1.0)
    close(ours[1].grad, theirs[1].grad)
    assert utils.clip_grad_norm_([], 1.0).item() == 0
    assert utils.clip_grad_norm_(ours[3], 1.0).item() == 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_clip_grad_value_is_torchs(dtype: str) -> None:
    ours, theirs = with_gradients(dtype)
    utils.clip_grad_value_(ours, 0.3)
    torch.nn.utils.clip_grad_value_(theirs, 0.3)
    for a, b in zip(ours[:3], theirs, strict=False):
        close(a.grad, b.grad, 0)
    with pytest.raises(ValueError, match="clip_value"):
        utils.clip_grad_value_(ours, -1.0)
    with pytest.raises(TypeError, match="ndarray"):
        utils.clip_grad_value_([np.zeros(2)], 1.0)


def test_parameters_as_a_vector_and_back() -> None:
    ours, theirs = fg.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    with torch.no_grad():
        theirs.weight.copy_(torch.tensor(ours.weight.detach().numpy()))
        theirs.bias.copy_(torch.tensor(ours.bias.detach().numpy()))
    vector = utils.parameters_to_vector(ours.parameters())
    close(vector, torch.nn.utils.parameters_to_vector(theirs.parameters()), 0)
    (vector * vector).sum().backward()
    close(ours.weight.grad, 2 * ours.weight.detach().numpy())
    new = fg.tensor(normal(0, 8, dtype="float32"))
    weight = ours.weight
    utils.vector_to_parameters(new, ours.parameters())
    assert ours.weight is weight
    assert weight.data.flags.f_contiguous
    close(utils.parameters_to_vector(ours.parameters()), new.numpy(), 0)


def test_vectors_that_do_not_fit_change_nothing() -> None:
    layer = fg.nn.Linear(3, 2)
    before = layer.weight.detach().numpy().copy()
    for wrong in (fg.zeros(7), fg.zeros(9), fg.zeros(8, 1)):
        with pytest.raises(ValueError, match="vec"):
            utils.vector_to_parameters(wrong, layer.parameters())
    with pytest.raises(TypeError, match="ndarray"):
        utils.vector_to_parameters(np.zeros(8), layer.parameters())
    with pytest.raises(ValueError, match="empty"):
        utils.parameters_to_vector([])
    layer.bias.data.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        utils.vector_to_parameters(fg.zeros(8), layer.parameters())
    np.testing.assert_array_equal(layer.weight.detach().numpy(), before)


def test_read_only_gradients_are_an_error_before_anything_is_scaled() -> None:
    ours, _ = with_gradients("float64")
    ours[1].grad.data.flags.writeable = False
    before = ours[0].grad.numpy().copy()
    for clip in (utils.clip_grad_norm_, utils.clip_grad_value_):
        with pytest.raises(ValueError, match=rf"{clip.__name__}.*read-only"):
            clip(ours, 0.1)
    np.testing.assert_array_equal(ours[0].grad.numpy(), before)
