"""The tape: recording, the backward pass, and operations of one's own."""

from fastgrad.autograd.backward import backward, grad
from fastgrad.autograd.function import Function
from fastgrad.autograd.gradcheck import GradcheckError, gradcheck
from fastgrad.autograd.mode import enable_grad, is_grad_enabled, no_grad, set_grad_enabled

__all__ = [
    "Function",
    "GradcheckError",
    "backward",
    "enable_grad",
    "grad",
    "gradcheck",
    "is_grad_enabled",
    "no_grad",
    "set_grad_enabled",
]
