"""What `DataLoader` accepts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from fastgrad.errors import bad_type, bad_value
from fastgrad.ops.operands import check_flag
from fastgrad.random import Generator
from fastgrad.utils.data.dataset import IterableDataset

__all__ = ["check_arguments"]


def check_integer(argument: str, value: Any, least: int) -> int:
    """`value` as an integer that is at least `least`."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        expected = "an integer or None" if argument == "batch_size" else "an integer"
        raise bad_type("DataLoader", argument, repr(value), expected)
    if value < least:
        raise bad_value("DataLoader", argument, value, f"an integer >= {least}")
    return int(value.__index__())


def check_arguments(given: dict[str, Any]) -> dict[str, Any]:
    """The constructor's arguments, as they are kept.

    Parameters
    ----------
    given : dict
        All of them by name.

    Raises
    ------
    TypeError, ValueError
        If one cannot be used, or several not together.
    """
    kept = dict(given)
    for flag in ("shuffle", "drop_last", "pin_memory", "persistent_workers"):
        kept[flag] = check_flag("DataLoader", flag, given[flag]) if given[flag] is not None else False
    if given["batch_size"] is not None:
        kept["batch_size"] = check_integer("batch_size", given["batch_size"], 1)
    elif kept["drop_last"]:
        raise bad_value("DataLoader", "drop_last", given["drop_last"], "False with batch_size None")
    for name in ("collate_fn", "worker_init_fn"):
        if given[name] is not None and not callable(given[name]):
            raise bad_type("DataLoader", name, type(given[name]).__name__, "a callable")
    if given["generator"] is not None and not isinstance(given["generator"], Generator):
        raise bad_type("DataLoader", "generator", type(given["generator"]).__name__, "a Generator")
    _check_dataset(kept)
    _check_samplers(kept)
    _check_workers(kept)
    return kept


def _expect(kept: dict[str, Any], name: str, default: Any, expected: str) -> None:
    """Raise unless an argument is its default; None is one of a flag too."""
    value = kept[name]
    simple = isinstance(value, (bool, int, float, str))
    if value is None or (simple and (value == default or value is False)):
        return
    raise bad_value("DataLoader", name, repr(value) if simple else f"a {type(value).__name__}", expected)


def _check_dataset(kept: dict[str, Any]) -> None:
    dataset = kept["dataset"]
    has_sampler = kept["sampler"] is not None or kept["batch_sampler"] is not None
    if isinstance(dataset, IterableDataset):
        for name in ("shuffle", "sampler", "batch_sampler"):
            _expect(kept, name, None, "none with an IterableDataset, which has an order of its own")
        return
    if not hasattr(dataset, "__getitem__") or not (has_sampler or hasattr(dataset, "__len__")):
        expected = "a data set with __len__ and __getitem__, or an IterableDataset"
        raise bad_type("DataLoader", "dataset", type(dataset).__name__, expected)
    if kept["shuffle"] and not has_sampler and len(dataset) == 0:
        raise bad_value("DataLoader", "dataset", "empty", "at least one element to shuffle")


def _check_samplers(kept: dict[str, Any]) -> None:
    for name in ("sampler", "batch_sampler"):
        if kept[name] is not None and not isinstance(kept[name], Iterable) and not hasattr(kept[name], "__getitem__"):
            raise bad_type("DataLoader", name, type(kept[name]).__name__, "a Sampler or an iterable of indices")
    if kept["sampler"] is not None and kept["shuffle"]:
        raise bad_value("DataLoader", "shuffle", True, "False with a sampler, which gives the order")
    if kept["batch_sampler"] is not None:
        defaults = {"batch_size": 1, "shuffle": False, "sampler": None, "drop_last": False}
        for name, default in defaults.items():
            _expect(kept, name, default, f"{default} with a batch_sampler, which makes the batches")


def _check_workers(kept: dict[str, Any]) -> None:
    kept["num_workers"] = workers = check_integer("num_workers", kept["num_workers"], 0)
    timeout: Any = kept["timeout"]
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float, np.number)):
        raise bad_type("DataLoader", "timeout", repr(timeout), "a number of seconds")
    if not timeout >= 0:
        raise bad_value("DataLoader", "timeout", timeout, "a number of seconds >= 0")
    if kept["prefetch_factor"] is not None:
        kept["prefetch_factor"] = check_integer("prefetch_factor", kept["prefetch_factor"], 1)
    if workers:
        from fastgrad.utils.data.worker_pool import as_context

        kept["multiprocessing_context"] = as_context(kept["multiprocessing_context"])
        kept["prefetch_factor"] = kept["prefetch_factor"] or 2
        return
    for name, default in (
        ("timeout", 0), ("prefetch_factor", None), ("persistent_workers", False), ("multiprocessing_context", None),
    ):  # fmt: skip
        _expect(kept, name, default, f"{default} with num_workers=0, that is, without workers")
