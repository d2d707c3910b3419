"""The lecture's MyDataset and DataLoader(dataset, batch_size=32, shuffle=True, num_workers=4), finished and running.

The lecture: data comes through two classes. A Dataset loads, gives out objects, augments and preprocesses; it has
``__len__`` and ``__getitem__``, and a ``transform``. A DataLoader makes batches of it, and shuffles.

What to see: a folder of picture files becomes batches; every epoch gives every file, shaken anew, in another order. The
batches are made by worker processes, and are the same for any number of them.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import fastgrad as fg
import fastgrad.nn.functional as F
from examples.command import run_alone
from examples.common import Options, Result, Table, accuracy
from examples.letters import ALPHABET, FINE, FONTS, SIDE, drawn, letters, moved
from fastgrad import nn
from fastgrad.utils.data import DataLoader, Dataset

Sample = dict[str, Any]
DELAY = 0.003  # seconds


class MyDataset(Dataset[Sample]):
    """Pictures in a folder, the first letter of whose names is what they show."""

    def __init__(self, folder: Path, transform: Callable[[Image.Image], np.ndarray]) -> None:
        self.files = sorted(folder.glob("*.png"))
        self.transform = transform

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, idx: int) -> Sample:
        with Image.open(self.files[idx]) as file:
            x = self.transform(file)
        return {"image": x, "letter": ALPHABET.index(self.files[idx].name[0])}


def shrink(image: Image.Image) -> np.ndarray:
    """The picture as it is, 29×29."""
    return moved(image, 0.0, 1.0, np.zeros(2))


def shake(image: Image.Image) -> np.ndarray:
    """The picture turned, scaled and shifted at random; a loader seeds numpy's random numbers for every batch."""
    angle, size = np.radians(np.random.uniform(-10, 10)), np.random.uniform(0.88, 1.12)
    return moved(image, angle, size, FINE * np.random.uniform(-2, 2, 2))


def shake_slowly(image: Image.Image) -> np.ndarray:
    """The same, for a file that takes a while to arrive, as from a disk that is far away."""
    time.sleep(DELAY)
    return shake(image)


def run(options: Options) -> Result:
    epochs, fonts, counts = (4, FONTS[::3], (0, 2)) if options.quick else (20, FONTS, (0, 2, 4))
    x, y = letters(1040, options.seed + 1_000_000)
    test = fg.tensor(x), fg.tensor(y)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for font in fonts:
            for letter in ALPHABET:
                drawn(font, letter).save(folder / f"{letter}-{font}.png")

        fg.manual_seed(options.seed)
        dataset = MyDataset(folder, transform=shake)
        loader = DataLoader(dataset, batch_size=32, shuffle=True, num_workers=counts[-1], persistent_workers=True)
        batch = next(iter(loader))
        shaken = train(loader, test, epochs)

        still = MyDataset(folder, transform=shrink)
        unshaken = train(DataLoader(still, batch_size=32, shuffle=True), test, epochs)
        workers = {count: an_epoch(dataset, count, options.seed) for count in counts}
        slow = MyDataset(folder, transform=shake_slowly)
        far = {count: an_epoch(slow, count, options.seed) for count in counts}

    path = options.output / "datasets.png"
    draw(path, batch, {"shaken anew in every epoch": shaken, "as they lie": unshaken}, workers, far)
    first = workers[0][0]
    rows = [
        (count, "the same" if workers[count][0] == far[count][0] == first else "others",
         *(f"{found[count][1]:.2f} s" for found in (workers, far)))
        for count in counts
    ]  # fmt: skip
    accuracies = [
        (name, *(f"{100 * found[k]:.1f} %" for k in (0, epochs // 4, epochs)))
        for name, found in (("shaken anew in every epoch", shaken), ("as they lie", unshaken))
    ]
    header = ("workers", "batches", "time", f"{1e3 * DELAY:g} ms a file")
    tables = [
        Table(f"An epoch of {len(dataset)} files in batches of 32", header, rows),
        Table(
            "Letters read rightly, of 1040 other shaken ones",
            ("the files", "at first", f"epoch {epochs // 4}", f"epoch {epochs}"), accuracies,
        ),
    ]  # fmt: skip
    return Result(path, tables, {"batch": batch, "workers": workers, "far": far, "shaken": shaken, "still": unshaken})


def train(loader: DataLoader[Sample], test: tuple[fg.Tensor, fg.Tensor], epochs: int) -> list[float]:
    """Test accuracy before and after every epoch."""
    fg.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(SIDE * SIDE, 100), nn.ReLU(), nn.Linear(100, len(ALPHABET)))
    optimizer = fg.optim.Adam(net.parameters(), lr=0.002)

    @fg.compile
    def step(x: fg.Tensor, y: fg.Tensor) -> fg.Tensor:
        loss = F.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    found = [accuracy(net, *test)]
    for _ in range(epochs):
        for batch in loader:
            step(batch["image"], batch["letter"])
        found.append(accuracy(net, *test))
    return found


def an_epoch(dataset: MyDataset, num_workers: int, seed: int) -> tuple[str, float]:
    """A fingerprint of all batches of the second epoch, and how long it took; workers start in the first."""
    fg.manual_seed(seed)
    loader = DataLoader(
        dataset, batch_size=32, shuffle=True, num_workers=num_workers, persistent_workers=num_workers > 0
    )
    for _ in loader:
        pass
    start, batches = time.perf_counter(), list(loader)
    seconds = time.perf_counter() - start
    digest = hashlib.sha256()
    for batch in batches:
        digest.update(batch["image"].numpy().tobytes())
        digest.update(batch["letter"].numpy().tobytes())
    return digest.hexdigest(), seconds


def draw(
    path: Path, batch: Sample, accuracies: dict[str, list[float]], workers: dict[int, Any], far: dict[int, Any]
) -> None:
    # Workers import this file; matplotlib is of no use to them.
    from examples.style import COLOURS, picture

    title = "A folder of pictures, in batches made by worker processes: the same for any number of them"
    with picture(path, title, columns=3, size=(13, 4.6)) as (_, (left, middle, right)):
        tiles = batch["image"].numpy().reshape(4, 8, SIDE, SIDE).transpose(0, 2, 1, 3).reshape(4 * SIDE, 8 * SIDE)
        left.imshow(tiles, cmap="gray_r", interpolation="nearest")
        for place, letter in enumerate(batch["letter"].tolist()):
            row, column = divmod(place, 8)
            left.text(column * SIDE + 1, row * SIDE + 1, ALPHABET[letter], color=COLOURS[1], va="top", fontsize=8)
        left.set_axis_off()
        left.set_title("A batch as the loader gives it, with its labels")
        for (name, found), colour in zip(accuracies.items(), COLOURS, strict=False):
            middle.plot(100 * np.array(found), color=colour, label=name)
        middle.set_xlabel("epochs")
        middle.xaxis.get_major_locator().set_params(integer=True)
        middle.set_ylabel("shaken letters read rightly, %")
        middle.set_title("What the transform is for")
        middle.legend(title="files to learn from", loc="lower right")
        for shift, found, label in ((-0.2, workers, "at once"), (0.2, far, f"after {1e3 * DELAY:g} ms")):
            seconds = [one[1] for one in found.values()]
            right.bar(np.arange(len(found)) + shift, seconds, width=0.4, label=label)
        right.set_xticks(range(len(workers)), list(workers))
        right.legend(title="files arrive:")
        right.set_xlabel("worker processes")
        right.set_ylabel("time of an epoch, s")
        right.set_title("What the workers are for")
        right.grid(axis="x", visible=False)


if __name__ == "__main__":
    raise SystemExit(run_alone(__file__))
