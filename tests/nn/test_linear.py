"""linear and bilinear, as functions and modules."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import fastgrad as fg
from fastgrad import _cpu
from fastgrad.nn import functional as F
from tests.nn.compare import DTYPES, agree, close, modules_agree, normal

TORCH_ACTIVATIONS = {
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "gelu": torch.nn.functional.gelu,
    "silu": torch.nn.functional.silu,
    "elu": torch.nn.functional.elu,
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("leading", [(), (5,), (2, 3), (2, 0, 3), (0,), (1, 2, 1, 3)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear_is_torchs_for_any_leading_dimensions(
    dtype: str, leading: tuple[int, ...], bias: bool
) -> None:
    arrays = [normal(0, *leading, 4, dtype=dtype), normal(1, 3, 4, dtype=dtype)]
    if bias:
        arrays.append(normal(2, 3, dtype=dtype))
    agree(F.linear, torch.nn.functional.linear, arrays)


@settings(max_examples=60, deadline=None)
@given(
    m=st.integers(0, 20),
    n=st.integers(0, 20),
    k=st.integers(0, 20),
    bias=st.booleans(),
    order=st.sampled_from("CF"),
    dtype=st.sampled_from(DTYPES),
)
def test_linear_of_any_size(m: int, n: int, k: int, bias: bool, order: str, dtype: str) -> None:
    arrays = [normal(0, m, k, dtype=dtype), np.asarray(normal(1, n, k, dtype=dtype), order=order)]
    if bias:
        arrays.append(normal(2, n, dtype=dtype))
    agree(F.linear, torch.nn.functional.linear, arrays)


def test_without_inputs_the_bias_remains() -> None:
    b = normal(0, 3)
    close(
        F.linear(fg.zeros(2, 0, dtype=fg.float64), fg.zeros(3, 0, dtype=fg.float64), fg.tensor(b)),
        np.stack([b, b]),
    )


@pytest.mark.parametrize("bias", [True, False])
def test_a_vector_of_weights_gives_one_output_without_its_dimension(bias: bool) -> None:
    arrays = [normal(0, 2, 5, 4), normal(1, 4)]
    if bias:
        arrays.append(normal(2))
    agree(F.linear, torch.nn.functional.linear, arrays)


@pytest.mark.parametrize("name", sorted(TORCH_ACTIVATIONS))
@pytest.mark.parametrize("leading", [(6,), (2, 3), ()])
def test_fused_activation_is_the_activation_of_the_linear(name: str, leading: tuple[int, ...]) -> None:
    def fused(x: fg.Tensor, w: fg.Tensor, b: fg.Tensor) -> fg.Tensor:
        return F.linear(x, w, b, activation=name)

    def apart(x: torch.Tensor, w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return TORCH_ACTIVATIONS[name](torch.nn.functional.linear(x, w, b))

    agree(fused, apart, [normal(0, *leading, 4), normal(1, 3, 4), normal(2, 3)])


@pytest.mark.parametrize("info", _cpu.activations(), ids=lambda info: info["name"])
def test_gradcheck_of_every_activation(info: dict) -> None:
    x, w, b = (
        fg.tensor(normal(i, *shape), requires_grad=True) for i, shape in enumerate([(3, 4), (5, 4), (5,)])
    )
    assert fg.autograd.gradcheck(lambda *a: F.linear(*a, activation=info["name"]), (x, w, b))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("needs", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (0, 1, 1), (0, 0, 0)])
def test_only_wanted_gradients_are_computed(dtype: str, needs: tuple[int, ...]) -> None:
    arrays = [normal(0, 3, 4, dtype=dtype), normal(1, 5, 4, dtype=dtype), normal(2, 5, dtype=dtype)]
    a = [fg.tensor(array, requires_grad=bool(need)) for array, need in zip(arrays, needs, strict=True)]
    b = [torch.tensor(array, requires_grad=bool(need)) for array, need in zip(arrays, needs, strict=True)]
    y, t = F.linear(*a, activation="relu"), torch.relu(torch.nn.functional.linear(*b))
    assert y.requires_grad == t.requires_grad
    if t.requires_grad:
        y.sum().backward()
        t.sum().backward()
    for p, q, need in zip(a, b, needs, strict=True):
        assert (p.grad is not None) == bool(need)
        if need:
            close(p.grad, q.grad)


def test_weight_may_change_before_backward_if_nobody_reads_it() -> None:
    x, w = fg.tensor(normal(0, 3, 4)), fg.tensor(normal(1, 5, 4), requires_grad=True)
    y = F.linear(x, w).sum()
    with fg.no_grad():
        w *= 2
    y.backward()
    close(w.grad, np.broadcast_to(x.numpy().sum(0), (5, 4)))
    x.requires_grad_()
    y = F.linear(x, w).sum()
    with fg.no_grad():
        w *= 2
    with pytest.raises(RuntimeError, match=r"changed|modified"):
        y.backward()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", ["C", "F", "reversed", "strided", "broadcast", "read-only"])
def test_layouts_of_the_input_agree_and_inputs_stay(dtype: str, layout: str) -> None:
    x = normal(0, 6, 4, dtype=dtype)
    x = {
        "C": lambda: x,
        "F": lambda: np.asfortranarray(x),
        "reversed": lambda: x[::-1, ::-1],
        "strided": lambda: normal(0, 12, 8, dtype=dtype)[::2, ::2],
        "broadcast": lambda: np.broadcast_to(x[0], (6, 4)),
        "read-only": lambda: x.copy(),
    }[layout]()
    if layout == "read-only":
        x.flags.writeable = False
    before = x.copy()
    w, b = normal(1, 3, 4, dtype=dtype), normal(2, 3, dtype=dtype)
    y = F.linear(fg.from_numpy(x), fg.tensor(w), fg.tensor(b))
    close(y, torch.nn.functional.linear(torch.tensor(before), torch.tensor(w), torch.tensor(b)))
    np.testing.assert_array_equal(x, before)


def test_arrays_are_taken_as_tensors() -> None:
    x, w = normal(0, 2, 4), normal(1, 3, 4)
    close(F.linear(x, w), x @ w.T)


def test_nan_stays_in_its_row() -> None:
    x = normal(0, 3, 4)
    x[1, 2] = np.nan
    y = F.linear(fg.tensor(x), fg.zeros(5, 4, dtype=fg.float64)).numpy()
    assert np.isnan(y[1]).all()
    assert (y[[0, 2]] == 0).all()


@pytest.mark.parametrize(
    ("shapes", "argument"),
    [
        (((2, 5), (3, 4), (3,)), "'x'"),
        (((), (3, 4), (3,)), "'x'"),
        (((2, 4), (3, 4), (4,)), "'b'"),
        (((2, 4), (3, 4), (3, 1)), "'b'"),
        (((2, 4), (3, 4, 1), (3,)), "'w'"),
        (((2, 2, 5), (3, 4), (3,)), "'x'"),
    ],
)
def test_wrong_shapes_name_function_and_argument(shapes: tuple[tuple[int, ...], ...], argument: str) -> None:
    with pytest.raises(ValueError, match=rf"linear\(\).*{argument}.*expected"):
        F.linear(*(fg.zeros(*shape) for shape in shapes))


def test_wrong_dtypes_name_function_and_argument() -> None:
    x, w = fg.zeros(2, 4), fg.zeros(3, 4)
    with pytest.raises(TypeError, match=r"linear\(\).*'w'.*float64.*float32"):
        F.linear(x, w.double())
    with pytest.raises(TypeError, match=r"linear\(\).*'x'.*int64"):
        F.linear(fg.zeros(2, 4, dtype=fg.int64), w)
    with pytest.raises(TypeError, match=r"linear\(\).*'b'.*float64.*float32"):
        F.linear(x, w, fg.zeros(3, dtype=fg.float64))


def test_unknown_activation_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"'reluu'.*relu"):
        F.linear(fg.zeros(2, 4), fg.zeros(3, 4), activation="reluu")
    with pytest.raises(ValueError, match="'reluu'"):
        fg.nn.Linear(2, 3, activation="reluu")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", [True, False])
def test_module_is_torchs(dtype: str, bias: bool) -> None:
    ours = fg.nn.Linear(4, 3, bias=bias, dtype=dtype)
    theirs = torch.nn.Linear(4, 3, bias=bias, dtype=getattr(torch, dtype))
    modules_agree(ours, theirs, normal(0, 2, 5, 4, dtype=dtype))
    assert repr(ours) == repr(theirs)


def test_module_with_activation() -> None:
    layer = fg.nn.Linear(4, 3, activation="relu", dtype=fg.float64)
    x = normal(0, 5, 4)
    expected = np.maximum(x @ layer.weight.detach().numpy().T + layer.bias.detach().numpy(), 0)
    close(layer(fg.tensor(x)), expected)
    assert "relu" in repr(layer)
    assert layer.state_dict().keys() == {"weight", "bias"}


def test_weight_is_held_in_fortran_order_and_stays_there() -> None:
    layer = fg.nn.Linear(4, 3)
    for module in (layer, copy.deepcopy(layer), fg.nn.Linear(4, 3).double()):
        assert module.weight.data.flags.f_contiguous
        assert module.weight.shape == (3, 4)
    layer.load_state_dict({"weight": normal(0, 3, 4), "bias": normal(1, 3)})
    assert layer.weight.data.flags.f_contiguous
    layer(fg.ones(2, 4)).sum().backward()
    assert layer.weight.grad.data.flags.f_contiguous


def test_default_dtype_is_followed() -> None:
    fg.set_default_dtype(fg.float64)
    try:
        assert fg.nn.Linear(2, 2).weight.dtype == fg.float64
    finally:
        fg.set_default_dtype(fg.float32)


def test_module_arguments_are_checked() -> None:
    with pytest.raises(ValueError, match="in_features"):
        fg.nn.Linear(-1, 2)
    with pytest.raises(TypeError, match="out_features"):
        fg.nn.Linear(1, 2.5)
    with pytest.raises(TypeError, match="int64"):
        fg.nn.Linear(1, 2, dtype="int64")
    with pytest.raises(ValueError, match="in1_features"):
        fg.nn.Bilinear(0, 2, 3)
    assert fg.nn.Linear(0, 2)(fg.zeros(3, 0)).shape == (3, 2)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("leading", [(), (5,), (2, 3)])
@pytest.mark.parametrize("bias", [True, False])
def test_bilinear_is_torchs(dtype: str, leading: tuple[int, ...], bias: bool) -> None:
    ours = fg.nn.Bilinear(4, 3, 2, bias=bias, dtype=dtype)
    theirs = torch.nn.Bilinear(4, 3, 2, bias=bias, dtype=getattr(torch, dtype))
    modules_agree(ours, theirs, normal(0, *leading, 4, dtype=dtype), normal(1, *leading, 3, dtype=dtype))
    assert repr(ours) == repr(theirs)


def test_bilinear_gradcheck_and_errors() -> None:
    shapes = [(3, 4), (3, 2), (5, 4, 2), (5,)]
    arguments = [fg.tensor(normal(i, *shape), requires_grad=True) for i, shape in enumerate(shapes)]
    assert fg.autograd.gradcheck(F.bilinear, arguments)
    x1, x2, w, b = arguments
    for wrong, argument in (
        ((x2, x1, w, b), "x1"),
        ((x1, x1, w, b), "x2"),
        ((x1, x2, b, b), "w"),
        ((x1, x2, w, x1), "b"),
    ):
        with pytest.raises(ValueError, match=rf"bilinear\(\).*'{argument}'"):
            F.bilinear(*wrong)


def test_identity_ignores_arguments_and_returns_its_input() -> None:
    x = fg.ones(2)
    assert fg.nn.Identity(5, key="value")(x) is x
    assert repr(fg.nn.Identity()) == "Identity()"


@pytest.mark.parametrize("which", [0, 1, 2])
def test_each_argument_may_be_an_array(which: int) -> None:
    arrays = [normal(0, 2, 4), normal(1, 3, 4), normal(2, 3)]
    arguments = [
        array if i == which else fg.tensor(array, requires_grad=True) for i, array in enumerate(arrays)
    ]
    y = F.linear(*arguments)
    close(y, arrays[0] @ arrays[1].T + arrays[2])
    y.sum().backward()
