"""The pair (array library, kernel module) that operations compute with.

Operations call ``backend.kernels.<name>(outputs..., inputs...)`` and allocate with ``backend.xp``;
they name neither numpy's kernels nor a device, so another pair can stand in their place.
"""

from __future__ import annotations

import numpy as xp

from fastgrad import _cpu as native

__all__ = ["kernels", "native", "xp"]

# Looked up at every call: while a step is recorded, it stands for the same functions, written down.
kernels = native
