"""Print what nvcc says of the kernels for GPUs: registers, shared memory, stack and spills.

    python -m tools.cuda_resources [--all] [--architecture 90]

Needs nvcc, CMake and c++filt but no GPU, and takes a minute. CMake says how each file is compiled, so these are the
flags of the build. A line is a kernel with one type of numbers, over all of its instances (``--all``: an instance).
The exit status is 1 if one of the kernels that training spends its time in spills registers.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
# kernels in float that must not spill: products, updates, activations, chains of small layers
HOT = re.compile(
    r"((tensor_)?product_\w+|update_\w+|join_parts|(forward|backward)_(packs|kernel)|(resident|finish)_kernel)<.*\bfloat\b"
)
HEADER = ("kernel", "instances", "registers", "shared bytes", "stack bytes", "spilled bytes")


@dataclass(frozen=True)
class Resources:
    """What one kernel takes: registers and stack a thread, shared memory a block."""

    file: str
    kernel: str
    registers: int
    shared: int
    stack: int
    spilled: int

    @property
    def is_hot(self) -> bool:
        """Whether training spends its time in it."""
        return HOT.match(self.kernel) is not None

    @property
    def family(self) -> str:
        """The kernel without the parameters of its template but for the type of the numbers."""
        numbers = re.search(r"<.*\b(float|double)\b", self.kernel)
        return self.kernel.partition("<")[0] + (f"<{numbers[1]}>" if numbers else "")


def short(name: str) -> str:
    """A demangled kernel without result, namespaces and parameters.

    >>> short("void fastgrad::(anonymous namespace)::back<fastgrad::Elu, (fastgrad::Reads)1, float>(float*, long)")
    'back<Elu, 1, float>'
    """
    name = re.sub(r"\(anonymous namespace\)::|\b\w+::", "", name).removeprefix("void ")
    name = re.sub(r"\(\w+\)(?=\d)", "", name)  # a template's number, after its type
    return name.partition("(")[0].replace(" >", ">")


def parse(file: str, log: str) -> Iterator[Resources]:
    """The kernels in what ``-Xptxas -v`` prints; names stay mangled."""
    entry = stack = spilled = None
    for line in log.splitlines():
        if found := re.search(r"Compiling entry function '(\w+)'", line):
            entry, stack, spilled = found[1], 0, 0
        elif entry and (found := re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores", line)):
            stack, spilled = int(found[1]), int(found[2])
        elif entry and (found := re.search(r"Used (\d+) registers", line)):
            shared = re.search(r"(\d+) bytes smem", line)
            yield Resources(file, entry, int(found[1]), int(shared[1]) if shared else 0, stack or 0, spilled or 0)
            entry = None


def commands(folder: Path, architecture: str) -> list[list[str]]:
    """How CMake compiles each file of kernels, with the report switched on."""
    ask = [sys.executable, "-m", "pybind11", "--cmakedir"]
    pybind11 = subprocess.run(ask, check=True, capture_output=True, text=True)
    configure = ["cmake", "-S", str(ROOT), "-B", str(folder), "-DFASTGRAD_CUDA=ON", "-DCMAKE_BUILD_TYPE=Release",
                 f"-Dpybind11_DIR={pybind11.stdout.strip()}", f"-DPython_EXECUTABLE={sys.executable}",
                 f"-DCMAKE_CUDA_ARCHITECTURES={architecture}-real", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON"]  # fmt: skip
    subprocess.run(configure, check=True, stdout=subprocess.DEVNULL)
    entries = json.loads((folder / "compile_commands.json").read_text(encoding="utf-8"))
    found = [shlex.split(entry["command"]) for entry in entries if entry["file"].endswith(".cu")]
    for number, command in enumerate(found):
        command[command.index("-o") + 1] = str(folder / f"{number}.o")
        command.append("-Xptxas=-v")
    return found


def compiled(command: list[str]) -> list[Resources]:
    """Compile a file, at low priority."""
    file = next(word for word in command if word.endswith(".cu"))
    done = subprocess.run(["nice", *command], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{file} does not compile:\n{done.stderr}")
    return list(parse(Path(file).name, done.stderr + done.stdout))


def named(kernels: list[Resources]) -> list[Resources]:
    """The same with names that people can read."""
    names = "\n".join(one.kernel for one in kernels)
    text = subprocess.run(["c++filt"], input=names, check=True, capture_output=True, text=True).stdout
    return [
        Resources(one.file, short(name), one.registers, one.shared, one.stack, one.spilled)
        for one, name in zip(kernels, text.splitlines(), strict=True)
    ]


def span(numbers: Iterable[int]) -> str:
    """The smallest and the largest number.

    >>> span([32, 16, 40]), span([0, 0])
    ('16-40', '0')
    """
    least, most = min(known := list(numbers)), max(known)
    return str(least) if least == most else f"{least}-{most}"


def table(kernels: list[Resources], every: bool) -> str:
    """The kernels as Markdown, by file."""
    groups: dict[tuple[str, str], list[Resources]] = {}
    for one in kernels:
        groups.setdefault((one.file, one.kernel if every else one.family), []).append(one)
    lines = ["| file | " + " | ".join(HEADER) + " |", "|---|---|" + "---:|" * (len(HEADER) - 1)]
    for (file, name), group in sorted(groups.items()):
        numbers = [[getattr(one, what) for one in group] for what in ("registers", "shared", "stack", "spilled")]
        lines.append(f"| {file} | `{name}` | {len(group)} | " + " | ".join(map(span, numbers)) + " |")
    return "\n".join(lines)


def main() -> int:
    """Compile everything, print the table, complain of spills."""
    parser = argparse.ArgumentParser(prog="python -m tools.cuda_resources", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--all", action="store_true", help="a line for every instance of a template")
    parser.add_argument("--architecture", default="90", help="compute capability without the point (default: 90)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="files to compile at a time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.jobs) as pool:
        files = list(pool.map(compiled, commands(Path(folder), options.architecture)))
    kernels = named([one for file in files for one in file])
    print(table(kernels, options.all))
    spilling = [one for one in kernels if one.is_hot and one.spilled]
    hot = sum(one.is_hot for one in kernels)
    print(f"\n{len(kernels)} kernels for sm_{options.architecture}; of {hot} hot ones {len(spilling)} spill registers.")
    for one in spilling:
        print(f"{one.kernel} spills {one.spilled} bytes", file=sys.stderr)
    return 1 if spilling or not hot else 0


if __name__ == "__main__":
    sys.exit(main())
