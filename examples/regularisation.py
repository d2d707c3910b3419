"""Regularisation: L1 sets weights to zero, L2 shrinks them and settles what nearly equal columns leave open.

The lecture: a penalty on the weights is added to the loss, L_R = L(y, t) + λ R(W). L2 is R = ½ Σ w² with the gradient
w and helps against multicollinearity; L1 is R = Σ |w| with the gradient sign(w) and favours sparse weights.

What to see: handwritten digits whose 64 pixels stand beside 64 columns of noise, with few rows to learn from. L1
finds out which columns are noise. And a regression on two columns that are nearly the same: without a penalty the two
weights are anything on a line, with L2 they agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import fastgrad as fg
import fastgrad.nn.functional as F
from examples.command import run_alone
from examples.common import Options, Result, Table, accuracy, digits
from examples.style import COLOURS, INK, picture
from fastgrad import nn

PIXELS = NOISE = 64
L2 = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
L1 = (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
SHOWN = {"none": (0.0, 0.0), "L2": (0.0, 3e-2), "L1": (1e-3, 0.0)}  # name: (l1, l2)
ZERO = 1e-3  # sign(w) makes a weight that it holds at zero jump about it, by steps of lr · l1
LOOKS = {"none": {"color": COLOURS[6]}, "L2": {"color": COLOURS[0]}, "L1": {"color": COLOURS[1]}}


@dataclass(frozen=True)
class Trained:
    """A network after training."""

    train_accuracy: float
    accuracy: float
    weights: np.ndarray  # of the first layer, (100, 128): 64 pixels, 64 columns of noise

    @property
    def zeros(self) -> float:
        """Share of the first layer's weights that are zero."""
        return float((np.abs(self.weights) < ZERO).mean())

    def zeros_of(self, columns: slice) -> float:
        return float((np.abs(self.weights[:, columns]) < ZERO).mean())


def run(options: Options) -> Result:
    seeds = range(options.seed, options.seed + (2 if options.quick else 10))
    data = [noisy_digits(seed) for seed in seeds]

    def trained(l1: float, l2: float) -> list[Trained]:
        return [train(rows, l1, l2, seed) for rows, seed in zip(data, seeds, strict=True)]

    shown = {name: trained(*penalties) for name, penalties in SHOWN.items()}
    curves = {
        "none": {0.0: shown["none"]},
        "L2": {strength: trained(0.0, strength) for strength in (L2[1::2] if options.quick else L2)},
        "L1": {strength: trained(strength, 0.0) for strength in (L1[1::2] if options.quick else L1)},
    }
    twins = {
        name: fit_twins(l1, l2, sets=100 if options.quick else 300, seed=options.seed)
        for name, (l1, l2) in {"none": (0.0, 0.0), "L2": (0.0, 0.03), "L1": (0.03, 0.0)}.items()
    }

    path = options.output / "regularisation.png"
    title = "L1 switches off weights that only see noise; L2 lets twin columns share their weight"
    with picture(path, title, rows=2, columns=2, size=(11.5, 8.4)) as (_, axes):
        draw_histogram(axes[0, 0], shown)
        draw_columns(axes[0, 1], shown)
        draw_curves(axes[1, 0], curves)
        draw_twins(axes[1, 1], twins)

    return Result(path, tables(curves, twins), numbers(shown, curves, twins))


def noisy_digits(seed: int, rows: int = 400) -> tuple[fg.Tensor, ...]:
    """A few digits to train on, all others to test; every row has 64 columns of noise behind its 64 pixels."""
    x, y, x_test, y_test = digits(seed)
    generator = np.random.default_rng(seed)
    x_test, y_test = np.concatenate([x[rows:], x_test]), np.concatenate([y[rows:], y_test])
    x, x_test = (
        np.concatenate([part, generator.standard_normal((len(part), NOISE), np.float32)], axis=1)
        for part in (x[:rows], x_test)
    )
    return fg.tensor(x), fg.tensor(y[:rows]), fg.tensor(x_test), fg.tensor(y_test)


def train(data: tuple[fg.Tensor, ...], l1: float, l2: float, seed: int, epochs: int = 60) -> Trained:
    """128-100-10 with ReLU; the penalties are the optimiser's, and on the weights alone, not on the biases."""
    x, y, x_test, y_test = data
    fg.manual_seed(seed)
    net = nn.Sequential(nn.Linear(PIXELS + NOISE, 100), nn.ReLU(), nn.Linear(100, 10))
    weights, biases = [net[0].weight, net[2].weight], [net[0].bias, net[2].bias]
    groups = [{"params": weights, "l1": l1, "weight_decay": l2}, {"params": biases}]
    optimizer = fg.optim.SGD(groups, lr=0.05, momentum=0.9)
    scheduler = fg.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)

    @fg.compile
    def step(x: fg.Tensor, y: fg.Tensor) -> fg.Tensor:
        loss = F.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    for _ in range(epochs):
        step.run_epoch((x, y), fg.randperm(len(x)), batch_size=40)
        scheduler.step()
    weights = net[0].weight.detach().numpy().copy()
    return Trained(accuracy(net, x, y), accuracy(net, x_test, y_test), weights)


def twin_columns(sets: int, seed: int, rows: int = 30) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns x1, x2 and targets t = x1 + x2 + noise of many small data sets; x2 is x1 but for a tenth."""
    generator = np.random.default_rng(seed)
    x1 = generator.standard_normal((sets, rows))
    x2 = x1 + 0.1 * generator.standard_normal((sets, rows))
    return x1, x2, x1 + x2 + 0.5 * generator.standard_normal((sets, rows))


def fit_twins(l1: float, l2: float, sets: int, seed: int) -> np.ndarray:
    """Fit t = x1 w1 + x2 w2 on all data sets at once, by gradient descent: the weights, shape (sets, 2)."""
    x1, x2, t = map(fg.tensor, twin_columns(sets, seed))
    w1, w2 = (fg.zeros(sets, 1, dtype=np.float64, requires_grad=True) for _ in range(2))
    optimizer = fg.optim.SGD([w1, w2], lr=0.1, momentum=0.95, l1=l1, weight_decay=l2)
    scheduler = fg.optim.lr_scheduler.CosineAnnealingLR(optimizer, 3000)

    @fg.compile
    def step() -> fg.Tensor:
        loss = 0.5 * ((x1 * w1 + x2 * w2 - t) ** 2).mean(1).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    for _ in range(3000):
        step()
        scheduler.step()
    return np.concatenate([w1.detach().numpy(), w2.detach().numpy()], axis=1)


def surprise(w: np.ndarray) -> float:
    """Root mean square error where the columns are no twins any more: x1 and x2 independent, deviation 1."""
    return float(np.sqrt(((w - 1) ** 2).sum(1).mean()))


def mean(values: list[Trained], what: str) -> float:
    return float(np.mean([getattr(one, what) for one in values]))


def tables(curves: dict[str, dict[float, list[Trained]]], twins: dict[str, np.ndarray]) -> list[Table]:
    rows = []
    for name, curve in curves.items():
        for strength, found in curve.items():
            pixels = np.mean([one.zeros_of(slice(None, PIXELS)) for one in found])
            noise = np.mean([one.zeros_of(slice(PIXELS, None)) for one in found])
            accuracies = (100 * mean(found, "train_accuracy"), 100 * mean(found, "accuracy"))
            spread = 100 * np.std([one.accuracy for one in found])
            rows.append((name, f"{strength:g}", f"{accuracies[0]:.1f} %", f"{accuracies[1]:.1f} ± {spread:.1f} %",
                         f"{100 * pixels:.1f} %", f"{100 * noise:.1f} %"))  # fmt: skip
    header = ("penalty", "λ", "train", "test", "zeros: pixels", "zeros: noise")
    fits = [
        (name, f"{w[:, 0].std():.2f}", f"{(w[:, 0] + w[:, 1]).std():.2f}", f"{surprise(w):.2f}",
         f"{100 * (np.abs(w) < ZERO).any(1).mean():.0f} %")
        for name, w in twins.items()
    ]  # fmt: skip
    return [
        Table("Digits beside noise: accuracy, and weights of the first layer below 0.001", header, rows),
        Table(
            "Twin columns, both true weights 1: over many data sets",
            ("penalty", "spread of w1", "of w1 + w2", "error when they part", "one weight is zero"),
            fits,
        ),
    ]


def numbers(
    shown: dict[str, list[Trained]], curves: dict[str, dict[float, list[Trained]]], twins: dict[str, np.ndarray]
) -> dict[str, Any]:
    return {
        "accuracy": {name: mean(found, "accuracy") for name, found in shown.items()},
        "zeros": {name: mean(found, "zeros") for name, found in shown.items()},
        "zeros of noise": {
            name: float(np.mean([one.zeros_of(slice(PIXELS, None)) for one in found])) for name, found in shown.items()
        },
        "best": {name: max(mean(found, "accuracy") for found in curve.values()) for name, curve in curves.items()},
        "twins": twins,
    }


def draw_histogram(axes: Any, shown: dict[str, list[Trained]]) -> None:
    bins = np.linspace(-0.4, 0.4, 161)
    for name, found in shown.items():
        weights = np.concatenate([one.weights.ravel() for one in found])
        axes.hist(weights, bins, weights=np.full(weights.size, 100 / weights.size), histtype="step", lw=1.6,
                  label=f"{name}: {100 * mean(found, 'zeros'):.0f} % are zero", **LOOKS[name])  # fmt: skip
    axes.set_yscale("log")
    axes.set_xlabel("weight of the first layer")
    axes.set_ylabel("share of the weights, %")
    axes.set_title("L2 narrows the weights, L1 piles them up at zero")
    axes.legend(loc="upper left")


def draw_columns(axes: Any, shown: dict[str, list[Trained]]) -> None:
    """Mean |w| of each column: the pixels as a picture, and the noise below it as another."""
    gap = np.full((8, 2), np.nan)
    halves = []
    for half in range(2):
        pictures = []
        for found in shown.values():
            sizes = np.mean([np.abs(one.weights).mean(0) for one in found], axis=0)
            pictures += [(sizes / sizes.max())[half * PIXELS : half * PIXELS + 64].reshape(8, 8), gap]
        halves += [np.concatenate(pictures[:-1], axis=1), np.full((2, 28), np.nan)]
    image = axes.imshow(np.concatenate(halves[:-1]), vmin=0)
    axes.set_xticks([3.5, 13.5, 23.5], list(shown))
    axes.set_yticks([3.5, 13.5], ["64 pixels", "64 columns\nof noise"])
    axes.grid(False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set_title("Which inputs the network listens to")
    axes.figure.colorbar(image, ax=axes, shrink=0.8, label="mean |w| of a column / largest")


def draw_curves(axes: Any, curves: dict[str, dict[float, list[Trained]]]) -> None:
    for name in ("L2", "L1"):
        strengths = list(curves[name])
        values = 100 * np.array([[one.accuracy for one in found] for found in curves[name].values()])
        error = values.std(1) / np.sqrt(values.shape[1])
        axes.errorbar(strengths, values.mean(1), error, marker="o", label=name, capsize=3, **LOOKS[name])
    axes.axhline(100 * mean(curves["none"][0.0], "accuracy"), ls="--", label="none", **LOOKS["none"])
    axes.set_xscale("log")
    axes.set_xlabel("λ")
    axes.set_ylabel("test digits read rightly, %")
    axes.set_title("Both read unseen digits better, in a range of λ")
    axes.legend()


def draw_twins(axes: Any, twins: dict[str, np.ndarray]) -> None:
    for (name, w), marker in zip(twins.items(), ("o", "s", "^"), strict=True):
        axes.plot(*w.T, marker=marker, ls="none", markersize=3.5, alpha=0.6, label=name, **LOOKS[name])
    axes.plot(1, 1, marker="*", color=INK, markersize=14, ls="none", label="truth")
    axes.set_xlim(-1.6, 3.6)
    axes.set_ylim(-1.6, 3.6)
    axes.set_aspect("equal")
    axes.set_xlabel("w1")
    axes.set_ylabel("w2")
    axes.set_title("Twin columns: a fit per data set")
    axes.legend(loc="lower left")


if __name__ == "__main__":
    raise SystemExit(run_alone(__file__))
