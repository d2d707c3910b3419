"""Data sets, samplers, and batches from them."""

from __future__ import annotations

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
