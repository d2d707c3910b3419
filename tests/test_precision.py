"""The precision of products: settings, autocast, and that backward computes as forward did."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread
from typing import Any

import numpy as np
import pytest

import fastgrad as fg
import fastgrad.nn.functional as F
from fastgrad import backend
from fastgrad.autograd.mode import state


@pytest.fixture(autouse=True)
def _default() -> Iterator[None]:
    yield
    fg.set_float32_matmul_precision("highest")


def test_the_setting_holds_in_all_threads() -> None:
    assert fg.get_float32_matmul_precision() == "highest"
    assert state.precision is None
    fg.set_float32_matmul_precision("high")
    found: list[Any] = []
    thread = Thread(target=lambda: found.append((fg.get_float32_matmul_precision(), state.precision)))
    thread.start()
    thread.join()
    assert found == [("high", "high")]


def test_autocast_holds_in_its_thread_and_block() -> None:
    found: list[Any] = []
    with fg.autocast("cuda", dtype="bfloat16"):
        assert fg.is_autocast_enabled()
        assert state.precision == "medium"
        thread = Thread(target=lambda: found.append(state.precision))
        thread.start()
        thread.join()
        with fg.autocast("cuda", enabled=False):
            assert not fg.is_autocast_enabled()
            assert state.precision is None
        assert state.precision == "medium"
        with fg.autocast("cpu"):
            assert state.precision == "medium"
    assert found == [None]
    assert state.precision is None
    assert not fg.is_autocast_enabled("cpu")


def test_autocast_is_left_by_an_exception() -> None:
    with pytest.raises(ZeroDivisionError), fg.autocast():
        1 / 0  # noqa: B018
    assert state.precision is None


def test_autocast_as_a_decorator() -> None:
    @fg.autocast("cuda")
    def function() -> Any:
        return state.precision

    assert function() == "medium"
    assert state.precision is None


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match=r"set_float32_matmul_precision\(\): argument 'precision' is 'low', expected"):
        fg.set_float32_matmul_precision("low")
    with pytest.raises(TypeError, match="'precision' is a int, expected a str"):
        fg.set_float32_matmul_precision(1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'device_type' is 'tpu', expected 'cuda' or 'cpu'"):
        fg.autocast("tpu")
    with pytest.raises(ValueError, match="'dtype' is 'float16', expected 'bfloat16'"):
        fg.autocast("cuda", dtype="float16")
    with pytest.raises(TypeError, match="'enabled' is a int, expected a bool"):
        fg.autocast("cuda", enabled=1)  # type: ignore[arg-type]
    x = np.ones((2, 2), "f")
    with pytest.raises(ValueError, match=r"matmul\(\): argument 'precision' is 'low', expected 'highest', 'high' or"):
        backend.native.matmul(np.empty_like(x), x, x, "low")
    with pytest.raises(TypeError, match="'precision' is a int, expected a str or None"):
        backend.native.matmul(np.empty_like(x), x, x, 3)


@pytest.mark.parametrize("name", ["linear", "matmul"])
def test_backward_computes_as_forward_did(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    class Kernels:
        def __getattr__(self, kernel: str) -> Any:
            native = getattr(backend.native, kernel)

            def call(*args: Any) -> Any:
                seen.append((kernel, args[-1]))
                return native(*args)

            return call

    x, w = fg.ones(3, 4, requires_grad=True), fg.ones(4, 4, requires_grad=True)
    monkeypatch.setattr(backend, "kernels", Kernels())
    with fg.autocast("cuda"):
        y = F.linear(x, w) if name == "linear" else x @ w
    y.sum().backward()
    products = [precision for kernel, precision in seen if "linear" in kernel or kernel == "matmul"]
    assert len(products) == (2 if name == "linear" else 3)
    assert set(products) == {"medium"}


def test_the_cpu_computes_in_float32_whatever_is_asked() -> None:
    x = fg.randn(5, 7)
    there = x @ x.T
    fg.set_float32_matmul_precision("medium")
    assert (x @ x.T == there).all()
