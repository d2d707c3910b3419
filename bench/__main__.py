"""``python -m bench SUBJECT``, from the root of the repository."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any

from bench.machine import description, usable_cpus
from bench.optimizers import OPTIMIZERS
from bench.process import measure, work
from bench.tables import refusals

SUBJECTS = {
    "step": "one whole training step of each case, beside every peer",
    "batch": "a training step from one row to thousands, beside torch and JAX",
    "memory": "how much memory a training step takes, beside torch",
    "linear": "fused linear layers, forward and backward, over a grid of sizes",
    "activations": "every activation, forward and backward",
    "losses": "every loss with its gradient",
    "update": "SGD and Adam over the parameters of a network",
    "loader": "batches from arrays and from a data set in Python, with and without workers, beside torch",
    "threads": "what a fork-join costs, and from what work on it pays",
    "gpu": "training steps, epochs and kernels on a GPU, beside torch",
}
# --threads, where not 1 and all: threads need no memory of their own, one alone no fork-join; workers and compilers
# want processors
THREADS = {"memory": "1", "threads": "all", "loader": "all", "gpu": "all"}
# option: the subjects that have it, and what it is
CHOICES: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "--optimizer": (
        ("step", "batch", "memory"),
        {"choices": list(OPTIMIZERS), "default": "sgd", "help": "what updates the weights (default: sgd)"},
    ),
    "--forward": (
        ("step",),
        {"action": "store_true", "help": "the forward pass alone; no optimiser, no gradients"},
    ),
    "--dtype": (
        ("linear",),
        {"choices": ["float32", "float64"], "default": "float32", "help": "of all arrays (default: float32)"},
    ),
    "--seconds": (
        ("gpu",),
        {
            "type": float,
            "default": 400.0,
            "metavar": "N",
            "help": "begin nothing more after so long (default: 400)",
        },
    ),
    "--picture": (
        ("batch",),
        {
            "type": Path,
            "metavar": "FILE",
            "help": "measure the whole grid and draw it (PNG, needs matplotlib)",
        },
    ),
}


def main() -> int:
    """Measure, print the tables, write the JSON."""
    parser = _parser()
    options = parser.parse_args()
    if options.worker:
        work(options)
        return 0
    if getattr(options, "forward", False) and options.optimizer != "sgd":
        parser.error("--forward: nothing is updated, so --optimizer has no meaning")
    available = importlib.import_module(f"bench.{options.subject}").names()
    for name in options.only:
        if name not in available:
            parser.error(f"--only: {name!r} is unknown, expected some of {', '.join(available)}")
    cpus = len(usable_cpus())
    counts = sorted(
        {cpus if text == "all" else _count(parser, text, cpus) for text in options.threads.split(",")}
    )
    results = []
    subject = importlib.import_module(f"bench.{options.subject}")
    for threads in counts:
        result = measure(options, threads)
        if hasattr(subject, "preface"):
            print(subject.preface(description(), result["limits"]), flush=True)
        print(subject.report(result["rows"], threads), flush=True)
        if wrong := refusals(result["rows"]):
            print(wrong + "\n", flush=True)
        results.append(result)
    if getattr(options, "picture", None):
        subject.draw(results, options.picture)
    if options.json:
        record = {"subject": options.subject, **description(), "processes": results}
        options.json.write_text(json.dumps(record, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return 1 if any(refusals(result["rows"]) or not result["complete"] for result in results) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure fastgrad beside its peers. Each number of threads has a process of its own; "
        "contestants take turns in blocks; the figures are medians over rounds. A wrong result is not timed "
        "(exit status 1). Each subject has its own --help.",
    )
    subjects = parser.add_subparsers(dest="subject", required=True, metavar="SUBJECT")
    for name, text in SUBJECTS.items():
        subject = subjects.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        _add_common(subject, THREADS.get(name, "1,all"))
        for option, (where, settings) in CHOICES.items():
            if name in where:
                subject.add_argument(option, **settings)
    return parser


def _add_common(parser: argparse.ArgumentParser, threads: str) -> None:
    """Add the options that every subject has."""
    parser.add_argument(
        "--threads", default=threads, metavar="N,…", help="numbers of threads (default: %(default)s)"
    )
    parser.add_argument(
        "--rounds", type=int, default=5, metavar="N", help="blocks of each contestant (default: 5)"
    )
    parser.add_argument("--only", "--cases", type=lambda text: text.split(","), default=[], metavar="NAME,…",
                        help="measure these alone")  # fmt: skip
    parser.add_argument(
        "--quick", action="store_true", help="seconds instead of minutes; the figures mean little"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write all figures, with machine and versions"
    )
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)


def _count(parser: argparse.ArgumentParser, text: str, cpus: int) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= cpus:
        parser.error(f"--threads: {text!r} is neither 'all' nor a number from 1 to {cpus}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
