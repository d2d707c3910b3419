"""What a peer offers."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

__all__ = ["Peer"]


class Peer(Protocol):
    """A library with a case's network in it, and an optimiser or none.

    Attributes
    ----------
    name : str
        What it is called in the tables.
    setup_seconds : float
        How long it compiled or recorded.
    steps_done : int
        How often it did its work meanwhile.
    """

    name: str
    setup_seconds: float
    steps_done: int

    def step(self) -> None:
        """Train on the batch once, or without an optimiser compute its logits; the work is done on return."""

    def results(self) -> list[np.ndarray[Any, Any]]:
        """Copy out the weights and biases w0, b0, w1, b1, …, or the logits alone."""
