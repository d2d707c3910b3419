"""Initial values: distributions, gains, seeds, errors."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import fastgrad as fg
from fastgrad.nn import init
from tests.nn.compare import close


@pytest.fixture(autouse=True)
def _seed() -> None:
    fg.manual_seed(11)


def looks_like(values: np.ndarray, cdf: object) -> None:
    """Assert that a Kolmogorov–Smirnov test would not tell the values from the distribution."""
    assert stats.kstest(values.ravel().astype(np.float64), cdf).pvalue > 1e-3


DRAWS = {
    "uniform": (lambda t: init.uniform_(t, -2, 5), lambda i, o: stats.uniform(-2, 7)),
    "normal": (lambda t: init.normal_(t, 1, 3), lambda i, o: stats.norm(1, 3)),
    "trunc_normal": (
        lambda t: init.trunc_normal_(t, 1, 2, -1, 4),
        lambda i, o: stats.truncnorm(-1, 1.5, 1, 2),
    ),
    "trunc_normal far out": (
        lambda t: init.trunc_normal_(t, 0, 1, 3, math.inf),
        lambda i, o: stats.truncnorm(3, np.inf),
    ),
    "trunc_normal narrow": (
        lambda t: init.trunc_normal_(t, 0, 1, -0.05, 0.02),
        lambda i, o: stats.truncnorm(-0.05, 0.02),
    ),
    "xavier_uniform": (
        lambda t: init.xavier_uniform_(t, 2),
        lambda i, o: stats.uniform(-2 * math.sqrt(6 / (i + o)), 4 * math.sqrt(6 / (i + o))),
    ),
    "xavier_normal": (
        lambda t: init.xavier_normal_(t, 2),
        lambda i, o: stats.norm(0, 2 * math.sqrt(2 / (i + o))),
    ),
    "kaiming_uniform": (
        lambda t: init.kaiming_uniform_(t, nonlinearity="relu"),
        lambda i, o: stats.uniform(-math.sqrt(6 / i), 2 * math.sqrt(6 / i)),
    ),
    "kaiming_normal": (
        lambda t: init.kaiming_normal_(t, 0.1, "fan_out"),
        lambda i, o: stats.norm(0, math.sqrt(2 / 1.01 / o)),
    ),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("name", DRAWS)
def test_distribution(name: str, order: str, dtype: str) -> None:
    draw, distribution = DRAWS[name]
    tensor = fg.from_numpy(np.zeros((60, 80), dtype, order=order))
    assert draw(tensor) is tensor
    looks_like(tensor.numpy(), distribution(80, 60).cdf)


def test_further_dimensions_count_as_a_field() -> None:
    tensor = init.kaiming_normal_(fg.zeros(40, 5, 4, 3), nonlinearity="linear")
    looks_like(tensor.numpy(), stats.norm(0, math.sqrt(1 / 60)).cdf)


def test_module_defaults_are_torchs() -> None:
    linear = fg.nn.Linear(64, 100)
    looks_like(linear.weight.detach().numpy(), stats.uniform(-1 / 8, 2 / 8).cdf)
    looks_like(linear.bias.detach().numpy(), stats.uniform(-1 / 8, 2 / 8).cdf)
    bilinear = fg.nn.Bilinear(16, 20, 30)
    looks_like(bilinear.weight.detach().numpy(), stats.uniform(-1 / 4, 2 / 4).cdf)
    looks_like(fg.nn.Embedding(50, 80).weight.detach().numpy(), stats.norm.cdf)
    assert (fg.nn.PReLU(3).weight.detach().numpy() == 0.25).all()


@pytest.mark.parametrize("name", ["uniform", "normal", "trunc_normal", "xavier_uniform"])
def test_seed_gives_the_same_values_in_any_memory_order(name: str) -> None:
    results = []
    for order in "CF":
        fg.manual_seed(4)
        results.append(DRAWS[name][0](fg.from_numpy(np.zeros((5, 6), order=order))).numpy())
    np.testing.assert_array_equal(results[0], results[1])
    a, b = (init.normal_(fg.zeros(5), generator=fg.Generator().manual_seed(3)).numpy() for _ in range(2))
    np.testing.assert_array_equal(a, b)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 8), st.integers(1, 8), st.floats(0.1, 3))
def test_orthogonal(rows: int, columns: int, gain: float) -> None:
    w = init.orthogonal_(fg.zeros(rows, columns, dtype=fg.float64), gain).numpy()
    product = w @ w.T if rows <= columns else w.T @ w
    np.testing.assert_allclose(product, gain**2 * np.eye(min(rows, columns)), atol=1e-12 * gain**2 * 10)


def test_orthogonal_is_uniform_over_rotations() -> None:
    angles = [math.atan2(*init.orthogonal_(fg.zeros(2, 2, dtype=fg.float64)).numpy()[0]) for _ in range(400)]
    looks_like(np.array(angles), stats.uniform(-math.pi, 2 * math.pi).cdf)
    assert init.orthogonal_(fg.zeros(4, 3, 2)).shape == (4, 3, 2)


def test_constants() -> None:
    for ours, theirs in (
        (init.zeros_(fg.ones(2, 3)), torch.zeros(2, 3)),
        (init.ones_(fg.zeros(2, 3)), torch.ones(2, 3)),
        (init.constant_(fg.zeros(2, 3), 0.3), torch.full((2, 3), 0.3)),
        (init.eye_(fg.ones(2, 3)), torch.eye(2, 3)),
        (init.eye_(fg.ones(3, 2)), torch.eye(3, 2)),
    ):
        close(ours, theirs, 0)


def test_sparse_zeroes_the_same_number_in_every_column() -> None:
    w = init.sparse_(fg.zeros(10, 50), 0.25, std=2.0).numpy()
    assert ((w == 0).sum(0) == 3).all()
    looks_like(w[w != 0], stats.norm(0, 2).cdf)
    assert len({tuple(column) for column in (w == 0).T}) > 10


@pytest.mark.parametrize(
    "arguments",
    [
        ("linear",),
        ("sigmoid",),
        ("tanh",),
        ("relu",),
        ("leaky_relu",),
        ("leaky_relu", 0.3),
        ("leaky_relu", 2),
        ("selu",),
    ],
)
def test_gain_is_torchs(arguments: tuple) -> None:
    assert init.calculate_gain(*arguments) == pytest.approx(
        torch.nn.init.calculate_gain(*arguments), rel=1e-15
    )


def test_filling_is_not_recorded_but_counts_as_a_change() -> None:
    w = fg.nn.Parameter(fg.ones(2, dtype=fg.float64))
    y = (w * w).sum()
    init.zeros_(w)
    assert w.is_leaf
    with pytest.raises(RuntimeError, match=r"changed|modified"):
        y.backward()


def test_empty_tensors() -> None:
    for draw in (init.uniform_, init.normal_, init.trunc_normal_, init.xavier_uniform_, init.kaiming_normal_):
        assert draw(fg.zeros(0, 3)).shape == (0, 3)
        assert draw(fg.zeros(3, 0)).shape == (3, 0)


def test_wrong_arguments() -> None:
    w = fg.zeros(2, 3)
    for call, name in (
        (lambda: init.uniform_(w, 1, 0), "uniform_"),
        (lambda: init.normal_(w, 0, -1), "normal_"),
        (lambda: init.trunc_normal_(w, a=1, b=0), "trunc_normal_"),
        (lambda: init.trunc_normal_(w, std=0), "trunc_normal_"),
        (lambda: init.xavier_uniform_(fg.zeros(3)), "xavier_uniform_"),
        (lambda: init.kaiming_normal_(w, mode="fan"), "kaiming_normal_"),
        (lambda: init.kaiming_uniform_(w, nonlinearity="x"), "calculate_gain"),
        (lambda: init.calculate_gain("leaky_relu", "x"), "calculate_gain"),
        (lambda: init.orthogonal_(fg.zeros(3)), "orthogonal_"),
        (lambda: init.eye_(fg.zeros(3)), "eye_"),
        (lambda: init.sparse_(fg.zeros(3), 0.5), "sparse_"),
        (lambda: init.sparse_(w, 1.5), "sparse_"),
    ):
        with pytest.raises(ValueError, match=rf"{name}\(\)"):
            call()
    for call in (
        lambda: init.normal_(fg.tensor([1])),
        lambda: init.zeros_(np.zeros(3)),
        lambda: init.uniform_(3),
    ):
        with pytest.raises(TypeError, match="'tensor'"):
            call()
    read_only = np.zeros(3)
    read_only.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        init.ones_(fg.from_numpy(read_only))
