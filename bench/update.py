"""``python -m bench update``: one optimiser step over all parameters of a case, beside torch's variants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

import fastgrad as fg
from bench.cases import CASES, Case, start
from bench.harness import Contestant, contest, deviation
from bench.machine import Limits
from bench.optimizers import OPTIMIZERS, Optimizer
from bench.options import Options
from bench.peers.torch_peer import penalise
from bench.tables import best, microseconds, percent, rate, ratio, seconds, spread, table, title
from fastgrad import nn, optim

__all__ = ["names", "report", "run"]

# name: (rule, arrays read and written per parameter)
RULES: dict[str, tuple[Optimizer, int]] = {
    "sgd": (OPTIMIZERS["sgd"], 3),
    "sgd l1 l2": (OPTIMIZERS["l1l2"], 3),
    "sgd momentum": (OPTIMIZERS["momentum"], 5),
    "sgd nesterov l1 l2": (
        Optimizer("SGD", {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-3}, 1e-3), 5,
    ),
    "adam": (OPTIMIZERS["adam"], 7),
    "adamw": (Optimizer("AdamW", {"lr": 1e-3, "weight_decay": 1e-2}), 7),
}  # fmt: skip
VARIANTS: dict[str, dict[str, bool]] = {
    "torch loop": {"foreach": False, "fused": False},
    "torch foreach": {"foreach": True},
    "torch fused": {"fused": True},
}
MEASURED = ("tiny", "mnist", "wide")
QUICK = ("tiny",)
CHECKED_STEPS = 3
TOLERANCE = 2e-6
Array = np.ndarray[Any, Any]


def names() -> list[str]:
    """Give what ``--only`` chooses from."""
    return list(MEASURED)


def run(options: Options, limits: Limits) -> list[dict[str, Any]]:
    """Measure all rules over the parameters of the cases that were asked for."""
    rows = []
    for case in CASES:
        if case.name not in (QUICK if options.quick else MEASURED) or not options.wants(case.name):
            continue
        for rule, (_, passes) in RULES.items():
            options.say(f"{case.name}, {rule}")
            arrays = _arrays(case)
            moved = passes * sum(w.nbytes for w, _ in arrays)
            rows.append(
                {
                    "case": case.name,
                    "threads": options.threads,
                    "rule": rule,
                    "bytes": moved,
                    "limit_seconds": moved / limits.bytes(moved),
                    "outcomes": contest(_contestants(rule, arrays), TOLERANCE, options.effort),
                }
            )
    return rows


def _arrays(case: Case) -> list[tuple[Array, Array]]:
    """Every parameter of the case with a gradient."""
    begin = start(case)
    generator = np.random.default_rng(4)
    parameters = [array for pair in zip(begin.weights, begin.biases, strict=True) for array in pair]
    return [(w, generator.standard_normal(w.shape).astype(np.float32)) for w in parameters]


def _contestants(rule: str, arrays: list[tuple[Array, Array]]) -> list[Contestant]:
    step, values = _torch(rule, arrays, torch.float64, VARIANTS["torch loop"])
    right = _after_steps(step, values)
    contestants = [_contestant("fastgrad", *_fastgrad(rule, arrays), right)]
    for name, variant in VARIANTS.items():
        contestants.append(_contestant(name, *_torch(rule, arrays, torch.float32, variant), right))
    return contestants


def _contestant(
    name: str, step: Callable[[bool], object], values: Callable[[], list[Array]], right: list[Array]
) -> Contestant:
    return Contestant(name, lambda: step(False), lambda: deviation(_after_steps(step, values), right))


def _after_steps(step: Callable[[bool], object], values: Callable[[], list[Array]]) -> list[Array]:
    for _ in range(CHECKED_STEPS):
        step(True)
    return values()


def _fastgrad(
    rule: str, arrays: list[tuple[Array, Array]]
) -> tuple[Callable[[bool], object], Callable[[], list[Array]]]:
    how, _ = RULES[rule]
    parameters = []
    for w, dw in arrays:
        parameter = nn.Parameter(fg.from_numpy(w.copy()))
        parameter.grad = fg.from_numpy(dw)
        parameters.append(parameter)
    optimiser = getattr(optim, how.kind)(parameters, **how.options, l1=how.l1)
    return lambda fresh: optimiser.step(), lambda: [parameter.detach().numpy() for parameter in parameters]


def _torch(
    rule: str, arrays: list[tuple[Array, Array]], dtype: Any, variant: dict[str, bool]
) -> tuple[Callable[[bool], object], Callable[[], list[Array]]]:
    """Build torch's step; ``step(True)`` begins with fresh gradients, to which the L1 term adds in place."""
    how, _ = RULES[rule]
    parameters = [torch.tensor(w, dtype=dtype, requires_grad=True) for w, _ in arrays]
    optimiser = getattr(torch.optim, how.kind)(parameters, **how.options, **variant)
    originals = [torch.tensor(dw, dtype=dtype) for _, dw in arrays]
    for parameter, gradient in zip(parameters, originals, strict=True):
        parameter.grad = gradient.clone()
    gradients = [parameter.grad for parameter in parameters]

    def step(fresh: bool) -> None:
        if fresh:
            for gradient, original in zip(gradients, originals, strict=True):
                gradient.copy_(original)
        if how.l1:
            penalise(parameters, how.l1)
        optimiser.step()

    return step, lambda: [parameter.detach().numpy() for parameter in parameters]


def report(rows: Sequence[dict[str, Any]], threads: int) -> str:
    """Write the rows of one number of threads as a table."""
    header = ["case", "rule", "fastgrad", "loop", "foreach", "fused", "best torch / fastgrad", "GB/s",
              "of copying", "spread"]  # fmt: skip
    cells = []
    for row in rows:
        outcomes = row["outcomes"]
        ours = seconds(outcomes, "fastgrad")
        cells.append(
            [
                row["case"],
                row["rule"],
                *(microseconds(outcomes, name) for name in ("fastgrad", *VARIANTS)),
                ratio(best(outcomes, "torch"), ours),
                rate(row["bytes"], ours),
                percent(row["limit_seconds"], ours),
                spread(outcomes, "fastgrad"),
            ]
        )
    return table(title("One update of all parameters (loop, foreach, fused: torch)", threads), header, cells)
