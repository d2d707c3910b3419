"""Preprocessing: centred, standardised and whitened data train faster, at every stage with its best learning rate.

The lecture, after LeCun, Bottou and others ("Efficient BackProp"): subtract the mean, against saturation at the start;
decorrelate, for faster optimisation; scale to unit variance, against saturation. With Cov(X) = (1/N) X Xᵀ,
X̂ = Cov(X)^(−1/2) X has Cov(X̂) = I.

What to see: measurements of tumour cells, thirty columns from 0.001 to 4000. Above, what each stage does to two of
them. Below, a network with sigmoids on all thirty: each stage lets descent go to a lower loss, whitening to the lowest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer

import fastgrad as fg
import fastgrad.nn.functional as F
from examples.command import run_alone
from examples.common import Options, Result, Table
from examples.style import COLOURS, FAINT, INK, picture
from fastgrad import nn
from fastgrad.utils.data.preprocess import Center, Standardize, Whiten

SHOWN = ("mean radius", "perimeter error")  # correlated, and of different size
STAGES: dict[str, Callable[[], Any]] = {  # name: what is fitted to the training rows
    "raw": lambda: None,
    "centred": Center,
    "standardised": Standardize,
    "whitened": Whiten,
}
LOOKS = {
    "raw": {"color": COLOURS[6], "marker": "o"},
    "centred": {"color": COLOURS[4], "marker": "s"},
    "standardised": {"color": COLOURS[0], "marker": "^"},
    "whitened": {"color": COLOURS[1], "marker": "D"},
}
RATES = tuple(float(f"{rate:.1g}") for rate in np.geomspace(0.001, 10, 9))  # 0.001, 0.003, 0.01, …, 10
LOW = 0.05  # a loss to reach
FRAMES = {"raw": (-2, -9, 32), "centred": (-12, -14, 32), "standardised": (-3, -4, 9), "whitened": (-3, -4, 9)}


@dataclass(frozen=True)
class Trained:
    """A network after training."""

    losses: np.ndarray  # after each epoch, over the training rows; the first before any
    accuracy: float  # on the test rows
    saturated: float  # share of the first layer's sigmoids within 0.05 of 0 or 1, before training


def run(options: Options) -> Result:
    seeds = range(options.seed, options.seed + (2 if options.quick else 8))
    epochs, rates = (30, RATES[1::2]) if options.quick else (100, RATES)
    stages: dict[str, dict[float, list[Trained]]] = {}
    for name in STAGES:
        data = [cells(seed, name) for seed in seeds]
        stages[name] = {
            rate: [train(rows, rate, epochs, seed) for rows, seed in zip(data, seeds, strict=True)] for rate in rates
        }
    best = {name: min(runs, key=lambda rate: loss(runs[rate])) for name, runs in stages.items()}

    path = options.output / "preprocessing.png"
    title = "From raw to whitened: each stage lets descent go further in the same time"
    with picture(path, title, rows=2, columns=4, size=(12, 7)) as (figure, axes):
        two = two_columns()
        for axis, name in zip(axes[0], STAGES, strict=True):
            draw_scatter(axis, name, transformed(name, two), load_breast_cancer().target)
        grid = axes[1, 0].get_gridspec()
        for axis in axes[1]:
            axis.remove()
        draw_curves(figure.add_subplot(grid[1, :2]), stages, best)
        draw_rates(figure.add_subplot(grid[1, 2:]), stages, epochs)

    numbers = {
        "loss": {name: loss(stages[name][best[name]]) for name in STAGES},
        "accuracy": {name: accuracy(stages[name][best[name]]) for name in STAGES},
        "saturated": {name: saturated(stages[name][best[name]]) for name in STAGES},
        "covariance": {name: covariance(cells(options.seed, name)[0].numpy()) for name in STAGES},
    }
    return Result(path, [table(stages, best, epochs, numbers["covariance"])], numbers)


def transformed(name: str, x: np.ndarray, other: np.ndarray | None = None) -> np.ndarray:
    """The rows of `other`, or of `x`, after a stage that was fitted to `x`."""
    stage = STAGES[name]()
    other = x if other is None else other
    return other if stage is None else stage.fit(x).transform(other)


def two_columns() -> np.ndarray:
    data = load_breast_cancer()
    return data.data[:, [list(data.feature_names).index(name) for name in SHOWN]]


def cells(seed: int, stage: str) -> tuple[fg.Tensor, ...]:
    """Four fifths of the 569 tumours to train on and the others to test, after a stage."""
    data = load_breast_cancer()
    order = np.random.default_rng(seed).permutation(len(data.data))
    train, test = np.split(order, [len(order) * 4 // 5])
    return tuple(
        part
        for rows in (train, test)
        for part in (
            fg.tensor(transformed(stage, data.data[train], data.data[rows]), dtype=np.float32),
            fg.tensor(data.target[rows]),
        )
    )


def train(data: tuple[fg.Tensor, ...], rate: float, epochs: int, seed: int) -> Trained:
    """30-32-32-2 with sigmoids, by plain mini-batch descent."""
    x, y, x_test, y_test = data
    fg.manual_seed(seed)
    net = nn.Sequential(nn.Linear(30, 32), nn.Sigmoid(), nn.Linear(32, 32), nn.Sigmoid(), nn.Linear(32, 2))
    optimizer = fg.optim.SGD(net.parameters(), lr=rate)

    @fg.compile
    def step(x: fg.Tensor, y: fg.Tensor) -> fg.Tensor:
        loss = F.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    @fg.compile
    def J() -> fg.Tensor:
        with fg.no_grad():
            return F.cross_entropy(net(x), y)

    with fg.no_grad():
        units = net[1](net[0](x)).numpy()
    losses = [J().item()]
    for _ in range(epochs):
        step.run_epoch((x, y), fg.randperm(len(x)), batch_size=32)
        losses.append(J().item())
    with fg.no_grad():
        right = (net(x_test).argmax(1) == y_test).float().mean().item()
    return Trained(np.array(losses), right, float((np.abs(units - 0.5) > 0.45).mean()))


def curve(runs: list[Trained]) -> np.ndarray:
    """The losses after each epoch: the median over the runs. What is not finite is infinite."""
    return np.median(np.nan_to_num([one.losses for one in runs], nan=np.inf), axis=0)


def loss(runs: list[Trained]) -> float:
    return float(curve(runs)[-1])


def accuracy(runs: list[Trained]) -> float:
    return float(np.mean([one.accuracy for one in runs]))


def saturated(runs: list[Trained]) -> float:
    return float(np.mean([one.saturated for one in runs]))


def covariance(x: np.ndarray) -> np.ndarray:
    x = x.astype(np.float64)
    x = x - x.mean(0)
    return x.T @ x / len(x)


def table(
    stages: dict[str, dict[float, list[Trained]]], best: dict[str, float], epochs: int, cov: dict[str, np.ndarray]
) -> Table:
    rows = []
    for name, runs in stages.items():
        found = runs[best[name]]
        reached = np.flatnonzero(curve(found) < LOW)
        spread = 100 * np.std([one.accuracy for one in found])
        rows.append((
            name, f"{np.linalg.cond(cov[name]):.2g}", f"{100 * saturated(found):.1f} %", f"{best[name]:g}",
            str(reached[0]) if len(reached) else "never", loss(found), f"{100 * accuracy(found):.1f} ± {spread:.1f} %",
        ))  # fmt: skip
    header = ("data", "cond Cov", "saturated", "best η", f"epochs to {LOW}", f"loss after {epochs}", "test")
    return Table("Tumour cells, 30-32-32-2 with sigmoids", header, rows)


def draw_scatter(axes: Any, name: str, x: np.ndarray, target: np.ndarray) -> None:
    """Points by class, the origin, and the ellipse of two standard deviations."""
    for label, kind, colour in ((1, "benign", COLOURS[0]), (0, "malignant", COLOURS[1])):
        axes.plot(*x[target == label].T, "o", color=colour, markersize=3, alpha=0.5, mew=0, label=kind)
    cov, mean = np.cov(x.T, bias=True), x.mean(0)
    angle = np.linspace(0, 2 * np.pi, 100)
    axes.plot(*(mean[:, None] + 2 * np.linalg.cholesky(cov) @ [np.cos(angle), np.sin(angle)]), color=INK, lw=1.4)
    axes.axhline(0, color=INK, lw=0.8)
    axes.axvline(0, color=INK, lw=0.8)
    left, bottom, side = FRAMES[name]
    axes.set_xlim(left, left + side)
    axes.set_ylim(bottom, bottom + side)
    axes.set_aspect("equal")
    axes.set_title(name)
    axes.set_xlabel(SHOWN[0])
    (a, b), (_, c) = np.abs(cov.round(1))  # abs: a rounded -0.0 is 0
    axes.text(0.97, 0.03, f"Cov = {a:4.1f} {b:4.1f}\n      {b:4.1f} {c:4.1f}", family="monospace", fontsize=9,
              ha="right", va="bottom", transform=axes.transAxes)  # fmt: skip
    if name == "raw":
        axes.set_ylabel(SHOWN[1])
        axes.legend(loc="upper left", markerscale=2, handletextpad=0.2, borderpad=0)


def draw_curves(axes: Any, stages: dict[str, dict[float, list[Trained]]], best: dict[str, float]) -> None:
    for name, runs in stages.items():
        found = np.array([one.losses for one in runs[best[name]]])
        look = {**LOOKS[name], "marker": None}
        axes.fill_between(range(found.shape[1]), *np.quantile(found, (0.25, 0.75), axis=0), alpha=0.2, lw=0,
                          color=look["color"])  # fmt: skip
        axes.plot(curve(runs[best[name]]), label=f"{name}, η = {best[name]:g}", **look)
    axes.set_yscale("log")
    axes.set_xlabel("epochs")
    axes.set_ylabel("training loss")
    axes.set_title("All thirty columns, each stage with its best η")
    axes.legend(loc="lower left")


def draw_rates(axes: Any, stages: dict[str, dict[float, list[Trained]]], epochs: int) -> None:
    for name, runs in stages.items():
        axes.plot(list(runs), [min(loss(found), 5.0) for found in runs.values()], label=name, **LOOKS[name])
    axes.axhspan(np.log(2), 5, color=FAINT, lw=0)
    axes.text(RATES[0], 0.75, "worse than guessing", va="bottom")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(top=2)
    axes.set_xlabel("learning rate η")
    axes.set_ylabel(f"training loss after {epochs} epochs")
    axes.set_title("It is not the choice of η")


if __name__ == "__main__":
    raise SystemExit(run_alone(__file__))
