"""Which modules of a network are layers, and one of them while it is watched."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastgrad.diagnostics.saturation import Range, of_module
from fastgrad.diagnostics.series import Layer
from fastgrad.diagnostics.statistics import Activations, Gradients, Weights
from fastgrad.errors import bad_type, bad_value
from fastgrad.nn.activation_module import ActivationModule
from fastgrad.nn.module import Module

__all__ = ["Watched", "find_layers"]


def find_layers(net: Module, names: Any) -> dict[str, Module]:
    """The modules of those names; by default those with parameters of their own, and activations."""
    modules = dict(net.named_modules())
    if names is None:
        found = {name: module for name, module in modules.items() if _is_layer(module)}
        if not found:
            raise bad_value("watch", "net", f"a {type(net).__name__} without layers", "parameters or activations")
        return found
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise bad_type("watch", "layers", f"a {type(names).__name__}", "a list of names")
    for name in names:
        if name not in modules:
            raise bad_value("watch", "layers", f"with {name!r}", f"some of {', '.join(map(repr, modules))}")
    if not names:
        raise bad_value("watch", "layers", "empty", "at least one name")
    return {name: module for name, module in modules.items() if name in names}


def _is_layer(module: Module) -> bool:
    return isinstance(module, ActivationModule) or any(p is not None for p in module._parameters.values())


class Watched:
    """A layer with what has come together of the step that goes on.

    Its `see…` functions are what a recorded step calls in every run.
    """

    def __init__(self, name: str, module: Module, bins: int) -> None:
        self.layer = Layer(name, type(module).__name__, bins)
        self.bins = bins
        self.span: Range | None = None
        parameters = [p for p in module._parameters.values() if p is not None]
        # What biases and gains say of a layer would be lost among its weights, or cloud them.
        self.parameters = [p for p in parameters if p.ndim > 1] or parameters
        self.weights = Weights()
        self._clear()

    def _clear(self) -> None:
        self.activations = Activations(self.span or Range(), self.bins)
        self.gradient = Gradients()

    def settle(self, module: Module, activation: Module | None) -> None:
        """Take the range of values from the first call."""
        if self.span is None:
            self.span = span = of_module(module if activation is None else activation)
            layer = self.layer
            own = isinstance(module, ActivationModule)
            layer.activation = "" if own else span.name
            layer.low, layer.high = span.low, span.high
            layer.edges = np.linspace(span.bottom, span.top, self.bins + 1)
            self._clear()

    def see_activations(self, y: np.ndarray, *weights: np.ndarray) -> None:
        """A call has given `y`, with these weights."""
        self.activations.add(y)
        self.weights.keep(weights)

    def see_gradient(self, dy: np.ndarray) -> None:
        """The gradient of what a call has given."""
        self.gradient.add(dy)

    def finish(self, weights: list[np.ndarray], grads: list[np.ndarray]) -> None:
        """The step has ended with these weights and their gradients."""
        seen, layer = self.activations, self.layer
        weight_gradient = Gradients()
        for dw in grads:
            weight_gradient.add(dw)
        norm, change = self.weights.finish(weights)
        with np.errstate(all="ignore"):
            ratio = float(np.divide(change, norm))
        numbers = {
            "gradient": self.gradient.mean,
            "weight_gradient": weight_gradient.mean,
            "weight_norm": norm,
            "update_norm": change,
            "update_ratio": ratio,
        }
        extremes = None
        if seen.count:
            numbers.update(activation_mean=seen.mean, activation_std=seen.std, saturation=seen.saturation)
            if seen.minimum is not None and seen.maximum is not None:
                extremes = seen.minimum, seen.maximum
                layer.units = len(seen.minimum)
                numbers["dead"] = float(layer.are_dead(*extremes, seen.rows).mean())
        for name, values in layer.values.items():
            values.append(numbers.get(name, math.nan))
        layer.rows.append(seen.rows)
        layer.counts.append(seen.histogram)
        layer.extremes.append(extremes)
        self._clear()
