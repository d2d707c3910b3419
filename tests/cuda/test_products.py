"""Products by cuBLAS, and the choice between it and fastgrad's kernels."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn, optim
from fastgrad.cuda import library, products
from fastgrad.nn import functional as F
from tests.cuda.compare import IS_STANDIN
from tests.cuda.conftest import EMULATED, needs_speed

pytestmark = pytest.mark.skipif(
    IS_STANDIN, reason="there is no GPU to be used; tools/emulate_cuda.sh runs these tests on the processor"
)


@pytest.fixture(autouse=True)
def _cublas() -> Iterator[None]:
    native: Any = library.kernels()
    library.cupy()
    if EMULATED:  # which has products under cuBLAS's names
        assert native._load_library(EMULATED)
    if not native._has_library():
        pytest.skip("cupy has loaded no cuBLAS")
    yield
    fg.cuda.set_product_kernels("auto")
    fg.set_float32_matmul_precision("highest")


def calls() -> int:
    return ctypes.CDLL(EMULATED).cublas_calls() if EMULATED else 0


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng((seed, *shape)).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("layouts", ["CC", "CF", "FC", "FF"])
@pytest.mark.parametrize("size", [(1, 1, 1), (1, 5, 7), (9, 1, 3), (33, 17, 70), (64, 64, 64), (3, 4, 0)])
@pytest.mark.parametrize("precision", ["highest", "high", "medium"])
def test_matmul(layouts: str, size: tuple[int, int, int], precision: str) -> None:
    m, n, k = size
    a, b = (np.array(x, order=o) for x, o in zip((numbers(m, k), numbers(k, n, seed=1)), layouts, strict=True))
    x, y = (fg.from_numpy(each).to("cuda") for each in (a, b))
    fg.set_float32_matmul_precision(precision)
    found = []
    for kernels in ("fastgrad", "cublas"):
        fg.cuda.set_product_kernels(kernels)
        before = calls()
        found.append((x @ y).cpu().numpy())
        assert calls() - before == (EMULATED is not None and kernels == "cublas" and k > 0)
    # cuBLAS may take a product with one row or column in float32, and cut TF32's factors off
    rounding = {"highest": 1e-6, "high": 2**-9, "medium": 1e-6}[precision]
    np.testing.assert_array_less(abs(found[1] - found[0]), 1e-6 + rounding * (abs(a).astype(float) @ abs(b)) * 4)


def test_what_lies_in_neither_rows_nor_columns_is_fastgrads() -> None:
    fg.cuda.set_product_kernels("cublas")
    x = fg.from_numpy(numbers(8, 12)).to("cuda")
    before = calls()
    y = x[::2, ::3] @ x[:4]
    assert calls() == before
    a = x.cpu().numpy()
    np.testing.assert_allclose(y.cpu().numpy(), a[::2, ::3] @ a[:4], rtol=1e-5, atol=1e-5)


def trained(kernels: str, way: str, optimizer: str, width: int = 140, batch: int = 24) -> list[np.ndarray]:
    fg.cuda.set_product_kernels(kernels)
    fg.manual_seed(3)
    net = nn.Sequential(
        nn.Linear(20, width), nn.GELU(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 140)
    ).to("cuda")
    opt: Any = optim.SGD if optimizer == "sgd" else optim.Adam
    opt = opt(net.parameters(), lr=0.01)

    def step(x: Any, target: Any) -> Any:
        loss = F.cross_entropy(net(x), target)
        opt.zero_grad()
        loss.backward()
        opt.step()
        return loss

    call = step if way == "eager" else fg.compile(step)
    x, target = fg.from_numpy(numbers(batch, 20)).to("cuda"), fg.arange(batch, device="cuda") % 140
    losses = [float(call(x, target)) for _ in range(3)]
    return [np.array(losses), *[p.detach().cpu().numpy() for p in net.parameters()]]


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("way", ["eager", "recorded"])
def test_steps(way: str, optimizer: str) -> None:
    before = calls()
    expected = trained("fastgrad", way, optimizer)
    assert calls() == before
    for found, right in zip(trained("cublas", way, optimizer), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=2e-5, atol=2e-5)
    assert not EMULATED or calls() >= before + 8


@pytest.mark.parametrize("way", ["eager", "recorded"])
def test_auto_measures_each_kind_of_large_product_once(way: str) -> None:
    fg.cuda.set_product_kernels("auto")
    x, w = fg.from_numpy(numbers(2, 1024)).to("cuda"), fg.from_numpy(numbers(2049, 1024)).to("cuda")
    call: Any = (lambda x: F.linear(x, w, activation="relu")) if way == "eager" else None
    call = call or fg.compile(lambda x: F.linear(x, w, activation="tanh"))
    results = [call(x).cpu().numpy() for _ in range(3)]
    expected = x.cpu().numpy() @ w.cpu().numpy().T
    expected = np.maximum(expected, 0) if way == "eager" else np.tanh(expected)
    np.testing.assert_allclose(results[0], expected, rtol=1e-4, atol=1e-4)
    assert all(np.array_equal(results[0], each) for each in results[1:])
    kinds = [p for p in fg.cuda.measured_products() if (p["m"], p["n"], p["k"]) == (2, 2049, 1024)]
    assert len(kinds) == 1
    assert kinds[0]["fastgrad"] > 0
    assert kinds[0]["used"] in ("fastgrad", "cublas")


@pytest.mark.parametrize("precision", ["highest", "high", "medium"])
@pytest.mark.parametrize("shapes", [((3, 1, 9, 5), (1, 4, 5, 7)), ((6, 4, 3), (3, 8))])
def test_batches(shapes: tuple[tuple[int, ...], tuple[int, ...]], precision: str) -> None:
    x, y = numbers(*shapes[0]), numbers(*shapes[1], seed=1)
    fg.set_float32_matmul_precision(precision)
    tolerance = {"highest": 1e-6, "high": 2e-3, "medium": 2e-2}[precision] * 8
    for kernels in ("fastgrad", "cublas"):
        fg.cuda.set_product_kernels(kernels)
        found = (fg.from_numpy(x).to("cuda") @ fg.from_numpy(y).to("cuda")).cpu().numpy()
        np.testing.assert_allclose(found, x.astype(float) @ y.astype(float), rtol=0, atol=tolerance)


@pytest.mark.parametrize("precision", ["highest", *(pytest.param(p, marks=needs_speed) for p in ("high", "medium"))])
def test_recorded_steps_choose_like_eager_ones(precision: str) -> None:
    fg.set_float32_matmul_precision(precision)
    eager = trained("auto", "eager", "sgd", width=256, batch=260)
    met = {(p["m"], p["n"], p["k"]) for p in fg.cuda.measured_products()}
    assert {(260, 256, 256), (256, 256, 260)} <= met  # forward and dx; dw
    recorded = trained("auto", "recorded", "sgd", width=256, batch=260)
    assert {(p["m"], p["n"], p["k"]) for p in fg.cuda.measured_products()} == met
    for a, b in zip(eager, recorded, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=str(fg.cuda.measured_products()))


@pytest.mark.parametrize("kernels", [pytest.param("fastgrad", marks=needs_speed), "cublas"])
def test_more_matrices_than_a_grid_has_in_its_third_dimension(kernels: str) -> None:
    x, y = numbers(70000, 1, 2), numbers(70000, 2, 1)
    fg.cuda.set_product_kernels(kernels)
    found = (fg.from_numpy(x).to("cuda") @ fg.from_numpy(y).to("cuda")).cpu().numpy()
    np.testing.assert_allclose(found, x @ y, rtol=1e-5, atol=1e-5)


@needs_speed
def test_more_rows_than_a_grid_has_in_its_second_dimension() -> None:
    x = fg.ones(9_000_000, 2, device="cuda").requires_grad_()
    w = fg.ones(3, 2, device="cuda").requires_grad_()
    b = fg.zeros(3, device="cuda").requires_grad_()
    y = F.linear(x, w, b)
    assert float(y.min()) == float(y.max()) == 2
    y.backward(fg.ones_like(y))
    assert b.grad is not None
    assert b.grad.tolist() == [9_000_000] * 3


@pytest.mark.parametrize("name", ["fastgrad", "cublas", ""])
def test_the_environment_chooses(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    native = library.kernels()
    assert native is not None
    monkeypatch.setenv("FASTGRAD_PRODUCT_KERNELS", name)
    products.load(native)
    assert fg.cuda.get_product_kernels() == (name or "auto")


def test_cupy_is_asked_to_find_cublas(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Libraries(ModuleType):
        __path__: ClassVar[list[str]] = []

        def __getattr__(self, name: str) -> Any:
            asked.append(name)
            raise ImportError(name)

    for name in ("cupy_backends", "cupy_backends.cuda", "cupy_backends.cuda.libs"):
        monkeypatch.setitem(sys.modules, name, Libraries(name))
    products.load(library.kernels())
    assert asked == ["cublas"]


def test_the_environment_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTGRAD_PRODUCT_KERNELS", "mkl")
    expected = "FASTGRAD_PRODUCT_KERNELS is 'mkl', expected 'auto', 'fastgrad' or 'cublas'"
    with pytest.raises(RuntimeError, match=expected):
        products.load(library.kernels())
    monkeypatch.setenv("FASTGRAD_PRODUCT_KERNELS", "cublas")

    class WithoutLibrary:
        @staticmethod
        def _load_library(file: str) -> bool:
            return False

        @staticmethod
        def _has_library() -> bool:
            return False

    with pytest.raises(RuntimeError, match="is 'cublas', expected 'auto' or 'fastgrad': cupy has loaded no cuBLAS"):
        products.load(WithoutLibrary)
    assert fg.cuda.get_product_kernels() == "auto"


def test_names() -> None:
    assert fg.cuda.get_product_kernels() == "auto"
    with pytest.raises(ValueError, match=r"set_product_kernels\(\): argument 'kernels' is 'mine', expected 'auto'"):
        fg.cuda.set_product_kernels("mine")
    with pytest.raises(TypeError, match="'kernels' is a int"):
        fg.cuda.set_product_kernels(1)  # type: ignore[arg-type]
