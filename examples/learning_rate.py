"""The learning rate: too small, right and too large, on two landscapes; and batch, online and mini-batch descent.

The lecture: θ_t = θ_{t−1} − η ∇J(θ_{t−1}). Too large an η overshoots; too small a one needs many steps and gets
trapped. Batch descent uses every object for a step, online descent one, mini-batch descent a few; J falls with noise.

What to see: on a long valley η decides between creeping, arriving and flying off, and the limit is 2 / the largest
curvature. Beside a narrow hole a small η falls in, and a larger one steps over it. On real data, for the same number of
objects seen, small batches are far ahead.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

import fastgrad as fg
import fastgrad.nn.functional as F
from examples.command import run_alone
from examples.common import Options, Result, Table, digits
from examples.style import COLOURS, FAINT, INK, picture
from fastgrad import nn

CURVATURES = (1.0, 20.0)  # of the valley along its two axes
VALLEY_START, HOLES_START = (-4.5, 1.2), (-1.9, 0.5)
VALLEY_RATES = {"too small": 0.005, "right": 0.09, "too large": 0.102}
HOLES_RATES = {"too small": 0.1, "right": 1.0, "too large": 2.5}
RATES = {"valley": VALLEY_RATES, "two holes": HOLES_RATES}
STEPS = 60
LOOKS = {
    "too small": {"color": COLOURS[0], "marker": "o"},
    "right": {"color": COLOURS[2], "marker": "s"},
    "too large": {"color": COLOURS[1], "marker": "^"},
}
MODES = {"batch": None, "mini-batch of 32": 32, "online": 1}  # name: objects per step; None: all
BEST = {"batch": 3.0, "mini-batch of 32": 1.0, "online": 0.1}  # learning rates that do well; the table shows others
MODE_LOOKS = {"batch": COLOURS[0], "mini-batch of 32": COLOURS[2], "online": COLOURS[1]}
MEASURED = 10  # times in an epoch


def valley(x: Any, y: Any) -> Any:
    return 0.5 * (CURVATURES[0] * x**2 + CURVATURES[1] * y**2)


def two_holes(x: Any, y: Any, exp: Callable[[Any], Any] = fg.exp) -> Any:
    """A narrow shallow hole to the left of a wide deep one."""
    narrow = 0.5 * exp(-((x + 1) ** 2 + y**2) / 0.18)
    wide = 1.5 * exp(-((x - 1.5) ** 2 + y**2) / 2.88)
    return 0.05 * (x**2 + y**2) - narrow - wide


def run(options: Options) -> Result:
    paths = {
        "valley": {name: descend(valley, VALLEY_START, rate, STEPS) for name, rate in VALLEY_RATES.items()},
        "two holes": {name: descend(two_holes, HOLES_START, rate, STEPS) for name, rate in HOLES_RATES.items()},
    }
    rows = digits(options.seed)[:2]
    data = fg.tensor(rows[0]), fg.tensor(rows[1])
    epochs = 3 if options.quick else 10
    rates = (0.01, 0.1, 1.0, 10.0) if options.quick else (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
    over_time = {name: train(data, size, BEST[name], epochs, options.seed) for name, size in MODES.items()}
    sweep = {
        name: [train(data, size, rate, epochs, options.seed)[1][-1] for rate in rates] for name, size in MODES.items()
    }

    path = options.output / "learning_rate.png"
    title = "Too small a learning rate creeps or gets trapped, too large a one overshoots"
    with picture(path, title, rows=2, columns=2, size=(11.5, 8)) as (_, axes):
        draw_paths(axes[0, 0], valley, paths["valley"], VALLEY_RATES, (-5, 5, -2, 2), np.geomspace(0.3, 40, 12))
        axes[0, 0].set_title(f"A long valley: the limit is 2 / {CURVATURES[1]:g} = {2 / CURVATURES[1]:g}")
        lines = np.linspace(-1.45, 0.5, 16)
        draw_paths(axes[0, 1], two_holes, paths["two holes"], HOLES_RATES, (-3, 3.6, -1.8, 2.2), lines)
        axes[0, 1].set_title("Beside a narrow hole: the small rate is trapped in it")
        draw_over_time(axes[1, 0], over_time, epochs)
        draw_sweep(axes[1, 1], rates, sweep, epochs)

    ways = [
        (name, way, f"{RATES[name][way]:g}", f"({path[-1, 0]:.2g}, {path[-1, 1]:.2g})", f"{J[-1]:.3g}")
        for name, ways in paths.items()
        for way, (path, J) in ways.items()
    ]
    modes = [
        (name, f"{BEST[name]:g}", len(losses), *(f"{J[k * MEASURED]:.2g}" for k in (0, 1, epochs)))
        for name, (losses, J) in over_time.items()
    ]
    both = [(f"{rate:g}", *(f"{J[k]:.2g}" for J in sweep.values())) for k, rate in enumerate(rates)]
    tables = [
        Table(f"Two landscapes: where {STEPS} steps lead", ("landscape", "rate is", "η", "end", "J there"), ways),
        Table(f"Digits, {epochs} epochs", ("descent", "η", "steps", "J at first", "after 1", f"after {epochs}"), modes),
        Table(f"Digits: J after {epochs} epochs", ("η", *MODES), both),
    ]
    numbers = {"paths": paths, "over_time": over_time, "rates": rates, "sweep": sweep}
    return Result(path, tables, numbers)


def descend(J: Callable[..., Any], start: tuple[float, float], rate: float, steps: int) -> tuple[np.ndarray, list]:
    """The points that gradient descent visits, shape (steps + 1, 2), and J at each."""
    theta = fg.tensor(start, dtype=np.float64, requires_grad=True)
    optimizer = fg.optim.SGD([theta], lr=rate)
    points, values = [], []
    for _ in range(steps + 1):
        loss = J(theta[0], theta[1])
        points.append(theta.detach().numpy().copy())
        values.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return np.array(points), values


def train(
    data: tuple[fg.Tensor, fg.Tensor], batch_size: int | None, rate: float, epochs: int, seed: int
) -> tuple[np.ndarray, list[float]]:
    """What every step sees, the loss of its own objects; and J over all objects, a few times in an epoch."""
    x, y = data
    size = batch_size or len(x)
    fg.manual_seed(seed)
    net = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10))
    optimizer = fg.optim.SGD(net.parameters(), lr=rate)

    @fg.compile
    def step(x: fg.Tensor, y: fg.Tensor) -> fg.Tensor:
        loss = F.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    def J() -> float:
        with fg.no_grad():
            return F.cross_entropy(net(x), y).item()

    losses, values = [], [J()]
    for _ in range(epochs):
        order = fg.randperm(len(x))
        steps = -(-len(x) // size)
        ends = [round(steps * k / MEASURED) * size for k in range(MEASURED + 1)]
        for start, end in itertools.pairwise(ends):
            if start < min(end, len(x)):
                losses.append(step.run_epoch(data, order[start:end], batch_size=size).numpy())
            values.append(J())
    return np.concatenate(losses), values


def draw_paths(
    axes: Any, J: Callable[..., Any], paths: dict[str, Any], rates: dict[str, float], frame: Any, lines: Any
) -> None:
    left, right, bottom, top = frame
    x, y = np.meshgrid(np.linspace(left, right, 300), np.linspace(bottom, top, 200))
    heights = J(x, y) if J is valley else J(x, y, np.exp)
    axes.contour(x, y, heights, lines, colors="#AAAAAA", linewidths=0.8, linestyles="-")
    for name in ("too large", "right", "too small"):
        points, values = paths[name]
        axes.plot(*points.T, lw=1.2, markersize=3.5, label=f"{name}: η = {rates[name]:g}, J = {values[-1]:.2g}",
                  **LOOKS[name])  # fmt: skip
    axes.plot(*paths["right"][0][0], marker="*", color=INK, markersize=14, ls="none", label="start", zorder=5)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    axes.grid(False)
    axes.set_xlabel("θ1")
    axes.set_ylabel("θ2")
    axes.legend(loc="upper right", fontsize=8, frameon=True, framealpha=0.9, edgecolor="none")


def draw_over_time(axes: Any, over_time: dict[str, Any], epochs: int) -> None:
    for name, (losses, J) in over_time.items():
        colour = MODE_LOOKS[name]
        if name != "batch":  # whose steps all see J itself
            steps = np.linspace(0, epochs, len(losses))
            axes.plot(steps, losses, color=colour, lw=0.5, alpha=0.1 if name == "online" else 0.5)
            axes.plot(np.linspace(0, epochs, len(J)), J, color=colour, label=f"{name}, η = {BEST[name]:g}")
        else:
            axes.plot(J[::MEASURED], color=colour, marker="o", label=f"{name}, η = {BEST[name]:g}")
    axes.set_yscale("log")
    axes.set_ylim(1e-4, 5)
    axes.set_xlabel("epochs: how often every object was seen")
    axes.set_ylabel("J, mean cross-entropy")
    axes.set_title("Digits: J over time, and pale the loss that each step saw")
    axes.legend(loc="lower left")


def draw_sweep(axes: Any, rates: tuple[float, ...], sweep: dict[str, list[float]], epochs: int) -> None:
    for (name, J), marker in zip(sweep.items(), ("o", "s", "^"), strict=True):
        axes.plot(rates, np.nan_to_num(J, nan=1e3, posinf=1e3), marker=marker, color=MODE_LOOKS[name], label=name)
    axes.axhspan(2.303, 100, color=FAINT, lw=0)
    axes.text(rates[0], 8, "worse than guessing", va="bottom")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(1e-4, 60)
    axes.set_xlabel("learning rate η")
    axes.set_ylabel(f"J after {epochs} epochs")
    axes.set_title("The fewer objects in a step, the smaller the right rate")
    axes.legend(loc="lower left")


if __name__ == "__main__":
    raise SystemExit(run_alone(__file__))
