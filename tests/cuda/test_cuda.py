"""``fg.cuda``: the GPUs, their memory, streams and events; and what is said where CUDA cannot be used."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from typing import Any

import pytest

import fastgrad as fg
from fastgrad.cuda import library
from tests.cuda.compare import IS_STANDIN
from tests.cuda.conftest import HAS_GPU, STANDIN

cupy = library.cupy()


def test_gpus() -> None:
    assert fg.cuda.is_available()
    assert fg.cuda.is_built()
    assert fg.build_info()["cuda"] is True
    count = fg.cuda.device_count()
    assert count == cupy.cuda.runtime.getDeviceCount()
    assert fg.cuda.current_device() == 0
    fg.cuda.set_device(count - 1)
    assert fg.cuda.current_device() == count - 1
    fg.cuda.set_device("cuda:0")
    found = fg.cuda.get_device_properties("cuda")
    assert found.name == fg.cuda.get_device_name(0)
    assert (found.major, found.minor) == fg.cuda.get_device_capability()
    assert found.total_memory > 0
    for call in (fg.cuda.set_device, fg.cuda.get_device_name, fg.cuda.synchronize):
        with pytest.raises(RuntimeError, match="'cuda:99'"):
            call(99)
        with pytest.raises(ValueError, match="'cpu'"):
            call("cpu")
    with fg.cuda.device(count - 1):
        assert fg.cuda.current_device() == count - 1
        assert fg.zeros(1, device="cuda").get_device() == count - 1
    assert fg.cuda.current_device() == 0
    assert fg.cuda.manual_seed_all(3).initial_seed() == fg.initial_seed() == 3


def test_memory() -> None:
    fg.zeros(1, device="cuda")
    fg.cuda.synchronize()
    before = fg.cuda.memory_allocated()
    fg.cuda.reset_peak_memory_stats()
    x = fg.zeros(1 << 20, device="cuda")
    assert fg.cuda.memory_allocated() - before == 4 << 20
    assert fg.cuda.memory_reserved() >= fg.cuda.memory_allocated()
    del x
    assert fg.cuda.memory_allocated() == before
    assert fg.cuda.max_memory_allocated() - before == 4 << 20
    fg.cuda.reset_peak_memory_stats("cuda:0")
    assert fg.cuda.max_memory_allocated() == before
    fg.cuda.empty_cache()
    free, total = fg.cuda.mem_get_info()
    assert 0 < free <= total


def test_streams_and_events() -> None:
    s = fg.cuda.Stream()
    assert s.device == "cuda:0"
    assert fg.cuda.current_stream() == fg.cuda.default_stream() != s
    start, end = fg.cuda.Event(enable_timing=True), fg.cuda.Event(enable_timing=True)
    with fg.cuda.stream(s):
        assert fg.cuda.current_stream() == s
        assert cupy.cuda.get_current_stream().ptr == s.cuda_stream
        start.record()
        x = fg.ones(3, device="cuda") * 2
        end.record()
        assert x.__cuda_array_interface__["stream"] == s.cuda_stream
    end.synchronize()
    assert end.query()
    assert start.elapsed_time(end) >= 0
    fg.cuda.current_stream().wait_stream(s)
    s.wait_event(s.record_event())
    s.synchronize()
    assert s.query()
    assert x.tolist() == [2.0, 2.0, 2.0]
    with cupy.cuda.Stream(non_blocking=True) as own:
        assert fg.cuda.current_stream().cuda_stream == own.ptr
    with fg.cuda.stream(None):
        assert fg.cuda.current_stream() == fg.cuda.default_stream()
    assert repr(s) == f"<fastgrad.cuda.Stream device=cuda:0 cuda_stream={s.cuda_stream:#x}>"
    assert {s: 1}[s] == 1
    with pytest.raises(TypeError, match="Stream"):
        fg.cuda.stream(0)  # type: ignore[arg-type]


def test_what_kernels_found_is_raised_when_they_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def synchronize() -> None:
        raise IndexError("gather_rows(): an index is out of range")

    monkeypatch.setattr(library.kernels(), "synchronize", synchronize)
    with pytest.raises(IndexError, match="gather_rows"):
        fg.cuda.synchronize()


@pytest.fixture
def step() -> Callable[[], fg.Tensor]:
    """A step of training with a bit of everything, done twice."""
    nn = fg.nn
    layers = nn.Embedding(5, 4), nn.Linear(4, 8), nn.ReLU(), nn.BatchNorm1d(8), nn.Dropout(0.1), nn.Linear(8, 3)
    net = nn.Sequential(*layers).cuda()
    optimizer = fg.optim.Adam(net.parameters())
    x, t = fg.randint(0, 5, (16,), device="cuda"), fg.randint(0, 3, (16,), device="cuda")

    def step() -> fg.Tensor:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), t)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        return loss

    step(), step()
    return step


@pytest.mark.skipif(not IS_STANDIN, reason="counts what the stand-in notes")
def test_a_step_does_not_wait_for_the_gpu(step: Callable[[], fg.Tensor]) -> None:
    before = cupy.cuda.runtime.synchronizations
    loss = step()
    assert cupy.cuda.runtime.synchronizations == before
    loss.item()
    assert cupy.cuda.runtime.synchronizations == before + 1


@pytest.mark.skipif(not HAS_GPU, reason="needs a GPU that can be kept busy")
def test_a_step_behind_a_long_kernel_does_not_wait(step: Callable[[], fg.Tensor]) -> None:
    code = 'extern "C" __global__ void spin(long long n) { const long long t = clock64(); while (clock64() - t < n); }'
    spin = cupy.RawKernel(code, "spin")
    spin((1,), (1,), (1,))  # compiled
    fg.cuda.synchronize()
    spin((1,), (1,), (10**9,))  # for more than half a second
    loss = step()
    done = fg.cuda.Event()
    done.record()
    assert not done.query()
    assert loss.isfinite().item()
    assert done.query()


# Without each of the three: what to run first, and what the error says.
MISSING = {
    "the kernels": ("sys.modules['fastgrad._cuda'] = None", "built without its kernels.*FASTGRAD_CUDA=ON"),
    "cupy": (
        "import kernels; sys.modules['cupy'] = None",
        r"cupy cannot be imported.*pip install 'fastgrad\[cuda13x\]'",
    ),
    "a driver": (
        "import cupy; cupy.cuda.runtime.getDeviceCount = lambda: 1 / 0",
        "no NVIDIA driver answers.*device='cpu'",
    ),
    "a driver for the kernels": (
        "import kernels; kernels.device_count = lambda: 0; kernels.build = lambda: {'compiler': 'nvcc 13'}",
        "too old for fastgrad's kernels, built by nvcc 13",
    ),
    "a GPU": ("import cupy; cupy.cuda.runtime.DEVICES = 0", "the driver shows no GPU.*CUDA_VISIBLE_DEVICES"),
}


def _run(code: str) -> str:
    start = f"import re, sys\nsys.path.insert(0, {str(STANDIN)!r})\n"
    return subprocess.run(
        [sys.executable, "-c", start + textwrap.dedent(code)], capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize("what", MISSING)
def test_where_something_is_missing(what: str) -> None:
    first, message = MISSING[what]
    code = f"""
    import importlib
    if {what != "the kernels"}:
        sys.modules["fastgrad._cuda"] = importlib.import_module("kernels")
    {first}
    import fastgrad as fg
    net = fg.nn.Linear(2, 2)
    assert not fg.cuda.is_available() and fg.cuda.device_count() == 0
    for call in (
        lambda: fg.zeros(2, device="cuda"), lambda: fg.ones(2).cuda(), lambda: fg.ones(2).to("cuda:0"),
        lambda: net.cuda(), lambda: fg.nn.Linear(2, 2, device="cuda"), fg.cuda.current_device, fg.cuda.synchronize,
        fg.cuda.Stream, fg.cuda.memory_allocated, lambda: fg.ones(2).pin_memory(),
        lambda: fg.as_tensor(1, device="cuda"),
    ):
        try:
            call()
        except RuntimeError as error:
            assert re.search({message!r}, str(error)), error
        else:
            raise AssertionError("no error")
    assert not fg.ones(2).is_pinned()
    assert [b.shape for b in fg.utils.data.DataLoader(fg.utils.data.Subset(range(4), [0, 1]), pin_memory=True)]
    print("done", fg.cuda.is_built())
    """
    assert _run(code).split() == ["done", str(what != "the kernels")]


def test_cupy_is_imported_when_a_gpu_is_first_used() -> None:
    code = """
    import importlib
    sys.modules["fastgrad._cuda"] = None
    import fastgrad as fg
    fg.build_info()
    fg.nn.Linear(2, 2)(fg.ones(1, 2, device="cpu")).sum().backward()
    assert fg.zeros(2).device == "cpu" and not fg.zeros(2).is_cuda
    print(any(name.partition(".")[0] in ("cupy", "cupyx") for name in sys.modules))
    """
    assert _run(code).split() == ["False"]


def test_doctor_says_what_there_is() -> None:
    from fastgrad.cli.doctor import doctor

    assert fg.cuda.get_device_name(0) in doctor()


def test_a_list_of_all_names() -> None:
    names: dict[str, Any] = vars(fg.cuda)
    assert all(name in names for name in fg.cuda.__all__)
