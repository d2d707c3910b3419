"""What a compiled function can be given, and what it can return."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn, optim
from tests.program.common import bits, same_bits
from tests.program.test_graphs import rows

NET = nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 3))


def stateless(function: Any) -> Any:
    return lambda: (function, lambda: ())


def test_evaluation_without_gradients() -> None:
    @fg.no_grad()
    def evaluate(x: Any) -> Any:
        y = NET(x)
        return y.argmax(1), y.softmax(1).max(1)[0]

    assert len(same_bits(stateless(evaluate), rows((4, 5))).programs) == 1


def test_nested_results() -> None:
    def function(x: Any) -> Any:
        y = NET(x)
        return {"y": y, "parts": [(y[:2], y.T), {"sum": y.sum()}], "name": "net", "none": None, "number": 3}

    calls = rows((4, 5))
    compiled = same_bits(stateless(function), calls)
    result = compiled(*calls[0])
    assert list(result) == ["y", "parts", "name", "none", "number"]
    assert isinstance(result["parts"], list)
    assert isinstance(result["parts"][0], tuple)
    assert (result["name"], result["none"], result["number"]) == ("net", None, 3)


@pytest.mark.parametrize(
    "give", [lambda y: y, lambda y: (y,), lambda y: [y], lambda y: (y, y), lambda y: ((y, (y.sum(),)),)]
)
def test_structure_of_results(give: Any) -> None:
    calls = rows((4, 5))
    compiled = same_bits(stateless(lambda x: give(NET(x))), calls)
    first = give(NET(*calls[0]))
    again = compiled(*calls[0])
    assert type(again) is type(first)
    if isinstance(first, (tuple, list)):
        assert len(again) == len(first)


def test_function_without_result_or_arguments() -> None:
    def make() -> Any:
        count = fg.zeros(3)

        def step() -> None:
            count.add_(1.5)

        return step, lambda: [count]

    assert len(same_bits(make, [()] * 4).programs) == 1


def test_keyword_and_nested_arguments() -> None:
    def function(batch: dict[str, Any], scale: float = 1.0, *, flags: tuple[Any, ...] = ()) -> Any:
        return NET(batch["x"]) * scale + batch["more"][0] * len(flags)

    compiled = fg.compile(function)
    for (x, y) in rows((4, 5), (4, 3), count=3):
        for arguments in (({"scale": 2.0}), ({}), {"flags": ("a", y)}, {"flags": ("b", y), "scale": 0.5}):
            batch = {"x": x, "more": [y]}
            assert bits(compiled(batch, **arguments)) == bits(function(batch, **arguments))
    assert len(compiled.programs) == 4


def test_ndarray_arguments() -> None:
    def function(x: Any, y: Any) -> Any:
        return NET(fg.as_tensor(x)) + fg.as_tensor(y), x * 2

    calls = [tuple(t.numpy() for t in pair) for pair in rows((4, 5), (4, 3))]
    assert len(same_bits(stateless(function), calls).programs) == 1


def layouts(x: np.ndarray) -> dict[str, np.ndarray]:
    """The same values in memory of all kinds."""
    wide = np.zeros((x.shape[0] * 2, x.shape[1] * 3), x.dtype)
    wide[::2, ::3] = x
    frozen = x.copy()
    frozen.flags.writeable = False
    odd = np.zeros(x.nbytes + 1, np.uint8)[1:].view(x.dtype).reshape(x.shape)
    odd[...] = x
    return {
        "c": x.copy(),
        "fortran": np.asfortranarray(x),
        "gaps": wide[::2, ::3],
        "backwards": x[::-1, ::-1].copy()[::-1, ::-1],
        "read-only": frozen,
        "misaligned": odd,
        "broadcast": np.broadcast_to(x[:1], x.shape),
    }


def test_layouts_of_arguments() -> None:
    compiled = fg.compile(lambda x: (NET(x), x.T @ x))
    for _ in range(2):
        for (x,) in rows((4, 5)):
            for name, array in layouts(x.numpy()).items():
                t = fg.from_numpy(array) if array.flags.aligned and array.flags.writeable else fg.Tensor(array)
                assert bits(compiled(t)) == bits((NET(t), t.T @ t)), name
    assert len(compiled.programs) <= 3


def test_written_arguments() -> None:
    def function(x: Any, y: Any) -> Any:
        x.mul_(2)
        x[1] += y[0]
        return x.sum()

    compiled = fg.compile(function)
    for (x, y) in rows((4, 5), (4, 5)):
        for (name, array), other in zip(layouts(x.numpy()).items(), layouts(x.numpy()).values(), strict=True):
            if not array.flags.writeable:
                continue
            here, there = fg.Tensor(array), fg.Tensor(other)
            before = here.version.count
            assert bits(compiled(here, y)) == bits(function(there, y)), name
            assert here.numpy().tobytes() == there.numpy().tobytes(), name
            assert here.version.count > before, name


def test_one_tensor_for_two_arguments() -> None:
    def function(x: Any, y: Any) -> Any:
        x.add_(1)
        return x * y

    compiled = fg.compile(function)
    for (x, y) in rows((4, 5), (4, 5)):
        for args in ((x, y), (x, x), (y, x), (y, y)):
            copies = {id(a): a.clone() for a in args}
            assert bits(compiled(*args)) == bits(function(*[copies[id(a)] for a in args]))
            assert bits(args) == bits([copies[id(a)] for a in args])
    assert len(compiled.programs) == 2


def test_arguments_that_require_gradients() -> None:
    def function(x: Any, y: Any) -> Any:
        loss = (NET(x) * y).sum()
        loss.backward(inputs=[x, y])
        return loss

    compiled = fg.compile(function)
    for (x, y) in rows((4, 5), (4, 3)):
        pairs = [[t.clone().requires_grad_() for t in (x, y)] for _ in range(2)]
        assert bits(compiled(*pairs[0])) == bits(function(*pairs[1]))
        assert bits([t.grad for t in pairs[0]]) == bits([t.grad for t in pairs[1]])
    assert len(compiled.programs) == 1


def test_one_tensor_that_requires_gradients_for_two_arguments() -> None:
    def function(x: Any, y: Any) -> Any:
        loss = (x * y * y).sum()
        loss.backward()
        return loss

    compiled = fg.compile(function)
    for (x, y) in rows((4, 5), (4, 5)):
        compiled(x.clone().requires_grad_(), y.clone().requires_grad_())
        here, there = x.clone().requires_grad_(), x.clone().requires_grad_()
        assert bits(compiled(here, here)) == bits(function(there, there))
        assert bits(here.grad) == bits(there.grad)
    assert len(compiled.programs) == 2


def test_an_argument_with_history_or_a_gradient_is_refused_at_every_call() -> None:
    def function(x: Any) -> Any:
        loss = (x * x).sum()
        loss.backward()
        return loss

    compiled = fg.compile(function)
    for _ in range(3):
        x = fg.ones(3, requires_grad=True)
        with pytest.raises(RuntimeError, match="argument 0 is the result of an operation"):
            compiled(x * 2)
        compiled(x)
        with pytest.raises(RuntimeError, match="argument 0 has a gradient already"):
            compiled(x)


@pytest.mark.parametrize("shape", [(0, 5), (1, 5)])
def test_empty_batch(shape: tuple[int, ...]) -> None:
    def make() -> Any:
        net = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 3))
        opt = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)

        def step(x: Any) -> Any:
            opt.zero_grad()
            loss = net(x).square().sum()
            loss.backward()
            opt.step()
            return loss, net(x)

        return step, lambda: [*net.parameters()]

    assert len(same_bits(make, rows(shape)).programs) == 1


def test_memory_that_an_argument_shares_and_the_function_changes_is_refused() -> None:
    weight = fg.ones(4)

    def function(x: Any, y: Any) -> Any:
        x.add_(1)
        weight.mul_(2)
        return x * y + weight

    compiled = fg.compile(function)
    for _ in range(2):
        x, longer = fg.ones(4), fg.ones(6)
        for args in ((x, x.detach()), (longer[1:5], longer[:4]), (x, weight), (weight, x)):
            with pytest.raises(RuntimeError, match=r"argument \d shares memory with something else .* x.clone\(\)"):
                compiled(*args)
        compiled(x, fg.ones(4))
    unchanged = fg.compile(lambda x, y: x * y + weight)
    for _ in range(3):
        for args in ((x, x.detach()), (longer[1:5], longer[:4]), (x, weight), (weight, weight.detach())):
            assert bits(unchanged(*args)) == bits(args[0] * args[1] + weight)


def test_an_argument_whose_gradient_is_used_otherwise_is_refused() -> None:
    weight = fg.ones(3, requires_grad=True)
    opt = optim.SGD([weight], lr=0.1)

    @fg.compile
    def step(x: Any) -> Any:
        opt.zero_grad()
        loss = (x * weight).sum()
        loss.backward()
        opt.step()
        return loss

    for _ in range(3):
        with pytest.raises(RuntimeError, match=r"argument 0 has a gradient|the gradient of argument 0"):
            step(weight)
        step(fg.ones(3, requires_grad=True))
    assert len(step.programs) == 1
