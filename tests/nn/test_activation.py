"""Activations as functions and modules on the tape; their accuracy is tested with the kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import fastgrad as fg
from fastgrad import _cpu, nn
from fastgrad.nn import functional as F
from tests.nn.compare import DTYPES, agree, close, normal

# name of the function, of the module, options
CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("sigmoid", "Sigmoid", {}),
    ("tanh", "Tanh", {}),
    ("relu", "ReLU", {}),
    ("leaky_relu", "LeakyReLU", {}),
    ("leaky_relu", "LeakyReLU", {"negative_slope": 0.3}),
    ("leaky_relu", "LeakyReLU", {"negative_slope": -0.2}),
    ("elu", "ELU", {}),
    ("elu", "ELU", {"alpha": 0.5}),
    ("elu", "ELU", {"alpha": -0.5}),
    ("celu", "CELU", {}),
    ("celu", "CELU", {"alpha": 2.0}),
    ("selu", "SELU", {}),
    ("gelu", "GELU", {}),
    ("gelu", "GELU", {"approximate": "tanh"}),
    ("silu", "SiLU", {}),
    ("mish", "Mish", {}),
    ("softplus", "Softplus", {}),
    ("softplus", "Softplus", {"beta": 2.0, "threshold": 1.0}),
    ("softsign", "Softsign", {}),
    ("hardtanh", "Hardtanh", {}),
    ("hardtanh", "Hardtanh", {"min_val": -0.5, "max_val": 2.0}),
    ("relu6", "ReLU6", {}),
    ("hardswish", "Hardswish", {}),
    ("logsigmoid", "LogSigmoid", {}),
]


def test_every_activation_has_its_cases() -> None:
    names = {"gelu" if info["name"] == "gelu_tanh" else info["name"] for info in _cpu.activations()}
    assert names == {name for name, _, _ in CASES}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "module", "options"), CASES)
def test_function_and_module_are_torchs(dtype: str, name: str, module: str, options: dict[str, Any]) -> None:
    x = normal(0, 5, 7, dtype=dtype) * 3
    theirs = getattr(torch.nn, module)(**options)
    agree(getattr(nn, module)(**options), theirs, [x])
    agree(lambda x: getattr(F, name)(x, **options), theirs, [x])
    for shape in ((), (0, 3), (2, 3, 4)):
        agree(getattr(nn, module)(**options), theirs, [normal(1, *shape, dtype=dtype)])


@pytest.mark.parametrize(("name", "module", "options"), CASES)
def test_gradcheck(name: str, module: str, options: dict[str, Any]) -> None:
    x = fg.tensor(normal(3, 4, 5), requires_grad=True)
    assert fg.autograd.gradcheck(lambda x: getattr(F, name)(x, **options), (x,))


@settings(max_examples=60, deadline=None)
@given(
    case=st.sampled_from(CASES),
    shape=st.lists(st.integers(0, 5), min_size=1, max_size=4),
    layout=st.sampled_from(["F", "reversed", "strided", "broadcast"]),
)
def test_any_shape_and_layout(case: tuple[str, str, dict[str, Any]], shape: list[int], layout: str) -> None:
    x = normal(0, *shape)
    x = {
        "F": lambda: np.asfortranarray(x),
        "reversed": lambda: x[::-1],
        "strided": lambda: np.repeat(x, 2, axis=-1)[..., ::2],
        "broadcast": lambda: np.broadcast_to(x, (3, *shape)),
    }[layout]()
    before = x.copy()
    name, module, options = case
    close(
        getattr(F, name)(fg.from_numpy(x), **options),
        getattr(torch.nn, module)(**options)(torch.tensor(before)),
    )
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize(("name", "module", "options"), CASES)
def test_an_input_changed_before_backward_is_an_error_where_it_is_read(
    name: str, module: str, options: dict[str, Any]
) -> None:
    layer = getattr(nn, module)(**options)
    x = fg.ones(3, requires_grad=True) * 1
    y = layer(x)
    reads = layer.activation.reads
    changed = {"input": x, "output": y}.get(reads)
    if changed is None:
        pytest.skip("the derivative reads nothing")
    with fg.no_grad():
        changed *= 2
    with pytest.raises(RuntimeError, match=r"changed|modified"):
        y.sum().backward()


def test_wrong_arguments() -> None:
    for name, _, _ in CASES:
        with pytest.raises(TypeError, match=rf"{name}\(\).*int64"):
            getattr(F, name)(fg.tensor([1]))
    with pytest.raises(ValueError, match="approximate"):
        F.gelu(fg.ones(1), approximate="erf")
    with pytest.raises(ValueError, match="approximate"):
        nn.GELU(approximate="erf")
