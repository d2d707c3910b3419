"""Stands for cupy where there is no GPU: numpy's memory behind a class of its own.

Only what fastgrad uses; `test_standin.py` compares its names with the real ones.
"""

from . import cuda as cuda
from . import linalg as linalg
from ._array import ndarray as ndarray
from ._functions import functions as _functions
from ._memory import pool as _pool

__version__ = "14.0.0"

globals().update(_functions)


def get_default_memory_pool():
    return _pool
