"""Module: registering, walking, converting, showing and copying."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch

import fastgrad as fg
from fastgrad import nn
from tests.nn.compare import close, normal


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 3)
        self.scale = nn.Parameter(fg.ones(3))
        self.register_buffer("seen", fg.zeros(1))
        self.register_buffer("scratch", fg.zeros(2), persistent=False)
        self.rest = nn.Sequential(nn.Tanh(), nn.Linear(3, 2, bias=False))
        self.rate = 0.5

    def forward(self, x: fg.Tensor) -> fg.Tensor:
        return self.rest(self.first(x) * self.scale)


class TorchNet(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Linear(4, 3)
        self.scale = torch.nn.Parameter(torch.ones(3))
        self.register_buffer("seen", torch.zeros(1))
        self.register_buffer("scratch", torch.zeros(2), persistent=False)
        self.rest = torch.nn.Sequential(torch.nn.Tanh(), torch.nn.Linear(3, 2, bias=False))


def test_walks_yield_torchs_names_in_torchs_order() -> None:
    ours, theirs = Net(), TorchNet()
    for walk in ("named_parameters", "named_buffers", "named_modules", "named_children"):
        assert [name for name, _ in getattr(ours, walk)()] == [name for name, _ in getattr(theirs, walk)()]
    assert [name for name, _ in ours.named_parameters(prefix="net")] == [
        name for name, _ in theirs.named_parameters(prefix="net")
    ]
    assert [name for name, _ in ours.named_parameters(recurse=False)] == ["scale"]
    assert [name for name, _ in ours.named_buffers(recurse=False)] == ["seen", "scratch"]
    assert len(list(ours.parameters())) == len(list(theirs.parameters())) == 4
    assert len(list(ours.buffers())) == 2
    assert [type(m).__name__ for m in ours.modules()] == [
        "Net",
        "Linear",
        "Sequential",
        "Tanh",
        "Linear",
    ]
    assert [type(m).__name__ for m in ours.children()] == ["Linear", "Sequential"]
    assert list(ours.state_dict()) == list(theirs.state_dict())


def test_shared_parts_are_yielded_once_unless_asked() -> None:
    shared = nn.Linear(2, 2)
    net = nn.Sequential(shared, nn.ReLU(), shared)
    other = nn.Linear(2, 2)
    other.weight = shared.weight
    net.append(other)
    assert [name for name, _ in net.named_parameters()] == ["0.weight", "0.bias", "3.bias"]
    names = [name for name, _ in net.named_parameters(remove_duplicate=False)]
    assert names == ["0.weight", "0.bias", "2.weight", "2.bias", "3.weight", "3.bias"]
    assert [name for name, _ in net.named_modules()] == ["", "0", "1", "3"]
    assert [name for name, _ in net.named_modules(remove_duplicate=False)] == ["", "0", "1", "2", "3"]
    assert list(net.state_dict()) == names
    assert len(list(net.children())) == 3


def test_get_by_path() -> None:
    net = Net()
    assert net.get_submodule("") is net
    assert net.get_submodule("rest.1") is net.rest[1]
    assert net.get_parameter("rest.1.weight") is net.rest[1].weight
    assert net.get_parameter("scale") is net.scale
    assert net.get_buffer("seen") is net.seen
    with pytest.raises(AttributeError, match=r"'second'.*'second.weight'.*first, rest"):
        net.get_submodule("second.weight")
    with pytest.raises(AttributeError, match=r"parameter 'wait'.*weight, bias"):
        net.get_parameter("first.wait")
    with pytest.raises(AttributeError, match="buffer 'scale'"):
        net.get_buffer("scale")


def test_attributes_move_between_registries() -> None:
    net = Net()
    net.scale = None
    assert net.scale is None
    assert "scale" not in net.state_dict()
    net.scale = nn.Parameter(fg.zeros(3))
    assert "scale" in net.state_dict()
    net.rate = nn.Parameter(fg.zeros(1))
    assert "rate" in dict(net.named_parameters())
    net.seen = nn.Parameter(fg.zeros(1))
    assert "seen" not in dict(net.named_buffers())
    assert "seen" in dict(net.named_parameters())
    net.first = nn.Identity()
    assert net.get_submodule("first") is net.first
    del net.first
    assert "first" not in dict(net.named_modules())
    with pytest.raises(AttributeError, match="first"):
        _ = net.first
    with pytest.raises(AttributeError, match="nothing"):
        del net.nothing
    net.scratch = fg.ones(5)
    assert dict(net.named_buffers())["scratch"] is net.scratch
    net.scratch = None
    assert "scratch" not in dict(net.named_buffers())


@pytest.mark.parametrize(
    ("name", "value"), [("scale", fg.ones(3)), ("first", fg.ones(3)), ("seen", 3.0), ("first", len)]
)
def test_a_registered_name_takes_only_its_kind(name: str, value: object) -> None:
    net = Net()
    before = getattr(net, name)
    with pytest.raises(TypeError, match=f"'{name}'"):
        setattr(net, name, value)
    assert getattr(net, name) is before


def test_registering_is_checked() -> None:
    net = Net()
    parameter = nn.Parameter(fg.zeros(1))
    for register, value in (
        (net.register_parameter, parameter),
        (net.register_buffer, fg.zeros(1)),
        (net.register_module, nn.Identity()),
    ):
        with pytest.raises(KeyError, match="rate"):
            register("rate", value)
        with pytest.raises(KeyError, match="forward"):
            register("forward", value)
        for name in ("", "a.b"):
            with pytest.raises(ValueError, match="name"):
                register(name, value)
        with pytest.raises(TypeError, match="name"):
            register(3, value)
        with pytest.raises(TypeError, match=register.__name__):
            register("new", "value")
    with pytest.raises(KeyError, match="scale"):
        net.register_buffer("scale", fg.zeros(1))
    assert not hasattr(net, "new")


def test_forgetting_to_initialise_is_explained() -> None:
    class Forgetful(nn.Module):
        def __init__(self) -> None:
            self.layer = nn.Linear(1, 1)

    with pytest.raises(AttributeError, match=r"super\(\).__init__"):
        Forgetful()


def test_a_module_without_forward_says_so() -> None:
    with pytest.raises(NotImplementedError, match="Module"):
        nn.Module()(1)


def test_train_eval_and_apply() -> None:
    net = Net()
    assert net.eval() is net
    assert not any(module.training for module in net.modules())
    assert net.train() is net
    assert all(module.training for module in net.modules())
    with pytest.raises(TypeError, match="mode"):
        net.train("yes")
    order = []
    assert net.apply(lambda module: order.append(type(module).__name__)) is net
    assert order == ["Linear", "Tanh", "Linear", "Sequential", "Net"]


def test_to_converts_floating_values_in_place() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    parameters = list(net.parameters())
    net(fg.tensor(normal(0, 3, 2, dtype="float32"))).sum().backward()
    for convert, dtype in (
        (net.double, fg.float64),
        (net.float, fg.float32),
        (lambda: net.to(fg.float64), fg.float64),
        (lambda: net.to("cpu", fg.float32), fg.float32),
        (lambda: net.to(dtype="float64"), fg.float64),
        (lambda: net.to(fg.zeros(1)), fg.float32),
        (lambda: net.to("cpu"), fg.float32),
    ):
        assert convert() is net
        assert all(a is b for a, b in zip(net.parameters(), parameters, strict=True))
        assert {p.dtype for p in net.parameters()} == {dtype}
        assert {p.grad.dtype for p in net.parameters()} == {dtype}
        assert net[1].running_mean.dtype == dtype
        assert net[1].num_batches_tracked.dtype == fg.int64
    with pytest.raises(ValueError, match="mps"):
        net.to("mps")
    with pytest.raises(TypeError, match="int64"):
        net.to(fg.int64)
    with pytest.raises(TypeError, match="float128x"):
        net.to("float128x")


def test_gradients_are_dropped_or_zeroed_and_parameters_frozen() -> None:
    net = Net()
    net(fg.ones(2, 4)).sum().backward()
    net.zero_grad(set_to_none=False)
    assert all(not p.grad.numpy().any() for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    assert net.requires_grad_(False) is net
    assert not net(fg.ones(2, 4)).requires_grad
    net.requires_grad_()
    assert net(fg.ones(2, 4)).requires_grad


def test_repr_is_torchs() -> None:
    ours = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.ModuleList([nn.Flatten(), nn.BatchNorm1d(3)]))
    ours.add_module("named", nn.ModuleDict({"a": nn.Softmax(dim=1), "b": nn.Identity()}))
    theirs = torch.nn.Sequential(
        torch.nn.Linear(2, 3),
        torch.nn.ReLU(),
        torch.nn.ModuleList([torch.nn.Flatten(), torch.nn.BatchNorm1d(3)]),
    )
    theirs.add_module("named", torch.nn.ModuleDict({"a": torch.nn.Softmax(dim=1), "b": torch.nn.Identity()}))
    assert repr(ours) == repr(theirs)
    assert repr(nn.Sequential()) == repr(torch.nn.Sequential())


@pytest.mark.parametrize(
    "clone", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))], ids=["copy", "pickle"]
)
def test_copies_are_equal_and_independent(clone: object) -> None:
    net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 3), nn.BatchNorm1d(3), nn.PReLU())
    net[2].weight = nn.Parameter(net[2].weight.detach())
    x = fg.tensor(normal(0, 5, 4, dtype="float32"))
    net(x)
    twin = clone(net)
    assert repr(twin) == repr(net)
    close(twin.eval()(x), net.eval()(x).detach().numpy(), 0)
    assert list(twin.state_dict()) == list(net.state_dict())
    for (name, p), q in zip(net.named_parameters(), twin.parameters(), strict=True):
        assert p is not q
        assert isinstance(q, nn.Parameter)
        assert q.requires_grad
        assert twin.get_parameter(name) is getattr(twin.get_submodule(name.split(".")[0]), name.split(".")[1])
        assert p.data.flags.f_contiguous == q.data.flags.f_contiguous
        assert not np.shares_memory(p.data, q.data)
    twin[0].weight.data[...] = 0
    assert net[0].weight.detach().numpy().any()


def test_copies_keep_sharing() -> None:
    layer = nn.Linear(2, 2)
    net = nn.Sequential(layer, layer)
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert twin[0] is twin[1]
        assert len(list(twin.parameters())) == 2


def test_parameter() -> None:
    data = fg.zeros(2, 3)
    parameter = nn.Parameter(data)
    assert parameter.data is data.data
    assert parameter.requires_grad
    assert parameter.is_leaf
    assert isinstance(parameter, fg.Tensor)
    assert repr(parameter).startswith("Parameter containing:\ntensor(")
    assert nn.Parameter().shape == (0,)
    y = (parameter * parameter).sum()
    data += 1
    with pytest.raises(RuntimeError, match=r"changed|modified"):
        y.backward()
    assert nn.Parameter(np.arange(3), requires_grad=False).dtype == fg.int64
    with pytest.raises(TypeError, match="int64"):
        nn.Parameter(fg.tensor([1]))
    with pytest.raises(TypeError, match="list"):
        nn.Parameter([1.0])
    assert not isinstance(parameter * 2, nn.Parameter)
