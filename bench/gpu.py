"""``python -m bench gpu``: training on a GPU beside torch, eager, compiled and as CUDA graphs; then single kernels."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from bench import gpu_training
from bench.gpu_cases import EPOCHS, GPU_CASES, by_name
from bench.gpu_limits import GpuLimits, missing
from bench.gpu_report import preface, report
from bench.gpu_timing import DeviceLost, failure
from bench.options import Options

__all__ = ["limits", "missing", "names", "preface", "report", "run"]

KERNELS = ("linear", "activations")
QUICK_FLOP = 10**9
limits = GpuLimits  # of this subject, in place of those of the processor


def names() -> list[str]:
    """Give what ``--only`` chooses from."""
    return [*(case.name for case in GPU_CASES), *EPOCHS, *KERNELS]


def run(options: Options, limits: GpuLimits) -> Iterator[dict[str, Any]]:
    """Measure what was asked for, row by row, until the time is up."""
    end = time.monotonic() + options.seconds
    for name, measure in _work(options, limits):
        if not options.wants(name):
            continue
        if time.monotonic() > end:
            yield _without(name, f"no time left of {options.seconds:.0f} s")
            continue
        options.say(name)
        try:
            yield from _named(name, measure)
        except DeviceLost as lost:
            yield _without(name, str(lost))
            raise


def _work(options: Options, limits: GpuLimits) -> Iterator[tuple[str, Callable[[], Iterator[dict[str, Any]]]]]:
    """Give what there is to measure under its name: first what is quick, last the cases without a target."""

    def step(name: str) -> Iterator[dict[str, Any]]:
        yield gpu_training.step(
            by_name(name),
            options.effort,
            limits,
            lambda case, begin: gpu_training.step_peers(case, begin, compiled=not options.quick),
        )

    def epoch(name: str) -> Iterator[dict[str, Any]]:
        case = by_name(name.removeprefix("epoch-"))
        steps = 4 if options.quick else EPOCHS[name]
        yield gpu_training.epoch(case, steps, options.effort, limits, gpu_training.epoch_peers)

    def kernels(name: str) -> Iterator[dict[str, Any]]:
        from bench import gpu_kernels

        yield from getattr(gpu_kernels, name)(options.effort, limits, options.quick)

    for name in KERNELS:
        yield name, lambda name=name: kernels(name)
    for name in EPOCHS:
        yield name, lambda name=name: epoch(name)
    cases = [case for case in GPU_CASES if not (options.quick and case.flop > QUICK_FLOP)]
    for case in sorted(cases, key=lambda case: case.against_eager is None):  # torch compiles each for seconds
        yield case.name, lambda name=case.name: step(name)


def _named(name: str, measure: Callable[[], Iterator[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """Give the rows of one name; an error is a row too, unless the GPU is lost."""
    try:
        for row in measure():
            yield row | {"name": name}
    except DeviceLost:
        raise
    except Exception as error:
        yield _without(name, failure(error))


def _without(name: str, reason: str) -> dict[str, Any]:
    """Give the row of what was not measured."""
    return {"part": "nothing", "case": name, "name": name, "failed": reason, "outcomes": {}}
