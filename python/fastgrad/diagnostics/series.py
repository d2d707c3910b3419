"""The numbers of one layer over the observed steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastgrad.errors import bad_value

__all__ = ["NUMBERS", "Layer", "Series"]


class Series:
    """A number of a layer, over the observed steps: reading it gives a new array of float64."""

    def __init__(self, text: str) -> None:
        self.text = self.__doc__ = text

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, layer: Layer | None, owner: type | None = None) -> Any:
        return self if layer is None else np.array(layer.values[self.name], np.float64)


class Layer:
    """The numbers of one layer over the observed steps; NaN in a step in which it was not called.

    Attributes
    ----------
    name, module : str
        The module's name in the network, and its class.
    activation : str
        What its activations have gone through; empty if nothing is known of it.
    units : int
        The length of the last axis of its activations.
    low, high : float
        From where on an activation counts as saturated.
    edges : ndarray
        The edges of the histogram's bins, one more than there are bins.
    values : dict
        The series as lists.

    Notes
    -----
    *Activations* are what the layer gives, or what an activation module gives that was called with just that. All
    calls of a step count as one: elements of further rows.
    """

    activation_mean = Series("mean of the activations")
    activation_std = Series("standard deviation of the activations, over rows and units")
    saturation = Series("share of the activations that are saturated")
    dead = Series("share of the units that are dead")
    gradient = Series("mean absolute gradient of the loss with respect to the activations")
    weight_gradient = Series("mean absolute gradient of the loss with respect to the weights")
    weight_norm = Series("Euclidean norm of the weights before the step")
    update_norm = Series("Euclidean norm of the change of the weights by the step")
    update_ratio = Series("update_norm / weight_norm")

    def __init__(self, name: str, module: str, bins: int) -> None:
        self.name = name
        self.module = module
        self.activation = ""
        self.units = 0
        self.low, self.high = -np.inf, np.inf
        self.edges = np.linspace(-1.0, 1.0, bins + 1)
        self.values: dict[str, list[float]] = {name: [] for name in NUMBERS}
        self.rows: list[int] = []
        self.counts: list[np.ndarray] = []
        self.extremes: list[tuple[np.ndarray, np.ndarray] | None] = []

    @property
    def histogram(self) -> np.ndarray:
        """Activations per step and bin; those beyond the ends are in the outermost bins."""
        return np.array(self.counts, np.int64).reshape(-1, len(self.edges) - 1)

    @property
    def title(self) -> str:
        """The layer's name and kind."""
        kind = f"{self.module} + {self.activation}" if self.activation else self.module
        return f"{self.name} {kind}".strip()

    def is_empty(self) -> bool:
        """Whether nothing was observed of it."""
        return all(np.isnan(values).all() for values in self.values.values())

    def dead_units(self, since: int = 0) -> np.ndarray:
        """The units that were dead from an observed step on.

        A unit is dead if it was on the same saturated side, or had the same value, in all rows of these steps.

        Parameters
        ----------
        since : int
            Which observed step to begin with; ``-3`` are the last three.

        Returns
        -------
        ndarray
            Their numbers; none if the layer was not called.

        Raises
        ------
        ValueError
            If the layer has had different numbers of units.
        """
        found = [(pair, rows) for pair, rows in zip(self.extremes[since:], self.rows[since:], strict=True) if rows]
        if not found:
            return np.zeros(0, np.int64)
        if any(pair is None or len(pair[0]) != len(found[0][0][0]) for pair, _ in found):  # type: ignore[index]
            raise bad_value("dead_units", "since", since, "steps in which the layer has the same number of units")
        minimum = np.min([pair[0] for pair, _ in found if pair is not None], axis=0)
        maximum = np.max([pair[1] for pair, _ in found if pair is not None], axis=0)
        return np.flatnonzero(self.are_dead(minimum, maximum, sum(rows for _, rows in found)))

    def are_dead(self, minimum: np.ndarray, maximum: np.ndarray, rows: int) -> np.ndarray:
        """Which units are dead, from their extremes over so many rows."""
        stuck = (maximum <= self.low) | (minimum >= self.high)
        return stuck | (minimum == maximum) if rows > 1 else stuck

    def __repr__(self) -> str:
        return f"<Layer {self.title}, {self.units} units, {len(self.rows)} observed steps>"


NUMBERS = tuple(name for name, value in vars(Layer).items() if isinstance(value, Series))
