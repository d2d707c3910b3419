"""Tensors, modules' states and what else is made of them in files."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, BinaryIO

from fastgrad.devices import as_device, device
from fastgrad.errors import bad_type

__all__ = ["load", "place_of", "save"]

File = str | os.PathLike[str] | BinaryIO


class _Place(threading.local):
    """Where tensors of the file that this thread reads are to be."""

    map_location: Any = None


_place = _Place()


def place_of(saved: str) -> device:
    """Where a tensor goes that was on the device `saved` when it was pickled."""
    chosen = _place.map_location
    if isinstance(chosen, dict):
        chosen = chosen.get(saved, saved)
    elif callable(chosen):
        chosen = chosen(saved)
    return as_device("load", saved if chosen is None else chosen)


# What a file of tensors, states and plain Python objects is made of. (Names of numpy's that moved within it, twice.)
_SAFE = {
    ("builtins", "set"), ("builtins", "frozenset"), ("builtins", "complex"), ("builtins", "slice"),
    ("builtins", "range"), ("builtins", "bytearray"),
    ("collections", "OrderedDict"), ("collections", "defaultdict"), ("_codecs", "encode"),
    ("fastgrad.devices", "device"), ("fastgrad.interchange", "_rebuild"), ("fastgrad.interchange", "_rebuild_on"),
    ("fastgrad.nn.parameter", "Parameter"), ("fastgrad.random", "_rebuild_generator"), ("fastgrad.tensor", "Tensor"),
    ("numpy", "dtype"), ("numpy", "ndarray"),
    ("numpy._core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"),
    ("numpy.core.multiarray", "_reconstruct"), ("numpy.core.multiarray", "scalar"),
    ("numpy.core.numeric", "_frombuffer"),
}  # fmt: skip


class _WeightsOnly(pickle.Unpickler):
    """Makes nothing but tensors and plain objects, so that a file cannot run code."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _SAFE:
            raise pickle.UnpicklingError(
                f"load(): the file holds a {module}.{name}, expected tensors, numbers, text and containers of them; "
                "weights_only=False loads anything, and runs any code that the file brings along"
            )
        return super().find_class(module, name)


def _open(function: str, f: Any, mode: str) -> AbstractContextManager[Any]:
    if isinstance(f, (str, os.PathLike)):
        return open(f, mode)
    if not hasattr(f, "write" if "w" in mode else "read"):
        raise bad_type(function, "f", f"a {type(f).__name__}", "a path or a binary file")
    return nullcontext(f)


def save(obj: Any, f: File) -> None:
    """Write an object, such as ``net.state_dict()``, into a file.

    Parameters
    ----------
    obj : object
        Tensors, or anything that Python can pickle.
    f : str, path or binary file

    Notes
    -----
    The file is a pickle. Source: ``torch.save``.

    Examples
    --------
    >>> import io
    >>> import fastgrad as fg
    >>> file = io.BytesIO()
    >>> fg.save({"w": fg.ones(2)}, file)
    >>> _ = file.seek(0)
    >>> fg.load(file)
    {'w': tensor([1., 1.])}
    """
    with _open("save", f, "wb") as file:
        pickle.dump(obj, file, protocol=4)


def load(
    f: File,
    map_location: str | device | dict[str, str] | Callable[[str], Any] | None = None,
    *,
    weights_only: bool = True,
) -> Any:
    """Read what `save` wrote.

    Parameters
    ----------
    f : str, path or binary file
    map_location : device, str, dict or callable, optional
        Where tensors go that were on a GPU: a device, a dict from names such as ``"cuda:1"`` to other ones, or a
        function of the name. By default to a GPU of the same number. Those that were on the CPU stay there.
    weights_only : bool
        Whether to refuse what is not a tensor, a number, text or a container: such objects could run any code.

    Returns
    -------
    object

    Raises
    ------
    pickle.UnpicklingError
        If the file holds something else and `weights_only` is true, or is no pickle.
    RuntimeError
        If a tensor was on a GPU, `map_location` names no other place, and CUDA cannot be used.

    Notes
    -----
    Source: ``torch.load``.
    """
    before, _place.map_location = _place.map_location, map_location
    try:
        with _open("load", f, "rb") as file:
            return (_WeightsOnly if weights_only else pickle.Unpickler)(file).load()
    finally:
        _place.map_location = before
