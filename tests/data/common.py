"""What the tests of the data loader share."""

from __future__ import annotations

import numpy as np

from fastgrad.utils.data import Dataset, TensorDataset


class Squares(Dataset):
    """Elements made one by one."""

    def __init__(self, count=10):
        self.count = count
        self.asked = []

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        self.asked.append(index)
        return np.full(2, index, np.float32), index * index


def rows(count, dtype="f4"):
    return TensorDataset(np.arange(count * 3, dtype=dtype).reshape(count, 3), np.arange(count))


def targets(loader):
    return [batch[1].tolist() for batch in loader]
