"""Streams, in which a GPU works one task after the other, and events, marks in them; both are cupy's."""

from __future__ import annotations

from typing import Any

from fastgrad.cuda import library
from fastgrad.cuda.gpus import index_of
from fastgrad.devices import device
from fastgrad.errors import bad_type

__all__ = ["Event", "Stream", "current_stream", "default_stream", "stream"]


class Event:
    """A mark in a stream, to wait for or to measure time with.

    Parameters
    ----------
    enable_timing : bool
        Whether it notes the time.
    blocking : bool
        Whether `synchronize` sleeps, rather than asking again and again.
    interprocess : bool
        Whether other processes can use it.

    Notes
    -----
    Source: ``torch.cuda.Event``.
    """

    def __init__(self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False) -> None:
        self._event = library.cupy().cuda.Event(blocking, not enable_timing, interprocess)

    @property
    def cuda_event(self) -> int:
        """CUDA's own event, as a number."""
        return int(self._event.ptr)

    def record(self, stream: Stream | None = None) -> None:
        """Mark what has been put into a stream so far, by default the current one."""
        (stream or current_stream())._stream.record(self._event)

    def wait(self, stream: Stream | None = None) -> None:
        """Let a stream, by default the current one, go on only when the mark is reached."""
        (stream or current_stream()).wait_event(self)

    def query(self) -> bool:
        """Whether the mark is reached."""
        return bool(self._event.done)

    def synchronize(self) -> None:
        """Wait until the mark is reached."""
        self._event.synchronize()

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds between this mark and another one."""
        return float(library.cupy().cuda.get_elapsed_time(self._event, end_event._event))


class Stream:
    """A queue of tasks for a GPU; what is in another stream runs beside it.

    Parameters
    ----------
    device : device, str or int, optional
        The GPU, by default the current one.
    priority : int
        Below 0 for a stream that goes before others.

    Attributes
    ----------
    device : device
    cuda_stream : int
        CUDA's own stream, as a number.

    Notes
    -----
    ``with fg.cuda.stream(s):`` puts what follows into it; ``with`` a cupy stream does the same. Source:
    ``torch.cuda.Stream``.
    """

    def __init__(self, device: Any = None, priority: int = 0, *, _of: Any = None) -> None:
        self._index = index_of("Stream", device)
        if _of is None:
            cuda = library.cupy().cuda
            with cuda.Device(self._index):
                options = {"priority": priority} if priority else {}  # cupy 13 has none
                _of = cuda.Stream(non_blocking=True, **options)
        self._stream = _of

    @property
    def device(self) -> device:
        """The GPU."""
        return device("cuda", self._index)

    @property
    def cuda_stream(self) -> int:
        """CUDA's own stream, as a number."""
        return int(self._stream.ptr)

    def record_event(self, event: Event | None = None) -> Event:
        """Put a mark, by default a new one, into the stream, and return it."""
        event = event or Event()
        event.record(self)
        return event

    def wait_event(self, event: Event) -> None:
        """Go on only when the mark is reached."""
        self._stream.wait_event(event._event)

    def wait_stream(self, stream: Stream) -> None:
        """Go on only when another stream has done what is in it so far."""
        self.wait_event(stream.record_event())

    def query(self) -> bool:
        """Whether all that was put into it is done."""
        return bool(self._stream.done)

    def synchronize(self) -> None:
        """Wait until all that was put into it is done."""
        self._stream.synchronize()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and (self._index, self.cuda_stream) == (other._index, other.cuda_stream)

    def __hash__(self) -> int:
        return hash((self._index, self.cuda_stream))

    def __repr__(self) -> str:
        return f"<fastgrad.cuda.Stream device={self.device} cuda_stream={self.cuda_stream:#x}>"


def current_stream(device: Any = None) -> Stream:
    """The stream that work goes into: cupy's current one. Source: ``torch.cuda.current_stream``."""
    index = index_of("current_stream", device)
    return Stream(index, _of=library.cupy().cuda.get_current_stream(index))


def default_stream(device: Any = None) -> Stream:
    """The stream that work goes into unless another is chosen. Source: ``torch.cuda.default_stream``."""
    return Stream(device, _of=library.cupy().cuda.Stream.null)


class stream:
    """Context manager: what is done within goes into another stream; None changes nothing.

    Source: ``torch.cuda.stream``.
    """

    def __init__(self, stream: Stream | None) -> None:
        if stream is not None and not isinstance(stream, Stream):
            raise bad_type("stream", "stream", f"a {type(stream).__name__}", "a fastgrad.cuda.Stream or None")
        self.stream = stream

    def __enter__(self) -> stream:
        if self.stream is not None:
            self._device = library.cupy().cuda.Device(self.stream.device.index)
            self._device.__enter__()
            self.stream._stream.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        if self.stream is not None:
            self.stream._stream.__exit__(*exception)
            self._device.__exit__(*exception)
