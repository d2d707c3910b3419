"""Which elements make the batches of an epoch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from fastgrad.errors import bad_index, bad_type, bad_value
from fastgrad.utils.data.rows import check_range
from fastgrad.utils.data.sampler import BatchSampler

__all__ = ["Schedule"]


class Schedule:
    """Orders of elements, cut into batches.

    A sampler that has ``order(epoch)`` is asked for that of the epoch. Another one is iterated, after
    ``set_epoch(epoch)`` if it has that; then what was given out before is skipped.

    Parameters
    ----------
    sampler : Sampler or iterable
        Gives indices; lists of them if `lists`.
    batch_size : int or None
        Indices of a batch; None for single elements, or with `lists`.
    drop_last : bool
        Whether a last batch that is not full is left out.
    lists : bool
        Whether `sampler` is a batch sampler.
    dataset : Dataset
        Whose elements they are; its length, if it has one, is what indices have to respect.
    """

    def __init__(self, sampler: Any, batch_size: int | None, drop_last: bool, lists: bool, dataset: Any) -> None:
        if type(sampler) is BatchSampler and lists:
            sampler, batch_size, drop_last, lists = sampler.sampler, sampler.batch_size, sampler.drop_last, False
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.lists = lists
        self.dataset = dataset
        self.argument = "batch_sampler" if lists else "sampler"

    @property
    def length(self) -> int | None:
        """That of the data set, None if it has none."""
        return len(self.dataset) if hasattr(self.dataset, "__len__") else None

    @property
    def has_order(self) -> bool:
        """Whether the sampler knows the indices of any epoch."""
        return not self.lists and hasattr(self.sampler, "order")

    def order(self, epoch: int) -> np.ndarray | None:
        """All indices of an epoch: int64, 0 <= index < length; None if the sampler does not know them."""
        if not self.has_order:
            return None
        order = np.asarray(self.sampler.order(epoch))
        name = type(self.sampler).__name__
        if order.ndim != 1 or (order.size and order.dtype.kind not in "iu"):
            given = f"a {name} whose order({epoch}) is of dtype {order.dtype} and shape {order.shape}"
            raise bad_type("DataLoader", "sampler", given, "integers with one axis")
        order = order.astype(np.int64, copy=False)
        length = self.length
        return order if length is None else check_range("DataLoader", "sampler", order, length, f"a {name} ")

    def batches(self, epoch: int, start: int) -> Iterator[Any]:
        """The lists of indices (without batches the indices) of an epoch, from batch `start` on."""
        order, size = self.order(epoch), self.batch_size
        if order is not None:
            if size is None:
                return iter(order[start:].tolist())
            stop = len(order) - len(order) % size if self.drop_last else len(order)
            return (order[i : min(i + size, stop)].tolist() for i in range(start * size, stop, size))
        if hasattr(self.sampler, "set_epoch"):
            self.sampler.set_epoch(epoch)
        indices = iter(self.sampler)
        if self.lists:
            return self._checked(islice(map(self._listed, indices), start, None), start)
        if size is None:
            return self._checked(islice(indices, start, None), start)
        return self._checked(islice(self._cut(indices, size), start, None), start)

    def _listed(self, batch: Any) -> list[Any]:
        if not isinstance(batch, Iterable):
            given = f"a {type(self.sampler).__name__} that gave a {type(batch).__name__}"
            raise bad_type("DataLoader", "batch_sampler", given, "lists of indices")
        return batch.tolist() if isinstance(batch, np.ndarray) else list(batch)

    def _cut(self, indices: Iterator[Any], size: int) -> Iterator[list[Any]]:
        while batch := list(islice(indices, size)):
            if len(batch) == size or not self.drop_last:
                yield batch

    def _checked(self, batches: Iterator[Any], start: int) -> Iterator[Any]:
        total = self.length
        for number, batch in enumerate(batches, start):
            if total is not None:
                for index in batch if self.batch_size is not None or self.lists else (batch,):
                    if isinstance(index, (int, np.integer)) and not -total <= index < total:
                        given = f"a {type(self.sampler).__name__} that gave {index} in batch {number}"
                        expected = f"numbers below the dataset's length {total}"
                        raise bad_index("DataLoader", self.argument, given, expected)
            yield batch

    def most(self) -> int | None:
        """Batches of an epoch; None if the sampler has no length."""
        return len(self) if hasattr(self.sampler, "__len__") else None

    def __len__(self) -> int:
        total = len(self.sampler)
        if self.lists or self.batch_size is None:
            return total
        return total // self.batch_size if self.drop_last else -(-total // self.batch_size)

    def state(self) -> dict[str, Any] | None:
        """The sampler's state, under its name; None if it has none."""
        if not hasattr(self.sampler, "state_dict"):
            return None
        return {"name": type(self.sampler).__name__, "state": self.sampler.state_dict()}

    def load(self, state: Any) -> None:
        """Put the sampler into a state that `state` returned."""
        mine = type(self.sampler).__name__ if hasattr(self.sampler, "load_state_dict") else None
        theirs = state["name"] if isinstance(state, dict) and state.keys() == {"name", "state"} else None
        if mine != theirs:
            given = f"that of a {theirs}" if theirs else "that of a sampler without state"
            expected = f"that of a {mine}" if mine else "none, as the sampler here has no load_state_dict()"
            raise bad_value("DataLoader.load_state_dict", "state_dict['sampler']", given, expected)
        if theirs is not None:
            self.sampler.load_state_dict(state["state"])
