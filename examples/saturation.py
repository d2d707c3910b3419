"""Sigmoids saturate while they learn: the last of four hidden layers falls to 0, and there it stays for long.

The lecture shows a figure of Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural
networks": mean and spread of each layer's activations while a network with four hidden layers of sigmoids learns. After
random initialisation the last hidden layer brings the output nothing but noise, and the best that can be done is to
ignore it: to push it to 0, which for a sigmoid is saturation. The output's biases do the little that can be done
without; gradients hardly pass, and the layers below stay as they were drawn.

What to see: that figure, and the way out of it, which takes a hundred epochs; the same network with tanh and with ReLU,
whose zero lies where they do not saturate; and that three hidden layers find the way out sooner, and five not at all.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import fastgrad as fg
import fastgrad.nn.functional as F
from examples.command import run_alone
from examples.common import Options, Result, Table, digits
from examples.style import COLOURS, INK, picture
from fastgrad import nn

WIDTH, CLASSES, BATCH, RATE = 100, 10, 10, 0.1
EPOCHS, QUICK = 250, 50
BRIEF = 45  # what tanh and ReLU need, and more
OBSERVED = 4  # times per epoch


@dataclass(frozen=True)
class Net:
    """An activation, and how many hidden layers have it."""

    name: str
    activation: type[nn.Module]
    depth: int
    look: dict[str, Any]


BLUE, ORANGE, GREEN, PURPLE, _, SKY, _ = COLOURS
SIGMOID = Net("sigmoid, 4 hidden layers", nn.Sigmoid, 4, {"color": BLUE})
TANH = Net("tanh, 4 hidden layers", nn.Tanh, 4, {"color": GREEN})
RELU = Net("ReLU, 4 hidden layers", nn.ReLU, 4, {"color": ORANGE})
SHALLOW = Net("sigmoid, 3 hidden layers", nn.Sigmoid, 3, {"color": SKY, "ls": "--"})
DEEP = Net("sigmoid, 5 hidden layers", nn.Sigmoid, 5, {"color": PURPLE, "ls": "-."})
LAYER_COLOURS = (SKY, GREEN, ORANGE, PURPLE)


@dataclass(frozen=True)
class Course:
    """What became of a network.

    Parameters
    ----------
    epochs : ndarray
        When its layers were observed, in epochs.
    mean, spread, gradient : ndarray, shape (observations, hidden layers)
        Of the activations, and mean |dL/dw|.
    saturation : ndarray
        The share of saturated activations, likewise.
    loss, accuracy : ndarray
        Per epoch, over the batches that were trained on.
    tested : float
        The share of test digits that are read rightly in the end.
    """

    epochs: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    gradient: np.ndarray
    saturation: np.ndarray
    loss: np.ndarray
    accuracy: np.ndarray
    tested: float


def run(options: Options) -> Result:
    """Train the networks, watch their layers, draw the figure."""
    epochs = QUICK if options.quick else EPOCHS
    brief = min(epochs, BRIEF)
    courses = {net.name: train(net, epochs, options.seed) for net in (SIGMOID, SHALLOW, DEEP)}
    courses |= {net.name: train(net, brief, options.seed) for net in (TANH, RELU)}
    path = options.output / "saturation.png"
    with picture(path, "A sigmoid that ignores its input is driven to 0", 2, 2, (11, 8)) as (_, axes):
        draw_layers(axes[0, 0], courses[SIGMOID.name], "Sigmoid: the last hidden layer is saturated for long")
        draw_accuracy(axes[0, 1], courses)
        draw_layers(axes[1, 0], courses[TANH.name], "Tanh: every layer stays around 0")
        draw_layers(axes[1, 1], courses[RELU.name], "ReLU: half of the units are 0, the others grow")
    return Result(path, tables(courses), {"courses": courses})


def train(net: Net, epochs: int, seed: int) -> Course:
    """Train a network on the digits, one recorded step after the other, and observe its layers now and then."""
    data = [fg.from_numpy(array) for array in digits(seed)]
    x, y, x_test, y_test = data
    fg.manual_seed(seed)
    model = build(net)
    opt = fg.optim.SGD(model.parameters(), lr=RATE)

    @fg.compile
    def step(x: fg.Tensor, y: fg.Tensor) -> tuple[fg.Tensor, fg.Tensor]:
        scores = model(x)
        loss = F.cross_entropy(scores, y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        return loss, (scores.argmax(1) == y).float().mean()

    per_epoch = len(x) // BATCH
    losses, accuracies = [], []
    with fg.diagnostics.watch(model, opt, every=per_epoch // OBSERVED) as record:
        for _ in range(epochs):
            loss, accuracy = step.run_epoch((x, y), fg.randperm(len(x)), BATCH, drop_last=True)
            losses.append(loss.mean().item())
            accuracies.append(accuracy.mean().item())
    hidden = list(record)[: net.depth]
    with fg.no_grad():
        tested = (model(x_test).argmax(1) == y_test).float().mean().item()
    return Course(
        np.array(record.steps) / per_epoch,
        *(
            np.stack([getattr(layer, number) for layer in hidden], 1)
            for number in ("activation_mean", "activation_std", "weight_gradient", "saturation")
        ),
        np.array(losses),
        np.array(accuracies),
        tested,
    )


def build(net: Net) -> nn.Sequential:
    """The network as in the paper: weights uniform on ±1/√inputs, which is nn.Linear's way, and biases 0."""
    widths = (64, *[WIDTH] * net.depth, CLASSES)
    model = nn.Sequential()
    for inputs, outputs in itertools.pairwise(widths):
        layer = nn.Linear(inputs, outputs)
        nn.init.zeros_(layer.bias)
        model.append(layer)
        model.append(net.activation())
    return model[:-1]


def escape(course: Course) -> int | None:
    """The first epoch, counted from 1, in which more than every second digit is read rightly."""
    found = np.flatnonzero(course.accuracy > 0.5)
    return int(found[0]) + 1 if len(found) else None


def lowest(course: Course) -> int:
    """When the last hidden layer's mean is lowest."""
    return int(course.mean[:, -1].argmin())


def tables(courses: dict[str, Course]) -> list[Table]:
    """What the layers of the first network do at first, when the last one is lowest, and at the end; and who learns."""
    course = courses[SIGMOID.name]
    times = (0, lowest(course), -1)
    rows = [
        (
            str(layer + 1),
            *(f"{course.mean[at, layer]:.3f} ± {course.spread[at, layer]:.3f}" for at in times),
            *(f"{course.gradient[at, layer]:.1e}" for at in times),
        )
        for layer in range(SIGMOID.depth)
    ]
    when = [f"epoch {course.epochs[at]:.0f}" for at in times]
    header = ("hidden layer", *when, *(f"|dL/dw|, {text}" for text in when))
    first = Table("Sigmoid, 4 hidden layers: activations (mean ± standard deviation) and mean |dL/dw|", header, rows)
    more = [
        (
            name,
            *(f"{each.spread[int(np.searchsorted(each.epochs, epoch)), -1]:.4f}" for epoch in (0, 10, 40)),
            str(escape(each) or "–"),
            str(len(each.loss)),
            f"{100 * each.tested:.1f} %",
        )
        for name, each in courses.items()
    ]
    spread = [f"std, epoch {epoch}" for epoch in (0, 10, 40)]
    header = ("network", *spread, "half right, epoch", "epochs", "test accuracy")
    return [first, Table("Standard deviation of the last hidden layer; who learns", header, more)]


def draw_layers(axes: Any, course: Course, title: str) -> None:
    for layer, colour in enumerate(LAYER_COLOURS):
        mean, spread = smooth(course.mean[:, layer]), smooth(course.spread[:, layer])
        axes.plot(course.epochs, mean, color=colour, label=f"layer {layer + 1}")
        axes.fill_between(course.epochs, mean - spread, mean + spread, color=colour, alpha=0.07, lw=0)
        for edge in (mean - spread, mean + spread):
            axes.plot(course.epochs, edge, color=colour, lw=0.7, alpha=0.7)
    axes.set_title(title)
    axes.set_xlabel("epoch")
    axes.set_ylabel("activations: mean ± std")
    axes.legend(fontsize=8, ncols=4, loc="upper center", bbox_to_anchor=(0.5, 1.0))
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.12 * (high - low))


def draw_accuracy(axes: Any, courses: dict[str, Course]) -> None:
    for net in (SIGMOID, SHALLOW, DEEP, TANH, RELU):
        accuracy = 100 * courses[net.name].accuracy
        axes.plot(np.arange(1, len(accuracy) + 1), accuracy, label=net.name, **net.look)
    axes.axhline(100 / CLASSES, color=INK, lw=0.8, ls=(0, (1, 2)))
    axes.set_xscale("log")
    axes.set_xlabel("epoch")
    axes.set_ylabel("training digits read rightly, %")
    axes.set_title("While it is saturated nothing is learned")
    axes.legend(fontsize=8, loc="center", bbox_to_anchor=(0.71, 0.5))


def smooth(values: Sequence[float] | np.ndarray, width: int = 5) -> np.ndarray:
    """Medians of neighbours: a batch has ten digits only."""
    padded = np.pad(np.asarray(values), width // 2, mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, width), axis=1)


if __name__ == "__main__":
    raise SystemExit(run_alone(__file__))
