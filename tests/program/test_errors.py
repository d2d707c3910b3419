"""What a recording refuses, and that the library is as before afterwards."""

from __future__ import annotations

import copy
import gc
import inspect
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import backend, nn
from fastgrad.autograd.mode import state
from fastgrad.nn.module import Module
from fastgrad.tensor import Tensor
from tests.program.common import bits
from tests.program.test_rules import Training, adam, batches, sgd


@pytest.fixture(autouse=True)
def _nothing_stays_patched() -> Any:
    call = Module.__call__
    yield
    assert Module.__call__ is call
    assert "data" not in Tensor.__dict__
    assert "grad" not in Tensor.__dict__
    assert backend.kernels is backend.native
    assert state.recorder is None
    assert state.enabled
    x = fg.ones(3, requires_grad=True)
    (x * x).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]


READS: dict[str, Callable[[Any], Any]] = {
    "item": lambda y: y.sum().item(),
    "float": lambda y: float(y.sum()),
    "int": lambda y: int(y.sum()),
    "bool": lambda y: bool(y.sum() > 0),
    "if": lambda y: 1 if y.sum() > 0 else 0,
    "tolist": lambda y: y.tolist(),
    "str": lambda y: str(y),
    "repr": lambda y: repr(y),
    "format": lambda y: f"{y.sum():.3f}",
    "numpy to array": lambda y: np.array(y.numpy()),
    "numpy to text": lambda y: np.array_str(y.numpy()),
    "index": lambda y: [1, 2, 3][y.argmax()],
    "mask": lambda y: y[y > 0],
    "nonzero": lambda y: y.nonzero(),
    "unique": lambda y: np.unique(y.numpy()),
    "math": lambda y: __import__("math").sqrt(y.sum()),
    "in": lambda y: 3.0 in y,
    "allclose": lambda y: fg.allclose(y, y),
}


@pytest.mark.parametrize("name", READS)
def test_reading_a_value_names_the_line(name: str) -> None:
    read = READS[name]
    function = fg.compile(lambda x: (x * 2, read(x * 2)))
    with pytest.raises(RuntimeError, match="is being recorded") as info:
        function(fg.tensor([1.0, 2.0, 3.0]))
    source, first = inspect.getsourcelines(read)
    where = f"{__file__}:{first}"
    assert where in str(info.value)
    assert source[0].strip()[-12:] in str(info.value)


def test_data_replaced_while_recording() -> None:
    net = nn.Linear(3, 2)

    @fg.compile
    def step(x: Any) -> Any:
        net.weight.data = net.weight.data * 2
        return net(x)

    before = net.weight.data
    with pytest.raises(RuntimeError, match=r"the data of a tensor is replaced .* at .*test_errors.py"):
        step(fg.ones(4, 3))
    assert net.weight.data is before


def test_an_error_of_the_functions_own() -> None:
    t = Training(sgd, "eager")

    class Mine(Exception):
        pass

    fail = True

    @fg.compile
    def step(x: Any, target: Any) -> Any:
        loss = t.step(x, target)
        if fail:
            raise Mine
        return loss

    batch = batches(1)[0]
    for _ in range(2):
        with pytest.raises(Mine):
            step(*batch)
    assert step.programs == []
    fail = False
    t.net[2].p = 0.0
    other = Training(sgd, "eager")
    other.net[2].p = 0.0
    other.net.load_state_dict(t.net.state_dict())
    other.opt.load_state_dict(t.opt.state_dict())
    for batch in batches(3):
        assert bits(step(*batch)) == bits(other.step(*batch))


def test_wrong_shapes_at_a_later_call() -> None:
    t = Training(sgd, "fused")
    x, target = batches(1)[0]
    t.step(x, target)
    with pytest.raises((ValueError, RuntimeError)):
        t.step(fg.ones(4, 6), target)
    with pytest.raises(TypeError):
        t.step(x)
    t.step(x, target)
    assert len(t.step.programs) == 1


def test_wrong_use() -> None:
    with pytest.raises(TypeError, match="compile"):
        fg.compile(3)  # type: ignore[call-overload]


def test_options_that_the_optimiser_refuses_are_refused_by_a_compiled_step() -> None:
    for options in ({"lr": "fast"}, {"lr": None}):
        t = Training(sgd, "fused")
        t.step(*batches(1)[0])
        t.opt.param_groups[0].update(options)
        before = bits([*t.net.parameters()])
        with pytest.raises(TypeError):
            t.step(*batches(1)[0])
        assert bits([*t.net.parameters()]) == before


def test_a_compiled_function_inside_another() -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    inner = fg.compile(lambda x: net(x).tanh())

    @fg.compile
    def outer(x: Any) -> Any:
        y = inner(x) + inner(x * 2)
        y.sum().backward()
        return y

    for i in range(3):
        x = fg.full((5, 3), 0.1 * i)
        inner(x)
        net.zero_grad()
        y = outer(x)
        got = bits([y, *(p.grad for p in net.parameters())])
        net.zero_grad()
        expected = net(x).tanh() + net(x * 2).tanh()
        expected.sum().backward()
        assert got == bits([expected, *(p.grad for p in net.parameters())])
    assert len(inner.programs) == 1
    assert len(outer.programs) == 1


def test_network_and_optimiser_can_be_copied_and_pickled() -> None:
    t = Training(adam, "fused")
    for batch in batches(3):
        t.step(*batch)
    copies = [copy.deepcopy(t.net), pickle.loads(pickle.dumps(t.net))]
    before = bits([*t.net.parameters()])
    for net in copies:
        assert bits([*net.parameters()]) == before
        t.step(*batches(1)[0])
        assert bits([*net.parameters()]) == before
        net(batches(1)[0][0]).sum().backward()
    opt = pickle.loads(pickle.dumps(t.opt.state_dict()))
    assert bits(opt["state"]) == bits(t.opt.state_dict()["state"])


def test_nothing_is_kept_of_a_dropped_function() -> None:
    t = Training(adam, "fused")
    for batch in batches(3):
        t.step(*batch)
    arrays = [weakref.ref(p.data) for p in t.net.parameters()]
    net, function = weakref.ref(t.net), weakref.ref(t.step)
    del t
    gc.collect()
    assert net() is None
    assert function() is None
    assert [a() for a in arrays] == [None] * len(arrays)


def test_arguments_and_results_are_not_kept() -> None:
    t = Training(sgd, "fused")
    for batch in batches(4):
        x, loss = batch[0], t.step(*batch)
        kept = [weakref.ref(a) for a in (x, x.data, loss, loss.data)]
        del x, loss, batch
        gc.collect()
        assert [k() for k in kept[2:]] == [None, None]
    t.step.clear()
    gc.collect()


def test_intermediate_values_need_no_new_memory_in_a_replay() -> None:
    import tracemalloc

    net = nn.Sequential(nn.Linear(64, 512), nn.Tanh(), nn.Linear(512, 512), nn.Tanh(), nn.Linear(512, 1))
    opt = fg.optim.SGD(net.parameters(), lr=0.01)

    @fg.compile
    def step(x: Any) -> Any:
        opt.zero_grad()
        loss = net(x).square().mean()
        loss.backward()
        opt.step()
        return loss

    x = fg.ones(256, 64)
    step(x)
    step(x)
    tracemalloc.start()
    for _ in range(5):
        step(x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 * 1024
