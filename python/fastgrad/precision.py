"""How precisely products of matrices are computed on a GPU: the setting for all threads, and autocast for a block.

An operation asks when it runs, and its backward rule uses what it was told.
"""

from __future__ import annotations

import sys
from typing import Any

from fastgrad.autograd.mode import F, decorate, state
from fastgrad.errors import bad_type, bad_value

__all__ = ["autocast", "get_float32_matmul_precision", "is_autocast_enabled", "set_float32_matmul_precision"]

_PRECISIONS = ("highest", "high", "medium")
_DEVICE_TYPES = ("cuda", "cpu")


def set_float32_matmul_precision(precision: str) -> None:
    """Say how precisely products of float32 matrices are computed on a GPU, in all threads.

    Parameters
    ----------
    precision : {"highest", "high", "medium"}
        ``"highest"``, the default: in float32. ``"high"``: the factors are rounded to
        TF32 (10 bits after the point). ``"medium"``: to bfloat16 (7 bits). Both run on tensor cores and add up in
        float32.

    Raises
    ------
    TypeError, ValueError
        If it is none of these names.

    Notes
    -----
    It holds for the products of `fastgrad.nn.functional.linear`, recurrent layers and `fastgrad.matmul`, forward, and
    backward of what runs from now on. Tensors stay float32. On the CPU, and for float64, it changes nothing. What
    `fastgrad.compile` has recorded on a GPU is recorded again; a small network that it runs as one kernel computes in
    float32 in any case.

    Source: ``torch.set_float32_matmul_precision``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.set_float32_matmul_precision("high")
    >>> fg.get_float32_matmul_precision()
    'high'
    >>> fg.set_float32_matmul_precision("highest")
    """
    if not isinstance(precision, str):
        raise bad_type("set_float32_matmul_precision", "precision", f"a {type(precision).__name__}", "a str")
    if precision not in _PRECISIONS:
        raise bad_value(
            "set_float32_matmul_precision", "precision", repr(precision), "'highest', 'high' or 'medium'"
        )
    type(state).precision = None if precision == "highest" else sys.intern(precision)  # programs compare objects


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` has set: ``"highest"``, ``"high"`` or ``"medium"``.

    Source: ``torch.get_float32_matmul_precision``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.get_float32_matmul_precision()
    'highest'
    """
    return type(state).precision or "highest"


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Whether products of this thread run as in ``autocast(device_type)``. Source: ``torch.is_autocast_enabled``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> with fg.autocast("cuda"):
    ...     fg.is_autocast_enabled("cuda")
    True
    """
    return _device_type("is_autocast_enabled", device_type) == "cuda" and "precision" in vars(state)


def _device_type(function: str, given: Any) -> str:
    if not isinstance(given, str):
        raise bad_type(function, "device_type", f"a {type(given).__name__}", "a str")
    if given not in _DEVICE_TYPES:
        raise bad_value(function, "device_type", repr(given), "'cuda' or 'cpu'")
    return given


class autocast:
    """Context manager and decorator: products of matrices on a GPU take bfloat16 factors, in this thread.

    Parameters
    ----------
    device_type : {"cuda", "cpu"}
        Whose products. On the CPU they stay float32: a block for it changes nothing.
    dtype : str or None
        ``"bfloat16"``, which None also means; nothing else is offered.
    enabled : bool
        False: products run as `set_float32_matmul_precision` says, also inside another block.

    Raises
    ------
    TypeError, ValueError
        If an argument is something else.

    Notes
    -----
    Products are those of `set_float32_matmul_precision`, computed as for ``"medium"``. Backward computes as forward
    did, so ``loss.backward()`` may follow the block. Unlike in torch, tensors stay float32, between the products as
    well, so no scaling of gradients is needed.

    Source: ``torch.autocast``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> with fg.autocast("cuda"):
    ...     y = fg.ones(2, 3) @ fg.ones(3, 4)
    >>> y.dtype
    dtype('float32')
    """

    def __init__(self, device_type: str = "cuda", dtype: Any = None, enabled: bool = True) -> None:
        self.device_type = _device_type("autocast", device_type)
        if dtype is not None and str(dtype) not in ("bfloat16", "torch.bfloat16"):
            raise bad_value("autocast", "dtype", repr(dtype), "'bfloat16'")
        if not isinstance(enabled, bool):
            raise bad_type("autocast", "enabled", f"a {type(enabled).__name__}", "a bool")
        self.enabled = enabled
        self._before: list[dict[str, Any]] = []

    def __enter__(self) -> autocast:
        mine = vars(state)
        self._before.append({"precision": mine["precision"]} if "precision" in mine else {})
        if self.device_type == "cuda":
            mine.pop("precision", None)
            if self.enabled:
                mine["precision"] = "medium"
        return self

    def __exit__(self, *exception: object) -> None:
        vars(state).pop("precision", None)
        vars(state).update(self._before.pop())

    def __call__(self, function: F) -> F:
        return decorate(lambda: autocast(self.device_type, None, self.enabled), function)
