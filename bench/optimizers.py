"""The update rules that are measured, once for all peers: torch's words for a rule and for its constants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["OPTIMIZERS", "Optimizer"]


@dataclass(frozen=True)
class Optimizer:
    """An update rule with its constants; every peer has a table from the kind to its own rule.

    Parameters
    ----------
    kind : str
        ``"SGD"``, ``"Adam"`` or ``"AdamW"``.
    options : mapping of str to float or bool
        The constants, under the names and with the defaults that `torch.optim` has.
    l1 : float
        Strength of an L1 penalty: ``l1 * sign(w)`` is added to the gradient.
    """

    kind: str
    options: Mapping[str, float]
    l1: float = 0.0


OPTIMIZERS = {
    "sgd": Optimizer("SGD", {"lr": 0.01}),
    "momentum": Optimizer("SGD", {"lr": 0.01, "momentum": 0.9}),
    "adam": Optimizer("Adam", {"lr": 1e-3}),
    "l1l2": Optimizer("SGD", {"lr": 0.01, "weight_decay": 1e-3}, 1e-3),
}
