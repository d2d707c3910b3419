"""Where tensors are: the memory of the processor, or of a GPU."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from fastgrad.arrays import is_on_device, to_host
from fastgrad.errors import bad_device, bad_type, bad_value

__all__ = ["CPU", "as_device", "check_current", "check_same", "device", "made", "move", "of"]

_EXPECTED = "'cpu', 'cuda' or 'cuda:N'"


def _cuda() -> Any:
    """What is loaded where a GPU is first used."""
    return import_module("fastgrad.cuda.library")


class device:
    """The processor (``"cpu"``) or a GPU (``"cuda"``, the current one, or ``"cuda:N"``).

    Parameters
    ----------
    type : str, device or int
        As above; ``"cpu"`` or ``"cuda"`` with `index`; an int is the number of a GPU.
    index : int, optional
        The number of the GPU.

    Attributes
    ----------
    type : str
        ``"cpu"`` or ``"cuda"``.
    index : int or None
        The number of the GPU; None where it does not say.

    Raises
    ------
    ValueError
        If there is no such kind of device.

    Notes
    -----
    A device also equals its name, so that ``x.device == "cpu"``. Source: ``torch.device``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.device("cuda", 1)
    device(type='cuda', index=1)
    >>> fg.zeros(2).device == "cpu"
    True
    """

    __slots__ = ("index", "type")

    type: str
    index: int | None

    def __init__(self, type: Any, index: int | None = None) -> None:
        kind, number = _parse("device", type)
        if index is not None:
            if number is not None:
                raise bad_value("device", "index", repr(index), f"none beside {type!r}, which has one")
            number = index
        if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 0):
            raise bad_value("device", "index", repr(index), "the number of a device, an int >= 0")
        object.__setattr__(self, "type", kind)
        object.__setattr__(self, "index", number)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a device's {name} cannot be changed")

    def __eq__(self, other: object) -> bool:
        if isinstance(other, device):
            return self.type == other.type and self.index == other.index
        return str(self) == other if isinstance(other, str) else NotImplemented

    def __hash__(self) -> int:
        return hash(str(self))

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type={self.type!r}{index})"

    def __reduce__(self) -> Any:
        return device, (str(self),)


def _parse(function: str, given: Any) -> tuple[str, int | None]:
    if isinstance(given, device):
        return given.type, given.index
    if isinstance(given, int) and not isinstance(given, bool):
        return "cuda", given
    if not isinstance(given, str):
        raise bad_type(function, "device", f"a {type(given).__name__}", _EXPECTED)
    kind, colon, number = given.partition(":")
    if kind not in ("cpu", "cuda") or (colon and not (number.isascii() and number.isdigit())):
        raise bad_value(function, "device", repr(given), _EXPECTED)
    return kind, int(number) if colon else None


CPU = device("cpu")


def as_device(function: str, given: Any) -> device:
    """A device that can be used, from a device, a name or a number; "cuda" becomes the current GPU.

    Raises
    ------
    RuntimeError
        If it is a GPU and cannot be used, and why.
    """
    kind, index = _parse(function, given)
    if kind == "cpu":
        return CPU
    number: int = _cuda().check_index(function, index)
    return device("cuda", number)


def of(array: Any) -> device:
    """Where an array is."""
    return device("cuda", int(array.device.id)) if is_on_device(array) else CPU


def check_same(function: str, **arrays: Any) -> None:
    """Raise unless all arrays, given by the names of their arguments, are on the device of the first."""
    (first, expected), *others = [(name, of(array)) for name, array in arrays.items() if array is not None]
    for name, found in others:
        if found != expected:
            raise bad_device(function, name, found, f"{expected}, the device of {first}")


def check_current(function: str, argument: str, array: Any) -> None:
    """Raise if an array is on a GPU that is not the current one."""
    if is_on_device(array) and (found := of(array)) != (current := as_device(function, "cuda")):
        raise bad_device(function, argument, found, f"{current}, the current GPU (see fastgrad.cuda.device)")


def move(array: Any, to: device, non_blocking: bool = False) -> Any:
    """`array` itself if it is on a device, else a copy there, in the same order of axes."""
    if to.type == "cpu":
        return to_host(array)
    if is_on_device(array) and array.device.id == to.index:
        return array
    return _cuda().upload(array, to.index, non_blocking)


def made(function: str, where: Any, make: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """``make(*args)``, a function of numpy's for new arrays, on a device (None: the processor)."""
    if where is None:
        return make(*args, **options)
    found = as_device(function, where)
    if found.type == "cpu":
        return make(*args, **options)
    with _cuda().on(found.index) as like:
        return make(*args, **options, like=like)
