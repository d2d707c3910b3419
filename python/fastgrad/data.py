"""`fastgrad.data` is `fastgrad.utils.data`."""

from __future__ import annotations

import sys

from fastgrad.utils import data
from fastgrad.utils.data import *  # noqa: F403  (what a type checker sees; at run time it is the same module)

sys.modules[__name__] = data
