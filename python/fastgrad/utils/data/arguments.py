"""How the arguments of samplers become numbers and arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastgrad.errors import bad_type, bad_value
from fastgrad.random import Generator
from fastgrad.tensor import Tensor

__all__ = ["as_indices", "as_vector", "check_generator", "check_length", "check_state"]


def check_generator(function: str, generator: Any) -> Generator | None:
    """`generator` itself, or None."""
    if generator is not None and not isinstance(generator, Generator):
        raise bad_type(function, "generator", f"a {type(generator).__name__}", "a Generator or None")
    return generator


def check_length(function: str, argument: str, x: Any, least: int = 0) -> int:
    """How long `x` is: at least `least`."""
    try:
        length = len(x)
    except TypeError:
        raise bad_type(function, argument, f"a {type(x).__name__}", "something with a length") from None
    if length < least:
        raise bad_value(function, argument, "empty", f"at least {least} element{'' if least == 1 else 's'}")
    return length


def as_vector(function: str, argument: str, x: Any, kinds: str, expected: str) -> np.ndarray:
    """`x` as an array of one axis whose dtype is of one of `kinds`; no elements are of any dtype."""
    try:
        array = x.detach().numpy() if isinstance(x, Tensor) else np.asarray(x)
    except ValueError:
        raise bad_value(function, argument, "ragged", f"one axis of {expected}") from None
    if array.ndim != 1:
        raise bad_value(function, argument, f"of shape {array.shape}", f"one axis of {expected}")
    if array.size and array.dtype.kind not in kinds:
        raise bad_type(function, argument, f"of dtype {array.dtype}", expected)
    return array


def as_indices(function: str, argument: str, x: Any) -> np.ndarray:
    """`x` as int64 numbers of elements."""
    return as_vector(function, argument, x, "iu", "integers").astype(np.int64, copy=False)


def check_state(function: str, state: Any, *names: str) -> tuple[Any, ...]:
    """What a sampler's state has under `names`."""
    if not isinstance(state, dict):
        raise bad_type(function, "state_dict", f"a {type(state).__name__}", "what state_dict() returned")
    for name in names:
        if name not in state:
            raise bad_value(function, "state_dict", f"without {name!r}", "what state_dict() returned")
    return tuple(state[name] for name in names)
