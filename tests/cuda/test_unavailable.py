"""Where CUDA cannot be used: what is missing, and that all else works."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import fastgrad as fg
from fastgrad import nn
from fastgrad.cuda import library


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """What was found out about CUDA is forgotten, before and after."""
    library.cupy.cache_clear()
    yield
    library.cupy.cache_clear()


def _cupy(count: Callable[[], int]) -> ModuleType:
    module = ModuleType("cupy")
    module.cuda = SimpleNamespace(runtime=SimpleNamespace(getDeviceCount=count))  # type: ignore[attr-defined]
    return module


def _no_driver() -> int:
    raise RuntimeError("cudaErrorInsufficientDriver: CUDA driver version is insufficient for CUDA runtime version")


KERNELS = ModuleType("fastgrad._cuda")
MISSING: dict[str, tuple[dict[str, Any], str]] = {
    "kernels": ({"fastgrad._cuda": None}, r"without its kernels.*FASTGRAD_CUDA=ON"),
    "cupy": ({"fastgrad._cuda": KERNELS, "cupy": None}, r"cupy cannot be imported.*pip install 'fastgrad\[cuda"),
    "driver": ({"fastgrad._cuda": KERNELS, "cupy": _cupy(_no_driver)}, r"no NVIDIA driver.*InsufficientDriver"),
    "GPU": ({"fastgrad._cuda": KERNELS, "cupy": _cupy(lambda: 0)}, r"shows no GPU.*CUDA_VISIBLE_DEVICES"),
}
USES: dict[str, Callable[[], Any]] = {
    "factory": lambda: fg.zeros(2, device="cuda"),
    "tensor": lambda: fg.tensor([1.0], device="cuda:0"),
    "to": lambda: fg.ones(2).to("cuda"),
    "cuda": lambda: fg.ones(2).cuda(),
    "pin_memory": lambda: fg.ones(2).pin_memory(),
    "module": lambda: nn.Linear(2, 2).to("cuda"),
    "layer": lambda: nn.Linear(2, 2, device="cuda"),
    "current_device": lambda: fg.cuda.current_device(),
    "set_device": lambda: fg.cuda.set_device(0),
    "synchronize": lambda: fg.cuda.synchronize(),
    "memory_allocated": lambda: fg.cuda.memory_allocated(),
    "get_device_name": lambda: fg.cuda.get_device_name(),
    "Stream": lambda: fg.cuda.Stream(),
    "Event": lambda: fg.cuda.Event(),
}


@pytest.mark.parametrize("missing", MISSING)
def test_the_error_says_what_is_missing(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    modules, message = MISSING[missing]
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    assert not fg.cuda.is_available()
    assert fg.cuda.device_count() == 0
    assert fg.cuda.is_built() == (missing != "kernels")
    for name, use in USES.items():
        with pytest.raises(RuntimeError, match=message):
            pytest.fail(f"{name} gave {use()}")
    assert not fg.ones(2).is_pinned()
    assert str(fg.device("cuda:1")) == "cuda:1"  # a name needs no GPU


def test_a_name_that_is_no_device_is_another_error() -> None:
    with pytest.raises(ValueError, match=r"zeros\(\): argument 'device' is 'gpu', expected 'cpu', 'cuda' or 'cuda:N'"):
        fg.zeros(2, device="gpu")
    with pytest.raises(TypeError, match="device"):
        fg.zeros(2, device=1.5)


def test_the_cpu_loads_nothing_for_gpus() -> None:
    script = """
import sys
import fastgrad as fg
net = fg.nn.Linear(2, 1).to("cpu")
net(fg.ones(3, 2, device="cpu")).sum().backward()
fg.optim.SGD(net.parameters(), lr=0.1).step()
print(repr(net.weight), net.weight.device, fg.device("cuda"))
loaded = [name for name in sys.modules if "cupy" in name or name.startswith(("fastgrad.cuda", "fastgrad._cuda"))]
assert not loaded, loaded
"""
    subprocess.run([sys.executable, "-c", script], check=True)
