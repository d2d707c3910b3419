"""What goes on in a network while it learns: activations, gradients and updates, layer by layer."""

from __future__ import annotations

from fastgrad.diagnostics.plot import draw
from fastgrad.diagnostics.record import Record, load
from fastgrad.diagnostics.series import Layer
from fastgrad.diagnostics.watch import watch

__all__ = ["Layer", "Record", "draw", "load", "watch"]
