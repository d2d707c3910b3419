"""LayerNorm and BatchNorm1d."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import fastgrad as fg
from fastgrad.nn import functional as F
from tests.nn.compare import DTYPES, agree, close, modules_agree, normal, same_parameters


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("shape", "inner"),
    [((5, 4), (4,)), ((2, 5, 4), (4,)), ((2, 5, 4), (5, 4)), ((4,), (4,)), ((0, 4), (4,)), ((3, 1), (1,))],
)
@pytest.mark.parametrize("affine", ["both", "weight", "bias", "none"])
def test_layer_norm_is_torchs(dtype: str, shape: tuple, inner: tuple, affine: str) -> None:
    arrays = [normal(0, *shape, dtype=dtype) * 3 + 1]
    if affine in ("both", "weight"):
        arrays.append(normal(1, *inner, dtype=dtype))
    if affine in ("both", "bias"):
        arrays.append(normal(2, *inner, dtype=dtype))

    def pick(f):
        def call(x, *parameters):
            w = parameters[0] if affine in ("both", "weight") else None
            b = parameters[-1] if affine in ("both", "bias") else None
            return f(x, inner, w, b, 1e-3)

        return call

    agree(pick(F.layer_norm), pick(torch.nn.functional.layer_norm), arrays)


@pytest.mark.parametrize(
    "options", [{}, {"eps": 0.1}, {"elementwise_affine": False}, {"bias": False}], ids=lambda o: str(o)
)
def test_layer_norm_module_is_torchs(options: dict) -> None:
    ours = fg.nn.LayerNorm((3, 4), **options, dtype="float64")
    theirs = torch.nn.LayerNorm((3, 4), **options, dtype=torch.float64)
    modules_agree(ours, theirs, normal(0, 5, 3, 4))
    assert repr(ours) == repr(theirs)


def test_gradchecks() -> None:
    shapes = [(4, 3), (3,), (3,)]
    x, w, b = (fg.tensor(normal(i, *shape), requires_grad=True) for i, shape in enumerate(shapes))
    assert fg.autograd.gradcheck(lambda *a: F.layer_norm(a[0], 3, *a[1:]), (x, w, b))
    assert fg.autograd.gradcheck(lambda *a: F.batch_norm(a[0], None, None, *a[1:], training=True), (x, w, b))
    mean, var = fg.tensor(normal(4, 3)), fg.tensor(np.abs(normal(5, 3)))
    assert fg.autograd.gradcheck(lambda *a: F.batch_norm(a[0], mean, var, *a[1:]), (x, w, b))


def test_layer_norm_errors() -> None:
    with pytest.raises(ValueError, match=r"layer_norm\(\).*'x'"):
        F.layer_norm(fg.zeros(3, 4), 5)
    with pytest.raises(ValueError, match=r"layer_norm\(\).*'weight'"):
        F.layer_norm(fg.zeros(3, 4), 4, fg.ones(3))
    with pytest.raises(TypeError, match=r"layer_norm\(\).*'bias'.*float64"):
        F.layer_norm(fg.zeros(3, 4), 4, fg.ones(4), fg.ones(4, dtype=fg.float64))
    with pytest.raises(ValueError, match="normalized_shape"):
        F.layer_norm(fg.zeros(3, 4), ())


OPTIONS = [
    {},
    {"momentum": None},
    {"momentum": 0.3, "eps": 0.1},
    {"affine": False},
    {"bias": False},
    {"track_running_stats": False},
    {"affine": False, "track_running_stats": False},
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(6, 3), (4, 3, 5), (2, 3), (1, 3, 2)])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_batch_norm_is_torchs_through_training_and_evaluation(
    dtype: str, shape: tuple, options: dict
) -> None:
    ours = fg.nn.BatchNorm1d(3, **options, dtype=dtype)
    theirs = torch.nn.BatchNorm1d(3, **options, dtype=getattr(torch, dtype))
    assert repr(ours) == repr(theirs)
    for step in range(3):
        modules_agree(ours, theirs, normal(step, *shape, dtype=dtype) * 2 + 1)
        for name, value in theirs.state_dict().items():
            close(ours.state_dict()[name], value)
        ours.zero_grad()
        theirs.zero_grad()
    ours.eval()
    theirs.eval()
    modules_agree(ours, theirs, normal(5, *shape, dtype=dtype))


def test_evaluation_takes_a_batch_of_one_and_of_none() -> None:
    layer = fg.nn.BatchNorm1d(3).eval()
    assert layer(fg.zeros(1, 3)).shape == (1, 3)
    assert layer(fg.zeros(0, 3)).shape == (0, 3)


def test_batch_norm_errors_leave_the_statistics() -> None:
    layer = fg.nn.BatchNorm1d(3)
    before = {name: value.numpy().copy() for name, value in layer.state_dict().items()}
    for x in (fg.ones(1, 3), fg.ones(4), fg.ones(4, 2), fg.ones(2, 3, 2, 2), fg.ones(0, 3)):
        with pytest.raises(ValueError, match="'x'"):
            layer(x)
    with pytest.raises(TypeError, match=r"float32|float64"):
        layer(fg.ones(4, 3, dtype=fg.float64))
    for name, value in layer.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])
    with pytest.raises(ValueError, match="running"):
        F.batch_norm(fg.ones(4, 3), None, None)


def test_batch_norm_without_gradients_and_reset() -> None:
    layer = fg.nn.BatchNorm1d(3)
    with fg.no_grad():
        assert not layer(fg.tensor(normal(0, 4, 3, dtype="float32"))).requires_grad
    assert layer.num_batches_tracked.item() == 1
    layer.reset_running_stats()
    assert layer.num_batches_tracked.item() == 0
    np.testing.assert_array_equal(layer.running_var.numpy(), np.ones(3, np.float32))
    other = fg.nn.BatchNorm1d(3)
    same_parameters(other, torch.nn.BatchNorm1d(3))
    assert other.num_batches_tracked.dtype == fg.int64
