"""Commands that threads run together: the bits of one thread, whatever the number of threads and rows."""

from __future__ import annotations

from typing import Any

import pytest

import fastgrad as fg
import fastgrad.nn.functional as F
from fastgrad import nn, optim
from tests.program.common import bits

OPTIMIZERS: dict[str, Any] = {
    "sgd": lambda p: optim.SGD(p, lr=0.1),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01, l1=0.001),
    "adam": lambda p: optim.Adam(p, lr=0.01, amsgrad=True),
}


@pytest.fixture
def threads() -> Any:
    before = fg.get_num_threads()
    yield fg.set_num_threads
    fg.set_num_threads(before)


def train(rows: int, optimizer: str, dtype: Any, loss: str) -> tuple[Any, list[Any], Any]:
    fg.manual_seed(1)
    net = nn.Sequential(nn.Linear(90, 100), nn.Tanh(), nn.Linear(100, 70, bias=False), nn.GELU(), nn.Linear(70, 5))
    net = net.to(dtype)
    opt = OPTIMIZERS[optimizer](net.parameters())
    x, target = fg.randn(rows, 90, dtype=dtype), fg.randint(5, (rows,))

    @fg.compile
    def step(x: Any, target: Any) -> Any:
        y = net(x)
        opt.zero_grad()
        found = F.cross_entropy(y, target) if loss == "cross_entropy" else F.nll_loss(F.log_softmax(y, 1), target)
        found.backward()
        opt.step()
        return found

    losses = [step(x, target) for _ in range(4)]
    return step, [losses, list(net.parameters())], (x, target)


@pytest.mark.parametrize("dtype", [fg.float32, fg.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("loss", ["cross_entropy", "nll_loss"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("rows", [1, 2, 3, 7, 64, 300])
def test_threads_make_no_difference(rows: int, optimizer: str, loss: str, dtype: Any, threads: Any) -> None:
    found = []
    for n in (1, 2, 3, 8):
        threads(n)
        _, state, _ = train(rows, optimizer, dtype, loss)
        found.append(bits(state))
    assert all(each == found[0] for each in found)


def test_the_listing_shows_them() -> None:
    step, _, _ = train(64, "sgd", fg.float32, "cross_entropy")
    (program,) = step.programs
    marks = [line.split()[1] for line in str(program).splitlines() if line[:1].isdigit()]
    assert marks == ["/", "|", "|", "|", "|", "\\", "/", "|", "\\"]
    assert program.commands[-3:] == ["linear_sgd"] * 3


@pytest.mark.parametrize("n", [1, 2])
def test_a_check_fails_before_anything_is_changed(n: int, threads: Any) -> None:
    threads(n)
    step, (_, parameters), (x, target) = train(300, "momentum", fg.float32, "cross_entropy")
    before = bits(parameters)
    target[7] = 5
    with pytest.raises(IndexError, match="5"):
        step(x, target)
    assert bits(parameters) == before
    target[7] = 4
    step(x, target)
    assert bits(parameters) != before
