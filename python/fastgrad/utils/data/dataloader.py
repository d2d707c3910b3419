"""Batches of a data set, one epoch per loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, repeat
from typing import Any, Generic, TypeVar

from fastgrad.errors import bad_type, bad_value
from fastgrad.nn.linear import check_size
from fastgrad.random import Generator, numpy_generator
from fastgrad.utils.data import epochs
from fastgrad.utils.data.collate import default_collate, default_convert
from fastgrad.utils.data.dataset import Dataset, IterableDataset
from fastgrad.utils.data.epochs import Progress
from fastgrad.utils.data.fetch import MapFetcher, StreamFetcher
from fastgrad.utils.data.loader_arguments import check_arguments
from fastgrad.utils.data.pin import can_pin, pinned
from fastgrad.utils.data.rows import Rows, find_rows
from fastgrad.utils.data.sampler import BatchSampler, RandomSampler, SequentialSampler
from fastgrad.utils.data.schedule import Schedule

__all__ = ["DataLoader"]

T_co = TypeVar("T_co", covariant=True)


class DataLoader(Generic[T_co]):
    """Batches of a data set; each loop over it is one epoch.

    Batches of a `TensorDataset`, of a `Subset` of one, or of a `ConcatDataset` of several, are gathered from the
    arrays by native calls, in this process, whatever `num_workers` is; rows that follow one another in memory are not
    copied: such a batch is a view. What Python code makes, a transform included, is made by the workers, if there are
    any.

    The order of an epoch, and the random numbers of Python code that makes a batch, are functions of a seed, the
    number of the epoch and that of the batch. The seed is drawn when the first loop begins.

    Parameters
    ----------
    dataset : Dataset
        Anything with ``__len__`` and ``__getitem__``, or an `IterableDataset`.
    batch_size : int or None
        Elements of a batch; None for single elements instead of batches.
    shuffle : bool
        Whether each epoch has a new random order.
    sampler : Sampler or iterable, optional
        What gives the order instead.
    batch_sampler : Sampler or iterable, optional
        What gives lists of indices, the batches; instead of `batch_size`, `shuffle`, `sampler` and `drop_last`.
    num_workers : int
        Processes that make batches; 0 to make them in this one.
    collate_fn : callable, optional
        From a list of elements to a batch; `default_collate` unless given (for single
        elements `default_convert`, from an element to what is given out).
    pin_memory : bool
        Whether batches come in memory that a GPU reads by itself, for ``batch.to("cuda", non_blocking=True)``; has no
        effect where CUDA cannot be used.
    drop_last : bool
        Whether a last batch that is not full is left out.
    timeout : float
        Seconds to wait for a batch of a worker at most; 0 for as long as it takes.
    worker_init_fn : callable, optional
        What each worker calls first, with its number.
    multiprocessing_context : str or context, optional
        How workers are started: ``"forkserver"`` unless given (``"spawn"`` where there is none), or ``"fork"``.
    generator : Generator, optional
        Where the seeds of the order and of random numbers come from; else what `manual_seed` seeds.
    prefetch_factor : int, optional
        Batches that each worker makes ahead; 2 unless given.
    persistent_workers : bool
        Whether workers stay for the next loop.

    Attributes
    ----------
    epoch : int
        Number of the epoch that the next loop goes through, or goes on with.

    Raises
    ------
    TypeError
        If `dataset` or another argument is of the wrong type.
    ValueError
        If an argument is out of range, several do not go together, or an empty data set is to be shuffled.

    Notes
    -----
    Source: ``torch.utils.data.DataLoader``.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> dataset = fg.utils.data.TensorDataset(np.arange(5.0), np.arange(5))
    >>> loader = fg.utils.data.DataLoader(dataset, batch_size=2)
    >>> len(loader)
    3
    >>> [target.tolist() for x, target in loader]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self,
        dataset: Dataset[T_co],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], object] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
    ) -> None:
        given = dict(locals())
        del given["self"]
        kept = check_arguments(given)
        self.dataset: Any = dataset
        self.num_workers: int = kept["num_workers"]
        self.pin_memory: bool = kept["pin_memory"]
        self.timeout: float = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = kept["multiprocessing_context"]
        self.generator = generator
        self.prefetch_factor: int | None = kept["prefetch_factor"]
        self.persistent_workers: bool = kept["persistent_workers"]
        self.batch_size: int | None = kept["batch_size"] if batch_sampler is None else None
        self.drop_last: bool = kept["drop_last"]
        self._batched = batch_size is not None  # with a batch_sampler it is 1
        self.collate_fn = collate_fn or (default_collate if self._batched else default_convert)
        self.sampler: Any = None
        self.batch_sampler: Any = batch_sampler
        self._schedule: Schedule | None = None
        if not isinstance(dataset, IterableDataset):
            self._set_samplers(sampler, kept["shuffle"])
        self._seed: int | None = None
        self._epoch = self._start = 0
        self._progress: Progress | None = None
        self._pool: Any = None

    def _set_samplers(self, sampler: Any, shuffle: bool) -> None:
        lists = self.batch_sampler is not None
        if lists:
            self._schedule = Schedule(self.batch_sampler, None, False, True, self.dataset)
            return
        if sampler is None:
            whole = self.dataset
            sampler = RandomSampler(whole, generator=self.generator) if shuffle else SequentialSampler(whole)
        self.sampler = sampler
        if self.batch_size is not None:
            self.batch_sampler = BatchSampler(sampler, self.batch_size, self.drop_last)
        self._schedule = Schedule(sampler, self.batch_size, self.drop_last, False, self.dataset)

    def __len__(self) -> int:
        if self._schedule is not None:
            return len(self._schedule)
        total = len(self.dataset)
        if self.batch_size is None:
            return total
        return total // self.batch_size if self.drop_last else -(-total // self.batch_size)

    @property
    def epoch(self) -> int:
        return self._epoch

    def set_epoch(self, epoch: int) -> None:
        """Let the next loop go through an epoch from its beginning, an integer >= 0."""
        self._epoch, self._start, self._progress = check_size("DataLoader.set_epoch", "epoch", epoch), 0, None

    def _find_rows(self) -> Rows | None:
        """The rows of arrays in memory; None if Python code makes batches, which may use random numbers."""
        if self._schedule is None or self.collate_fn not in (default_collate, default_convert):
            return None
        rows = find_rows(self.dataset)
        return None if rows is None or rows.transforms else rows

    def _draw_seed(self) -> int:
        if self._seed is None:
            self._seed = int(numpy_generator(self.generator).integers(2**63))
        return self._seed

    def __iter__(self) -> Iterator[Any]:
        batches = self._epoch_of_batches()
        return pinned(batches) if self.pin_memory and can_pin() else batches

    def _epoch_of_batches(self) -> Iterator[Any]:
        # Orders are found here, not at the first batch: what is drawn meanwhile does not change them.
        rows, schedule = self._find_rows(), self._schedule
        seed = None if rows is not None else self._draw_seed()
        state = None if schedule is None else schedule.state()
        progress = self._progress = Progress(self._epoch, self._start, state)
        self._epoch, self._start = self._epoch + 1, 0
        if schedule is None:
            return self._stream(progress, self._draw_seed())
        if rows is not None and self._batched and self.collate_fn is default_collate:
            return epochs.give_rows(rows, schedule, progress)
        tasks = schedule.batches(progress.epoch, progress.batches)
        if self.num_workers and seed is not None:
            results = epochs.from_workers(self, tasks, progress, progress.batches)
            return epochs.give((batch for _, batch in results), progress)
        fetch = MapFetcher(self.dataset, self.collate_fn, self._batched)
        return epochs.give(epochs.map_here(fetch, tasks, progress, seed), progress)

    def _stream(self, progress: Progress, seed: int) -> Iterator[Any]:
        skipped = progress.batches
        if self.num_workers:
            results = epochs.from_workers(self, chain(repeat(True, skipped), repeat(False)), progress, 0)
        else:
            fetch = StreamFetcher(self.dataset, self.collate_fn, self.batch_size, self.drop_last)
            results = epochs.stream_here(fetch, progress, seed)
        return epochs.give(epochs.count_stream(results, self.dataset, self.num_workers, skipped), progress)

    def _workers(self) -> Any:
        """The pool of workers, a new one unless there is one that stays."""
        from fastgrad.utils.data.worker import Job
        from fastgrad.utils.data.worker_pool import WorkerPool

        if self._pool is not None and self._pool.alive:
            return self._pool
        job = Job(
            self.dataset, self.collate_fn, self.worker_init_fn, self._batched, self.batch_size, self.drop_last,
            self._schedule is None, self._draw_seed(),
        )  # fmt: skip
        pool = WorkerPool(self.num_workers, job, self.multiprocessing_context, (self.prefetch_factor or 0) + 2)
        if self.persistent_workers:
            self._pool = pool
        return pool

    def state_dict(self) -> dict[str, Any]:
        """Where the newest loop is: what a loader made from the same arguments needs to go on after the last batch.

        Returns
        -------
        dict
            Python numbers and what the sampler's ``state_dict()`` returns. Batches count as soon as the loop has them.

        Examples
        --------
        >>> import numpy as np
        >>> import fastgrad as fg
        >>> def load():
        ...     dataset = fg.utils.data.TensorDataset(np.arange(6))
        ...     return fg.utils.data.DataLoader(dataset, batch_size=2, shuffle=True)
        >>> loader, other = load(), load()
        >>> loop = iter(loader)
        >>> first = next(loop)
        >>> other.load_state_dict(loader.state_dict())
        >>> [x.tolist() for x, in other] == [x.tolist() for x, in loop]
        True
        """
        seed = self._seed if self._find_rows() is not None else self._draw_seed()
        progress, schedule = self._progress, self._schedule
        sampler = None if schedule is None else schedule.state()
        if progress is None or progress.done:
            progress = Progress(self._epoch, self._start, sampler)
        elif schedule is not None and not schedule.has_order:
            sampler = progress.sampler  # it is iterated anew
        at = {"seed": seed, "epoch": progress.epoch, "batches": progress.batches, "sampler": sampler}
        return {**self._shape(), **at}

    def _shape(self) -> dict[str, Any]:
        """What has to be the same where a loop goes on."""
        schedule, stream = self._schedule, self._schedule is None
        return {
            "length": len(self.dataset) if hasattr(self.dataset, "__len__") else None,
            "batch_size": self.batch_size if schedule is None else schedule.batch_size,
            "drop_last": self.drop_last if schedule is None else schedule.drop_last,
            "num_workers": self.num_workers if stream else None,  # each has its part of a stream
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Let the next loop go on where another loader, made from the same arguments, was.

        The number of workers may be another one, except for an `IterableDataset`. An `IterableDataset` and a sampler
        without ``order`` are gone through from their beginning, and what was given out is skipped.

        Parameters
        ----------
        state_dict : dict
            What `state_dict` returned.

        Raises
        ------
        TypeError, ValueError
            If it does not fit; nothing was changed then.
        """
        function, shape = "DataLoader.load_state_dict", self._shape()
        expected = {*shape, "seed", "epoch", "batches", "sampler"}
        if not isinstance(state_dict, dict):
            raise bad_type(function, "state_dict", f"a {type(state_dict).__name__}", "what state_dict() returned")
        if state_dict.keys() != expected:
            given = f"of keys {sorted(map(str, state_dict))}"
            raise bad_value(function, "state_dict", given, f"keys {sorted(expected)}")
        for name, value in shape.items():
            if state_dict[name] != value:
                raise bad_value(function, f"state_dict[{name!r}]", state_dict[name], f"{value} as here")
        epoch = check_size(function, "state_dict['epoch']", state_dict["epoch"])
        batches = check_size(function, "state_dict['batches']", state_dict["batches"])
        most = None if self._schedule is None else self._schedule.most()
        if most is not None and batches > most:
            raise bad_value(function, "state_dict['batches']", batches, f"at most {most}, the batches of an epoch")
        seed = None if state_dict["seed"] is None else check_size(function, "state_dict['seed']", state_dict["seed"])
        if self._schedule is not None:
            self._schedule.load(state_dict["sampler"])
        self._seed, self._epoch, self._start, self._progress = seed, epoch, batches, None
        if self._pool is not None:
            self._pool.finish()  # the workers know another seed
