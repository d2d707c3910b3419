"""``python -m bench SUBJECT``, from the root of the repository."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.harness import Effort
from bench.machine import Limits, description, usable_cpus
from bench.optimizers import OPTIMIZERS
from bench.options import Options
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
CANNOT = 2  # the exit status where the machine lacks something, as for wrong arguments
GRACE_SECONDS = 50.0  # after --seconds, for what has begun
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "FASTGRAD_NUM_THREADS",
    "NPROC",
)


def main() -> int:
    """Measure, print the tables, write the JSON."""
    parser = _parser()
    options = parser.parse_args()
    if options.worker:
        _work(options)
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
        result = _in_a_process(options, threads)
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


def _in_a_process(options: argparse.Namespace, threads: int) -> dict[str, Any]:
    """Run the subject in a process that has so many processors and libraries that know it from the start.

    If it fails on the way, what it has measured until then is not lost.
    """
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads))
    environment.setdefault("KINETO_LOG_LEVEL", "6")  # torch's profiler: say nothing about start and stop
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        # of options given twice the last counts
        command = [sys.executable, "-m", "bench", *sys.argv[1:], "--threads", str(threads)]
        command += ["--worker", str(answer)]
        try:
            longest = options.seconds + GRACE_SECONDS if "seconds" in options else None
            code = subprocess.run(command, env=environment, check=False, timeout=longest).returncode
        except subprocess.TimeoutExpired:
            code = 1
        if code == CANNOT:  # it has said why
            sys.exit(code)
        result: dict[str, Any] = json.loads(answer.read_text("utf-8")) if answer.exists() else {"rows": []}
        if code:
            print(f"bench {options.subject}: the process with {threads} threads failed", file=sys.stderr)
            if not result["rows"]:
                sys.exit(1)
    return result | {"complete": code == 0}


def _work(options: argparse.Namespace) -> None:
    """Measure in this process and leave the answer in a file."""
    threads = int(options.threads)
    if hasattr(os, "sched_setaffinity"):  # no library may use more than its share, whatever it was told
        os.sched_setaffinity(0, usable_cpus()[:threads])
    effort = Effort(min(options.rounds, 2), 0.002) if options.quick else Effort(options.rounds, 0.06)
    subject = importlib.import_module(f"bench.{options.subject}")
    if why := getattr(subject, "missing", lambda: None)():
        print(f"bench {options.subject}: {why}", file=sys.stderr)
        sys.exit(CANNOT)
    _tell_threads(threads)
    limits = getattr(subject, "limits", Limits)(threads, 0.01 if options.quick else 0.2)
    names = ("optimizer", "forward", "dtype", "seconds")
    choices = {name: getattr(options, name) for name in names if name in options}
    picture = getattr(options, "picture", None) is not None
    told = Options(threads, effort, tuple(options.only), options.quick, picture=picture, **choices)
    rows: list[dict[str, Any]] = []

    def save() -> None:
        answer = {"threads": threads, "limits": limits.as_dict(), "rows": rows}
        whole = options.worker.with_suffix(".whole")
        whole.write_text(json.dumps(answer), encoding="utf-8")
        whole.replace(options.worker)

    if isinstance(measured := subject.run(told, limits), list):
        rows = measured
    else:  # row by row, each of them kept whatever happens then
        for row in measured:
            rows.append(row)
            save()
    save()


def _tell_threads(threads: int) -> None:
    import fastgrad as fg

    fg.set_num_threads(threads)
    try:
        import torch
    except ImportError:
        return
    torch.set_num_threads(threads)


if __name__ == "__main__":
    sys.exit(main())
