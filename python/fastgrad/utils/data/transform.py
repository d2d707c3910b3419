"""Transforms: functions of a data set's inputs, of one at a time or of a whole batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastgrad.creation import as_tensor
from fastgrad.errors import bad_type, bad_value
from fastgrad.ops.join import stack
from fastgrad.tensor import Tensor

__all__ = ["check_transform", "is_batched", "transform_batch", "transform_element", "transform_rows"]

Transform = Callable[[Any], Any]


def check_transform(function: str, transform: Any) -> Transform | None:
    """`transform` itself, if it can be called, or None."""
    if transform is not None and not callable(transform):
        raise bad_type(function, "transform", f"a {type(transform).__name__}", "a callable or None")
    return transform  # type: ignore[no-any-return]


def is_batched(transform: Transform) -> bool:
    """Whether a transform says, by an attribute ``batched`` that is true, that it takes a whole batch of inputs."""
    return bool(getattr(transform, "batched", False))


def _name(transform: Transform) -> str:
    return getattr(transform, "__qualname__", None) or type(transform).__name__


def transform_batch(transform: Transform, x: Any) -> Any:
    """What a batched transform makes of a batch of inputs, which has as many rows."""
    y = transform(x)
    rows = y.shape[0] if isinstance(y, (Tensor, np.ndarray)) and y.ndim else None
    if rows != len(x):
        given = f"a {type(y).__name__} without rows" if rows is None else f"{rows} rows"
        raise bad_value(_name(transform), "x", f"a batch of {len(x)} from which it made {given}", f"{len(x)} rows")
    return y


def _transform_input(transform: Transform, x: Any) -> Any:
    if not is_batched(transform):
        return transform(x)
    return transform_batch(transform, x[None] if isinstance(x, (Tensor, np.ndarray)) else np.asarray(x)[None])[0]


def _replace_first(element: Any, change: Callable[[Any], Any]) -> Any:
    """The element with a changed input: the first entry of a tuple or list, else all of it."""
    if isinstance(element, tuple):
        y = (change(element[0]), *element[1:])
        return type(element)(*y) if hasattr(element, "_fields") else y
    if isinstance(element, list):
        return [change(element[0]), *element[1:]]
    return change(element)


def transform_element(transform: Transform, element: Any) -> Any:
    """An element whose input went through a transform."""
    return _replace_first(element, lambda x: _transform_input(transform, x))


def transform_rows(transform: Transform, elements: Any) -> Any:
    """Several elements, the rows of tensors, whose inputs went through a transform: at once if it is batched."""

    def change(x: Any) -> Any:
        if is_batched(transform):
            return as_tensor(transform_batch(transform, x))
        return stack([as_tensor(transform(row)) for row in x]) if len(x) else x

    return _replace_first(elements, change)
