"""How many threads there are: set, limited by the system, in worker processes; what they do with signals."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import _cpu

SHOW = "import fastgrad as fg; print(fg.get_num_threads())"
METHODS = multiprocessing.get_all_start_methods()


def in_a_process(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "FASTGRAD_NUM_THREADS"} | variables
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def printed(code: str, **variables: str) -> str:
    done = in_a_process(code, **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_environment_says_how_many() -> None:
    assert printed(SHOW, FASTGRAD_NUM_THREADS="3") == "3"
    assert printed(SHOW, FASTGRAD_NUM_THREADS="") == printed(SHOW)


@pytest.mark.parametrize("bad", ["0", "-1", "two", "1.5", "99999"])
def test_a_wrong_number_in_the_environment_is_an_error_at_import(bad: str) -> None:
    done = in_a_process(SHOW, FASTGRAD_NUM_THREADS=bad)
    assert done.returncode == 1
    assert f"FASTGRAD_NUM_THREADS is '{bad}', expected an integer from 1 to 1024" in done.stderr


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_affinity_limits() -> None:
    one = min(os.sched_getaffinity(0))
    assert printed(f"import os; os.sched_setaffinity(0, {{{one}}}); {SHOW}") == "1"
    assert int(printed(SHOW)) <= len(os.sched_getaffinity(0))


# Control groups. A test lays out /proc/self and the mounted hierarchies below a folder of its own.

V2_MOUNT = "29 23 0:26 {group} {place} rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
V1_MOUNT = "31 25 0:27 {group} {place} rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
OTHER_MOUNTS = (
    "22 1 254:1 / / rw - ext4 /dev/root rw\n30 25 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
)


def lay_out(root: Path, cgroup: str, mountinfo: str, files: dict[str, str]) -> int:
    files = {"proc/self/cgroup": cgroup, "proc/self/mountinfo": OTHER_MOUNTS + mountinfo} | files
    for name, text in files.items():
        path = root / name.removeprefix("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return _cpu._cgroup_cpus(str(root))


def test_cgroup_v2_takes_the_tightest_of_nested_groups(tmp_path: Path) -> None:
    mount = V2_MOUNT.format(group="/", place="/sys/fs/cgroup")
    group = "/sys/fs/cgroup/app/job/step"
    files = {f"{group}/cpu.max": "max 100000\n"}
    assert lay_out(tmp_path, "0::/app/job/step\n", mount, files) == 0
    files["/sys/fs/cgroup/app/cpu.max"] = "800000 100000\n"
    assert lay_out(tmp_path, "0::/app/job/step\n", mount, files) == 8
    files["/sys/fs/cgroup/app/job/cpu.max"] = "125000 50000\n"
    assert lay_out(tmp_path, "0::/app/job/step\n", mount, files) == 3  # 2.5, rounded up
    files[f"{group}/cpu.max"] = "400000 100000\n"
    assert lay_out(tmp_path, "0::/app/job/step\n", mount, files) == 3
    assert lay_out(tmp_path, "0::/other\n", mount, files) == 0


def test_cgroup_v1_takes_the_tightest_of_nested_groups(tmp_path: Path) -> None:
    mount = V1_MOUNT.format(group="/", place="/sys/fs/cgroup/cpu,cpuacct")
    group = "/sys/fs/cgroup/cpu,cpuacct/app"
    files = {f"{group}/cpu.cfs_quota_us": "-1\n", f"{group}/cpu.cfs_period_us": "100000\n"}
    groups = "5:memory:/elsewhere\n2:cpu,cpuacct:/app/job\n0::/ignored\n"
    assert lay_out(tmp_path, groups, mount, files) == 0
    files |= {f"{group}/cpu.cfs_quota_us": "600000\n"}
    assert lay_out(tmp_path, groups, mount, files) == 6
    files |= {f"{group}/job/cpu.cfs_quota_us": "50000\n", f"{group}/job/cpu.cfs_period_us": "100000\n"}
    assert lay_out(tmp_path, groups, mount, files) == 1


def test_cgroup_of_a_container_is_mounted_as_if_it_were_the_root(tmp_path: Path) -> None:
    place = r"/sys/fs/cgroup\040here"
    mount = V2_MOUNT.format(group="/docker/0a1b", place=place)
    files = {
        "/sys/fs/cgroup here/cpu.max": "400000 100000\n",
        "/sys/fs/cgroup here/inner/cpu.max": "200000 100000\n",
    }
    assert lay_out(tmp_path, "0::/docker/0a1b\n", mount, files) == 4
    assert lay_out(tmp_path, "0::/docker/0a1b/inner\n", mount, files) == 2
    assert lay_out(tmp_path, "0::/\n", mount, files) == 4  # a namespace hides where the group really is


def test_no_cgroups_at_all(tmp_path: Path) -> None:
    assert _cpu._cgroup_cpus(str(tmp_path)) == 0
    assert lay_out(tmp_path, "garbage\n0::\n", "garbage - \n", {}) == 0


# Worker processes.


ASK_A_WORKER = """
import multiprocessing, sys
import fastgrad as fg

def work(answers):
    answers.put(fg.get_num_threads())

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    answers = context.Queue()
    process = context.Process(target=work, args=(answers,))
    process.start()
    print(answers.get(timeout=60))
    process.join()
"""


def report(set_to: int = 0) -> tuple[int, bytes]:
    """The number of threads in a worker, and the bits of a product made there."""
    if set_to:
        fg.set_num_threads(set_to)
    a = np.arange(90_000, dtype=np.float32).reshape(300, 300) / 7
    y = np.empty_like(a)
    _cpu.matmul(y, a, a)
    return fg.get_num_threads(), y.tobytes()


def run_in_worker(method: str, *arguments: int) -> tuple[int, bytes]:
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(1, mp_context=context) as workers:
        return workers.submit(report, *arguments).result(timeout=100)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning", "ignore:.*os.fork:RuntimeWarning")  # the latter: JAX
@pytest.mark.parametrize("method", METHODS)
def test_worker_processes_have_one_thread(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FASTGRAD_NUM_THREADS", raising=False)
    fg.set_num_threads(4)
    here = report()
    assert here[0] == 4
    assert run_in_worker(method) == (1, here[1])
    assert run_in_worker(method, 3) == (3, here[1])  # unless the worker says so ...
    assert fg.get_num_threads() == 4


@pytest.mark.parametrize("method", METHODS)
def test_the_environment_goes_for_worker_processes_too(method: str, tmp_path: Path) -> None:
    script = tmp_path / "main.py"  # a spawned process has to find its main module
    script.write_text(ASK_A_WORKER, encoding="utf-8")
    environment = os.environ | {"FASTGRAD_NUM_THREADS": "5"}
    command = [sys.executable, str(script), method]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert done.stdout.strip() == "5", done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_plain_fork_keeps_the_number() -> None:
    code = """
import multiprocessing.util, os, fastgrad as fg
fg.set_num_threads(3)
child = os.fork()
if child == 0:
    os._exit(fg.get_num_threads())
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert printed(code) == "3"


def test_importing_fastgrad_imports_no_multiprocessing() -> None:
    names = ("multiprocessing", "threadpoolctl", "concurrent.futures")
    assert printed(f"import sys, fastgrad; print([m for m in {names} if m in sys.modules])") == "[]"


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="this system has no /proc")
def test_threads_of_the_pool_block_all_signals() -> None:
    """So that a handler never runs on them."""
    before = set(os.listdir("/proc/self/task"))
    run_with_threads(3)
    run_with_threads(4)  # whatever was there is started anew
    blocked = []
    for task in set(os.listdir("/proc/self/task")) - before:
        lines = Path(f"/proc/self/task/{task}/status").read_text(encoding="ascii").splitlines()
        (mask,) = [int(line.split()[1], 16) for line in lines if line.startswith("SigBlk")]
        blocked.append(mask)
    kill_and_stop = 1 << 8 | 1 << 18
    real_time = 1 << 31 | 1 << 32  # which the C library keeps for itself
    everything = (1 << 64) - 1 & ~kill_and_stop & ~real_time
    assert len(blocked) == 3
    assert all(mask & everything == everything for mask in blocked)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_nothing_stays_pinned() -> None:
    """Workers that left their caller's processor may use it again."""
    before = set(os.listdir("/proc/self/task"))
    run_with_threads(3)
    run_with_threads(5)
    for _ in range(20):
        time.sleep(0.001)  # they are asleep
        _cpu._fork_join(5, 1)
    time.sleep(0.01)
    workers = set(os.listdir("/proc/self/task")) - before
    assert len(workers) == 4
    assert all(os.sched_getaffinity(int(task)) == os.sched_getaffinity(0) for task in workers)


def run_with_threads(n: int) -> None:
    fg.set_num_threads(n)
    _cpu._fork_join(n, 1)


@pytest.mark.parametrize("change", [lambda: None, lambda: fg.set_num_threads(2), lambda: fg.set_num_threads(5)])
def test_the_number_may_change_between_kernels(change: Callable[[], None]) -> None:
    fg.set_num_threads(3)
    expected = report()[1]
    for _ in range(10):
        change()
        assert report()[1] == expected
        fg.set_num_threads(3)
