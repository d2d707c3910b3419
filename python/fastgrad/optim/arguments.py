"""The check of numbers that optimisers and schedules share."""

from __future__ import annotations

import math
from typing import Any

from fastgrad.errors import bad_type, bad_value

__all__ = ["check_number"]


def check_number(
    function: str, argument: str, value: Any, least: float = -math.inf, finite: bool = True
) -> float:
    """`value` as a float that is at least `least` and not NaN, and if `finite` not infinite either."""
    try:
        if isinstance(value, (str, bytes)):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError):
        raise bad_type(function, argument, f"a {type(value).__name__}", "a number") from None
    if not number >= least or (finite and not math.isfinite(number)):
        kind = "a finite number" if finite else "a number"
        raise bad_value(function, argument, value, kind if least == -math.inf else f"{kind} >= {least:g}")
    return number
