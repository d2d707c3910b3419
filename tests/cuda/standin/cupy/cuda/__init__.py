"""As ``cupy.cuda``: devices, streams and events that do everything at once."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

from .._memory import MemoryPointer
from .._memory import pool as _pool
from . import runtime

_allocator: Callable[[int], MemoryPointer] = _pool.malloc


def get_allocator() -> Any:
    return _allocator


def set_allocator(allocator: Any = None) -> None:
    global _allocator
    _allocator = allocator or _pool.malloc


def alloc(size: int) -> MemoryPointer:
    return _allocator(size)


def is_available() -> bool:
    return True


class Device:
    """As ``cupy.cuda.Device``."""

    def __init__(self, device: Any = None) -> None:
        self.id = runtime.getDevice() if device is None else int(device.id if isinstance(device, Device) else device)

    def __enter__(self) -> Device:
        runtime.stack.append(runtime.getDevice())
        runtime.setDevice(self.id)
        return self

    def __exit__(self, *exception: object) -> None:
        runtime.setDevice(runtime.stack.pop())

    def use(self) -> None:
        runtime.setDevice(self.id)

    def synchronize(self) -> None:
        runtime.synchronizations += 1

    @property
    def compute_capability(self) -> str:
        return "90"

    @property
    def mem_info(self) -> tuple[int, int]:
        return (1 << 30) - _pool.total_bytes(), 1 << 30

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)


class Event:
    """As ``cupy.cuda.Event``."""

    def __init__(self, block: bool = False, disable_timing: bool = False, interprocess: bool = False) -> None:
        self.ptr = id(self)
        self.time: float | None = None

    def record(self, stream: Any = None) -> None:
        self.time = time.perf_counter()

    def synchronize(self) -> None:
        pass

    @property
    def done(self) -> bool:
        return True


def get_elapsed_time(start_event: Event, end_event: Event) -> float:
    assert start_event.time is not None
    assert end_event.time is not None
    return 1000 * (end_event.time - start_event.time)


class Stream:
    """As ``cupy.cuda.Stream``."""

    null: Stream
    _numbers = itertools.count(1000)

    def __init__(
        self, null: bool = False, non_blocking: bool = False, ptds: bool = False, priority: Any = None
    ) -> None:
        self.ptr = 0 if null else next(self._numbers)
        self.device_id = -1 if null else runtime.getDevice()

    def __enter__(self) -> Stream:
        _streams.append(self)
        return self

    def __exit__(self, *exception: object) -> None:
        _streams.pop()

    def __eq__(self, other: object) -> bool:
        return hasattr(other, "ptr") and self.ptr == other.ptr  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash(self.ptr)

    def use(self) -> Stream:
        _streams[-1] = self
        return self

    @property
    def done(self) -> bool:
        return True

    def synchronize(self) -> None:
        runtime.synchronizations += 1

    def record(self, event: Event | None = None) -> Event:
        event = event or Event()
        event.record(self)
        return event

    def wait_event(self, event: Event) -> None:
        pass


class ExternalStream(Stream):
    """As ``cupy.cuda.ExternalStream``."""

    def __init__(self, ptr: int, device_id: int = -1) -> None:
        self.ptr = ptr
        self.device_id = device_id


Stream.null = Stream(null=True)
_streams = [Stream.null]


def get_current_stream(device_id: int = -1) -> Stream:
    return _streams[-1]
