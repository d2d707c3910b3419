"""Where the time of an eager step goes: ``python -m bench.parts [case ...]``, on one thread.

Every part is measured by itself, as the smallest of many repetitions, so parts do not add up exactly. *Kernels* are
the native calls of the part by themselves, with the arrays of the step, outputs made by them included.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import fastgrad as fg
from bench.cases import CASES, Case, start
from bench.optimizers import OPTIMIZERS
from bench.peers.fastgrad_peer import Eager
from fastgrad import _tape, backend
from fastgrad.nn import functional as F

__all__ = ["parts"]

CHUNK_SECONDS = 0.0015
SECONDS = 0.3
SMALL = ("online", "tiny", "rl", "lecture")


def microseconds(call: Callable[[], Any]) -> float:
    """The least time of `call`, over chunks of calls that are short enough to run undisturbed now and then."""
    clock = time.perf_counter
    begin = clock()
    call()
    count = max(1, int(CHUNK_SECONDS / max(clock() - begin, 1e-7)))
    least, end = float("inf"), clock() + SECONDS
    while clock() < end:
        begin = clock()
        for _ in range(count):
            call()
        least = min(least, (clock() - begin) / count)
    return 1e6 * least


def parts(case: Case) -> dict[str, float]:
    """Microseconds of a step of `case`, of its parts, and of the kernels in them."""
    peer = Eager(case, start(case), OPTIMIZERS["sgd"])
    network, optimiser, x, target = peer.network, peer.optimiser, peer.x, peer.target
    assert optimiser is not None
    for _ in range(20):
        peer.step()
    kernels = backend.kernels
    layers: list[tuple[Any, ...]] = []  # x, w, b, activation, y, needs
    value = x
    for layer, activation in network._make_plan():
        function = None if activation is None else activation.activation
        y = F.linear(value, layer.weight, layer.bias, function)
        layers.append((value.data, layer.weight.data, layer.bias.data, function, y.data, (bool(layers), True, True)))
        value = y
    loss = F.cross_entropy(value, target)
    dx = kernels.make_cross_entropy(value.data, target.data, -100, 0.0, "mean", True)[1]
    loss.backward()
    _, arrays, gradients = _tape.with_gradients(optimiser.param_groups[0]["params"])

    def forward_kernels() -> None:
        for x, w, b, function, _, _ in layers:
            kernels.make_linear_forward(x, w, b, function, True)

    def backward_kernels() -> None:
        dy = dx
        for x, w, b, function, y, needs in reversed(layers):
            dy = kernels.make_linear_backward(needs, dy, y, x, w, b, function)[0]

    def forward_and_loss() -> Any:
        return F.cross_entropy(network(x), target)

    def all_but_update() -> None:
        loss = forward_and_loss()
        optimiser.zero_grad()
        loss.backward()

    found = {"step": microseconds(peer.step)}
    found["forward"] = microseconds(lambda: network(x))
    found["forward kernels"] = microseconds(forward_kernels)
    found["loss"] = microseconds(forward_and_loss) - found["forward"]
    found["loss kernel"] = microseconds(
        lambda: kernels.make_cross_entropy(value.data, target.data, -100, 0.0, "mean", True)
    )
    found["backward"] = microseconds(all_but_update) - found["forward"] - found["loss"]
    found["backward kernels"] = microseconds(backward_kernels)
    found["update"] = microseconds(optimiser.step)
    found["update kernel"] = microseconds(
        lambda: kernels.sgd(arrays, gradients, None, 0.0, 0.0, 0.0, 0.0, 0.0, False, False, ())
    )
    return found


def main(names: list[str]) -> None:
    fg.set_num_threads(1)
    for case in CASES:
        if case.name in (names or SMALL):
            found = parts(case)
            print(case.name.ljust(8), *(f"{name} {value:.1f}" for name, value in found.items()), sep="  ", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
