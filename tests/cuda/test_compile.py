"""Recorded steps on the GPU: the tests of tests/program that are for every device, and what only a GPU has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn, optim
from fastgrad.nn import functional as F
from tests.cuda.compare import IS_STANDIN, ON_THE_CPU
from tests.program import common, test_epoch, test_ops
from tests.program.test_epoch import test_batches, test_orders  # noqa: F401
from tests.program.test_layers import (  # noqa: F401
    test_activation,
    test_layer,
    test_rnn,
    test_rnn_cell_with_a_state,
)
from tests.program.test_random_graphs import test_random_graph  # noqa: F401

pytestmark = pytest.mark.skipif(
    IS_STANDIN,
    reason="there is no GPU to be used; tools/emulate_cuda.sh runs these tests on the processor",
)


@pytest.fixture(autouse=True)
def on_gpu() -> Iterator[None]:
    with common.on("cuda"):
        yield


@pytest.mark.parametrize(("case", "arrays"), [c for c in test_ops.CASES if c.id not in ON_THE_CPU])
def test_operation(case: Any, arrays: tuple[np.ndarray, ...]) -> None:
    test_ops.test_operation(case, arrays)


def classifier(drop: float = 0.0) -> nn.Module:
    return nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Dropout(drop), nn.Linear(6, 3)).to("cuda")


def training(net: nn.Module, opt: optim.Optimizer) -> Any:
    def step(x: Any, target: Any) -> Any:
        loss = F.cross_entropy(net(x), target)
        opt.zero_grad()
        loss.backward()
        opt.step()
        return loss

    return step


def batch(rows: int = 7, seed: int = 0) -> tuple[fg.Tensor, fg.Tensor]:
    generator = np.random.default_rng(seed)
    x, target = generator.standard_normal((rows, 5)).astype("f"), generator.integers(0, 3, rows)
    return fg.tensor(x, device="cuda"), fg.tensor(target, device="cuda")


OPTIMIZERS = {
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01, l1=0.01),
    "adam": lambda p: optim.Adam(p, lr=0.01, amsgrad=True),
    "adamw": lambda p: optim.AdamW(p, lr=0.01),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_options_that_change_from_call_to_call(name: str) -> None:
    def make() -> Any:
        net = classifier()
        opt = OPTIMIZERS[name](net.parameters())
        step = training(net, opt)

        def function(*arguments: Any) -> Any:
            return step(*arguments)

        function.opt = opt  # type: ignore[attr-defined]
        return function, lambda: [*net.parameters()]

    found = []
    for compiled in (False, True):
        fg.manual_seed(2)
        function, state = make()
        call = fg.compile(function) if compiled else function
        losses = []
        for number in range(6):
            function.opt.param_groups[0]["lr"] = 0.1 / (1 + number // 2)
            losses.append(call(*batch(seed=number)))
        found.append([*common.bits(losses), *common.bits(state())])
    common.assert_same(*found, name)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_epoch_with_dropout_counts_by_itself(name: str) -> None:
    test_epoch.compare(test_epoch.shuffled(), 4, optimizer=OPTIMIZERS[name], drop=0.3, drop_last=True)


def test_another_learning_rate_from_epoch_to_epoch() -> None:
    x, target = batch(40)
    found = []
    for epochs in (False, True):
        fg.manual_seed(2)
        net = classifier()
        opt = optim.Adam(net.parameters())
        step = fg.compile(training(net, opt))
        for epoch in range(3):
            opt.param_groups[0]["lr"] = 0.01 / (1 + epoch)
            if epochs:
                losses = step.run_epoch((x, target), batch_size=8)
            else:
                losses = fg.stack([step(x[i : i + 8], target[i : i + 8]) for i in range(0, 40, 8)])
        assert str(losses.device) == "cuda:0"
        found.append(common.bits([losses, *net.parameters()]))
    common.assert_same(*found, "epochs")


def test_calls_between_epochs() -> None:
    x, target = batch(12)
    net = classifier(0.2)
    step = fg.compile(training(net, optim.SGD(net.parameters(), lr=0.1)))
    one = [float(step(x[:4], target[:4])), *step.run_epoch((x, target), batch_size=4).tolist()]
    one.append(float(step(x[4:8], target[4:8])))
    assert len(step.programs) == 1
    assert len({*one}) == 5


def test_arguments_in_other_memory_and_results_of_their_own() -> None:
    w = fg.arange(3, dtype=fg.float32, device="cuda")
    scale = fg.compile(lambda x: x * w)
    kept = [scale(fg.full((3,), float(i), device="cuda")) for i in range(5)]
    assert [y.tolist() for y in kept] == [[0.0, i, 2.0 * i] for i in range(5)]
    view = fg.ones(2, 3, device="cuda")[1]  # which begins within other memory
    assert scale(view).tolist() == [0, 1, 2]


def test_an_argument_that_is_changed() -> None:
    add = fg.compile(lambda x, y: x.add_(y).sum())
    for _ in range(3):
        x, y = fg.ones(4, device="cuda"), fg.ones(4, device="cuda")
        assert add(x, y).item() == 8
        assert x.tolist() == [2] * 4
        assert x.version.count == 1


def test_a_call_in_python_stands_between_two_graphs() -> None:
    def function(x: Any) -> Any:
        y = (x * 2).cumsum(0)  # which no kernel does
        return (y + 1).sum(), y

    compiled = fg.compile(function)
    for number in range(4):
        x = fg.arange(5, dtype=fg.float32, device="cuda") + number
        total, y = compiled(x)
        assert y.tolist() == np.cumsum(2 * x.cpu().numpy()).tolist()
        assert total.item() == y.cpu().numpy().sum() + 5
    assert "in Python" in str(compiled.programs[0])


def test_a_target_that_is_no_class_is_reported() -> None:
    net = classifier()
    step = fg.compile(training(net, optim.SGD(net.parameters(), lr=0.1)))
    x, target = batch()
    step(x, target)
    wrong = target.clone()
    wrong[2] = 3
    with pytest.raises(IndexError, match="'target' is 3 at position 2, expected a class from 0 to 2"):
        (step(x, wrong), fg.cuda.synchronize())
    assert np.isfinite(step(x, target).item())


def test_one_function_on_both_devices() -> None:
    double = fg.compile(lambda x: x * 2)
    for device in ("cpu", "cuda", "cpu", "cuda"):
        y = double(fg.ones(3, device=device))
        assert y.device.type == device
        assert y.tolist() == [2] * 3
    assert len(double.programs) == 2


def test_a_function_without_arguments_whose_parameters_move() -> None:
    net = nn.Linear(2, 1)
    square = fg.compile(lambda: (net.weight * net.weight).sum())
    there = square().item()
    net.to("cuda")
    assert square().is_cuda
    assert square().item() == there
    net.to("cpu")
    assert square().item() == there


def test_what_cannot_be_recorded() -> None:
    on_cpu = fg.ones(3)
    w = fg.ones(3, device="cuda")
    with pytest.raises(RuntimeError, match="argument 0 is on the CPU, expected the GPU"):
        fg.compile(lambda x: x.to("cuda") * w)(on_cpu)
    with pytest.raises(RuntimeError, match="copied from the GPU"):
        fg.compile(lambda x: x.cpu() * 2)(w)
    with pytest.raises(RuntimeError, match="reads a value"):
        fg.compile(lambda x: x * 2 if x.sum() > 0 else x)(w)


def test_results_that_are_views_and_parts() -> None:
    def function(x: Any) -> Any:
        y = x * 2
        return y[1], y.T, {"sum": y.sum()}

    compiled = fg.compile(function)
    for number in range(3):
        x = fg.arange(6, dtype=fg.float32, device="cuda").reshape(2, 3) + number
        row, turned, named = compiled(x)
        expected = 2 * x.cpu().numpy()
        np.testing.assert_array_equal(row.cpu().numpy(), expected[1])
        np.testing.assert_array_equal(turned.cpu().numpy(), expected.T)
        assert named["sum"].item() == expected.sum()


def test_gradients_that_are_kept() -> None:
    net = classifier()
    step = fg.compile(training(net, optim.SGD(net.parameters(), lr=0.0)), keep_grads=True)
    x, target = batch()
    step(x, target)
    step(x, target)
    there = [p.grad.cpu().numpy() for p in net.parameters()]
    F.cross_entropy(net(x), target).backward()  # added
    for p, g in zip(net.parameters(), there, strict=True):
        np.testing.assert_allclose(p.grad.cpu().numpy(), 2 * g, rtol=1e-6)


def test_a_program_belongs_to_a_stream_at_a_time() -> None:
    x = fg.ones(3, device="cuda")
    double = fg.compile(lambda x: x * 2)
    double(x)
    for _ in range(3):
        with fg.cuda.stream(fg.cuda.Stream()):
            y = double(x)
        z = double(x)
        fg.cuda.synchronize()
        assert y.tolist() == z.tolist() == [2] * 3


def test_a_large_batch_of_a_small_network() -> None:
    x, target = batch(5000)
    found = []
    for compiled in (False, True):
        fg.manual_seed(2)
        net = classifier()
        step = training(net, optim.SGD(net.parameters(), lr=0.1))
        if compiled:
            step = fg.compile(step)
        found.append(common.bits([step(x, target) for _ in range(3)] + [*net.parameters()]))
    common.assert_same(*found, "large batch")


@pytest.mark.parametrize(("rows", "is_together"), [(200, True), (300, False)])
def test_a_wide_input_stays_outside_if_the_batch_is_large(rows: int, is_together: bool) -> None:
    x, target = fg.randn(rows, 300, device="cuda"), fg.arange(rows, device="cuda") % 10
    found = []
    for compiled in (False, True):
        fg.manual_seed(2)
        net = nn.Sequential(nn.Linear(300, 20), nn.Tanh(), nn.Linear(20, 30), nn.Tanh(), nn.Linear(30, 10)).to("cuda")
        step = training(net, optim.Adam(net.parameters(), lr=0.01))
        if compiled:
            step = fg.compile(step)
        found.append([float(step(x, target)), float(step(x, target)), *[p.tolist() for p in net.parameters()]])
    first, *_, last = [line for line in str(step.programs[0]).splitlines() if "linear" in line]
    assert ("/" in first, "\\" in last) == (is_together, is_together)
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.skipif(fg.cuda.device_count() < 2, reason="needs two GPUs")
def test_recorded_step_of_each_gpu() -> None:
    @fg.compile
    def double(x: fg.Tensor) -> fg.Tensor:
        return x * 2

    x, y = fg.ones(3, device="cuda:0"), fg.ones(3, device="cuda:1")
    for _ in range(2):
        assert double(x).device == "cuda:0"
        with fg.cuda.device(1):
            assert double(y).device == "cuda:1"
            with pytest.raises(RuntimeError, match=r"is on cuda:0, expected cuda:1, the current GPU"):
                double(x)
