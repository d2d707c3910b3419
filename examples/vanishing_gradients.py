"""The paralysed network: gradients of sigmoid layers fall by a factor of 4 to 8 per layer, those of ReLU do not.

The lecture: a network that reads letters from 841 = 29×29 pixels, with five hidden layers of 100 sigmoids, does not
learn, and a table of the mean absolute gradient of every layer shows why. σ′ = σ(1−σ) is at most ¼, so every sigmoid
on the way back takes away at least three quarters, times the weight. In a chain z_k = σ(z_{k−1} w_k) with one neuron
per layer and L = ½(y − t)², |y − t| ≤ 2: |dL/dx| ≤ 2 · (¼)⁵ |w1 w2 w3 w4 w5|.

What to see: the lecture's table, met within a factor of 2 by small normal weights; what other weights and other
activations make of it; which of these networks learn; and that no chain breaks the bound.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import fastgrad as fg
import fastgrad.nn.functional as F
from examples.command import run_alone
from examples.common import Options, Result, Table, accuracy
from examples.letters import ALPHABET, SIDE, letters
from examples.style import COLOURS, INK, picture
from fastgrad import nn

LECTURE = (6.2e-8, 2.2e-6, 1.6e-5, 1.1e-4, 7e-4, 0.015)
LAYERS = ("−5", "−4", "−3", "−2", "−1", "output")
WIDTHS = (SIDE * SIDE, 100, 100, 100, 100, 100, len(ALPHABET))
BATCH = 32
DEPTH = 5  # of the chain


@dataclass(frozen=True)
class Recipe:
    """An activation and how the weights are drawn; biases start at 0 where weights are drawn anew."""

    name: str
    activation: Callable[[], nn.Module]
    draw: Callable[[fg.Tensor], Any] | None  # None: as nn.Linear does it
    look: dict[str, Any]


def small(w: fg.Tensor) -> None:
    nn.init.normal_(w, 0.0, 0.05)


def glorot(w: fg.Tensor) -> None:
    nn.init.xavier_uniform_(w)


def he(w: fg.Tensor) -> None:
    nn.init.kaiming_normal_(w, nonlinearity="relu")


def he_prelu(w: fg.Tensor) -> None:
    nn.init.kaiming_normal_(w, a=0.25)  # PReLU's first slope


BLUE, ORANGE, GREEN, PURPLE, YELLOW, SKY, _ = COLOURS
RECIPES = (
    Recipe("sigmoid, N(0, 0.05²)", nn.Sigmoid, small, {"color": BLUE, "marker": "o"}),
    Recipe("sigmoid, U(±1/√inputs)", nn.Sigmoid, None, {"color": BLUE, "marker": "s", "ls": "--"}),
    Recipe("sigmoid, Glorot", nn.Sigmoid, glorot, {"color": BLUE, "marker": "^", "ls": ":"}),
    Recipe("tanh, N(0, 0.05²)", nn.Tanh, small, {"color": GREEN, "marker": "o", "ls": "--"}),
    Recipe("tanh, Glorot", nn.Tanh, glorot, {"color": GREEN, "marker": "^"}),
    Recipe("ReLU, N(0, 0.05²)", nn.ReLU, small, {"color": ORANGE, "marker": "o", "ls": "--"}),
    Recipe("ReLU, He", nn.ReLU, he, {"color": ORANGE, "marker": "^"}),
    Recipe("ELU, He", nn.ELU, he, {"color": PURPLE, "marker": "v"}),
    Recipe("PReLU, He", nn.PReLU, he_prelu, {"color": YELLOW, "marker": "D"}),
)


def run(options: Options) -> Result:
    networks, epochs, count, test_count = (3, 2, 1820, 260) if options.quick else (20, 12, 5200, 1040)
    x, y = letters(count, options.seed)
    data = fg.tensor(x.reshape(count, -1)), fg.tensor(y)
    x_test, y_test = letters(test_count, options.seed + 1_000_000)
    test = fg.tensor(x_test.reshape(len(x_test), -1)), fg.tensor(y_test)

    both = {recipe.name: mean_gradients(recipe, data, networks, options.seed) for recipe in RECIPES}
    gradients = {name: of_weights for name, (of_weights, _) in both.items()}
    factors = {name: [factor(values) for values in pair] for name, pair in both.items()}
    accuracies = {recipe.name: train(recipe, data, test, epochs, options.seed) for recipe in RECIPES}
    chain = chains(20_000, options.seed)

    path = options.output / "vanishing_gradients.png"
    title = "Through five layers of sigmoids hardly any gradient comes back, and the network does not learn"
    with picture(path, title, rows=2, columns=2, size=(11.5, 8.2)) as (_, axes):
        draw_letters(axes[0, 0], x, y)
        draw_gradients(axes[0, 1], gradients)
        draw_training(axes[1, 0], accuracies)
        draw_chains(axes[1, 1], chain)

    numbers = {"gradients": gradients, "factors": factors, "accuracies": accuracies, "chain": chain["shares"]}
    return Result(path, tables(**numbers), numbers)


def build(recipe: Recipe) -> nn.Sequential:
    net = nn.Sequential()
    for inputs, outputs in itertools.pairwise(WIDTHS):
        layer = nn.Linear(inputs, outputs)
        if recipe.draw is not None:
            recipe.draw(layer.weight)
            nn.init.zeros_(layer.bias)
        net.append(layer)
        if outputs != WIDTHS[-1]:
            net.append(recipe.activation())
    return net


def mean_gradients(
    recipe: Recipe, data: tuple[fg.Tensor, fg.Tensor], networks: int, seed: int
) -> tuple[list[float], list[float]]:
    """Mean |dL/dw| of each layer, and mean |dL/dy| of each hidden one, before any training.

    Means over several networks, and a batch for each.
    """
    x, y = data
    fg.manual_seed(seed)
    of_weights, of_outputs = [], []
    for _ in range(networks):
        net = build(recipe)
        rows = fg.randint(len(x), (BATCH,))
        value, outputs = x[rows], []
        for layer in net:
            value = layer(value)
            if not isinstance(layer, nn.Linear):
                outputs.append(value)
        loss = F.cross_entropy(value, y[rows])
        weights = [layer.weight for layer in net if isinstance(layer, nn.Linear)]
        sizes = [abs(gradient).mean().item() for gradient in fg.autograd.grad(loss, weights + outputs)]
        of_weights.append(sizes[: len(weights)])
        of_outputs.append(sizes[len(weights) :])
    return np.mean(of_weights, axis=0).tolist(), np.mean(of_outputs, axis=0).tolist()


def factor(gradients: list[float]) -> float:
    """By how much the gradient falls from one hidden layer to the one before: the mean of three steps, −1 to −4.

    The layer −5 reads pixels, which are mostly 0, instead of activations, so its weights' gradient is smaller anyway.
    """
    return (gradients[4] / gradients[1]) ** (1 / 3)


def train(
    recipe: Recipe, data: tuple[fg.Tensor, fg.Tensor], test: tuple[fg.Tensor, fg.Tensor], epochs: int, seed: int
) -> list[float]:
    """Test accuracy before and after each epoch of gradient descent."""
    fg.manual_seed(seed)
    net = build(recipe)
    optimizer = fg.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)

    @fg.compile
    def step(x: fg.Tensor, y: fg.Tensor) -> fg.Tensor:
        loss = F.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    found = [accuracy(net, *test)]
    for _ in range(epochs):
        step.run_epoch(data, fg.randperm(len(data[0])), batch_size=BATCH)
        found.append(accuracy(net, *test))
    return found


def chains(count: int, seed: int) -> dict[str, Any]:
    """Gradients of random chains with one neuron per layer, next to their bounds; from z4 back to x."""
    generator = np.random.default_rng(seed)
    w = generator.normal(0, 3, (DEPTH, count))
    z = [fg.tensor(generator.uniform(0, 1, count), requires_grad=True)]
    for weight in w:
        z.append(F.sigmoid(z[-1] * fg.tensor(weight)))
    loss = (0.5 * (z[-1] - fg.tensor(generator.uniform(-1, 1, count))) ** 2).sum()
    gradients = [np.abs(dz.numpy()) for dz in fg.autograd.grad(loss, z[DEPTH - 1 :: -1])]
    products = np.cumprod(np.abs(w[::-1]), axis=0)  # |w5|, |w4 w5|, …
    shares, relative = [], []
    for steps, (gradient, product) in enumerate(zip(gradients, products, strict=True), start=1):
        bound = 2 * 0.25**steps * product
        share = gradient / bound
        shares.append({"violations": (gradient > bound).sum(), "median": np.median(share), "largest": share.max()})
        relative.append(np.percentile(gradient / product, (5, 50, 95, 100)))
    return {"shares": shares, "relative": np.array(relative)}


def tables(
    gradients: dict[str, list[float]], factors: dict[str, Any], accuracies: dict[str, list[float]], chain: list[Any]
) -> list[Table]:
    first, other = (gradients[recipe.name] for recipe in RECIPES[:2])
    beside = [
        (layer, width, *(f"{value:.1e}" for value in (told, normal, uniform)), f"{normal / told:.2f}")
        for layer, width, told, normal, uniform in zip(LAYERS, WIDTHS[1:], LECTURE, first, other, strict=True)
    ]
    everything = [
        (
            name, *(f"{value:.1e}" for value in values), *(f"{value:.2f}" for value in factors[name]),
            f"{100 * accuracies[name][-1]:.1f} %",
        )
        for name, values in gradients.items()
    ]  # fmt: skip
    bounds = [
        (f"dL/d{name}", int(share["violations"]), f"{share['median']:.4f}", f"{share['largest']:.3f}")
        for name, share in zip(("z4", "z3", "z2", "z1", "x"), chain, strict=True)
    ]
    epochs = len(accuracies[RECIPES[0].name]) - 1
    return [
        Table(
            "Mean |dL/dw| of a layer's weights, sigmoids",
            ("layer", "neurons", "the lecture", "N(0, 0.05²)", "U(±1/√inputs)", "N / lecture"),
            beside,
        ),
        Table(
            "Mean |dL/dw| for all activations and weights; factor per layer; test accuracy",
            ("activation, weights", *LAYERS, "factor", "factor of dL/dy", f"accuracy, epoch {epochs}"),
            everything,
        ),
        Table("20000 random chains: |gradient| / bound", ("gradient", "above the bound", "median", "largest"), bounds),
    ]


def draw_letters(axes: Any, x: np.ndarray, y: np.ndarray) -> None:
    columns = 13
    tiles = np.ones((6 * SIDE, columns * SIDE))
    for letter in range(len(ALPHABET)):
        row, column = divmod(letter, columns)
        for again, tile in enumerate(x[y == letter][:3]):
            top, left = (3 * row + again) * SIDE, column * SIDE
            tiles[top : top + SIDE, left : left + SIDE] = tile
    axes.imshow(tiles, cmap="gray_r", interpolation="nearest", aspect="equal")
    axes.set_title("The task: 26 letters of 29×29 pixels in 21 fonts, shaken")
    axes.set_axis_off()


def draw_gradients(axes: Any, gradients: dict[str, list[float]]) -> None:
    places = range(len(LAYERS))
    axes.plot(places, LECTURE, color=INK, marker="*", markersize=12, ls="none", zorder=5)
    for recipe in RECIPES:
        axes.plot(places, gradients[recipe.name], label=recipe.name, **recipe.look)
    axes.set_yscale("log")
    axes.set_xticks(places, LAYERS)
    axes.set_xlabel("layer, counted from the output")
    axes.set_ylabel("mean |dL/dw|")
    axes.set_title("Sigmoids lose a factor of 4 to 8 per layer, the others hardly any")
    axes.legend(axes.get_lines()[:1], ["the lecture's table"], loc="lower right")


def draw_training(axes: Any, accuracies: dict[str, list[float]]) -> None:
    for recipe in RECIPES:
        axes.plot(100 * np.array(accuracies[recipe.name]), label=recipe.name, markersize=4, **recipe.look)
    axes.axhline(100 / len(ALPHABET), color=INK, lw=0.8, ls=(0, (1, 2)))
    axes.set_xlabel("epochs of SGD (learning rate 0.02, momentum 0.9)")
    axes.set_ylabel("test pictures read rightly, %")
    axes.set_title("Without gradients in the first layers nothing is learned")
    axes.legend(fontsize=8, loc="lower right", bbox_to_anchor=(1.0, 0.06), title="both pictures", title_fontsize=8)


def draw_chains(axes: Any, chain: dict[str, Any]) -> None:
    low, middle, high, largest = chain["relative"].T
    steps = np.arange(1, DEPTH + 1)
    bound = 2 * 0.25**steps
    axes.fill_between(steps, low, high, color=BLUE, alpha=0.2, lw=0, label="of 20 000 chains nine in ten")
    axes.plot(steps, middle, color=BLUE, marker="o", label="the median")
    axes.plot(steps, largest, color=SKY, marker="v", ls="--", label="the largest")
    axes.plot(steps, bound, color=INK, label="the bound 2 · (¼)ⁿ")
    axes.set_yscale("log")
    axes.set_xticks(steps, ("z4", "z3", "z2", "z1", "x"))
    axes.set_xlabel("gradient with respect to")
    axes.set_ylabel("|dL/dz| / |product of the weights|")
    axes.set_title("A chain of sigmoids, one neuron per layer: under the bound")
    axes.legend(fontsize=8, loc="lower left")


if __name__ == "__main__":
    raise SystemExit(run_alone(__file__))
