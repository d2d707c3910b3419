"""The processes that measure: each has so many processors, and libraries that know it from the start."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.harness import Effort
from bench.machine import Limits, usable_cpus
from bench.options import Options

__all__ = ["measure", "work"]

CANNOT = 2  # the exit status where the machine lacks something, as for wrong arguments
GRACE_SECONDS = 50.0  # after --seconds, for what has begun
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "FASTGRAD_NUM_THREADS",
    "NPROC",
)


def measure(options: argparse.Namespace, threads: int) -> dict[str, Any]:
    """Run the subject in a process of its own.

    If that fails on the way, what it has measured until then is not lost, and lies beside the JSON even if this process
    is ended too. Where rows tell their names, and one is of what failed, another process goes on with the others.

    Returns
    -------
    dict
        Threads, limits and rows, and whether all of it is ``complete``.
    """
    end = time.monotonic() + getattr(options, "seconds", float("inf"))
    names = options.only or importlib.import_module(f"bench.{options.subject}").names()
    left, complete = list(names), True
    whole: dict[str, Any] = {"rows": []}
    with tempfile.TemporaryDirectory() as folder:
        answers: list[Path] = []
        while True:
            place = options.json or Path(folder) / "answer"
            answer = place.with_suffix(f".part{len(answers) + 1}")
            answer.unlink(missing_ok=True)  # of a run that was ended
            answers.append(answer)
            code = _run(answer, threads, options.only if complete else left, end - time.monotonic())
            if code == CANNOT and complete:  # it has said why
                sys.exit(code)
            result = json.loads(answer.read_text("utf-8")) if answer.exists() else {"rows": []}
            whole |= result | {"rows": whole["rows"] + result["rows"]}
            if code == 0:
                break
            complete = False
            print(f"bench {options.subject}: the process with {threads} threads failed", file=sys.stderr)
            done = {row.get("name") for row in result["rows"]} - {None}
            left = [name for name in left if name not in done]
            if not done or not left or time.monotonic() > end:
                break
        for answer in answers:
            answer.unlink(missing_ok=True)
    if not complete and not whole["rows"]:
        sys.exit(1)
    return whole | {"complete": complete}


def _run(answer: Path, threads: int, only: Sequence[str], seconds: float) -> int:
    """Start a process with the arguments of this one, and give its exit status."""
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads))
    environment.setdefault("KINETO_LOG_LEVEL", "6")  # torch's profiler: say nothing about start and stop
    # of options given twice the last counts
    command = [sys.executable, "-m", "bench", *sys.argv[1:], "--threads", str(threads), "--worker", str(answer)]
    if only:
        command += ["--only", ",".join(only)]
    longest = None
    if seconds < float("inf"):
        command += ["--seconds", f"{seconds:.0f}"]
        longest = seconds + GRACE_SECONDS
    try:
        return subprocess.run(command, env=environment, check=False, timeout=longest).returncode
    except subprocess.TimeoutExpired:
        return 1


def work(options: argparse.Namespace) -> None:
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
