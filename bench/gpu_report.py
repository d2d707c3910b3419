"""What ``python -m bench gpu`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.gpu_cases import GPU_CASES
from bench.tables import NOTHING, best, duration, microseconds, percent, rate, ratio, seconds, spread, table

__all__ = ["preface", "report"]

TIMES = {
    "torch eager": "torch eager",
    "torch fused": "fused",
    "torch compiled": "compiled",
    "torch reduce-overhead": "reduce-overhead",
    "torch graph": "graph",
    "torch compiled graph": "graph of compiled",
    "fastgrad eager": "fastgrad eager",
    "fastgrad recorded": "recorded",
}
EAGER = ("torch eager", "torch fused")
GRAPHS = ("torch compiled", "torch reduce-overhead", "torch graph")
SETUPS = {
    "fastgrad recorded": "recording",
    "torch compiled": "compiling",
    "torch reduce-overhead": "reduce-overhead",
    "torch graph": "capturing",
}

Row = dict[str, Any]


def preface(machine: dict[str, Any], limits: dict[str, Any]) -> str:
    """Write what was measured when and where, and what the card can do."""
    lines = [f"{name}: {machine[name]}" for name in ("date", "command", "processor")]
    lines.append("versions: " + ", ".join(f"{name} {version}" for name, version in machine["versions"].items()))
    lines += [f"{name}: {value}" for name, value in limits["card"].items()]
    rates = [f"{name} {value / 1e12:.1f} TFLOP/s" for name, value in limits["flop_per_second"].items()]
    if limits["copy_bytes_per_second"]:
        rates.append(f"copying {limits['copy_bytes_per_second'] / 1e9:,.0f} GB/s, read and written")
    return "\n".join([*lines, "measured limits: " + ", ".join(rates or [NOTHING]), ""])


def report(rows: Sequence[Row], threads: int) -> str:
    """Write the rows as tables, those of a kind together."""
    parts = {part: [row for row in rows if row["part"] == part] for part in ("step", "epoch", "linear", "activation")}
    order = [case.name for case in GPU_CASES]
    parts["step"].sort(key=lambda row: order.index(row["case"]) if row["case"] in order else -1)
    texts = []
    if parts["step"]:
        what = "One training step on a GPU, SGD"
        texts += [
            table(f"{what}: microseconds", ["case", "batch", "", *TIMES.values(), "limit"],
                  _each(parts["step"], _times)),
            table(f"{what}: how many times faster, and targets",
                  ["case", "eager / eager", "eager / recorded", "target", "graphs / recorded", "target", "spread",
                   *(f"{name}: set up" for name in SETUPS.values())],
                  _each(parts["step"], _ratios)),
            table(f"{what}: recorded beside the limits",
                  ["case", "MFLOP", "MB", "TFLOP/s", "GB/s", "limit", "recorded of it", "best torch of it"],
                  _each(parts["step"], _shares)),
        ]  # fmt: skip
    if parts["epoch"]:
        texts.append(
            table("One epoch on data of the GPU: microseconds a step",
                  ["case", "batch", "steps", "torch graph", "fastgrad epoch", "torch / fastgrad", "spread", "limit"],
                  _each(parts["epoch"], _epochs))
        )  # fmt: skip
    if parts["linear"]:
        texts.append(
            table("relu(x wᵀ + b) and its gradients dx, dw, db, float32: microseconds",
                  ["batch x out x in", "", "kernel", "torch", "torch / kernel", "GFLOP/s", "of the limit", "spread"],
                  _each(parts["linear"], lambda row: _kernels(row, row["flop"])))
        )  # fmt: skip
    if parts["activation"]:
        texts.append(
            table("Activations, float32: microseconds",
                  ["activation", "", "kernel", "torch", "torch / kernel", "GB/s", "of copying", "spread"],
                  _each(parts["activation"], lambda row: _kernels(row, row["bytes"])))
        )  # fmt: skip
    return "\n".join(texts)


def _each(rows: Sequence[Row], write: Any) -> list[list[str]]:
    return [write(row) for row in rows]


def _best(row: Row, names: Sequence[str]) -> float | None:
    """Give the smallest median of some contestants; None if there is none."""
    return best({name: one for name, one in row["outcomes"].items() if name in names}, "")


def _times(row: Row) -> list[str]:
    times = [microseconds(row["outcomes"], name) for name in TIMES]
    precision = "" if row["precision"] == "float32" else row["precision"]
    return [row["case"], f"{row['batch']:,}", precision, *times, f"{1e6 * row['limit_seconds']:,.2f}"]


def _ratios(row: Row) -> list[str]:
    outcomes = row["outcomes"]
    recorded, eager, graphs = seconds(outcomes, "fastgrad recorded"), _best(row, EAGER), _best(row, GRAPHS)
    against_eager, against_graphs = row["targets"]
    return [
        row["case"],
        ratio(eager, seconds(outcomes, "fastgrad eager")),
        ratio(eager, recorded),
        _target(against_eager),
        ratio(graphs, recorded),
        _target(against_graphs),
        spread(outcomes, "fastgrad recorded"),
        *(duration(outcomes.get(name, {}).get("setup_seconds")) for name in SETUPS),
    ]


def _target(value: float | None) -> str:
    return NOTHING if value is None else f"{value:g}"


def _shares(row: Row) -> list[str]:
    recorded = seconds(row["outcomes"], "fastgrad recorded")
    return [
        row["case"],
        f"{row['flop'] / 1e6:,.2f}",
        f"{row['bytes'] / 1e6:,.2f}",
        rate(row["flop"] / 1e3, recorded),
        rate(row["bytes"], recorded),
        f"{1e6 * row['limit_seconds']:,.2f}",
        percent(row["limit_seconds"], recorded),
        percent(row["limit_seconds"], _best(row, (*EAGER, *GRAPHS))),
    ]


def _epochs(row: Row) -> list[str]:
    steps, outcomes = row["steps"], row["outcomes"]
    torch, ours = seconds(outcomes, "torch graph"), seconds(outcomes, "fastgrad epoch")
    each = [NOTHING if time is None else f"{1e6 * time / steps:.2f}" for time in (torch, ours)]
    return [row["case"], str(row["batch"]), str(steps), *each, ratio(torch, ours),
            spread(outcomes, "fastgrad epoch"), f"{1e6 * row['limit_seconds']:.2f}"]  # fmt: skip


def _kernels(row: Row, work: float) -> list[str]:
    outcomes = row["outcomes"]
    ours, torch = seconds(outcomes, "kernel"), seconds(outcomes, "torch")
    return [
        row["case"],
        row["direction"],
        *(microseconds(outcomes, name) for name in ("kernel", "torch")),
        ratio(torch, ours),
        rate(work, ours),
        percent(row["limit_seconds"], ours),
        spread(outcomes, "kernel"),
    ]
