"""Streams, in which a GPU does one thing after another, and events, which tell how far it is. They are cupy's."""

from __future__ import annotations

from typing import Any

from fastgrad import devices
from fastgrad.cuda import library
from fastgrad.cuda.choice import index_of
from fastgrad.errors import bad_type

__all__ = ["Event", "Stream", "current_stream", "default_stream", "stream"]


class Stream:
    """A queue of work of a GPU. What is put into two streams can run at the same time.

    Parameters
    ----------
    device : int, str or device, optional
        The GPU, by default the current one.
    priority : int
        A lower number is served first.

    Attributes
    ----------
    device : device
        The GPU.
    cuda_stream : int
        CUDA's handle.

    Notes
    -----
    It does not wait for the default stream, nor that for it. An array's memory is used again in the stream in which it
    was made: wait for other streams that read it before it is given up. Source: ``torch.cuda.Stream``.
    """

    def __init__(self, device: Any = None, priority: int = 0) -> None:
        index = index_of("Stream", device)
        cuda = library.cupy().cuda
        with cuda.Device(index):
            self._stream = cuda.Stream(non_blocking=True, priority=priority)
        self.device = devices.device("cuda", index)

    @classmethod
    def _over(cls, cupys: Any, index: int) -> Stream:
        s = cls.__new__(cls)
        s._stream, s.device = cupys, devices.device("cuda", index)
        return s

    @property
    def cuda_stream(self) -> int:
        return int(self._stream.ptr)

    def query(self) -> bool:
        """Whether all of its work is done."""
        return bool(self._stream.done)

    def synchronize(self) -> None:
        """Wait until all of its work is done."""
        self._stream.synchronize()

    def record_event(self, event: Event | None = None) -> Event:
        """Put an event, by default a new one, behind the work that it has now."""
        event = Event() if event is None else event
        event.record(self)
        return event

    def wait_event(self, event: Event) -> None:
        """Let its further work wait for an event."""
        self._stream.wait_event(event._event)

    def wait_stream(self, stream: Stream) -> None:
        """Let its further work wait for what another stream has now."""
        self.wait_event(stream.record_event())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Stream):
            return NotImplemented
        return self.device == other.device and self.cuda_stream == other.cuda_stream

    def __hash__(self) -> int:
        return hash((self.device, self.cuda_stream))

    def __repr__(self) -> str:
        return f"<fastgrad.cuda.Stream device={self.device} cuda_stream={self.cuda_stream:#x}>"


class Event:
    """A mark in a stream.

    Parameters
    ----------
    enable_timing : bool
        Whether `elapsed_time` can be asked.
    blocking : bool
        Whether to sleep in `synchronize`, rather than to look all the time.

    Notes
    -----
    Source: ``torch.cuda.Event``.
    """

    def __init__(self, enable_timing: bool = False, blocking: bool = False) -> None:
        self._event = library.cupy().cuda.Event(block=blocking, disable_timing=not enable_timing)

    def record(self, stream: Stream | None = None) -> None:
        """Put it behind the work that a stream, by default the current one, has now."""
        self._event.record((current_stream() if stream is None else stream)._stream)

    def wait(self, stream: Stream | None = None) -> None:
        """Let the further work of a stream, by default the current one, wait for it."""
        (current_stream() if stream is None else stream).wait_event(self)

    def query(self) -> bool:
        """Whether the GPU has passed it."""
        return bool(self._event.done)

    def synchronize(self) -> None:
        """Wait until the GPU has passed it."""
        self._event.synchronize()

    def elapsed_time(self, end_event: Event) -> float:
        """The milliseconds from this event to another; both need ``enable_timing=True``."""
        return float(library.cupy().cuda.get_elapsed_time(self._event, end_event._event))


class stream:
    """``with stream(s):`` puts the work of this thread into another stream. None changes nothing.

    Source: ``torch.cuda.stream``.
    """

    def __init__(self, stream: Stream | None) -> None:
        if stream is not None and not isinstance(stream, Stream):
            raise bad_type("stream", "stream", f"a {type(stream).__name__}", "a fastgrad.cuda.Stream or None")
        self.stream = stream
        self._entered: list[tuple[Any, Any]] = []

    def __enter__(self) -> None:
        if self.stream is not None:
            device = library.cupy().cuda.Device(self.stream.device.index)
            device.__enter__()
            self.stream._stream.__enter__()
            self._entered.append((device, self.stream._stream))

    def __exit__(self, *exception: object) -> None:
        if self.stream is not None:
            device, entered = self._entered.pop()
            entered.__exit__(*exception)
            device.__exit__(*exception)


def current_stream(device: Any = None) -> Stream:
    """The stream that this thread's work goes to, also if cupy chose it. Source: ``torch.cuda.current_stream``."""
    index = index_of("current_stream", device)
    return Stream._over(library.cupy().cuda.get_current_stream(index), index)


def default_stream(device: Any = None) -> Stream:
    """The stream that is the current one at first. Source: ``torch.cuda.default_stream``."""
    return Stream._over(library.cupy().cuda.Stream.null, index_of("default_stream", device))
