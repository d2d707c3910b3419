"""Rules 21 and 22: Ctrl-C during long calls; no memory in a thread of the pool.

A kernel is one native call. Ctrl-C does not stop it half way: what it writes is whole, and KeyboardInterrupt is raised
when it returns. A training loop is interrupted between two calls.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from .test_rules_23_24_26_processes import TRAIN, train

START = f"""
import os, signal, threading, time
import numpy as np
import fastgrad as fg
from fastgrad import _cpu
{TRAIN}
fg.set_num_threads(3)

def interrupt_after(seconds):
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    return timer
"""

LONG_CALL = """
n = 2000
a = np.random.default_rng(0).standard_normal((n, n), dtype=np.float32)
expected, y = np.empty((n, n), np.float32), np.empty((n, n), np.float32)
_cpu.matmul(expected, a, a)
interrupted = whole = 0
for i in range(8):
    y[:] = np.nan
    try:
        timer = interrupt_after(0.005 * (i + 1))  # a call lasts longer
        _cpu.matmul(y, a, a)
        timer.join()
    except KeyboardInterrupt:
        interrupted += 1
    if not np.isnan(y).all():  # the call had begun
        assert y.tobytes() == expected.tobytes()
        whole += 1
assert interrupted == 8, interrupted
assert whole > 0
print(train())
"""

LOOP = """
train(steps=1)  # imports what is imported late: an import of an extension module may lose an interrupt
interrupted = 0
for i in range(30):
    try:
        interrupt_after(0.0007 * i)
        while True:
            train(steps=2)
    except KeyboardInterrupt:
        interrupted += 1
    assert fg.is_grad_enabled()
assert interrupted == 30
print(train())
"""

NO_MEMORY = """
import resource

def limit_memory(more):
    pages = int(open("/proc/self/statm").read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + more, resource.RLIM_INFINITY))

def unlimit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

n = 700  # b is packed into scratch memory, of which each thread has its own
a = np.random.default_rng(0).standard_normal((n, n), dtype=np.float32)
b = np.asfortranarray(a)
expected, y = np.empty((n, n), np.float32), np.empty((n, n), np.float32)
fg.set_num_threads(1)
_cpu.matmul(expected, a, b)  # this thread has its scratch memory now
"""

IN_A_POOL_THREAD = """
fg.set_num_threads(2)
_cpu._fork_join(2, 1)  # the other one is there, and has none
limit_memory(32 << 10)
failed = False
for _ in range(200):  # until that thread comes in time to take a task
    try:
        _cpu.matmul(y, a, b)
    except MemoryError:
        failed = True
        break
unlimit_memory()
assert failed
for _ in range(20):
    y[:] = np.nan
    _cpu.matmul(y, a, b)
    assert y.tobytes() == expected.tobytes()
print(train())
"""

NO_THREADS = """
fg.set_num_threads(4)
limit_memory(1 << 20)  # less than the stack of a thread
_cpu.matmul(y, a, b)
unlimit_memory()
assert y.tobytes() == expected.tobytes()
assert len(os.listdir("/proc/self/task")) == 1
print(train())
"""


def check(code: str) -> None:
    """The code ends with a training run that gives the same bits as one in this process."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}  # numpy's threads are not counted
    done = subprocess.run(
        [sys.executable, "-c", START + code], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == train()


def test_rule_21_an_interrupted_call_ends_and_then_raises():
    check(LONG_CALL)


def test_rule_21_an_interrupted_training_loop_can_start_again():
    check(LOOP)


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="this system does not tell how much memory is used")
@pytest.mark.parametrize("code", [IN_A_POOL_THREAD, NO_THREADS], ids=["no memory", "no threads"])
def test_rule_22_without_memory(code):
    check(NO_MEMORY + code)
