"""Data sets and functions for the tests of workers: at module level, where new processes find them."""

from __future__ import annotations

import os
import random
import time

import numpy as np

import fastgrad as fg
from fastgrad.utils.data import Dataset, IterableDataset, get_worker_info


class Noisy(Dataset):
    """Elements with random numbers of all three sources."""

    def __init__(self, count=20):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        drawn = [random.random(), np.random.rand(), np.random.randn(), fg.rand(1).item()]
        return np.array(drawn, np.float32), index


class Large(Dataset):
    """Elements of a given number of floats."""

    def __init__(self, sizes):
        self.sizes = sizes

    def __len__(self):
        return len(self.sizes)

    def __getitem__(self, index):
        return np.full(self.sizes[index], index, np.float32)


class Faulty(Dataset):
    """Does `deed` where the index is `at`."""

    def __init__(self, count, at, deed):
        self.count, self.at, self.deed = count, at, deed

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if index == self.at:
            self.deed()
        return np.full(2000, index, np.float32)


class Told(Dataset):
    """Says which worker and process made an element."""

    def __init__(self, count=8):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        info = get_worker_info()
        assert info.dataset is self
        return {"id": info.id, "of": info.num_workers, "seed": info.seed, "pid": os.getpid(), "threads": threads()}


def threads():
    return fg.get_num_threads()


class Counting(IterableDataset):
    """0 to `count`, each worker its share if `shared`; a random number beside each; says it has `length` elements."""

    def __init__(self, count, shared=True):
        self.count, self.shared = count, shared

    def __iter__(self):
        info = get_worker_info()
        first, step = (info.id, info.num_workers) if info and self.shared else (0, 1)
        for i in range(first, self.count, step):
            yield i, random.random()


class Measured(Counting):
    """With a length."""

    def __init__(self, count, length, shared=True):
        super().__init__(count, shared)
        self.length = length

    def __len__(self):
        return self.length


class TwoArguments(Exception):
    """Cannot be made again from its message."""

    def __init__(self, what, where):
        super().__init__(f"{what} in {where}")


def divide():
    return 1 / 0


def strange():
    raise TwoArguments("fault", "place")


def leave():
    os._exit(3)


def kill():
    os.kill(os.getpid(), 9)


def sleep():
    time.sleep(60)


def nothing():
    pass


def init_well(number):
    Noisy.started = number


def init_badly(number):
    raise OSError(f"no disk for worker {number}")


def bad_collate(elements):
    raise KeyError("label")


class NotHere:
    """Pickles, and does not unpickle."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return index

    def __reduce__(self):
        return missing, ()


def missing():
    raise ImportError("no module named elsewhere")
