"""Rows of a table by index, and indices as rows of zeros with a one."""

from __future__ import annotations

from typing import Any

from fastgrad import backend
from fastgrad.arrays import beside, check, row_major
from fastgrad.autograd.graph import is_recording, record, wrap
from fastgrad.devices import check_same
from fastgrad.errors import bad_index, bad_type, bad_value
from fastgrad.nn.functional.arguments import as_floating, as_tensor, check_int, check_nonnegative, check_number
from fastgrad.tensor import Tensor

__all__ = ["embedding", "one_hot"]

xp = backend.xp


def _indices(function: str, index: Any) -> tuple[Tensor, Any]:
    tensor = as_tensor(function, "index", index)
    array = tensor.data
    if array.dtype.kind not in "iu":
        raise bad_type(function, "index", f"of dtype {array.dtype}", "integers")
    return tensor, array if array.dtype == xp.int64 else array.astype(xp.int64)


def check_padding(function: str, padding_idx: int, rows: int) -> int:
    """The padding row, counted from the front."""
    row = check_int(function, "padding_idx", padding_idx)
    if not -rows <= row < rows:
        raise bad_value(function, "padding_idx", str(row), f"between {-rows} and {rows - 1}")
    return row % rows


def embedding(
    index: Tensor,
    w: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
) -> Tensor:
    """Rows of a table: y = w[index].

    Parameters
    ----------
    index : Tensor
        Integers of any shape, each at least 0 and less than ``num_embeddings``.
    w : Tensor
        Shape (num_embeddings, embedding_dim).
    padding_idx : int, optional
        Row that receives no gradient; may count from the end.
    max_norm : float, optional
        Rows that are looked up and longer than this are scaled to it first, in place.
    norm_type : float
        Which norm `max_norm` means.
    scale_grad_by_freq : bool
        Whether a row's gradient is divided by how often the row was looked up.

    Returns
    -------
    Tensor
        Shape (\\*index.shape, embedding_dim).

    Raises
    ------
    IndexError
        If an index is out of range.
    TypeError
        If `index` does not hold integers or `w` is not floating-point.
    ValueError
        If `w` is not a matrix or `padding_idx` is out of range.

    Notes
    -----
    Source: ``torch.nn.functional.embedding``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.functional.embedding(fg.tensor([2, 0]), fg.tensor([[1.0], [2.0], [3.0]])).numpy()
    array([[3.],
           [1.]], dtype=float32)
    """
    tensor, indices = _indices("embedding", index)
    w = as_floating("embedding", "w", w)
    wd = w.data
    if type(indices) is not type(wd):
        check_same("embedding", index=indices, w=wd)
    if wd.ndim != 2:
        raise bad_value("embedding", "w", f"of shape {wd.shape}", "shape (num_embeddings, embedding_dim)")
    rows, length = wd.shape
    padding = -1 if padding_idx is None else check_padding("embedding", padding_idx, rows)
    flat = row_major(indices.reshape(-1))
    _check_range("embedding", flat, rows)
    if max_norm is not None:
        limit = check_nonnegative("embedding", "max_norm", max_norm)
        _renormalise(w, flat, limit, check_number("embedding", "norm_type", norm_type))
    y = xp.empty((flat.size, length), wd.dtype, like=wd)
    backend.kernels.gather_rows(y, row_major(wd), flat)
    result = y.reshape(*tensor.shape, length)
    if not is_recording(w):
        return wrap(result)

    def rule(dy: Any, needs: tuple[bool, ...]) -> tuple[Any, ...]:
        dy = dy.reshape(flat.size, length)
        if scale_grad_by_freq:
            dy = dy / xp.bincount(flat, minlength=rows)[flat, None].astype(dy.dtype)
        dw = xp.empty((rows, length), dy.dtype, like=dy)
        backend.kernels.embedding_backward(dw, dy, flat, padding)
        return (dw,)

    return record(result, (w,), rule, saved=(tensor,))


def _check_range(function: str, index: Any, rows: int) -> None:
    def check_range(index: Any) -> None:
        if index.size and not (index.min() >= 0 and index.max() < rows):
            wrong = index[(index < 0) | (index >= rows)].reshape(-1)[0]
            raise bad_index(function, "index", str(wrong), f"between 0 and {rows - 1}")

    check(check_range, index)


def _renormalise(w: Tensor, flat: Any, max_norm: float, norm_type: float) -> None:
    """Scale the rows that are looked up and too long; unrecorded, as torch does."""
    looked_up = xp.unique(flat)
    norms = xp.linalg.norm(w.data[looked_up], ord=norm_type, axis=1)
    long = norms > max_norm
    if long.any():
        w.data[looked_up[long]] *= (max_norm / (norms[long] + 1e-7))[:, None].astype(w.data.dtype)
        w.version.count += 1


def one_hot(index: Tensor, num_classes: int = -1) -> Tensor:
    """A row of zeros with a one at each index.

    Parameters
    ----------
    index : Tensor
        Integers of any shape, at least 0.
    num_classes : int
        Length of the rows; −1 takes one more than the largest index.

    Returns
    -------
    Tensor
        int64, shape (\\*index.shape, num_classes).

    Raises
    ------
    TypeError
        If `index` does not hold integers.
    IndexError
        If an index is negative or not less than `num_classes`.
    ValueError
        If `num_classes` is missing for an empty `index`, or is not positive.

    Notes
    -----
    Source: ``torch.nn.functional.one_hot``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.functional.one_hot(fg.tensor([0, 2])).numpy()
    array([[1, 0, 0],
           [0, 0, 1]])
    """
    _, indices = _indices("one_hot", index)
    num_classes = check_int("one_hot", "num_classes", num_classes)
    if num_classes == -1:
        if not indices.size:
            raise bad_value("one_hot", "num_classes", "-1", "a number of classes where index is empty")
        if indices.min() < 0:
            raise bad_index("one_hot", "index", str(indices.min()), "a class index that is not negative")
        num_classes = int(indices.max()) + 1
    elif num_classes <= 0:
        raise bad_value("one_hot", "num_classes", str(num_classes), "greater than 0, or -1")
    _check_range("one_hot", indices, num_classes)
    return wrap((indices[..., None] == beside(indices, xp.arange(num_classes))).astype(xp.int64))
