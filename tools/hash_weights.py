"""Train every case with different numbers of threads and compare the weights, bit for bit.

    python -m tools.hash_weights [--cases NAME,…] [--threads N,…] [--steps N] [--optimizer NAME] [--eager]

Prints one SHA-256 of all weights and biases per case and number of threads, after so many recorded steps from the
same start; with ``--eager`` also after as many eager ones. The exit status is 1 if a case has more than one.
"""

from __future__ import annotations

import argparse
import hashlib
import sys

import numpy as np
from bench.cases import CASES, Case, start
from bench.optimizers import OPTIMIZERS
from bench.peers.fastgrad_peer import Eager, Recorded

import fastgrad as fg


def digest(case: Case, threads: int, steps: int, optimizer: str, peer: type[Eager]) -> str:
    """Give the SHA-256 of the weights after training."""
    fg.set_num_threads(threads)
    trained = peer(case, start(case), OPTIMIZERS[optimizer])
    for _ in range(steps - trained.steps_done):
        trained.step()
    total = hashlib.sha256()
    for array in trained.results():
        if not np.isfinite(array).all():
            raise SystemExit(f"{case.name}: weights are not finite after {steps} steps")
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def _numbers(text: str) -> list[int]:
    numbers = [int(part) for part in text.split(",")]
    if min(numbers) < 1:
        raise ValueError(text)
    return numbers


def main() -> int:
    """Train, print, compare."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.hash_weights", description=(__doc__ or "").splitlines()[0]
    )
    names = [case.name for case in CASES]
    parser.add_argument("--cases", default=",".join(names), metavar="NAME,…", help="default: all")
    parser.add_argument(
        "--threads", type=_numbers, default=[1, 2, 3, 4, 8], metavar="N,…", help="default: 1,2,3,4,8"
    )
    parser.add_argument("--steps", type=int, default=100, metavar="N", help="default: 100")
    parser.add_argument("--optimizer", choices=OPTIMIZERS, default="sgd", help="default: sgd")
    parser.add_argument("--eager", action="store_true", help="train eagerly as well: the bits are the same")
    options = parser.parse_args()
    chosen = options.cases.split(",")
    if unknown := set(chosen) - set(names):
        parser.error(f"--cases: {', '.join(sorted(unknown))} unknown, expected some of {', '.join(names)}")
    if options.steps < 1:
        parser.error(f"--steps: given {options.steps}, expected at least 1")
    different = []
    for case in (case for case in CASES if case.name in chosen):
        found = set()
        for how, peer in {"recorded": Recorded, **({"eager": Eager} if options.eager else {})}.items():
            for threads in options.threads:
                result = digest(case, threads, options.steps, options.optimizer, peer)
                found.add(result)
                print(f"{case.name:8}  {how:8}  {threads:2} threads  {result}", flush=True)
        if len(found) > 1:
            different.append(case.name)
    if different:
        print(f"the weights depend on the threads: {', '.join(different)}", file=sys.stderr)
    return int(bool(different))


if __name__ == "__main__":
    sys.exit(main())
