"""What a peer offers."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

__all__ = ["Peer"]


class Peer(Protocol):
    """A library with a case's network in it."""

    name: str
    setup_seconds: float

    def step(self) -> None:
        """Train on the batch once; the work is done on return."""

    def parameters(self) -> list[np.ndarray[Any, Any]]:
        """Copy out the weights and biases: w0, b0, w1, b1, …"""
