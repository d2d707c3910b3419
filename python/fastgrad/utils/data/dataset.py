"""Data sets: something with a length whose elements have numbers, or something that is gone through once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import numpy as np

from fastgrad.arrays import is_array
from fastgrad.creation import as_tensor
from fastgrad.errors import bad_index, bad_type, bad_value
from fastgrad.tensor import Tensor
from fastgrad.utils.data.transform import check_transform, transform_element, transform_rows

__all__ = ["Dataset", "IterableDataset", "TensorDataset", "gives_lists"]

T_co = TypeVar("T_co", covariant=True)


class Dataset(Generic[T_co]):
    """Base of data sets: a subclass has ``__getitem__(index)`` and ``__len__()``.

    A subclass may also have ``__getitems__(list of indices)`` that returns a list of elements;
    `DataLoader` then gets all elements of a batch from it.

    Notes
    -----
    Source: ``torch.utils.data.Dataset``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> class Squares(fg.utils.data.Dataset):
    ...     def __len__(self):
    ...         return 4
    ...     def __getitem__(self, index):
    ...         return index, float(index**2)
    >>> Squares()[3]
    (3, 9.0)
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError(f"{type(self).__name__} has no __getitem__()")

    def __add__(self, other: Dataset[T_co]) -> Dataset[T_co]:
        """The elements of both: a `ConcatDataset`."""
        from fastgrad.utils.data.concat import ConcatDataset

        return ConcatDataset([self, other])


def gives_lists(dataset: Any) -> bool:
    """Whether elements are asked for by ``__getitems__``, a list at a time.

    Not if a subclass has a ``__getitem__`` of its own, of which an inherited ``__getitems__`` knows nothing.
    """
    if not hasattr(dataset, "__getitems__"):
        return False
    for kind in type(dataset).__mro__:
        if "__getitems__" in vars(kind):
            return True
        if "__getitem__" in vars(kind):
            return False
    return True  # an attribute of the object


class IterableDataset(Dataset[T_co]):
    """Base of data sets that are gone through from beginning to end: a subclass has ``__iter__()``.

    With workers each of them has a copy and goes through it; `get_worker_info` tells a copy which part is its own. A
    ``__len__()``, if there is one, is the number of elements of all workers together.

    Notes
    -----
    Source: ``torch.utils.data.IterableDataset``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> class Countdown(fg.utils.data.IterableDataset):
    ...     def __iter__(self):
    ...         info = fg.utils.data.get_worker_info()
    ...         first, step = (0, 1) if info is None else (info.id, info.num_workers)
    ...         return iter(range(5, 0, -1)[first::step])
    >>> [batch.tolist() for batch in fg.utils.data.DataLoader(Countdown(), batch_size=2)]
    [[5, 4], [3, 2], [1]]
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__} has no __iter__()")


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Tensors whose rows belong together: element ``i`` is row ``i`` of each.

    Parameters
    ----------
    *tensors : Tensor or ndarray
        Of shape (length, …) each. Memory is shared, not copied, where the dtype is one that Tensors have.
    transform : callable, optional
        What the first entry of each element, the input, goes through. If it has an attribute ``batched`` that is true
        it takes inputs of shape (batch, …) and returns as many; `DataLoader` then calls it once a batch, and batches
        are still gathered natively.

    Attributes
    ----------
    tensors : tuple of Tensor
        The tensors.
    transform : callable or None
        As it was given.

    Raises
    ------
    TypeError
        If something is neither Tensor nor ndarray, or `transform` cannot be called.
    ValueError
        If there are none, one has no axis, or their lengths differ.

    Notes
    -----
    Source: ``torch.utils.data.TensorDataset``, which takes no ndarrays and no transform.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> dataset = fg.utils.data.TensorDataset(np.eye(3), np.arange(3))
    >>> len(dataset)
    3
    >>> x, target = dataset[1]
    >>> x.tolist(), target.item()
    ([0.0, 1.0, 0.0], 1)
    """

    tensors: tuple[Tensor, ...]

    def __init__(self, *tensors: Tensor | np.ndarray, transform: Callable[[Any], Any] | None = None) -> None:
        if not tensors:
            raise bad_value("TensorDataset", "tensors", "empty", "at least one Tensor or ndarray")
        for i, tensor in enumerate(tensors):
            argument = f"tensors[{i}]"
            if not isinstance(tensor, Tensor) and not is_array(tensor):
                raise bad_type("TensorDataset", argument, type(tensor).__name__, "a Tensor or ndarray")
            if len(tensor.shape) == 0:
                raise bad_value("TensorDataset", argument, "of shape ()", "shape (length, ...)")
            if tensor.shape[0] != tensors[0].shape[0]:
                expected = f"length {tensors[0].shape[0]} like tensors[0]"
                raise bad_value("TensorDataset", argument, f"of length {tensor.shape[0]}", expected)
        self.tensors = tuple(t if isinstance(t, Tensor) else as_tensor(t) for t in tensors)
        self.transform = check_transform("TensorDataset", transform)

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        try:
            element = tuple(tensor[index] for tensor in self.tensors)
        except IndexError as error:
            expected = f"within the dataset's length {len(self)}"
            raise bad_index("TensorDataset[]", "index", repr(index), expected) from error
        if self.transform is None:
            return element
        several = len(element[0].shape) == len(self.tensors[0].shape)  # a slice or a list of numbers
        return (transform_rows if several else transform_element)(self.transform, element)  # type: ignore[no-any-return]

    def __len__(self) -> int:
        return self.tensors[0].shape[0]
