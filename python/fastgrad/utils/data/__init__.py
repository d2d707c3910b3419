"""Data sets, samplers, and batches from them.

`preprocess` and `augment` hold what is done to data before a network sees them; they are imported when they are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastgrad.utils.data.balanced import ClassBalancedSampler
from fastgrad.utils.data.collate import default_collate, default_convert
from fastgrad.utils.data.concat import ConcatDataset
from fastgrad.utils.data.dataloader import DataLoader
from fastgrad.utils.data.dataset import Dataset, IterableDataset, TensorDataset
from fastgrad.utils.data.distributed import DistributedSampler
from fastgrad.utils.data.epoch_sampler import EpochSampler, Sampler, SeededSampler
from fastgrad.utils.data.hard_examples import HardExampleSampler
from fastgrad.utils.data.sampler import BatchSampler, RandomSampler, SequentialSampler, SubsetRandomSampler
from fastgrad.utils.data.subset import Subset, random_split
from fastgrad.utils.data.weighted import WeightedRandomSampler
from fastgrad.utils.data.worker_info import WorkerInfo, get_worker_info

if TYPE_CHECKING:
    from fastgrad.utils.data import augment as augment
    from fastgrad.utils.data import preprocess as preprocess

__all__ = [
    "BatchSampler",
    "ClassBalancedSampler",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "DistributedSampler",
    "EpochSampler",
    "HardExampleSampler",
    "IterableDataset",
    "RandomSampler",
    "Sampler",
    "SeededSampler",
    "SequentialSampler",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "WorkerInfo",
    "default_collate",
    "default_convert",
    "get_worker_info",
    "random_split",
]

_LATER = ("augment", "preprocess")


def __getattr__(name: str) -> Any:
    """Import what not every program needs when it is first used."""
    if name in _LATER:
        from importlib import import_module

        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
