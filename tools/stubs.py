"""Write python/fastgrad/_cpu.pyi from the built extension; ``--check`` only tells whether it is up to date."""

from __future__ import annotations

import argparse
import pathlib
import subprocess
import sys
import tempfile

STUB = pathlib.Path(__file__).parent.parent / "python/fastgrad/_cpu.pyi"


def generate() -> str:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pybind11_stubgen", "fastgrad._cpu", "--exit-code", "-o", folder],
            check=True,
            capture_output=True,
        )
        return (pathlib.Path(folder) / "fastgrad/_cpu.pyi").read_text()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    stub = generate()
    if not parser.parse_args().check:
        STUB.write_text(stub)
        return 0
    if STUB.read_text() == stub:
        return 0
    print(f"{STUB.name} is out of date: run python -m tools.stubs", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
