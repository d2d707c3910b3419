"""From a list of elements to a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastgrad.arrays import is_array, is_on_device
from fastgrad.creation import as_tensor, tensor
from fastgrad.errors import bad_type, bad_value
from fastgrad.ops.join import stack
from fastgrad.tensor import Tensor

__all__ = ["default_collate", "default_convert"]

_KNOWN = "Tensors, ndarrays, numbers, strings, dicts, tuples or lists"


def default_collate(batch: Sequence[Any]) -> Any:
    """Make one batch of a list of elements.

    Tensors and ndarrays are stacked along a new first axis, numbers become a tensor (Python
    floats a float64 one), strings and bytes stay as they are; of dicts, tuples, named tuples and lists each
    entry is treated so by itself.

    Parameters
    ----------
    batch : sequence
        The elements, at least one, all of one structure.

    Returns
    -------
    Tensor, list, dict or named tuple
        The batch; tuples become lists, and the strings at one place of tuples a tuple.

    Raises
    ------
    TypeError
        If an element is of another type than the first, or of one that cannot be in a batch.
    ValueError
        If elements differ in shape, length or keys, or there are none.

    Notes
    -----
    Source: ``torch.utils.data.default_collate``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.utils.data.default_collate([{"x": 1.5, "name": "a"}, {"x": 2.5, "name": "b"}])
    {'x': tensor([1.5000, 2.5000], dtype=float64), 'name': ['a', 'b']}
    """
    if len(batch) == 0:
        raise bad_value("default_collate", "batch", "empty", "at least one element")
    return _collate(batch, "")


def _collate(batch: Sequence[Any], where: str) -> Any:
    """The batch of what stands at place `where` of each element."""
    first = batch[0]
    if isinstance(first, Tensor) or is_array(first):
        return _stack(batch, where)
    if isinstance(first, (bool, int, float, np.generic)) and not isinstance(first, (str, bytes)):
        _check_types(batch, where, (bool, int, float, np.generic), "a number")
        if isinstance(first, np.generic):
            return as_tensor(np.array(batch))
        return tensor(batch, dtype=np.dtype("float64")) if isinstance(first, float) else tensor(batch)
    if isinstance(first, (str, bytes)):
        _check_types(batch, where, (str, bytes), "a string")
        return batch
    if isinstance(first, Mapping):
        return _collate_mapping(batch, where)
    if isinstance(first, Sequence):
        return _collate_sequence(batch, where)
    raise bad_type("default_collate", f"batch[0]{where}", type(first).__name__, _KNOWN)


def _check_types(batch: Sequence[Any], where: str, types: type | tuple[type, ...], expected: str) -> None:
    kind = type(batch[0])
    for i, element in enumerate(batch):
        if type(element) is not kind and not isinstance(element, types):
            given = type(element).__name__
            raise bad_type("default_collate", f"batch[{i}]{where}", given, f"{expected} like batch[0]{where}")


def _stack(batch: Sequence[Any], where: str) -> Tensor:
    _check_types(batch, where, (Tensor, np.ndarray, type(batch[0])), "a Tensor or ndarray")
    shape = batch[0].shape
    for i, element in enumerate(batch):
        if element.shape != shape:
            expected = f"shape {shape} like batch[0]{where}"
            raise bad_value("default_collate", f"batch[{i}]{where}", f"of shape {element.shape}", expected)
    arrays = [x.data if isinstance(x, Tensor) else x for x in batch]
    recorded = any(isinstance(element, Tensor) and element.requires_grad for element in batch)
    if recorded or any(map(is_on_device, arrays)):
        return stack([as_tensor(element) for element in batch])
    # np.stack gives each array a new axis first, which takes longer than copying a small one
    return as_tensor(np.concatenate(arrays).reshape(len(arrays), *shape) if shape else np.stack(arrays))


def _collate_mapping(batch: Sequence[Any], where: str) -> Any:
    _check_types(batch, where, Mapping, "a dict")
    first = batch[0]
    for i, element in enumerate(batch):
        missing = [key for key in first if key not in element]
        if missing:
            expected = f"the keys of batch[0]{where}"
            raise bad_value("default_collate", f"batch[{i}]{where}", f"without {missing}", expected)
    entries = {key: _collate([element[key] for element in batch], f"{where}[{key!r}]") for key in first}
    try:
        return entries if type(first) is dict else type(first)(entries)
    except TypeError:  # a mapping that cannot be made from a dict, such as a defaultdict
        return entries


def _collate_sequence(batch: Sequence[Any], where: str) -> Any:
    first = batch[0]
    kind = "a named tuple" if hasattr(first, "_fields") else "a tuple or list"
    _check_types(batch, where, Sequence, kind)
    for i, element in enumerate(batch):
        if len(element) != len(first):
            expected = f"length {len(first)} like batch[0]{where}"
            raise bad_value("default_collate", f"batch[{i}]{where}", f"of length {len(element)}", expected)
    entries = [_collate(column, f"{where}[{k}]") for k, column in enumerate(zip(*batch, strict=True))]
    return type(first)(*entries) if hasattr(first, "_fields") else entries


def default_convert(element: Any) -> Any:
    """Turn the ndarrays and numpy numbers of one element into tensors and leave the rest as it is.

    Parameters
    ----------
    element : object
        Any structure of dicts, tuples, named tuples and lists.

    Returns
    -------
    object
        The same structure.

    Notes
    -----
    `DataLoader` uses it when there are no batches. Source: ``torch.utils.data.default_convert``.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> fg.utils.data.default_convert({"x": np.arange(2), "name": "a"})
    {'x': tensor([0, 1]), 'name': 'a'}
    """
    if isinstance(element, (np.ndarray, np.generic)) and element.dtype.kind not in "SUO":
        return as_tensor(np.asarray(element))
    if isinstance(element, Mapping):
        entries = {key: default_convert(value) for key, value in element.items()}
        try:
            return entries if type(element) is dict else type(element)(entries)  # type: ignore[call-arg]
        except TypeError:
            return entries
    if isinstance(element, tuple):
        parts = [default_convert(value) for value in element]
        return type(element)(*parts) if hasattr(element, "_fields") else parts
    if isinstance(element, list):
        return [default_convert(value) for value in element]
    return element
