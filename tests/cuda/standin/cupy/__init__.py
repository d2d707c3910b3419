"""As much of cupy as the kernels ask for, over numpy's memory: for the kernels that are compiled for the processor."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

__all__ = ["asarray", "asnumpy", "cuda", "empty_like", "ndarray"]


class ndarray:
    """An array that numpy does not know as one."""

    def __init__(
        self, shape: Any, dtype: Any = float, memptr: Any = None, strides: Any = None, order: str = "C"
    ) -> None:
        self.array = np.empty(shape, dtype, order=order)  # type: ignore[call-overload]
        if self.array.dtype.kind == "f":
            self.array.fill(np.nan)  # what nobody writes is seen

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def strides(self) -> tuple[int, ...]:
        return self.array.strides

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.array.dtype

    @property
    def data(self) -> Any:
        return SimpleNamespace(ptr=self.array.__array_interface__["data"][0], device_id=0)

    def get(self) -> np.ndarray:
        return self.array.copy("K")


def asarray(array: np.ndarray) -> ndarray:
    """The array on the device, in the order that it has."""
    x = ndarray((), array.dtype)
    x.array = array.copy("K")
    return x


def asnumpy(x: ndarray) -> np.ndarray:
    """A copy for the processor."""
    return x.get()


def empty_like(x: ndarray) -> ndarray:
    """An array of the same shape, dtype and order."""
    y = asarray(np.empty_like(x.array))
    if y.array.dtype.kind == "f":
        y.array.fill(np.nan)
    return y


cuda = SimpleNamespace(get_current_stream=lambda: SimpleNamespace(ptr=0))
