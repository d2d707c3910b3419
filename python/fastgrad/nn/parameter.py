"""Parameter: a Tensor that a Module lists among what it learns."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastgrad.arrays import is_array
from fastgrad.dtypes import get_default_dtype
from fastgrad.errors import bad_type
from fastgrad.tensor import Tensor

__all__ = ["Parameter"]


class Parameter(Tensor):
    """A leaf tensor that becomes a parameter of the module it is assigned to.

    Parameters
    ----------
    data : Tensor, ndarray or None
        The initial value. Its memory (and memory order) is taken over, not copied; ``None`` is an empty one.
    requires_grad : bool
        Whether ``backward`` computes a gradient for it.

    Raises
    ------
    TypeError
        If `data` is not an array, or is an integer array that is to require a gradient.

    Notes
    -----
    Source: ``torch.nn.Parameter``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> w = fg.nn.Parameter(fg.zeros(2, 3))
    >>> w.requires_grad, w.shape
    (True, (2, 3))
    """

    __slots__ = ()

    def __init__(self, data: Any = None, requires_grad: bool = True) -> None:
        source = data if isinstance(data, Tensor) else None
        if source is not None:
            data = source.data
        elif data is None:
            data = np.empty(0, get_default_dtype())
        elif not is_array(data):
            raise bad_type("Parameter", "data", type(data).__name__, "a Tensor or an ndarray")
        if requires_grad and data.dtype.kind != "f":
            expected = "float32 or float64 where requires_grad=True"
            raise bad_type("Parameter", "data", f"of dtype {data.dtype}", expected)
        super().__init__(data, requires_grad=requires_grad)
        if source is not None:
            self.version = source.version  # the memory is shared, and so are its changes

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()
