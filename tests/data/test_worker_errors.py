"""What goes wrong in a worker: raised here, soon, by name; and nothing is left behind."""

from __future__ import annotations

import functools
import gc
import os
import pickle
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.utils.data import DataLoader
from tests.data import worker_sets as sets
from tests.data.processes import alive, children, descriptors, shared_files, wait_until

ROOT = Path(__file__).parent.parent.parent
SOON = 2.0  # seconds


@pytest.fixture(autouse=True)
def _nothing_is_left():
    files, processes = shared_files(), children()
    yield
    gc.collect()  # errors that a test has looked at hold the frames of their loops
    assert shared_files() == files
    assert wait_until(lambda: children() <= processes)


def collect(batches, take):
    """Let `take` have each batch, and return what that returned, and the error at the end."""
    given = []
    try:
        for batch in batches:
            given.append(take(batch))
    except Exception as error:
        return given, error
    raise AssertionError("there was no error")


def load(dataset, workers=2, **options):
    if workers:
        options = {"multiprocessing_context": "fork", **options}
    return DataLoader(dataset, num_workers=workers, **options)


@pytest.mark.parametrize("persistent", [False, True])
def test_an_error_comes_in_its_turn_with_the_workers_traceback(persistent):
    loader = load(sets.Faulty(12, 5, sets.divide), batch_size=2, persistent_workers=persistent)
    for _ in range(2):
        given, error = collect(loader, lambda batch: batch[:, 0].tolist())
        assert given == [[0, 1], [2, 3]]
        assert repr(error) == "ZeroDivisionError('division by zero')"
        text = str(error.__cause__)
        assert re.search(r"worker 0 \(pid \d+\), batch 2 of epoch \d:\nTraceback", text)
        assert "return 1 / 0" in text
        assert bool(children()) == persistent


def test_an_error_that_cannot_be_pickled():
    with pytest.raises(RuntimeError, match=r"DataLoader\(\): worker 1: TwoArguments: fault in place") as caught:
        list(load(sets.Faulty(4, 1, sets.strange)))
    assert "in strange" in str(caught.value.__cause__)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"collate_fn": sets.bad_collate}, KeyError, "label"),
        ({"worker_init_fn": sets.init_badly}, OSError, "no disk for worker"),
        ({"collate_fn": lambda elements: elements and (i for i in range(3))}, TypeError, "cannot pickle"),
    ],
)
def test_errors_of_functions(options, error, message):
    for persistent in (False, True):
        with pytest.raises(error, match=message) as caught:
            list(load(sets.Noisy(), persistent_workers=persistent, **options))
        assert "Traceback" in str(caught.value.__cause__)


def test_ragged_elements_are_named():
    message = "batch[1]' is of shape (4,), expected shape (3,) like batch[0] (batch 1 of epoch 0: elements [2, 3])"
    for workers in (0, 2):
        with pytest.raises(ValueError, match=re.escape(message)):
            list(load(sets.Large([3, 3, 3, 4]), workers, batch_size=2))


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
@pytest.mark.parametrize("part", ["dataset", "collate_fn", "worker_init_fn"])
def test_what_cannot_be_pickled_is_named(method, part):
    class Local(sets.Noisy):
        pass

    given = {"dataset": sets.Noisy(), part: {"dataset": Local()}.get(part, lambda x: x)}
    with pytest.raises(TypeError) as caught:
        iter(load(multiprocessing_context=method, **given))
    message = str(caught.value)
    assert message.startswith(f"DataLoader(): argument '{part}' is ")
    assert "<lambda>" in message or "a Local" in message
    assert f"started by '{method}' (or use multiprocessing_context='fork')" in message


def test_what_cannot_be_unpickled():
    with pytest.raises(ImportError, match="no module named elsewhere") as caught:
        list(load(sets.NotHere(), 1, multiprocessing_context="forkserver"))
    assert "worker 0" in str(caught.value.__cause__)


def test_a_worker_that_leaves():
    with pytest.raises(RuntimeError, match=r"worker 1 \(pid \d+\) ended by itself, with exit code 3"):
        list(load(sets.Faulty(4, 1, sets.leave)))


def test_a_worker_that_kills_itself():
    with pytest.raises(RuntimeError, match=r"worker 1 \(pid \d+\) was killed by SIGKILL; is there enough memory"):
        list(load(sets.Faulty(4, 1, sets.kill)))


def kill_one(loader, number, after, victim):
    """Kill a worker after some batches; seconds until that is an error, and its text."""
    start = 0.0

    def take(_):
        nonlocal after, start
        after -= 1
        if after == -1:
            os.kill(sorted(children())[victim], number)
            start = time.monotonic()

    _, error = collect(loader, take)
    seconds = time.monotonic() - start
    assert type(error) is RuntimeError
    return seconds, str(error)


@pytest.mark.parametrize("method", ["fork", "forkserver"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGUSR1])
def test_a_killed_worker_is_an_error_soon(method, number):
    loader = load(sets.Large([20000] * 4000), batch_size=2, multiprocessing_context=method)
    seconds, text = kill_one(loader, number, 3, 1)
    assert seconds < SOON
    assert re.match(rf"DataLoader\(\): worker \d \(pid \d+\) was killed by {number.name}", text)
    assert not children()
    assert len(list(load(sets.Noisy(8), batch_size=2))) == 4  # the next loop has new ones


@pytest.mark.skipif("FASTGRAD_KILLS" not in os.environ, reason="takes long; FASTGRAD_KILLS says how many")
def test_many_kills():
    random = np.random.default_rng(0)
    files, opened = shared_files(), None
    for i in range(int(os.environ["FASTGRAD_KILLS"])):
        method = ("fork", "forkserver")[i % 2]
        persistent = bool(i // 2 % 2)
        sizes = [int(random.integers(1, 60000))] * 4000
        loader = load(sets.Large(sizes), batch_size=2, multiprocessing_context=method, persistent_workers=persistent)
        seconds, text = kill_one(loader, signal.SIGKILL, int(random.integers(0, 30)), int(random.integers(2)))
        assert seconds < SOON
        assert "was killed by SIGKILL" in text
        assert not children()
        assert shared_files() == files
        if i == 3:
            gc.collect()
            opened = descriptors()
    gc.collect()
    assert opened is None or descriptors() <= opened


def test_a_killed_persistent_worker_is_replaced_in_the_next_loop():
    loader = load(sets.Told(40), batch_size=1, persistent_workers=True)
    first = {batch["pid"].item() for batch in loader}
    os.kill(min(first), signal.SIGKILL)
    with pytest.raises(RuntimeError, match="was killed by SIGKILL"):
        list(loader)
    assert len({batch["pid"].item() for batch in loader} - first) == 2


def test_timeout():
    loader = load(sets.Faulty(4, 1, sets.sleep), timeout=0.3)
    start = time.monotonic()
    message = r"batch 1 of epoch 0 did not come from worker 1 within timeout=0\.3 seconds"
    with pytest.raises(RuntimeError, match=message):
        list(loader)
    assert time.monotonic() - start < SOON + 0.3


def test_break_in_the_middle():
    start = time.monotonic()
    for _ in load(sets.Faulty(40, 3, sets.sleep)):
        break
    assert time.monotonic() - start < SOON  # the worker that sleeps is not waited for
    assert not children()
    loop = iter(load(sets.Noisy(40)))
    assert children()
    del loop  # no batch was taken
    assert not children()
    collect(load(sets.Noisy(40)), lambda _: sets.divide())
    assert wait_until(lambda: not children())


def test_an_error_of_the_sampler_comes_in_its_turn():
    def indices():
        yield from range(5)
        raise LookupError("no more")

    given, error = collect(load(sets.Large([5] * 9), sampler=indices()), lambda x: x[0, 0].item())
    assert given == [0, 1, 2, 3, 4]
    assert repr(error) == "LookupError('no more')"
    message = "'sampler' is a list that gave 9 in batch 2, expected numbers below the dataset's length 9"
    with pytest.raises(IndexError, match=message):
        list(load(sets.Large([5] * 9), sampler=[1, 2, 9]))


SCRIPT = """
import os, signal, sys, time
import fastgrad as fg
from fastgrad.utils.data import DataLoader
from tests.data import worker_sets as sets
from tests.data.processes import children

if __name__ == "__main__":
    for persistent in (False, True):
        loader = DataLoader(sets.Large([3000] * 10**6), 4, num_workers=2, persistent_workers=persistent,
                            multiprocessing_context=sys.argv[1])
        loop = iter(loader)
        batch = next(loop)
        if not persistent:
            loop.close()
    print(*children(), flush=True)
    {end}
"""


ENDS = {
    "exit": ("sys.exit(7)", 7),
    "error": ("1 / 0", 1),
    "_exit": ("os._exit(5)", 5),
    "killed": ("os.kill(os.getpid(), signal.SIGKILL)", -9),
    "Ctrl-C": ("list(loop)", -signal.SIGINT),
}


@pytest.mark.parametrize(
    ("method", "name"),
    [("fork", "exit"), ("fork", "error"), ("fork", "killed"), ("fork", "Ctrl-C"), ("forkserver", "_exit"),
     ("forkserver", "Ctrl-C")],
)  # fmt: skip
def test_the_end_of_the_program_is_that_of_its_workers(method, name, tmp_path):
    end, code = ENDS[name]
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT.replace("{end}", end)), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])}
    files = shared_files()
    process = subprocess.Popen(
        [sys.executable, script, method], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    workers = [int(word) for word in process.stdout.readline().split()]
    if end == "list(loop)":
        time.sleep(0.2)
        os.killpg(process.pid, signal.SIGINT)  # as the terminal does: to all of them
    _, said = process.communicate(timeout=20)
    assert process.returncode == code
    assert len(workers) == 2
    assert wait_until(lambda: not any(map(alive, workers)))
    assert shared_files() == files
    expected = {"1 / 0": "ZeroDivisionError", "list(loop)": "KeyboardInterrupt"}.get(end)
    assert ("Traceback" in said) == (expected is not None), said
    assert said.count("Traceback") <= 1, said
    assert expected is None or said.rstrip().splitlines()[-1].startswith(expected)


def test_a_script_without_a_main_part_is_told(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from fastgrad.utils.data import DataLoader\nfrom tests.data import worker_sets as sets\n"
        "print(len(list(DataLoader(sets.Noisy(4), num_workers=1, multiprocessing_context='spawn'))))\n",
        encoding="utf-8",
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])}
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    last = done.stderr.rstrip().splitlines()[-1]
    assert re.match(r"RuntimeError: DataLoader\(\): worker 0 \(pid \d+\) ended by itself, with exit code 1", last)
    assert 'if __name__ == "__main__":' in last


def test_an_error_travels_with_what_it_knows():
    from fastgrad.utils.data.failure import Failure

    try:
        sets.divide()
    except ZeroDivisionError as error:
        error.row = 3
        failure = Failure(error, 2, "batch 7 of epoch 1")
    with pytest.raises(ZeroDivisionError) as caught:
        pickle.loads(pickle.dumps(failure)).reraise()
    assert caught.value.row == 3
    assert "worker 2" in str(caught.value.__cause__)
    assert functools.reduce(lambda found, word: found and word in failure.text, ["batch 7", "divide"], True)
    assert fg.utils.data.get_worker_info() is None
