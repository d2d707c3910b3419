"""An epoch among signals and other Python threads: whole steps, and nobody waits for its end."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn, optim
from fastgrad.nn import functional as F
from tests.program.common import bits

BATCH, ROWS = 8, 64
ENDLESS = np.tile(np.arange(ROWS), 400_000 // ROWS)  # the rows of an epoch that nobody waits for


def examples() -> tuple[Any, Any]:
    generator = np.random.default_rng(3)
    return fg.tensor(generator.standard_normal((ROWS, 16)).astype("f")), fg.tensor(generator.integers(0, 3, ROWS))


def sgd(params: Any) -> Any:
    return optim.SGD(params, lr=1e-3, momentum=0.9)


class Training:
    """A network, with a counter that its step counts up natively."""

    def __init__(self, optimizer: Callable[[Any], Any] = sgd) -> None:
        fg.manual_seed(4)
        self.net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 3))
        self.opt = optimizer(self.net.parameters())
        self.steps = fg.zeros(1)

        def step(x: Any, target: Any) -> Any:
            loss = F.cross_entropy(self.net(x), target)
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            self.steps.add_(1.0)
            return loss

        self.step = fg.compile(step)

    def state(self) -> list[Any]:
        return bits([self.steps, *self.net.parameters(), self.opt.state_dict()["state"]])

    @property
    def count(self) -> int:
        return int(self.steps.item())

    def run(self, steps: int) -> None:
        self.step.run_epoch(examples(), ENDLESS[: steps * BATCH], BATCH)


def interrupt_after(seconds: float, handler: Callable[..., Any], run: Callable[[], Any]) -> None:
    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        run()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


needs_alarm = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers that send signals here")


def fail(*_: Any) -> None:
    raise KeyboardInterrupt


@needs_alarm
@pytest.mark.parametrize("optimizer", [sgd, lambda params: optim.Adam(params, lr=1e-4)])
def test_an_interrupt_comes_between_two_steps_and_the_next_epoch_works(optimizer: Any) -> None:
    here, there = Training(optimizer), Training(optimizer)
    fg.manual_seed(1)
    here.run(1)
    counts = [0, here.count]
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            interrupt_after(0.03, fail, lambda: here.run(len(ENDLESS) // BATCH))
        counts.append(here.count)
    here.run(20)
    counts.append(here.count)
    found = here.state()
    fg.manual_seed(1)
    for before, after in itertools.pairwise(counts):
        assert before < after
        there.run(after - before)
    assert there.state() == found
    assert len(here.step.programs) == 1


@needs_alarm
def test_a_handler_may_use_the_network_and_the_step_and_change_options() -> None:
    t = Training()
    seen: list[Any] = []

    def handler(*_: Any) -> None:
        t.net.eval()
        seen.append(t.net(examples()[0]).isfinite().all().item())
        t.net.train()
        before = t.count
        t.step(*[a[:BATCH] for a in examples()])
        seen.append(t.count - before)
        t.opt.param_groups[0]["lr"] = 0.0
        t.opt.param_groups[0]["momentum"] = 1e-6
        seen.append(t.count)

    steps = 4000
    interrupt_after(0.01, handler, lambda: [t.run(steps), time.sleep(0.02)])
    assert seen[:2] == [True, 1]
    assert t.count == steps + 1


def test_a_call_from_within_a_call_is_refused() -> None:
    """As a handler or a finalizer may make it that comes while Python runs for the program."""
    calls: list[Any] = []

    class Calling(fg.Generator):
        @property
        def numpy(self) -> Any:
            for call in calls:
                call()
            return super().numpy

    generator = Calling()
    noisy = fg.compile(lambda x: x + fg.randn(4, generator=generator))
    x = fg.zeros(1, 4)
    for run in (lambda: noisy(x), lambda: noisy.run_epoch((fg.zeros(3, 4),), None, 1)):
        run()
        calls.append(lambda: noisy(x))
        with pytest.raises(RuntimeError, match="a compiled function: called while this thread is running it"):
            run()
        calls.clear()
        run()


def test_other_threads_run_meanwhile() -> None:
    """Also where a step is too short to be worth giving the GIL away."""
    tiny = fg.compile(lambda x: x * 2)
    x = fg.ones(4, 2)
    tiny(x)
    for run in (
        lambda: Training().run(len(ENDLESS) // BATCH // 8),
        lambda: tiny.run_epoch((x,), np.zeros(200_000, int), 1),
    ):
        stop, counts = threading.Event(), [0]

        def count(counts: list[int] = counts, stop: threading.Event = stop) -> None:
            while not stop.is_set():
                counts[0] += 1
                time.sleep(0)

        thread = threading.Thread(target=count)
        thread.start()
        try:
            while counts[0] == 0:
                time.sleep(0)
            before = counts[0]
            run()
            assert counts[0] > before + 2
        finally:
            stop.set()
            thread.join()


def test_two_threads_share_a_step() -> None:
    """Their steps come in some order, each of them whole."""
    t = Training()
    t.run(2)
    threads = [threading.Thread(target=t.run, args=(500,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert t.count == 1002
    assert all(p.isfinite().all().item() for p in t.net.parameters())


def test_functions_of_their_own_in_threads() -> None:
    trainings = [Training() for _ in range(4)]
    for t in trainings:
        t.net.eval()  # random numbers are shared
    trainings[3].run(300)
    threads = [threading.Thread(target=t.run, args=(300,)) for t in trainings[:3]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert [t.state() for t in trainings[:3]] == [trainings[3].state()] * 3
