"""Batches in memory that a GPU reads by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from fastgrad.tensor import Tensor

__all__ = ["can_pin", "pin", "pinned"]


def can_pin() -> bool:
    """Whether there is a GPU; without one batches stay where they are, as in torch."""
    return bool(import_module("fastgrad.cuda").is_available())


def pin(batch: Any) -> Any:
    """A batch with its tensors, also those in lists, tuples and dicts, in such memory.

    An object of another kind does it by its own method ``pin_memory()``, if it has one.
    """
    if isinstance(batch, Tensor):
        return batch if batch.is_cuda else batch.pin_memory()
    if isinstance(batch, Mapping):
        return {key: pin(value) for key, value in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*map(pin, batch))
    if isinstance(batch, (list, tuple)):
        return type(batch)(map(pin, batch))
    return batch.pin_memory() if hasattr(batch, "pin_memory") else batch


def pinned(batches: Iterator[Any]) -> Iterator[Any]:
    """Batches, each pinned."""
    for batch in batches:
        yield pin(batch)
