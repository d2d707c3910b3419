"""threadpoolctl sees the pool of threads and limits it."""

from __future__ import annotations

import subprocess
import sys

import pytest

import fastgrad as fg

threadpoolctl = pytest.importorskip("threadpoolctl", minversion="3.2")

FOUND = """
(ours,) = [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "fastgrad"]
print(ours["num_threads"])
"""


def ours() -> dict[str, object]:
    (found,) = [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "fastgrad"]
    return found


def test_what_it_says() -> None:
    fg.set_num_threads(3)
    info = ours()
    assert info["num_threads"] == 3
    assert info["internal_api"] == "fastgrad"
    assert info["version"] == fg.__version__
    assert info["architecture"] == fg.build_info()["isa"]
    assert info["filepath"] == fg._cpu.__file__


@pytest.mark.parametrize("limits", [1, {"fastgrad": 1}])
def test_limits(limits: object) -> None:
    fg.set_num_threads(3)
    with threadpoolctl.threadpool_limits(limits):
        assert fg.get_num_threads() == 1
        assert ours()["num_threads"] == 1
    assert fg.get_num_threads() == 3
    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        assert fg.get_num_threads() == 3


def test_registered_once() -> None:
    fg.utils.register_threadpoolctl()
    fg.utils.register_threadpoolctl()
    assert ours()


@pytest.mark.parametrize(
    "imports",
    [
        "import fastgrad, threadpoolctl",
        "import threadpoolctl, fastgrad",
        "import fastgrad, importlib.util; importlib.util.find_spec('threadpoolctl'); import threadpoolctl",
        "import fastgrad; from threadpoolctl import threadpool_info; import threadpoolctl",
    ],
)
def test_in_any_order_of_imports(imports: str) -> None:
    code = f"{imports}\nimport inspect, sys\n{FOUND}\n"
    code += "assert inspect.getsource(threadpoolctl.register)\n"
    code += "assert not [f for f in sys.meta_path if 'fastgrad.utils' in type(f).__module__]\n"
    environment = {"FASTGRAD_NUM_THREADS": "2", "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout.strip(), done.returncode) == ("2", 0), done.stderr
