"""``fastgrad doctor``: what is installed, built and chosen, and what would make it faster."""

from __future__ import annotations

import os
import platform
import re
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

import fastgrad as fg
from fastgrad.cuda.library import why_not

__all__ = ["advice", "doctor", "processor", "usable_cpus"]

# distribution, what it is for, what to install for it
OPTIONAL = (
    ("scikit-learn", "the digits of fastgrad compare", "fastgrad[compare]"),
    ("torch", "the other side of fastgrad compare", "fastgrad[compare]"),
    ("matplotlib", "fastgrad compare --plot", "fastgrad[compare]"),
    ("tqdm", "the progress bar", "fastgrad[compare]"),
    ("jax", "a peer in the benchmarks", "jax"),
)
# what fastgrad.build_info() tells, and what of it is said in other words
LABELS = {"isas": "kernels for", "isas_supported": "of them usable", "isa": "chosen"}
SAID = {"version", "threads", "cuda"}
# what a processor calls itself, against the instruction sets that kernels are built for, best first
FEATURES = (("avx512", {"avx512f", "avx512vl", "avx512bw", "avx512dq"}), ("avx2", {"avx2", "fma"}))


def doctor() -> str:
    """Describe this installation.

    Returns
    -------
    str
        Several lines for a person to read, or to put into a report of a problem.
    """
    build = fg.build_info()
    name, features = processor()
    lines = [("fastgrad", f"{fg.__version__} in {Path(fg.__file__).parent}")]
    lines += [(f"  {LABELS.get(key, key)}", _text(value)) for key, value in build.items() if key not in SAID]
    lines += [
        ("  CUDA", why_not() or ", ".join(fg.cuda.get_device_name(i) for i in range(fg.cuda.device_count()))),
        (
            "  threads used",
            f"{fg.get_num_threads()} of {usable_cpus()} this process may use, {os.cpu_count()} there are",
        ),
        ("processor", f"{name} ({platform.machine()})"),
        ("  vector units", ", ".join(sorted(features)) or "unknown"),
        ("system", platform.platform()),
        ("Python", f"{platform.python_version()} ({platform.python_implementation()})"),
        ("numpy", np.__version__),
    ]
    lines += [
        (variable, os.environ[variable])
        for variable in sorted(os.environ)
        if variable.startswith("FASTGRAD_")
    ]
    lines.append(("optional", ""))
    for package, purpose, wanted in OPTIONAL:
        version = installed(package)
        lines.append((f"  {package}", version or f"missing, for {purpose}: pip install '{wanted}'"))
    width = max(len(name) for name, _ in lines) + 2
    text = [f"{name:<{width}}{value}".rstrip() for name, value in lines]
    hints = advice(build, features, fg.get_num_threads(), usable_cpus(), _nvidia())
    text += [
        "",
        "what would make it faster",
        *(f"  - {hint}" for hint in hints or ["nothing that can be seen from here"]),
    ]
    return "\n".join(text)


def advice(build: dict[str, Any], features: set[str], threads: int, cpus: int, nvidia: bool) -> list[str]:
    """Say what stands between this installation and its best speed.

    Parameters
    ----------
    build : dict
        As from ``fastgrad.build_info()``.
    features : set of str
        The processor's vector units, as from `processor`.
    threads, cpus : int
        Threads that kernels use, processors that this process may use.
    nvidia : bool
        Whether the machine has an NVIDIA GPU.

    Returns
    -------
    list of str
        One sentence each; empty if all is well.
    """
    hints = []
    best = next((isa for isa, needs in FEATURES if needs <= features), None)
    if best is not None and best != build.get("isa"):
        if best not in build.get("isas", ()):
            hints.append(
                f"the processor has {best}, for which no kernels are built: build with a newer compiler"
            )
        elif os.environ.get("FASTGRAD_ISA"):
            hints.append(
                f"FASTGRAD_ISA={os.environ['FASTGRAD_ISA']} holds it to {build['isa']}: unset it for {best}"
            )
        else:
            hints.append(f"{build.get('isa')} is chosen though the processor has {best}")
    if threads < cpus:
        hints.append(
            f"{threads} of {cpus} processors are used: fastgrad.set_num_threads({cpus}) for large networks"
        )
    if cpus < (os.cpu_count() or 1):
        hints.append(
            f"this process may use {cpus} of {os.cpu_count()} processors (affinity or container limit)"
        )
    governor = _governor()
    if governor == "powersave" and not Path("/sys/devices/system/cpu/intel_pstate").exists():
        hints.append("the processor's frequency governor is 'powersave': 'performance' runs at full clock")
    if nvidia and (reason := why_not()) is not None:
        hints.append(f"there is an NVIDIA GPU. {reason}")
    return hints


def processor() -> tuple[str, set[str]]:
    """Give the processor's name and those of its vector units that matter here."""
    name, flags = platform.processor() or platform.machine(), set()
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    if match := re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE):
        name = match[1]
    if match := re.search(r"^(?:flags|Features)\s*:\s*(.+)$", text, re.MULTILINE):
        flags = set(match[1].split())
    known = {"fma", "avx", "avx2", "neon", "asimd", "sve"}
    return name, {flag for flag in flags if flag in known or flag.startswith("avx512")}


def usable_cpus() -> int:
    """Count the processors that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def installed(package: str) -> str | None:
    """Give the version of an installed distribution without importing it; None if it is missing."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _governor() -> str | None:
    try:
        return (
            Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").read_text(encoding="utf-8").strip()
        )
    except OSError:
        return None


def _nvidia() -> bool:
    return Path("/dev/nvidia0").exists() or Path("/dev/dxg").exists()


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return " ".join(map(str, value))
    if isinstance(value, bool) or value is None:
        return "yes" if value else "no"
    return str(value)
