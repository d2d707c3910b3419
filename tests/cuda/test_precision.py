"""Networks with products of lower precision on the GPU: forward, backward, updates, eagerly and recorded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn, optim
from fastgrad.nn import functional as F
from tests.cuda.compare import IS_STANDIN
from tests.cuda.kernels.test_precision import rounded

pytestmark = pytest.mark.skipif(
    IS_STANDIN, reason="there is no GPU to be used; tools/emulate_cuda.sh runs these tests on the processor"
)
BITS = {"high": 2.0**-11, "medium": 2.0**-8}  # half a unit in the last place


@pytest.fixture(autouse=True)
def _default() -> Iterator[None]:
    yield
    fg.set_float32_matmul_precision("highest")


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng((seed, *shape)).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("precision", BITS)
def test_factors_are_rounded_forward_and_backward(precision: str) -> None:
    x, w, b, dy = numbers(9, 20), numbers(150, 20, seed=1), numbers(150, seed=2), numbers(9, 150, seed=3)
    there = [fg.tensor(a, device="cuda", requires_grad=True) for a in (x, w, b)]
    fg.set_float32_matmul_precision(precision)
    y = F.linear(*there)
    fg.set_float32_matmul_precision("highest")
    y.backward(fg.tensor(dy, device="cuda"))
    rx, rw, rdy = (rounded(a, precision) for a in (x, w, dy))
    expected = {"y": rx @ rw.T + b, "dx": rdy @ rw, "dw": rdy.T @ rx, "db": dy.sum(0)}
    found = dict(zip(expected, (y.detach(), *(t.grad for t in there)), strict=True))
    for name, value in expected.items():
        np.testing.assert_allclose(found[name].cpu().numpy(), value, rtol=1e-4, atol=1e-4, err_msg=name)


def trained(precision: str, way: str, steps: int = 4) -> tuple[list[float], list[np.ndarray]]:
    fg.manual_seed(3)
    net = nn.Sequential(nn.Linear(20, 140), nn.Tanh(), nn.Linear(140, 130), nn.GELU(), nn.Linear(130, 5)).to("cuda")
    opt = optim.Adam(net.parameters(), lr=0.01) if precision == "high" else optim.SGD(net.parameters(), lr=0.1)

    def step(x: Any, target: Any) -> Any:
        with fg.autocast("cuda", enabled=precision == "medium"):
            loss = F.cross_entropy(net(x), target)
        opt.zero_grad()
        loss.backward()
        opt.step()
        return loss

    call = step if way == "eager" else fg.compile(step, fuse=way == "fused")
    if precision == "high":
        fg.set_float32_matmul_precision("high")
    x = fg.tensor(numbers(24, 20), device="cuda")
    target = fg.tensor(np.arange(24) % 5, device="cuda")
    losses = [float(call(x, target)) for _ in range(steps)]
    fg.set_float32_matmul_precision("highest")
    return losses, [p.detach().cpu().numpy() for p in net.parameters()]


@pytest.mark.parametrize("precision", BITS)
def test_recorded_steps_are_the_eager_ones(precision: str) -> None:
    eager, recorded, fused = (trained(precision, way) for way in ("eager", "recorded", "fused"))
    exact = trained("highest", "eager")
    assert eager[0] == recorded[0]
    for a, b in zip(eager[1], recorded[1], strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_allclose(eager[0], fused[0], rtol=BITS[precision])  # its last layer runs in float32
    if precision == "medium":  # the same optimiser
        assert eager[0] != exact[0]
        assert np.allclose(eager[0], exact[0], rtol=0.02)
    assert eager[0][-1] < eager[0][0]


def test_float64_stays_exact() -> None:
    a = np.random.default_rng(0).standard_normal((6, 6))
    fg.set_float32_matmul_precision("medium")
    x = fg.tensor(a, device="cuda")
    np.testing.assert_allclose((x @ x).cpu().numpy(), a @ a, rtol=1e-13)


def test_another_precision_is_recorded_again() -> None:
    w = fg.tensor(numbers(140, 20), device="cuda")
    x = fg.tensor(numbers(9, 20), device="cuda")
    step = fg.compile(lambda x: F.linear(x, w))
    expected = {p: rounded(numbers(9, 20), p).astype(float) @ rounded(numbers(140, 20), p).T for p in BITS}
    expected["highest"] = numbers(9, 20).astype(float) @ numbers(140, 20).T
    for _ in range(2):
        for precision in ("highest", "high", "medium"):
            fg.set_float32_matmul_precision("".join(precision))  # not the same str
            np.testing.assert_allclose(step(x).cpu().numpy(), expected[precision], rtol=1e-5, atol=1e-5)
        fg.set_float32_matmul_precision("highest")
        with fg.autocast("cuda"):
            np.testing.assert_allclose(step(x).cpu().numpy(), expected["medium"], rtol=1e-5, atol=1e-5)
    assert len(step.programs) == 3
