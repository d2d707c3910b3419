"""Initial values of parameters, written into a tensor in place.

Every function ends in ``_`` because it overwrites its argument (nothing is recorded), draws from fastgrad's
generator (``fg.manual_seed``) or from `generator`, fills by position (the same seed gives the same values in
any memory order) and returns the tensor.
"""

from __future__ import annotations

from fastgrad.nn.init.distributions import constant_, normal_, ones_, trunc_normal_, uniform_, zeros_
from fastgrad.nn.init.gain import calculate_gain
from fastgrad.nn.init.matrices import eye_, orthogonal_, sparse_
from fastgrad.nn.init.scaled import kaiming_normal_, kaiming_uniform_, xavier_normal_, xavier_uniform_

__all__ = [
    "calculate_gain",
    "constant_",
    "eye_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "sparse_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]
