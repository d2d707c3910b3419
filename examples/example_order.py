"""The order of examples: sorted by class, shuffled, balanced, hard ones more often, also where labels are wrong.

The lecture: mix the examples. Shuffle before every epoch; a batch should hold as many different classes as possible;
show examples with a larger error more often, but beware of outliers.

What to see: examples sorted by class are learned slowly. With classes of very different size, repeating small ones or
choosing hard examples learns them in a few epochs. With wrong labels the hardest examples are the wrong ones: they
fill the batches, unless a guard finds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

import fastgrad as fg
import fastgrad.nn.functional as F
from examples.command import run_alone
from examples.common import Options, Result, Table, digits
from examples.style import COLOURS, INK, picture
from fastgrad import nn
from fastgrad.utils.data import ClassBalancedSampler, EpochSampler, HardExampleSampler, RandomSampler

BATCH = 10
SHRINK = 0.7  # each class has that many times as many examples as the one before it


class SortedSampler(EpochSampler):
    """All examples of the first class, then all of the second, …"""

    def __init__(self, labels: np.ndarray) -> None:
        self.labels = labels

    def order(self, epoch: int) -> np.ndarray:
        return np.argsort(self.labels, kind="stable")

    def __len__(self) -> int:
        return len(self.labels)


ORDERS: dict[str, Callable[[np.ndarray], Any]] = {
    "sorted by class": SortedSampler,
    "shuffled": RandomSampler,
    "balanced": lambda labels: ClassBalancedSampler(labels, BATCH),
    "small classes repeated": lambda labels: ClassBalancedSampler(labels, BATCH, oversample=True),
    "hard examples": lambda labels: HardExampleSampler(labels, guard=None),
    "hard, with guard": lambda labels: HardExampleSampler(labels, labels=labels),
    "hard, guard without labels": lambda labels: HardExampleSampler(labels),
}
LOOKS: dict[str, dict[str, Any]] = {
    "sorted by class": {"color": COLOURS[6], "ls": ":"},
    "shuffled": {"color": INK},
    "balanced": {"color": COLOURS[5], "ls": "--"},
    "small classes repeated": {"color": COLOURS[2]},
    "hard examples": {"color": COLOURS[1]},
    "hard, with guard": {"color": COLOURS[0]},
}
EQUAL = ("sorted by class", "shuffled", "balanced", "hard examples", "hard, with guard")
NOISY = ("shuffled", "hard examples", "hard, with guard")


@dataclass(frozen=True)
class Data:
    """Digits to train on, those whose labels are wrong, and digits to test, all labelled rightly."""

    x: np.ndarray
    y: np.ndarray
    wrong: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


@dataclass(frozen=True)
class Trained:
    """What was measured in each epoch, and whom the guard suspects at the end."""

    accuracy: np.ndarray
    drawn_wrong: np.ndarray  # share of wrong labels among the examples drawn
    classes: float  # in a batch, on the average
    suspects: np.ndarray


def run(options: Options) -> Result:
    seeds = range(options.seed, options.seed + (3 if options.quick else 10))
    epochs, longer = (12, 15) if options.quick else (20, 30)

    def trained(make: Callable[[int], Data], names: Iterable[str], epochs: int) -> dict[str, list[Trained]]:
        data = {seed: make(seed) for seed in seeds}
        return {name: [train(data[seed], ORDERS[name], seed, epochs) for seed in seeds] for name in names}

    equal = trained(digits_with, EQUAL, epochs)
    unequal = trained(lambda seed: digits_with(seed, shrink=SHRINK), ORDERS, epochs)
    shares = (0.2,) if options.quick else (0.1, 0.2)
    noisy = {share: trained(lambda seed, share=share: digits_with(seed, share), NOISY, longer) for share in shares}
    wrong = [digits_with(seed, 0.2).wrong for seed in seeds]

    path = options.output / "example_order.png"
    title = "Mix the classes; show hard examples more often, but guard against wrong labels"
    with picture(path, title, rows=2, columns=2, size=(11.5, 8.6)) as (_, axes):
        draw_accuracy(axes[0, 0], equal, "Classes of equal size: any mixing will do", 40)
        draw_accuracy(axes[0, 1], unequal, "Classes of 140, 98, … 5 examples: repeat small ones", 25)
        draw_share(axes[1, 0], noisy[0.2])
        draw_accuracy(axes[1, 1], noisy[0.2], "Every fifth label wrong: accuracy on right ones", 60)

    tables = [
        accuracies("Classes of equal size: unseen digits read rightly", equal),
        accuracies("Classes of very different size (140, 98, 68, … 5 examples)", unequal),
        wrong_labels(noisy, {share: [digits_with(seed, share).wrong for seed in seeds] for share in shares}),
    ]
    return Result(path, tables, numbers(equal, unequal, noisy[0.2], wrong))


def digits_with(seed: int, wrong: float = 0.0, shrink: float = 1.0) -> Data:
    """Handwritten digits, a share of them with a wrong label, each class `shrink` times as large as that before it."""
    x, y, x_test, y_test = digits(seed)
    random = np.random.default_rng(seed)
    kept = [random.permutation(np.flatnonzero(y == c))[: int(140 * shrink**c)] for c in range(10)]
    rows = random.permutation(np.concatenate(kept))
    x, y = x[rows], y[rows]
    is_wrong = np.zeros(len(y), bool)
    is_wrong[random.permutation(len(y))[: round(wrong * len(y))]] = True
    y = np.where(is_wrong, (y + random.integers(1, 10, len(y))) % 10, y)
    return Data(x, y, is_wrong, x_test, y_test)


def train(data: Data, order: Callable[[np.ndarray], Any], seed: int, epochs: int) -> Trained:
    """64-64-10 with ReLU, by SGD with momentum; the step returns the loss of every example of the batch."""
    fg.manual_seed(seed)
    net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = fg.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    sampler = order(data.y)

    @fg.compile
    def step(x: fg.Tensor, y: fg.Tensor) -> fg.Tensor:
        losses = F.cross_entropy(net(x), y, reduction="none")
        optimizer.zero_grad()
        losses.mean().backward()
        optimizer.step()
        return losses

    x, y, x_test, y_test = map(fg.tensor, (data.x, data.y, data.x_test, data.y_test))
    accuracy, drawn_wrong, classes = [], [], []
    for epoch in range(epochs):
        drawn = sampler.order(epoch)
        losses = step.run_epoch((x, y), drawn, BATCH, drop_last=True).reshape(-1)
        drawn = drawn[: len(losses)]
        if isinstance(sampler, HardExampleSampler):
            sampler.update(drawn, losses)
        with fg.no_grad():
            accuracy.append((net(x_test).argmax(1) == y_test).float().mean().item())
        drawn_wrong.append(data.wrong[drawn].mean())
        classes.append(np.mean([len(set(batch)) for batch in data.y[drawn].reshape(-1, BATCH).tolist()]))
    suspects = sampler.suspects if isinstance(sampler, HardExampleSampler) else np.empty(0, np.int64)
    return Trained(np.array(accuracy), np.array(drawn_wrong), float(np.mean(classes)), suspects)


def mean(found: list[Trained], what: str) -> np.ndarray:
    """The mean of the repetitions, per epoch."""
    return np.mean([getattr(one, what) for one in found], axis=0)


def found_wrong(found: list[Trained], wrong: list[np.ndarray]) -> tuple[float, float]:
    """Which share of the suspects is wrong, and which share of the wrong labels is suspected, over all repetitions."""
    right = sum(int(labels[one.suspects].sum()) for one, labels in zip(found, wrong, strict=True))
    return right / sum(len(one.suspects) for one in found), right / sum(int(labels.sum()) for labels in wrong)


def accuracies(title: str, found: dict[str, list[Trained]]) -> Table:
    last = len(next(iter(found.values()))[0].accuracy)
    after = (1, 3, 10, last)
    rows = []
    for name, runs in found.items():
        percent = 100 * mean(runs, "accuracy")
        spread = 100 * np.std([one.accuracy[-1] for one in runs])
        ends = [f"{percent[epoch - 1]:.1f} %" for epoch in after[:-1]] + [f"{percent[-1]:.1f} ± {spread:.1f} %"]
        rows.append((name, f"{mean(runs, 'classes'):.1f}", *ends))
    return Table(title, ("order", "classes per batch", *(f"epoch {epoch}" for epoch in after)), rows)


def wrong_labels(noisy: dict[float, dict[str, list[Trained]]], wrong: dict[float, list[np.ndarray]]) -> Table:
    rows = []
    for share, found in noisy.items():
        for name, runs in found.items():
            percent = 100 * mean(runs, "accuracy")
            drawn = 100 * mean(runs, "drawn_wrong")[5:].mean()
            guard = ("", "")
            if name == "hard, with guard":
                guard = tuple(f"{100 * value:.0f} %" for value in found_wrong(runs, wrong[share]))
            rows.append((f"{100 * share:.0f} %", name, f"{drawn:.1f} %", f"{percent.max():.1f} %",
                         f"{percent[-1]:.1f} %", *guard))  # fmt: skip
    header = ("wrong", "order", "of the drawn", "best", "at the end", "suspects wrong", "wrong suspected")
    return Table("Wrong labels: their share among all and among the drawn, and accuracy on right ones", header, rows)


def numbers(
    equal: dict[str, list[Trained]],
    unequal: dict[str, list[Trained]],
    noisy: dict[str, list[Trained]],
    wrong: list[np.ndarray],
) -> dict[str, Any]:
    def curves(found: dict[str, list[Trained]], what: str = "accuracy") -> dict[str, np.ndarray]:
        return {name: mean(runs, what) for name, runs in found.items()}

    precision, recall = found_wrong(noisy["hard, with guard"], wrong)
    return {
        "equal": curves(equal),
        "unequal": curves(unequal),
        "noisy": curves(noisy),
        "drawn wrong": curves(noisy, "drawn_wrong"),
        "classes": {name: float(mean(runs, "classes")) for name, runs in unequal.items()},
        "suspects wrong": precision,
        "wrong suspected": recall,
    }


def draw_accuracy(axes: Any, found: dict[str, list[Trained]], title: str, least: float) -> None:
    for name in [name for name in LOOKS if name in found]:
        values = 100 * np.array([one.accuracy for one in found[name]])
        epochs = np.arange(1, values.shape[1] + 1)
        error = values.std(0) / np.sqrt(len(values))
        axes.plot(epochs, values.mean(0), label=name, **LOOKS[name])
        axes.fill_between(epochs, values.mean(0) - error, values.mean(0) + error, alpha=0.2, color=LOOKS[name]["color"])
    show_epochs(axes, epochs)
    axes.set_ylim(least, 100)
    axes.set_ylabel("unseen digits read rightly, %")
    axes.set_title(title)
    axes.legend(loc="lower right")


def draw_share(axes: Any, found: dict[str, list[Trained]]) -> None:
    for name, runs in found.items():
        values = 100 * np.array([one.drawn_wrong for one in runs])
        epochs = np.arange(1, values.shape[1] + 1)
        axes.plot(epochs, values.mean(0), label=name, **LOOKS[name])
        axes.fill_between(epochs, values.min(0), values.max(0), alpha=0.2, color=LOOKS[name]["color"])
    show_epochs(axes, epochs)
    axes.set_ylim(0, 75)
    axes.set_ylabel("wrong labels among the examples drawn, %")
    axes.set_title("Every fifth label wrong: who is drawn")
    axes.legend(loc="upper right")


def show_epochs(axes: Any, epochs: np.ndarray) -> None:
    ticks = [epoch for epoch in (1, 2, 3, 5, 10, 20, 30) if epoch <= epochs[-1]]
    axes.set_xscale("log")
    axes.set_xticks(ticks, list(map(str, ticks)))
    axes.minorticks_off()
    axes.set_xlabel("epoch")


if __name__ == "__main__":
    raise SystemExit(run_alone(__file__))
