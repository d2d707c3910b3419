"""The pool of threads under ThreadSanitizer, without Python."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = ("tests/native/check_threads.cpp", "csrc/cpu/threads.cpp", "csrc/cpu/cpus.cpp")


def test_no_data_race_in_the_pool(tmp_path: Path) -> None:
    compiler = shutil.which(os.environ.get("CXX", "c++"))
    if compiler is None:
        pytest.skip("no C++ compiler")
    flags = [compiler, "-std=c++20", "-O1", "-g", "-fsanitize=thread", "-pthread"]
    probe = tmp_path / "probe.cpp"
    probe.write_text("int main() {}\n", encoding="utf-8")
    built = subprocess.run([*flags, str(probe), "-o", str(tmp_path / "probe")], capture_output=True, check=False)
    if built.returncode or subprocess.run([tmp_path / "probe"], capture_output=True, check=False).returncode:
        pytest.skip("the compiler has no ThreadSanitizer that runs here")
    program = tmp_path / "check"
    subprocess.run([*flags, *SOURCES, "-o", str(program)], cwd=ROOT, check=True, timeout=120)
    environment = os.environ | {"TSAN_OPTIONS": "halt_on_error=1"}
    environment.pop("FASTGRAD_NUM_THREADS", None)
    done = subprocess.run([program], env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "well\n"), done.stdout + done.stderr
