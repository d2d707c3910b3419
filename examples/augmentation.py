"""Augmentation: small turns, shifts and zooms make a few examples worth many, and a mirror image is no small change.

The lecture: show the network small rotations, small reflections, small changes of colour, small shifts, and so on.

What to see: above, a contact sheet of one letter. Below, test accuracy over the number of examples of each class, on
letters from fonts and on handwritten digits. Changes that occur are worth two (digits) to five (letters) times as many
examples. Mirror images of letters and digits do not occur: they take away much of that, or more than all of it.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

import fastgrad as fg
import fastgrad.nn.functional as F
from examples.command import run_alone
from examples.common import Options, Result, Table
from examples.letters import ALPHABET, letters
from examples.style import COLOURS, picture
from fastgrad import nn
from fastgrad.utils.data.augment import (
    Brightness,
    Compose,
    Contrast,
    Reflect,
    Rotate,
    Shear,
    Shift,
    Zoom,
    contact_sheet,
)

COUNTS = {"letters": (1, 2, 5, 10, 20), "digits": (2, 5, 10, 20, 50)}  # examples of each class
SHIFTS = {"letters": 2.0, "digits": 0.7}  # pixels, of 29 and of 8
STEPS, BATCH = 20, 32  # of an epoch: as many pictures are seen, however few there are
COLUMNS = 14  # of the contact sheet
LOOKS = {
    "as they are": {"color": COLOURS[6], "marker": "o"},
    "changed a little": {"color": COLOURS[0], "marker": "s"},
    "and mirrored": {"color": COLOURS[1], "marker": "^"},
}


def changes(kind: str, name: str) -> Compose | None:
    """What the training pictures of a kind of data go through, each time anew."""
    small = [Rotate(10), Shift(SHIFTS[kind]), Zoom(0.1), Shear(8), Brightness(0.1), Contrast(0.2)]
    if name == "as they are":
        return None
    return Compose([*small, Reflect("horizontal"), Reflect("vertical")] if name == "and mirrored" else small)


def run(options: Options) -> Result:
    seeds = range(options.seed, options.seed + (2 if options.quick else 4))
    epochs = 20 if options.quick else 40
    counts = {"letters": (2, 10), "digits": (2, 10)} if options.quick else COUNTS
    accuracies: dict[str, dict[str, np.ndarray]] = {kind: {} for kind in counts}  # (counts, seeds)
    for kind, numbers in counts.items():
        data = {(count, seed): pictures(kind, count, seed) for count in numbers for seed in seeds}
        for name in LOOKS:
            accuracies[kind][name] = np.array(
                [[train(data[count, seed], changes(kind, name), epochs, seed) for seed in seeds] for count in numbers]
            )

    path = options.output / "augmentation.png"
    title = "Small changes make few examples worth many, if they are changes that occur"
    with picture(path, title, rows=2, columns=2, size=(11.5, 8.2), height_ratios=(1.25, 1)) as (figure, axes):
        grid = axes[0, 0].get_gridspec()
        for axis in axes[0]:
            axis.remove()
        draw_sheet(figure.add_subplot(grid[0, :]), options.seed)
        for axis, (kind, found) in zip(axes[1], accuracies.items(), strict=True):
            draw_accuracies(axis, counts[kind], found)
        axes[1, 0].set_title("26 letters from fonts, 29×29 pixels")
        axes[1, 1].set_title("Handwritten digits, 8×8 pixels")
    return Result(path, [table(counts, accuracies)], {"counts": counts, "accuracies": accuracies})


def pictures(kind: str, count: int, seed: int) -> tuple[np.ndarray, ...]:
    """`count` pictures of each class to train on, and others to test; values from 0 to 1."""
    if kind == "letters":
        return *letters(26 * count, seed), *test_letters(seed)
    data = load_digits()
    order = np.random.default_rng(seed).permutation(len(data.target))
    x, y = (data.images[order] / 16).astype(np.float32), data.target[order]
    train, test = (
        np.concatenate([np.flatnonzero(y == digit)[part] for digit in range(10)])
        for part in (slice(count), slice(max(COUNTS["digits"]), None))
    )
    return x[train], y[train], x[test], y[test]


@functools.cache
def test_letters(seed: int) -> tuple[np.ndarray, np.ndarray]:
    return letters(26 * 40, seed + 1000)


def train(data: tuple[np.ndarray, ...], change: Compose | None, epochs: int, seed: int) -> float:
    """One hidden layer of 100 ReLUs: the test accuracy."""
    x, y, x_test, y_test = data
    fg.manual_seed(seed)
    net = nn.Sequential(nn.Linear(x[0].size, 100), nn.ReLU(), nn.Linear(100, int(y.max()) + 1))
    optimizer = fg.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    scheduler = fg.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)

    @fg.compile
    def step(x: fg.Tensor, y: fg.Tensor) -> fg.Tensor:
        loss = F.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    several = np.resize(np.arange(len(x)), STEPS * BATCH)  # all, and again from the first
    for _ in range(epochs):
        seen = fg.randperm(len(several)).numpy()
        rows = several[seen]
        changed = x[rows] if change is None else change(x[rows])
        step.run_epoch((fg.tensor(changed).flatten(1), fg.tensor(y[rows])), batch_size=BATCH)
        scheduler.step()
    with fg.no_grad():
        found = net(fg.tensor(x_test).flatten(1)).argmax(1).numpy()
    return float((found == y_test).mean())


def table(counts: dict[str, tuple[int, ...]], accuracies: dict[str, dict[str, np.ndarray]]) -> Table:
    rows = [
        (kind, count, *(f"{100 * found[name][i].mean():.1f} ± {100 * found[name][i].std():.1f} %" for name in LOOKS))
        for kind, found in accuracies.items()
        for i, count in enumerate(counts[kind])
    ]
    return Table("Test accuracy", ("data", "examples of a class", *LOOKS), rows)


def draw_sheet(axes: Any, seed: int) -> None:
    """One letter, a row for each kind of change; first as it is."""
    x, y = letters(26, seed=seed, rotation=0, shift=0, scale=0, fonts=("DejaVuSerif-Bold",))
    letter = x[y == ALPHABET.index("R")]  # which has no symmetry
    kinds = {
        "Rotate(10)": [Rotate(10)],
        "Shift(2)": [Shift(2)],
        "Zoom(0.1), Shear(8)": [Zoom(0.1), Shear(8)],
        "Brightness(0.1),\nContrast(0.2)": [Brightness(0.1), Contrast(0.2)],
        "all of these": changes("letters", "changed a little").steps,
        "and Reflect(), both ways": changes("letters", "and mirrored").steps,
    }
    fg.manual_seed(seed)
    sheets = [contact_sheet(letter, Compose(steps), columns=COLUMNS, gap=1)[1:] for steps in kinds.values()]
    axes.imshow(np.concatenate(sheets), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    height, width = sheets[0].shape
    axes.set_yticks([height * (i + 0.5) for i in range(len(kinds))], list(kinds))
    axes.set_xticks([width * (j + 0.5) / COLUMNS for j in (0, 7)], ["as it is", "changed, each time anew"])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.grid(False)
    axes.spines[:].set_visible(False)


def draw_accuracies(axes: Any, counts: tuple[int, ...], found: dict[str, np.ndarray]) -> None:
    for name, values in found.items():
        axes.errorbar(counts, 100 * values.mean(1), 100 * values.std(1), capsize=3, label=name, **LOOKS[name])
    axes.set_xscale("log")
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()
    axes.set_xlabel("training examples of each class")
    axes.set_ylabel("test accuracy, %")
    axes.legend(loc="lower right")


if __name__ == "__main__":
    raise SystemExit(run_alone(__file__))
