"""Networks of several shapes, trained eagerly or by recorded steps, watched or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import fastgrad as fg
import fastgrad.nn.functional as F
from fastgrad import nn

__all__ = ["MODELS", "Training", "same"]


class Branches(nn.Module):
    """Two ways from the input that meet in a sum."""

    def __init__(self) -> None:
        super().__init__()
        self.left = nn.Sequential(nn.Linear(5, 6), nn.Tanh())
        self.right = nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.ELU(), nn.Dropout(0.3))
        self.head = nn.Linear(6, 3)

    def forward(self, x: Any) -> Any:
        return self.head(self.left(x) + self.right(x))


class Shared(nn.Module):
    """One layer twice, and one activation module behind all layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(5, 6)
        self.middle = nn.Linear(6, 6)
        self.last = nn.Linear(6, 3)
        self.act = nn.Sigmoid()

    def forward(self, x: Any) -> Any:
        y = self.act(self.first(x))
        y = self.act(self.middle(y))
        y = self.act(self.middle(y))
        return self.last(y)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.RNN(5, 4, batch_first=True)
        self.cell = nn.RNNCell(4, 6)
        self.head = nn.Linear(6, 3)

    def forward(self, x: Any) -> Any:
        y, _ = self.rnn(x.reshape(len(x), 1, 5).expand(len(x), 3, 5) * fg.tensor([[1.0], [0.5], [-1.0]]))
        state = None
        for t in range(3):
            state = self.cell(y[:, t], state)
        return self.head(state)


class Functions(nn.Module):
    """Activations that are no modules, and one inside a Linear."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(5, 6)
        self.second = nn.Linear(6, 6, activation="relu")
        self.third = nn.Linear(6, 3)

    def forward(self, x: Any) -> Any:
        return self.third(self.second(F.relu(self.first(x))))


def mlp() -> Any:
    return nn.Sequential(nn.Linear(5, 8), nn.Sigmoid(), nn.Linear(8, 7), nn.ReLU(), nn.Linear(7, 3))


MODELS: dict[str, Callable[[], Any]] = {
    "mlp": mlp,
    "branches": Branches,
    "shared": Shared,
    "recurrent": Recurrent,
    "functions": Functions,
}


class Training:
    """A network with an optimiser and a step, on batches that depend on nothing but the number of the step."""

    def __init__(self, model: str, recorded: bool = False, adam: bool = False, **options: Any) -> None:
        fg.manual_seed(3)
        self.net = MODELS[model]()
        optimizer: Any = fg.optim.Adam if adam else fg.optim.SGD
        self.opt = optimizer(self.net.parameters(), lr=0.05, **({} if adam else {"momentum": 0.5}))
        self.step: Any = fg.compile(self.plain_step, **options) if recorded else self.plain_step

    def plain_step(self, x: Any, y: Any) -> Any:
        loss = F.cross_entropy(self.net(x), y)
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        return loss

    def run(self, steps: int, begin: int = 0) -> list[float]:
        return [self.step(*batch(i)).item() for i in range(begin, begin + steps)]

    def weights(self) -> list[bytes]:
        return [t.detach().numpy().tobytes() for t in self.net.state_dict().values()]


def batch(number: int, rows: int = 9) -> tuple[Any, Any]:
    random = np.random.default_rng(number)
    return fg.tensor(random.normal(size=(rows, 5)).astype("f")), fg.tensor(random.integers(0, 3, rows))


def same(a: Any, b: Any) -> bool:
    """Whether two nested structures are equal, NaN being NaN."""
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    return a == b or (a != a and b != b)
