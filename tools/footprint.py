"""Report the size of the wheel and the time of ``import fastgrad`` beside what is promised.

The import is timed in fresh processes, on top of numpy, as the median of several. Too large a wheel, or an import
that drags in what it must not, is a failure; a time is only shown, since machines are noisy.
"""

from __future__ import annotations

import importlib.metadata
import io
import statistics
import subprocess
import sys
import tempfile
import zipfile

WHEEL_LIMIT_MB = 3.0
IMPORT_LIMIT_MS = 40.0
FORBIDDEN = ("torch", "scipy", "sklearn", "matplotlib", "cupy", "tqdm")

PROBE = """
import time, numpy
start = time.perf_counter()
import fastgrad
print((time.perf_counter() - start) * 1000)
"""
MODULES = f"import sys, fastgrad; print(*[m for m in {FORBIDDEN} if m in sys.modules])"


def run(*command: str) -> str:
    with tempfile.TemporaryDirectory() as elsewhere:  # import what is installed, not the tree
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=elsewhere).stdout


def wheel_size() -> float:
    """Megabytes of the files that an ordinary (not editable) install brought, compressed as in a wheel.

    The kernels for GPUs, which are built where nvcc is found, do not count.
    """
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in importlib.metadata.files("fastgrad") or ():
            if file.suffix != ".pyc" and ".." not in file.parts and not file.name.startswith("_cuda."):
                archive.write(str(file.locate()), str(file))
    return len(wheel.getvalue()) / 1e6


def main() -> int:
    dragged_in = run(sys.executable, "-c", MODULES).split()
    times = [float(run(sys.executable, "-c", PROBE)) for _ in range(9)]
    milliseconds, megabytes = statistics.median(times), wheel_size()
    print(f"import: {milliseconds:.1f} ms on top of numpy, limit {IMPORT_LIMIT_MS:.0f}")
    print(f"wheel: {megabytes:.2f} MB, limit {WHEEL_LIMIT_MB:.0f}")
    if dragged_in:
        print(f"import fastgrad imports {', '.join(dragged_in)}", file=sys.stderr)
    return int(bool(dragged_in) or megabytes > WHEEL_LIMIT_MB)


if __name__ == "__main__":
    sys.exit(main())
