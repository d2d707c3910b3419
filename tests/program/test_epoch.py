"""run_epoch: the same bits as its steps called one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn, optim
from fastgrad.nn import functional as F
from tests.program.common import assert_same, bits, device

ROWS = 23


class Answer(NamedTuple):
    loss: Any
    correct: Any


class Training:
    """A network of its own, and a step that returns what `give` makes of loss, scores and targets."""

    def __init__(
        self,
        optimizer: Callable[[Any], Any] = lambda params: optim.SGD(params, lr=0.1, momentum=0.9),
        give: Callable[[Any, Any, Any], Any] = lambda loss, y, target: loss,
        dtype: str = "float32",
        drop: float = 0.0,
    ) -> None:
        fg.manual_seed(7)
        self.net = nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Dropout(drop), nn.Linear(6, 3))
        self.net.to(np.dtype(dtype)).to(device())
        self.opt = optimizer(self.net.parameters())

        def step(x: Any, target: Any) -> Any:
            y = self.net(x)
            loss = F.cross_entropy(y, target)
            if self.net.training:
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
            return give(loss, y, target)

        self.eager = step
        self.step = fg.compile(step)

    def state(self) -> list[Any]:
        return bits([*self.net.parameters(), self.opt.state_dict()["state"]])


def examples(rows: int = ROWS, dtype: str = "float32") -> tuple[Any, Any]:
    generator = np.random.default_rng(3)
    x = generator.standard_normal((rows, 5)).astype(dtype)
    return fg.tensor(x, device=device()), fg.tensor(generator.integers(0, 3, rows), device=device())


def one_by_one(step: Any, arrays: Sequence[Any], order: Any, batch: int, drop_last: bool = False) -> list[Any]:
    """The results of steps on batches that numpy picks."""
    found = []
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        if len(rows) == batch or not drop_last:
            found.append(step(*[fg.tensor(x.cpu().numpy()[rows], device=device()) for x in arrays]))
    return found


def stacked(results: list[Any]) -> list[Any]:
    """Bits of the arrays in a list of equal structures, each stacked over the list."""
    if isinstance(results[0], dict):
        return [b for key in results[0] for b in stacked([r[key] for r in results])]
    if isinstance(results[0], (tuple, list)):
        return [b for part in zip(*results, strict=True) for b in stacked(list(part))]
    if isinstance(results[0], fg.Tensor):
        return bits(np.stack([r.detach().cpu().numpy() for r in results]))
    return bits(np.stack(results)) if isinstance(results[0], np.ndarray) else [results[0]]


def compare(order: Any, batch: int, drop_last: bool = False, rows: int = ROWS, epochs: int = 3, **options: Any) -> Any:
    """Train eagerly step by step and by epochs, and expect the same bits of results and state."""
    there, here = Training(**options), Training(**options)
    arrays = examples(rows, options.get("dtype", "float32"))
    fg.manual_seed(1)
    expected = [stacked(one_by_one(there.eager, arrays, order, batch, drop_last)) for _ in range(epochs)]
    fg.manual_seed(1)
    for epoch in range(epochs):
        result = here.step.run_epoch(arrays, order, batch, drop_last)
        assert_same(bits(result), expected[epoch], f"epoch {epoch}")
    assert_same(here.state(), there.state(), "state")
    return result


def shuffled(rows: int = ROWS) -> np.ndarray:
    return np.random.default_rng(5).permutation(rows)


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("batch", [1, 4, ROWS - 1, ROWS])
def test_batches(batch: int, drop_last: bool) -> None:
    losses = compare(shuffled(), batch, drop_last)
    assert losses.shape == (ROWS // batch if drop_last else -(-ROWS // batch),)
    assert losses.requires_grad is False


def test_a_batch_larger_than_the_data() -> None:
    assert compare(shuffled(), 100).shape == (1,)


@pytest.mark.parametrize(
    "order",
    [
        [3, 3, 3, 7, 7, 0, 3, 22],
        list(range(2, 20, 3)),
        [5],
        np.tile(shuffled(), 4),
        shuffled().astype(np.int32),
        shuffled().astype(np.uint8),
        shuffled()[::-1],
        shuffled().astype(">i8"),
    ],
)
def test_orders(order: Any) -> None:
    compare(order, 4)


def test_an_order_in_a_tensor_and_none() -> None:
    found = []
    for order in (fg.arange(ROWS), None):
        t = Training()
        found.append((bits(t.step.run_epoch(examples(), order, batch_size=np.int64(4))), t.state()))
    assert found[0] == found[1]


def test_float64() -> None:
    assert compare(shuffled(), 4, dtype="float64").dtype == fg.float64


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda params: optim.SGD(params, lr=0.1),
        lambda params: optim.SGD(params, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01, l1=0.001),
        lambda params: optim.Adam(params, lr=0.01),
        lambda params: optim.AdamW(params, lr=0.01, amsgrad=True),
    ],
)
@pytest.mark.parametrize("drop", [0.0, 0.3])
def test_optimisers_and_dropout(optimizer: Any, drop: float) -> None:
    compare(shuffled(), 4, optimizer=optimizer, drop=drop)


@pytest.mark.parametrize(
    "give",
    [
        lambda loss, y, target: (loss,),
        lambda loss, y, target: [loss, y.argmax(1)],
        lambda loss, y, target: {"loss": loss, "more": (y, {"right": (y.argmax(1) == target).sum()})},
        lambda loss, y, target: Answer(loss, (y.argmax(1) == target).sum()),
        lambda loss, y, target: (3, loss, "name", None),
        lambda loss, y, target: (y.detach().numpy() * 2, loss),
        lambda loss, y, target: (loss, y, y),
        lambda loss, y, target: (y[:2], y.T, loss),
        lambda loss, y, target: (target, loss),
        lambda loss, y, target: None,
    ],
)
def test_structures_of_results(give: Any) -> None:
    result = compare(shuffled(), 4, drop_last=True, give=give)
    one = give(fg.ones(()), fg.ones(4, 3), fg.ones(4))
    assert type(result) is type(one)
    if isinstance(one, tuple):
        assert [type(x) for x in result] == [type(x) for x in one]


def test_results_that_are_tensors_from_outside() -> None:
    compare(shuffled(), 4, give=lambda loss, y, target: (loss, OUTSIDE))


OUTSIDE = fg.arange(3.0)


def test_a_function_that_trains_nothing() -> None:
    x, _ = examples()
    scores = fg.compile(lambda x: x.tanh() * 2)
    found = scores.run_epoch((x,), None, 4, drop_last=True)
    assert bits(found) == bits(np.stack([(x[i : i + 4].tanh() * 2).numpy() for i in range(0, 20, 4)]))
    assert bits(scores.run_epoch(x, None, 4, drop_last=True)) == bits(found)
    assert bits(scores.run_epoch([x.numpy()], None, 4, drop_last=True)) == bits(found)


def test_numpy_commands() -> None:
    """Commands that run in Python read and write memory of the program's own."""

    def function(x: Any) -> Any:
        return x.sort(1)[0].cumsum(1), x.prod(1)

    x, _ = examples()
    compiled = fg.compile(function)
    for _ in range(2):
        found = compiled.run_epoch((x,), shuffled(), 5, drop_last=True)
        assert bits(found) == stacked(one_by_one(function, (x,), shuffled(), 5, drop_last=True))


def test_learning_rate_and_mode_change_between_epochs() -> None:
    there, here = Training(drop=0.3), Training(drop=0.3)
    arrays, order = examples(), shuffled()
    for epoch in range(6):
        found = []
        for t, run in ((there, one_by_one), (here, None)):
            fg.manual_seed(epoch)
            t.opt.param_groups[0]["lr"] = 0.1 / (epoch + 1)
            t.net.train(epoch % 3 != 2)
            results = here.step.run_epoch(arrays, order, 4) if run is None else run(t.eager, arrays, order, 4)
            found.append((bits(results) if run is None else stacked(results), t.state()))
        assert found[0] == found[1], f"epoch {epoch}"
    assert len(here.step.programs) == 4  # training and not, whole batches and the last


def test_gradients_that_add_up() -> None:
    """The second step finds gradients that the first did not: it is recorded again."""
    there, here = Training(), Training()
    arrays = examples()
    for t in (there, here):
        t.opt.zero_grad = lambda: None  # gradients add up: from None, then on what is there
    expected = stacked(one_by_one(there.eager, arrays, shuffled(), 4))
    keeping = fg.compile(here.eager, keep_grads=True)
    assert bits(keeping.run_epoch(arrays, shuffled(), 4)) == expected
    assert here.state() == there.state()


def test_calls_in_between_use_the_same_programs() -> None:
    there, here = Training(), Training()
    arrays, order = examples(), shuffled()
    x, target = (fg.tensor(a.numpy()[:4]) for a in arrays)
    for _ in range(2):
        expected = [stacked(one_by_one(there.eager, arrays, order, 4)), bits(there.eager(x, target))]
        losses = here.step.run_epoch(arrays, order, 4)
        kept = bits(losses)
        assert [kept, bits(here.step(x, target))] == expected
        assert bits(losses) == kept
    assert len(here.step.programs) == 2


def test_results_of_an_earlier_epoch_are_not_touched() -> None:
    t = Training()
    first = t.step.run_epoch(examples(), shuffled(), 4)
    before = bits(first)
    t.step.run_epoch(examples(), shuffled(), 4)
    assert bits(first) == before
