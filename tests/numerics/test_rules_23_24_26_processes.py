"""Rules 23, 24 and 26: after fork, from many threads, from run to run and for any number of threads."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import _cpu, nn

TRAIN = """
import hashlib
import fastgrad as fg
from fastgrad import nn

def train(steps=5, width=150):
    fg.manual_seed(0)
    first, second, last = nn.Linear(40, width), nn.Linear(width, width), nn.Linear(width, 7)
    net = nn.Sequential(first, nn.GELU(), nn.Dropout(0.25), second, nn.Tanh(), last)
    optimizer = fg.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, l1=1e-4, weight_decay=1e-4)
    for _ in range(steps):
        x, y = fg.randn(300, 40), fg.randint(0, 7, (300,))
        loss = nn.functional.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    bits = b"".join(p.detach().numpy().tobytes() for p in net.parameters())
    return hashlib.sha256(bits).hexdigest()
"""


def train() -> str:
    """The hash of a network's weights after five steps."""
    scope: dict[str, object] = {}
    exec(compile(TRAIN, "train", "exec"), scope)
    return scope["train"]()  # type: ignore[operator]


FORK = """
import os, sys, threading, warnings
import numpy as np
import fastgrad as fg
from fastgrad import _cpu

warnings.simplefilter("ignore", DeprecationWarning)  # fork of a process with threads: that is the point
forks, forking_threads = int(sys.argv[1]), int(sys.argv[2])
_cpu.set_num_threads(4)
a = np.random.default_rng(0).standard_normal((200, 200)).astype(np.float32)

def run():
    y = np.empty((200, 200), np.float32)
    _cpu.matmul(y, a, a)
    return y.tobytes()

expected = run()
failed = []

def fork():
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if run() == expected and _cpu.get_num_threads() == 4 else 2
        finally:
            os._exit(code)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0 or run() != expected:
        failed.append(child)

def fork_repeatedly():
    for _ in range(forks // forking_threads):
        fork()

threads = [threading.Thread(target=fork_repeatedly) for _ in range(forking_threads - 1)]
for t in threads: t.start()
fork_repeatedly()
for t in threads: t.join()
print("failed" if failed else "well")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize(("forks", "threads"), [(1000, 1), (200, 2), (40, 4)])
def test_rule_23_fork_after_use(forks, threads):
    """A hang would be the failure: the process gets two minutes."""
    command = [sys.executable, "-c", FORK, str(forks), str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.strip() == "well", done.stderr


def test_rule_24_many_threads_train_at_once(isa):
    """Eight threads, each with tensors of its own, get the gradients that one gets alone."""
    fg.manual_seed(0)
    net = nn.Sequential(nn.Linear(60, 80), nn.SiLU(), nn.Linear(80, 80), nn.Sigmoid(), nn.Linear(80, 5))
    x = np.random.default_rng(0).standard_normal((100, 60)).astype(np.float32)
    target = np.arange(100) % 5

    def run() -> bytes:
        v = fg.tensor(x, requires_grad=True)
        loss = nn.functional.cross_entropy(net(v), fg.tensor(target))
        grads = fg.autograd.grad(loss, [v, *net.parameters()])
        return b"".join(g.numpy().tobytes() for g in grads)

    expected, results = run(), []
    threads = [threading.Thread(target=lambda: results.extend(run() for _ in range(10))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 80
    assert all(result == expected for result in results)


def test_rule_26_the_same_bits_for_any_number_of_threads(isa):
    hashes = set()
    for threads in (1, 2, 3, 4, 8):
        fg.set_num_threads(threads)
        hashes.add(train())
    assert len(hashes) == 1


def test_rule_26_the_same_bits_from_run_to_run():
    code = f"{TRAIN}\nprint(train())"
    environment = os.environ | {"FASTGRAD_ISA": _cpu.build()["isa"], "PYTHONHASHSEED": "123"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip() == train()
    assert len(done.stdout.strip()) == len(hashlib.sha256().hexdigest())
