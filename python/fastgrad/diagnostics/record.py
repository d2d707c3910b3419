"""What a watch has collected: numbers by layer and step."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fastgrad.diagnostics.series import Layer
from fastgrad.errors import bad_type, bad_value

if TYPE_CHECKING:
    from fastgrad.diagnostics.watch import Watcher

__all__ = ["Record", "load"]


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
