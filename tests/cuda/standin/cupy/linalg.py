"""As ``cupy.linalg``."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._array import inner as _inner
from ._array import outer as _outer
from ._array import refuse as _refuse


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    if isinstance(x, np.ndarray):
        _refuse(x)
    return _outer(np.asarray(np.linalg.norm(_inner(x), ord, axis, keepdims)))
