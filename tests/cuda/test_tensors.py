"""Tensors on a GPU as objects: where they are, moving, text, copies, files, other libraries, errors."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fastgrad as fg
import fastgrad.nn.functional as F
from fastgrad.cuda import library

cupy = library.cupy()
several = pytest.mark.skipif(fg.cuda.device_count() < 2, reason="needs two GPUs")


def test_devices() -> None:
    d = fg.device("cuda:0")
    assert (d.type, d.index, str(d), repr(d)) == ("cuda", 0, "cuda:0", "device(type='cuda', index=0)")
    assert d == fg.device("cuda", 0) == fg.device(0) == fg.device(d) == "cuda:0"
    assert hash(d) == hash(fg.device("cuda:0"))
    assert d != fg.device("cuda")
    assert d != "cpu"
    assert fg.device("cuda").index is None
    assert repr(fg.device("cpu")) == "device(type='cpu')"
    assert pickle.loads(pickle.dumps(d)) == d
    x = fg.zeros(2, device="cuda")
    assert (x.device, x.is_cuda, x.get_device()) == (d, True, 0)
    assert (x.cpu().device, x.cpu().is_cuda, x.cpu().get_device()) == ("cpu", False, -1)
    with pytest.raises(AttributeError):
        d.index = 1  # type: ignore[misc]


@pytest.mark.parametrize("given", ["gpu", "cuda:", "cuda:x", "cuda:-1", "cpu:0:1", ""])
def test_bad_devices(given: str) -> None:
    with pytest.raises(ValueError, match=r"argument 'device' is .*, expected 'cpu', 'cuda' or 'cuda:N'"):
        fg.zeros(2, device=given)


def test_bad_devices_of_other_kinds() -> None:
    with pytest.raises(TypeError, match="device"):
        fg.device(1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="index"):
        fg.device("cuda:0", 1)
    with pytest.raises(RuntimeError, match=r"zeros\(\).*'cuda:99'.*the GPUs there are"):
        fg.zeros(2, device="cuda:99")


def test_moving() -> None:
    x = fg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x.to("cuda")
    assert y.is_cuda
    (y * y).sum().backward()
    assert x.grad.device == "cpu"
    assert x.grad.tolist() == [[2.0, 4.0], [6.0, 8.0]]
    z = fg.ones(2, device="cuda", requires_grad=True)
    (z.to("cpu", fg.float64) * 3).sum().backward()
    assert (z.grad.device, z.grad.dtype) == ("cuda:0", fg.float32)
    assert y.to("cuda") is y
    assert y.cuda() is y
    assert x.cpu() is x
    assert y.to("cuda", copy=True) is not y
    assert x.to("cuda", fg.float64, True, True).dtype == fg.float64
    assert x.to(y).is_cuda
    assert fg.ones(2, 3).T.cuda().stride() == (1, 3)
    assert fg.ones(2, 3).cuda().T.cpu().stride() == (1, 3)
    with pytest.raises(ValueError, match="cuda"):
        x.cuda("cpu")


@several
def test_between_gpus() -> None:
    x = fg.ones(2, device="cuda:0", requires_grad=True)
    y = x.to("cuda:1")
    assert y.device == "cuda:1"
    with fg.cuda.device(1):
        (y * 2).sum().backward()
        assert x.grad.device == "cuda:0"
        assert fg.zeros(2, device="cuda").device == "cuda:1"
        assert fg.zeros(2, device="cuda:0").device == "cuda:0"
    with pytest.raises(RuntimeError, match=r"cat\(\).*cuda:1.*cuda:0"):
        fg.cat([x, y])


@several
def test_of_a_gpu_that_is_not_the_current_one() -> None:
    net = fg.nn.Linear(3, 2).to("cuda:1")
    x = fg.ones(4, 3, device="cuda:1")
    with pytest.raises(RuntimeError, match=r"argument.* is on cuda:1, expected cuda:0, the current GPU"):
        net(x)
    with fg.cuda.device(1):
        assert net(x).device == "cuda:1"


def test_values() -> None:
    x = fg.tensor([1.5], device="cuda")
    assert x.item() == 1.5
    assert x.tolist() == [1.5]
    assert bool(x)
    assert (float(x), int(x), int(fg.tensor(3, device="cuda").__index__())) == (1.5, 1, 3)
    with pytest.raises(RuntimeError, match="cannot be converted to Scalar"):
        fg.zeros(2, device="cuda").item()
    for call in (x.numpy, lambda: np.asarray(x)):
        with pytest.raises(TypeError, match=r"can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu\(\)"):
            call()
    assert isinstance(x.numpy(force=True), np.ndarray)
    assert x.type() == "fastgrad.cuda.FloatTensor"
    assert x.data_ptr() == x.data.data.ptr


def test_text() -> None:
    x = fg.tensor([1.0, 2.0], device="cuda", requires_grad=True)
    assert repr(x) == "tensor([1., 2.], device='cuda:0', requires_grad=True)"
    assert repr(fg.zeros(0, device="cuda", dtype=fg.float64)) == "tensor([], device='cuda:0', dtype=float64)"
    assert repr(fg.zeros(2000, device="cuda")) == "tensor([0., 0., 0.,  ..., 0., 0., 0.], device='cuda:0')"
    assert "device='cuda:0'" in repr(fg.nn.Linear(1, 1).cuda().weight)


def test_copies() -> None:
    x = fg.tensor([1.0, 2.0], device="cuda", requires_grad=True)
    (x * x).sum().backward()
    for other in (copy.deepcopy(x), pickle.loads(pickle.dumps(x)), copy.copy(x)):
        assert other.device == "cuda:0"
        assert other.requires_grad
        assert other.tolist() == [1.0, 2.0]
        assert other.data_ptr() != x.data_ptr()
    assert copy.deepcopy(x).grad.is_cuda
    net = fg.nn.Linear(2, 2).cuda()
    assert pickle.loads(pickle.dumps(net)).weight.is_cuda


@pytest.mark.parametrize("place", ["cpu", fg.device("cpu"), {"cuda:0": "cpu"}, lambda saved: "cpu", None])
def test_files(place: Any) -> None:
    net = fg.nn.Sequential(fg.nn.Linear(2, 3), fg.nn.BatchNorm1d(3)).cuda()
    optimizer = fg.optim.Adam(net.parameters())
    net(fg.ones(4, 2, device="cuda")).sum().backward()
    optimizer.step()
    file = io.BytesIO()
    fg.save({"net": net.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}, file)
    file.seek(0)
    found = fg.load(file, map_location=place)
    expected = "cuda:0" if place is None else "cpu"
    assert {t.device for t in found["net"].values()} == {expected}
    other = fg.nn.Sequential(fg.nn.Linear(2, 3), fg.nn.BatchNorm1d(3))
    other.load_state_dict(found["net"])
    assert all(fg.equal(a, b.cpu()) for a, b in zip(other.parameters(), net.parameters(), strict=True))
    again = fg.optim.Adam(net.parameters())
    again.load_state_dict(found["optimizer"])
    assert all(v.is_cuda for s in again.state.values() for v in s.values() if isinstance(v, fg.Tensor))


def test_states_of_modules_and_optimizers_follow() -> None:
    net = fg.nn.Linear(2, 3)
    optimizer = fg.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for device in ("cpu", "cuda", "cpu"):
        assert net.to(device) is net
        net(fg.ones(4, 2, device=device)).sum().backward()
        optimizer.step()
        assert {str(p.grad.device) for p in net.parameters()} == {str(fg.zeros(1, device=device).device)}
    assert net.cuda().cpu().weight.device == "cpu"
    vector = fg.nn.utils.parameters_to_vector(net.cuda().parameters())
    assert vector.is_cuda
    fg.nn.utils.vector_to_parameters(vector * 2, net.parameters())


def test_arrays_of_other_libraries() -> None:
    array = cupy.arange(4, dtype="float32")
    for t in (fg.as_tensor(array), fg.from_dlpack(array), fg.Tensor(array), fg.as_tensor(array, device="cuda")):
        assert t.is_cuda
        assert t.data_ptr() == array.data.ptr
    assert fg.tensor(array).data_ptr() != array.data.ptr
    assert fg.tensor(array, device="cpu").tolist() == [0.0, 1.0, 2.0, 3.0]
    x = fg.ones(2, 3, device="cuda")
    assert x.__dlpack_device__() == (2, 0)
    assert fg.from_dlpack(x.data).data_ptr() == cupy.asarray(x).data.ptr == x.data_ptr()
    assert cupy.from_dlpack(x).data.ptr == x.data_ptr()
    interface = x.T.__cuda_array_interface__
    assert (interface["version"], interface["shape"], interface["strides"]) == (3, (3, 2), (4, 12))
    assert interface["stream"]
    assert (fg.ones(3, device="cuda") + cupy.arange(3)).tolist() == [1.0, 2.0, 3.0]
    assert (cupy.arange(3) + fg.ones(3, device="cuda")).tolist() == [1.0, 2.0, 3.0]
    assert not hasattr(fg.ones(2), "__cuda_array_interface__")
    with pytest.raises(RuntimeError, match="requires grad"):
        _ = fg.ones(2, device="cuda", requires_grad=True).__cuda_array_interface__
    with pytest.raises(BufferError, match="gradient"):
        fg.ones(2, device="cuda", requires_grad=True).__dlpack__()
    with pytest.raises(TypeError, match="ndarray"):
        fg.from_numpy(array)


def test_arrays_of_torch() -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available() or hasattr(cupy.cuda.runtime, "synchronizations"):
        pytest.skip("needs a GPU that torch can use")
    given = torch.arange(4, device="cuda", dtype=torch.float32)
    x = fg.from_dlpack(given)
    assert x.data_ptr() == fg.as_tensor(given).data_ptr() == given.data_ptr()
    assert torch.from_dlpack(x).data_ptr() == torch.as_tensor(x, device="cuda").data_ptr() == x.data_ptr()


def test_pinned_memory() -> None:
    x = fg.rand(3, 4)
    assert not x.is_pinned()
    pinned = x.pin_memory()
    assert pinned.is_pinned()
    assert pinned.pin_memory() is pinned
    assert fg.equal(pinned, x)
    assert fg.equal(pinned.to("cuda", non_blocking=True).cpu(), x)
    assert not x.cuda().is_pinned()
    with pytest.raises(ValueError, match="cuda:0"):
        x.cuda().pin_memory()


def test_indices_out_of_range() -> None:
    x = fg.ones(3, 4, device="cuda")
    for index in ((fg.tensor([0, 3]),), (fg.tensor([0, 3], device="cuda"),), (..., fg.tensor([-5], device="cuda"))):
        with pytest.raises(IndexError, match=r"getitem\(\): argument 'index' is (3|-5)"):
            x[index]
        with pytest.raises(IndexError, match=r"setitem\(\): argument 'index' is (3|-5)"):
            x[index] = 0
    with pytest.raises(IndexError):
        x[3]
    with pytest.raises(IndexError, match="gather"):
        x.gather(0, fg.full((1, 4), 3, device="cuda"))


# Both devices and the function are named; x is on the GPU and the other one is not.
MIXED: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: y - x,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "pow": lambda x, y: x**y,
    "maximum": lambda x, y: fg.maximum(x, y),
    "eq": lambda x, y: x == y,
    "lt": lambda x, y: x < y,
    "equal": fg.equal,
    "isclose": fg.isclose,
    "logical_and": lambda x, y: x.logical_and(y),
    "add_": lambda x, y: x.add_(y),
    "where": lambda x, y: fg.where(x > 0, x, y),
    "clamp": lambda x, y: x.clamp(y),
    "masked_fill_": lambda x, y: x.masked_fill_(y > 0, 1.0),
    "matmul": lambda x, y: x @ y.T,
    "bmm": lambda x, y: fg.bmm(x[None], y.T[None]),
    "cat": lambda x, y: fg.cat([x, y]),
    "stack": lambda x, y: fg.stack([x, y]),
    "gather": lambda x, y: x.gather(0, y.long() * 0),
    "getitem": lambda x, y: y[x.long() * 0],
    "backward": lambda x, y: (x * x.requires_grad_()).backward(y),
    "linear": lambda x, y: F.linear(x, y),
    "cross_entropy": lambda x, y: F.cross_entropy(x, y[:, 0].long()),
    "nll_loss": lambda x, y: F.nll_loss(x, y[:, 0].long()),
    "mse_loss": lambda x, y: F.mse_loss(x, y),
    "binary_cross_entropy": lambda x, y: F.binary_cross_entropy(x, y),
    "layer_norm": lambda x, y: F.layer_norm(x, 3, y[0]),
    "batch_norm": lambda x, y: F.batch_norm(x, y[0], y[0]),
    "prelu": lambda x, y: F.prelu(x, y[0]),
    "embedding": lambda x, y: F.embedding(x.long(), y),
    "RNN": lambda x, y: fg.nn.RNN(3, 3)(x),
}


@pytest.mark.parametrize("function", MIXED)
def test_mixed_devices(function: str) -> None:
    x, y = fg.ones(3, 3, device="cuda"), fg.ones(3, 3)
    with pytest.raises(RuntimeError, match=rf"{function}\(\)") as error:
        MIXED[function](x, y)
    assert "cuda:0" in str(error.value)
    assert "cpu" in str(error.value)


def test_numbers_of_the_cpu_may_take_part() -> None:
    """As in torch: tensors without dimensions are numbers, wherever they are."""
    x = fg.ones(3, device="cuda", requires_grad=True)
    s = fg.tensor(2.0, requires_grad=True)
    y = fg.where(x > 0, x * s + s, s)
    assert y.device == "cuda:0"
    y.sum().backward()
    assert (s.grad.device, s.grad.item()) == ("cpu", 6.0)
    assert x.grad.device == "cuda:0"
    x.detach()[0] = s
    assert fg.ones(3, device="cuda")[fg.tensor([0, 1])].is_cuda  # and so may indices
    z = fg.zeros(3, device="cuda")
    z.copy_(fg.ones(3))
    z[1:] = fg.full((2,), 5.0)
    assert z.tolist() == [1.0, 5.0, 5.0]
