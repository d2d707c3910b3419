"""Data sets, samplers, and batches from them."""

from __future__ import annotations

from fastgrad.utils.data.balanced import ClassBalancedSampler
from fastgrad.utils.data.collate import default_collate, default_convert
from fastgrad.utils.data.dataloader import DataLoader
from fastgrad.utils.data.dataset import Dataset, Subset, TensorDataset, random_split
from fastgrad.utils.data.distributed import DistributedSampler
from fastgrad.utils.data.hard_examples import HardExampleSampler
from fastgrad.utils.data.sampler import (
    BatchSampler,
    EpochSampler,
    RandomSampler,
    Sampler,
    SeededSampler,
    SequentialSampler,
    SubsetRandomSampler,
)
from fastgrad.utils.data.weighted import WeightedRandomSampler

__all__ = [
    "BatchSampler",
    "ClassBalancedSampler",
    "DataLoader",
    "Dataset",
    "DistributedSampler",
    "EpochSampler",
    "HardExampleSampler",
    "RandomSampler",
    "Sampler",
    "SeededSampler",
    "SequentialSampler",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "default_collate",
    "default_convert",
    "random_split",
]
