"""What one ``fastgrad compare`` is to do, checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """The options of ``fastgrad compare``; the defaults train the bundled digits to more than 95 %.

    Parameters
    ----------
    hidden : tuple of int
        Widths of the hidden layers; empty for a linear classifier.
    activation : str
        Activation after each hidden layer, one of the library's names.
    batch_size, epochs : int
        Rows in a step; passes over the training rows.
    lr, momentum, l1, l2 : float
        Of the stochastic gradient descent; ``l2`` is torch's ``weight_decay``.
    dtype : str
        ``"float32"`` or ``"float64"``.
    threads : int or None
        Threads of both libraries; None for all that the process may use.
    seed : int
        Decides the split, the initial weights and the order of the batches.
    data : Path or None
        A ``.csv`` or ``.npz`` file; None for the bundled digits.
    target : str or None
        The column (csv) or array (npz) with the class labels.
    torch : bool
        Train torch as well, where it is installed.
    plot, json : Path or None
        Where to write the picture and the figures.
    """

    hidden: tuple[int, ...] = (100, 100)
    activation: str = "relu"
    batch_size: int = 64
    epochs: int = 20
    lr: float = 0.05
    momentum: float = 0.9
    l1: float = 0.0
    l2: float = 0.0
    dtype: str = "float32"
    threads: int | None = None
    seed: int = 0
    data: Path | None = None
    target: str | None = None
    torch: bool = True
    plot: Path | None = None
    json: Path | None = None
