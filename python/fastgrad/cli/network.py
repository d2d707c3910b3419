"""One network, written once for two libraries that share their names."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from fastgrad import backend

__all__ = ["activation_modules", "build_network"]

_Module = tuple[str, dict[str, Any]]


def activation_modules() -> dict[str, _Module]:
    """Give each activation's name the module that computes it and that module's arguments."""
    modules: dict[str, _Module] = {
        entry["name"]: (entry["module"], {}) for entry in backend.kernels.activations()
    }
    modules["gelu_tanh"] = ("GELU", {"approximate": "tanh"})
    modules["prelu"] = ("PReLU", {})
    return modules


def build_network(nn: Any, sizes: Sequence[int], activation: str) -> Any:
    """Build a multilayer perceptron from ``fastgrad.nn`` or from ``torch.nn``.

    Parameters
    ----------
    nn : module
        Where ``Sequential``, ``Linear`` and the activation come from.
    sizes : sequence of int
        Features, widths of the hidden layers, classes.
    activation : str
        A key of `activation_modules`; applied after every layer but the last.

    Returns
    -------
    Sequential
        Of `nn`; the keys of its ``state_dict`` are the same for both libraries.
    """
    name, arguments = activation_modules()[activation]
    layers = [nn.Linear(sizes[0], sizes[1])]
    for in_features, out_features in pairwise(sizes[1:]):
        layers += [getattr(nn, name)(**arguments), nn.Linear(in_features, out_features)]
    return nn.Sequential(*layers)
