"""Back-propagation through building blocks: the lecture's formulas, the tape's gradients, and numerical ones.

The lecture: a block y = f(x, w) receives dL/dy and hands back dL/dx = dL/dy · dy/dx and dL/dw = dL/dy · dy/dw.
A sum passes dL/dy on to both inputs, a product exchanges them; a value that goes two ways gets the sum of what
comes back on both, and so does a weight that two blocks share. Any graph is made of these.

What to see: on every arrow of the picture the value that goes forward and the gradient that comes back; in the table
three ways to the same number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

import fastgrad as fg
import fastgrad.nn.functional as F
from examples.command import run_alone
from examples.common import Options, Result, Table
from examples.style import COLOURS, INK, picture

TARGET = 1.0  # L = ½ (y − t)²
STEP = 1e-6  # of the numerical gradients


@dataclass(frozen=True)
class Arrow:
    """One use of a value: where it goes, and what comes back; dL/dx is the sum over all arrows that x takes."""

    source: str
    target: str
    value: str
    back: Callable[[Any, Any], float]  # (values v, gradients d) -> this arrow's part of the gradient


@dataclass(frozen=True)
class Block:
    """A graph: what it computes, and the lecture's formula for each input."""

    name: str
    inputs: dict[str, float]
    forward: Callable[..., dict[str, Any]]
    formulas: dict[str, str]
    signs: dict[str, str]  # what is written in a circle instead of the name
    places: dict[str, tuple[float, float]]
    arrows: tuple[Arrow, ...]  # in the order of the computation


def loss(y: Any) -> Any:
    return 0.5 * (y - TARGET) ** 2


def sum_block(x1: Any, x2: Any) -> dict[str, Any]:
    y = x1 + x2
    return {"y": y, "L": loss(y)}


def product_block(x1: Any, x2: Any) -> dict[str, Any]:
    y = x1 * x2
    return {"y": y, "L": loss(y)}


def two_outputs(x: Any) -> dict[str, Any]:
    y1, y2 = x**2, F.sigmoid(x)
    y = y1 * y2
    return {"y1": y1, "y2": y2, "y": y, "L": loss(y)}


def shared_weight(x1: Any, x2: Any, w: Any) -> dict[str, Any]:
    y1, y2 = F.sigmoid(x1 * w), F.sigmoid(x2 * w)
    y = y1 + y2
    return {"y1": y1, "y2": y2, "y": y, "L": loss(y)}


LAST = Arrow("y", "L", "y", lambda v, d: v.y - TARGET)
TWO_IN = {"x1": (0.0, 1.0), "x2": (0.0, -1.0), "y": (1.6, 0.0), "L": (3.0, 0.0)}
BLOCKS = (
    Block(
        "sum", {"x1": 2.0, "x2": -0.5}, sum_block,
        {"x1": "dL/dy", "x2": "dL/dy"}, {"y": "+"}, TWO_IN,
        (Arrow("x1", "y", "x1", lambda v, d: d.y), Arrow("x2", "y", "x2", lambda v, d: d.y), LAST),
    ),
    Block(
        "product", {"x1": 2.0, "x2": -0.5}, product_block,
        {"x1": "dL/dy · x2", "x2": "dL/dy · x1"}, {"y": "×"}, TWO_IN,
        (Arrow("x1", "y", "x1", lambda v, d: d.y * v.x2), Arrow("x2", "y", "x2", lambda v, d: d.y * v.x1), LAST),
    ),
    Block(
        "two outputs", {"x": 1.5}, two_outputs, {"x": "dL/dy1 · 2x + dL/dy2 · y2(1−y2)"},
        {"y1": "x²", "y2": "σ(x)", "y": "×"},
        {"x": (0.0, 0.0), "y1": (1.2, 1.0), "y2": (1.2, -1.0), "y": (2.4, 0.0), "L": (3.6, 0.0)},
        (
            Arrow("x", "y1", "x", lambda v, d: d.y1 * 2 * v.x),
            Arrow("x", "y2", "x", lambda v, d: d.y2 * v.y2 * (1 - v.y2)),
            Arrow("y1", "y", "y1", lambda v, d: d.y * v.y2),
            Arrow("y2", "y", "y2", lambda v, d: d.y * v.y1),
            LAST,
        ),
    ),
    Block(
        "shared weight", {"x1": 2.0, "x2": -0.5, "w": 0.8}, shared_weight,
        {
            "x1": "dL/dy1 · y1(1−y1) · w",
            "x2": "dL/dy2 · y2(1−y2) · w",
            "w": "dL/dy1 · y1(1−y1) · x1 + dL/dy2 · y2(1−y2) · x2",
        },
        {"y1": "σ(wx)", "y2": "σ(wx)", "y": "+"},
        {"x1": (0.0, 1.0), "x2": (0.0, -1.0), "w": (0.0, 0.0), "y1": (1.4, 0.9), "y2": (1.4, -0.9),
         "y": (2.6, 0.0), "L": (3.8, 0.0)},
        (
            Arrow("x1", "y1", "x1", lambda v, d: d.y1 * v.y1 * (1 - v.y1) * v.w),
            Arrow("x2", "y2", "x2", lambda v, d: d.y2 * v.y2 * (1 - v.y2) * v.w),
            Arrow("w", "y1", "w", lambda v, d: d.y1 * v.y1 * (1 - v.y1) * v.x1),
            Arrow("w", "y2", "w", lambda v, d: d.y2 * v.y2 * (1 - v.y2) * v.x2),
            Arrow("y1", "y", "y1", lambda v, d: d.y),
            Arrow("y2", "y", "y2", lambda v, d: d.y),
            LAST,
        ),
    ),
)  # fmt: skip


def run(options: Options) -> Result:
    rows = []
    errors = {"tape": 0.0, "numerical": 0.0}
    path = options.output / "backprop_blocks.png"
    title = "Forward go values (blue), back come gradients (orange); where a value splits, they add up"
    with picture(path, title, rows=2, columns=2, size=(11, 7)) as (_, axes):
        for block, place in zip(BLOCKS, axes.flat, strict=True):
            values, parts, by_formula = lecture(block)
            by_tape, numerical = tape(block), differences(block)
            for name, formula in block.formulas.items():
                three = by_formula[name], by_tape[name], numerical[name]
                rows.append((block.name, f"dL/d{name}", formula, *(f"{value:.9f}" for value in three)))
                errors["tape"] = max(errors["tape"], abs(by_tape[name] - by_formula[name]))
                errors["numerical"] = max(errors["numerical"], abs(numerical[name] - by_formula[name]))
            draw(place, block, values, parts)
    header = ("block", "gradient", "the lecture's formula", "by formula", "tape", "numerical")
    apart = [(f"{name} − formula", f"{error:.1e}") for name, error in errors.items()]
    tables = [
        Table("Gradients of L = ½(y − 1)²", header, rows),
        Table("How far apart they are", ("compared", "largest difference"), apart),
    ]
    return Result(path, tables, errors)


def lecture(block: Block) -> tuple[dict[str, float], list[float], dict[str, float]]:
    """Values, what comes back on each arrow, and gradients, by the formulas: from the last arrow to the first."""
    tensors = {name: fg.tensor(value, dtype=np.float64) for name, value in block.inputs.items()}
    values = {name: tensor.item() for name, tensor in (tensors | block.forward(**tensors)).items()}
    gradients = dict.fromkeys(values, 0.0)
    parts = []
    for arrow in reversed(block.arrows):
        part = arrow.back(SimpleNamespace(**values), SimpleNamespace(**gradients))
        gradients[arrow.value] += part
        parts.append(part)
    return values, parts[::-1], gradients


def tape(block: Block) -> dict[str, float]:
    """Gradients by fastgrad."""
    inputs = {name: fg.tensor(value, dtype=np.float64, requires_grad=True) for name, value in block.inputs.items()}
    block.forward(**inputs)["L"].backward()
    return {name: tensor.grad.item() for name, tensor in inputs.items()}


def differences(block: Block) -> dict[str, float]:
    """Gradients by differences: (L(x + h) − L(x − h)) / 2h."""

    def value(name: str, step: float) -> float:
        moved = block.inputs | {name: block.inputs[name] + step}
        return block.forward(**{key: fg.tensor(one, dtype=np.float64) for key, one in moved.items()})["L"].item()

    return {name: (value(name, STEP) - value(name, -STEP)) / (2 * STEP) for name in block.inputs}


def draw(axes: Any, block: Block, values: dict[str, float], parts: list[float]) -> None:
    """The graph: circles joined by arrows, each with its value and its part of the gradient."""
    axes.set_title(block.name.capitalize())
    axes.set_axis_off()
    axes.set_xlim(-0.4, 4.3)
    axes.set_ylim(-1.45, 1.45)
    for arrow, part in zip(block.arrows, parts, strict=True):
        start, end = np.array(block.places[arrow.source]), np.array(block.places[arrow.target])
        axes.annotate(
            "", end, start, arrowprops={"arrowstyle": "-|>", "color": INK, "shrinkA": 16, "shrinkB": 17, "lw": 1.2}
        )
        middle = 0.5 * (start + end)
        box = {"boxstyle": "square,pad=0.1", "color": "white"}
        for text, shift, colour in ((f"{values[arrow.value]:.3g}", 8, COLOURS[0]), (f"{part:.3g}", -8, COLOURS[1])):
            axes.annotate(text, middle, (0, shift), textcoords="offset points", ha="center", va="center",
                          color=colour, fontweight="bold", fontsize=9, bbox=box)  # fmt: skip
    for name, place in block.places.items():
        text = block.signs.get(name, name)
        axes.annotate(text, place, ha="center", va="center", fontsize=9 if len(text) > 2 else 11,
                      bbox={"boxstyle": "circle,pad=0.35", "facecolor": "white", "edgecolor": INK})  # fmt: skip
    for name in block.inputs:
        total = sum(part for arrow, part in zip(block.arrows, parts, strict=True) if arrow.value == name)
        axes.annotate(f"dL/d{name}\n= {total:.3g}", block.places[name], (0, -20), textcoords="offset points",
                      ha="center", va="top", color=COLOURS[1], fontsize=8)  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(run_alone(__file__))
