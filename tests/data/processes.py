"""What is left of processes and shared memory."""

from __future__ import annotations

import os
import time
from pathlib import Path


def children(pid=None):
    """Processes started by a process, or by its fork server, that have the name of a worker's code or are forks."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if fields[0] != "Z":
                parents[int(entry.name)] = int(fields[1])
    found, level = set(), {pid or os.getpid()}
    while level:
        level = {child for child, parent in parents.items() if parent in level}
        found |= level
    return found - {child for child in found if is_helper(child)}


def is_helper(pid):
    """Whether it is multiprocessing's fork server or its tracker of resources, which stay until the program ends."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode()
        parent = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        same = Path(f"/proc/{parent}/cmdline").read_bytes().decode() == words
    except (FileNotFoundError, ProcessLookupError):
        return True
    return "resource_tracker" in words or ("forkserver import main" in words and not same)


def alive(pid):
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(condition, seconds=5.0):
    """Whether a condition comes true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def shared_files():
    return sorted(os.listdir("/dev/shm")) if os.path.isdir("/dev/shm") else []


def descriptors():
    return len(os.listdir("/proc/self/fd"))
