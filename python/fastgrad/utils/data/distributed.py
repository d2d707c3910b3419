"""The sampler of one of several processes that share a data set."""

from __future__ import annotations

from collections.abc import Sized

import numpy as np

from fastgrad.errors import bad_value
from fastgrad.nn.functional.arguments import check_int
from fastgrad.nn.linear import check_size
from fastgrad.ops.operands import check_flag
from fastgrad.utils.data.arguments import check_length
from fastgrad.utils.data.epoch_sampler import SeededSampler

__all__ = ["DistributedSampler"]


class DistributedSampler(SeededSampler):
    """Every `num_replicas`-th element, beginning with number `rank`, of an order that all processes share.

    All processes get equally many elements: the order is made longer by its own beginning, or cut off.

    Parameters
    ----------
    dataset : Dataset
        Anything with a length, which is not 0.
    num_replicas : int
        Number of processes.
    rank : int
        Which of them this is: 0 <= rank < num_replicas.
    shuffle : bool
        Whether each epoch has a new random order.
    seed : int
        What the orders are made from; the same in all processes.
    drop_last : bool
        Whether what does not go round evenly is left out; else elements come twice to make it even.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If the data set is empty, `num_replicas` is below 1, or `rank` is not below `num_replicas`.

    Notes
    -----
    As for all samplers here, each loop begins a new epoch by itself; torch's repeats one until ``set_epoch`` is called.
    Source: ``torch.utils.data.DistributedSampler``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> parts = [fg.utils.data.DistributedSampler("abcde", 2, rank, shuffle=False) for rank in range(2)]
    >>> [list(part) for part in parts]
    [[0, 2, 4], [1, 3, 0]]
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int,
        rank: int,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        name = "DistributedSampler"
        check_length(name, "dataset", dataset, 1)
        self.dataset = dataset
        self.num_replicas = check_size(name, "num_replicas", num_replicas, 1)
        self.rank = check_size(name, "rank", rank)
        if self.rank >= self.num_replicas:
            raise bad_value(name, "rank", self.rank, f"below num_replicas, which is {self.num_replicas}")
        self.shuffle = check_flag(name, "shuffle", shuffle)
        self.drop_last = check_flag(name, "drop_last", drop_last)
        super().__init__()
        self._seed = check_int(name, "seed", seed) % 2**64

    @property
    def num_samples(self) -> int:
        """Elements of an epoch in each process."""
        total = len(self.dataset)
        return total // self.num_replicas if self.drop_last else -(-total // self.num_replicas)

    def order(self, epoch: int) -> np.ndarray:
        """The numbers of this process's elements of an epoch, in order: int64, shape (num_samples,)."""
        total = len(self.dataset)
        order = self.random(epoch).permutation(total) if self.shuffle else np.arange(total)
        return np.resize(order, self.num_samples * self.num_replicas)[self.rank :: self.num_replicas]

    def __len__(self) -> int:
        return self.num_samples
