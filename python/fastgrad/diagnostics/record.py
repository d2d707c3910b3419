"""What a watch has collected: numbers by layer and step."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad.errors import bad_type, bad_value

if TYPE_CHECKING:
    from fastgrad.diagnostics.watch import Watcher

__all__ = ["NUMBERS", "Layer", "Record", "Series", "load"]


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


class Record:
    """What `watch` collects; also a context, whose end detaches it.

    Attributes
    ----------
    steps : list of int
        The observed steps, counted from 0.
    every : int
        Each so many-th step is observed.
    layers : dict of str to Layer
        Those of which anything was observed, by the names of their modules, in the network's order.
        ``record["0"]`` is ``record.layers["0"]``.
    """

    def __init__(self, layers: dict[str, Layer], every: int, watcher: Watcher | None = None) -> None:
        self.steps: list[int] = []
        self.every = every
        self._layers = layers
        self._watcher = watcher

    @property
    def layers(self) -> dict[str, Layer]:
        return {name: layer for name, layer in self._layers.items() if not layer.is_empty()}

    def __getitem__(self, name: str) -> Layer:
        if name not in (layers := self.layers):
            expected = f"the name of an observed layer: {', '.join(map(repr, layers)) or 'none so far'}"
            raise bad_value("Record", "name", repr(name), expected)
        return layers[name]

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers.values())

    def __len__(self) -> int:
        return len(self.steps)

    def step(self) -> None:
        """Say that a step ends here, where no optimiser does.

        Raises
        ------
        RuntimeError
            If the record has an optimiser, or was read from a file.
        """
        if self._watcher is None:
            raise RuntimeError("step(): the record was read from a file, expected one that watches a network")
        self._watcher.step()

    def detach(self) -> None:
        """Stop watching: no hook stays. What was collected stays; a step that has not ended does not count."""
        if self._watcher is not None:
            self._watcher.detach()

    def __enter__(self) -> Record:
        return self

    def __exit__(self, *exception: object) -> None:
        self.detach()

    def table(self, step: int = -1) -> str:
        """A table of all layers in one observed step.

        Parameters
        ----------
        step : int
            Which of the observed steps; the last by default.

        Returns
        -------
        str
            ``print(record)`` prints the last one.

        Raises
        ------
        IndexError
            If there is no such step.
        """
        from fastgrad.diagnostics.table import table

        return table(self, step)

    def __str__(self) -> str:
        return self.table() if self.steps else repr(self)

    def __repr__(self) -> str:
        return f"<Record of {len(self._layers)} layers, {len(self.steps)} observed steps>"

    def plot(self, path: str | os.PathLike[str] | None = None, panels: Any = None) -> Any:
        """Draw how the layers' numbers change while the network learns; see :mod:`fastgrad.diagnostics.plot`.

        Parameters
        ----------
        path : path, optional
            Where to save the figure; the ending says the format.
        panels : str or sequence of str, optional
            Which of "activations", "gradients", "saturation", "histograms" and "updates" are drawn; all but the
            histograms by default.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ModuleNotFoundError
            If matplotlib is not installed.
        ValueError
            If a panel is unknown, or nothing was observed.
        """
        from fastgrad.diagnostics.plot import plot

        return plot(self, path, panels)

    def to_tensorboard(self, target: Any, since: int = 0) -> None:
        """Write the observed steps for TensorBoard; see :mod:`fastgrad.diagnostics.tensorboard`.

        Parameters
        ----------
        target : path or writer
            A folder for an event file, which tensorboardX writes; or a ``SummaryWriter`` of tensorboardX's, or anything
            with its ``add_scalar`` and ``add_histogram_raw``.
        since : int
            The first step to be written.

        Raises
        ------
        ModuleNotFoundError
            If a folder is given, and tensorboardX is not installed.
        TypeError
            If `target` is neither.
        """
        from fastgrad.diagnostics.tensorboard import to_tensorboard

        to_tensorboard(self, target, since)

    def to_dict(self) -> dict[str, Any]:
        """All that was collected, in dicts, lists, numbers and texts."""
        from fastgrad.diagnostics.files import to_dict

        return to_dict(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all to a JSON file, which `load` reads; or the numbers of all layers and steps to a CSV table.

        Parameters
        ----------
        path : path
            Ends in ``.json`` or ``.csv``.

        Raises
        ------
        ValueError
            If it ends otherwise.
        """
        from fastgrad.diagnostics.files import save

        save(self, path)


def load(path: str | os.PathLike[str]) -> Record:
    """Read a record that `Record.save` has written as JSON.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    Record
        It watches nothing.

    Raises
    ------
    ValueError
        If the file holds something else.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import fastgrad as fg
    >>> net = fg.nn.Sequential(fg.nn.Linear(3, 2), fg.nn.Tanh())
    >>> with fg.diagnostics.watch(net) as record:
    ...     y = net(fg.randn(5, 3))
    ...     record.step()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     record.save(pathlib.Path(folder, "record.json"))
    ...     again = fg.diagnostics.load(pathlib.Path(folder, "record.json"))
    >>> bool(again["0"].activation_mean == record["0"].activation_mean)
    True
    """
    if not isinstance(path, (str, os.PathLike)):
        raise bad_type("load", "path", f"a {type(path).__name__}", "a path")
    from fastgrad.diagnostics.files import read

    return read(path)
