"""Saving and loading what a module holds: ``state_dict`` and ``load_state_dict``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fastgrad.arrays import beside, is_writable
from fastgrad.creation import values_of
from fastgrad.errors import bad_type
from fastgrad.tensor import Tensor

if TYPE_CHECKING:
    from fastgrad.nn.module import Module

__all__ = ["IncompatibleKeys", "load_state_dict", "state_dict"]


class IncompatibleKeys(NamedTuple):
    """What ``load_state_dict(strict=False)`` did not match."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def _state(module: Module, prefix: str) -> Iterator[tuple[str, Tensor]]:
    """``(key, tensor)`` in torch's order: own parameters, own buffers, each submodule. Shared ones repeat."""
    for name, parameter in module._parameters.items():
        if parameter is not None:
            yield prefix + name, parameter
    for name, buffer in module._buffers.items():
        if buffer is not None and name not in module._non_persistent:
            yield prefix + name, buffer
    for name, child in module._modules.items():
        if child is not None:
            yield from _state(child, f"{prefix}{name}.")


def state_dict(
    module: Module, destination: dict[str, Tensor] | None, prefix: str, keep_vars: bool
) -> dict[str, Tensor]:
    """Collect the state of `module`; see :meth:`fastgrad.nn.Module.state_dict`."""
    if destination is None:
        destination = {}
    for key, tensor in _state(module, prefix):
        destination[key] = tensor if keep_vars else tensor.detach()
    return destination


def _as_array(key: str, value: Any) -> np.ndarray:
    array = values_of(value)
    if array.dtype.kind not in "fiub":
        raise bad_type("load_state_dict", f"state_dict[{key!r}]", f"of dtype {array.dtype}", "numbers")
    return array  # type: ignore[no-any-return]


def load_state_dict(module: Module, state: Mapping[str, Any], strict: bool) -> IncompatibleKeys:
    """Copy `state` into `module`; see :meth:`fastgrad.nn.Module.load_state_dict`."""
    if not isinstance(state, Mapping):
        raise bad_type(
            "load_state_dict", "state_dict", type(state).__name__, "a mapping from names to arrays"
        )
    own = dict(_state(module, ""))
    missing = [key for key in own if key not in state]
    unexpected = [key for key in state if key not in own]
    arrays = {key: _as_array(key, state[key]) for key in own if key in state}
    misshapen = [
        f"{key} has shape {arrays[key].shape}, the module's has {tensor.shape}"
        for key, tensor in own.items()
        if key in arrays and arrays[key].shape != tensor.shape
    ]
    problems = [f"misshapen: {line}" for line in misshapen]
    if strict:
        if unexpected:
            problems.insert(0, "unexpected keys: " + ", ".join(unexpected))
        if missing:
            problems.insert(0, "missing keys: " + ", ".join(missing))
    if problems:
        raise ValueError(
            f"load_state_dict(): the state does not fit {type(module).__name__}; nothing was loaded\n    "
            + "\n    ".join(problems)
        )
    read_only = [key for key in arrays if not is_writable(own[key].data)]
    if read_only:
        raise ValueError(f"load_state_dict(): read-only memory, nothing was loaded: {', '.join(read_only)}")
    for key, array in arrays.items():
        tensor = own[key]
        np.copyto(tensor.data, beside(tensor.data, array), casting="unsafe")
        tensor.version.count += 1
    return IncompatibleKeys(missing, unexpected)
