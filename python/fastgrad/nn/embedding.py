"""Embedding: a table of vectors that is looked up by index."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastgrad.devices import made
from fastgrad.dtypes import as_dtype, get_default_dtype
from fastgrad.errors import bad_type, bad_value
from fastgrad.nn import functional as F
from fastgrad.nn import init
from fastgrad.nn.functional.arguments import check_nonnegative, check_number
from fastgrad.nn.functional.embedding import check_padding
from fastgrad.nn.linear import check_size
from fastgrad.nn.module import Module
from fastgrad.nn.parameter import Parameter
from fastgrad.tensor import Tensor

__all__ = ["Embedding"]


class Embedding(Module):
    """Rows of a learned table: y = weight[index].

    Parameters
    ----------
    num_embeddings, embedding_dim : int
        Number and length of the rows.
    padding_idx : int, optional
        Row that starts as zeros and receives no gradient; may count from the end.
    max_norm : float, optional
        Rows that are looked up and longer than this are scaled to it first.
    norm_type : float
        Which norm `max_norm` means.
    scale_grad_by_freq : bool
        Whether a row's gradient is divided by how often the row was looked up.
    device : device or str, optional
        Where the parameters are; by default the CPU.
    dtype : numpy dtype, optional
        float32 or float64; the default dtype by default.

    Attributes
    ----------
    weight : Parameter
        Shape (num_embeddings, embedding_dim); standard normal at first.

    Raises
    ------
    ValueError
        If a size is negative or `padding_idx` is out of range.
    TypeError
        If a size is no integer or `dtype` cannot be used.

    Notes
    -----
    Source: ``torch.nn.Embedding``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> table = fg.nn.Embedding(10, 3, padding_idx=0)
    >>> table(fg.tensor([[0, 2], [5, 5]])).shape
    (2, 2, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_embeddings = check_size("Embedding", "num_embeddings", num_embeddings)
        self.embedding_dim = check_size("Embedding", "embedding_dim", embedding_dim)
        self.padding_idx = (
            None if padding_idx is None else check_padding("Embedding", padding_idx, self.num_embeddings)
        )
        if max_norm is not None:
            check_nonnegative("Embedding", "max_norm", max_norm)
        check_number("Embedding", "norm_type", norm_type)
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        dtype = get_default_dtype() if dtype is None else as_dtype("Embedding", dtype)
        if dtype.kind != "f":
            raise bad_type("Embedding", "dtype", str(dtype), "float32 or float64")
        # C order, unlike Linear's weight: rows are what is read.
        self.weight = Parameter(made("Embedding", device, np.empty, (num_embeddings, embedding_dim), dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            self.weight.data[self.padding_idx] = 0

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
    ) -> Embedding:
        """An Embedding whose table is `embeddings`, sharing its memory.

        Parameters
        ----------
        embeddings : Tensor
            Shape (num_embeddings, embedding_dim).
        freeze : bool
            Whether the table stays as it is (requires no gradient).
        padding_idx, max_norm, norm_type, scale_grad_by_freq
            As in the constructor; the padding row keeps its values.

        Returns
        -------
        Embedding

        Raises
        ------
        ValueError
            If `embeddings` is not a matrix.
        """
        if not isinstance(embeddings, Tensor):
            raise bad_type("from_pretrained", "embeddings", type(embeddings).__name__, "a Tensor")
        if embeddings.data.ndim != 2:
            expected = "shape (num_embeddings, embedding_dim)"
            raise bad_value("from_pretrained", "embeddings", f"of shape {embeddings.shape}", expected)
        table = cls(0, embeddings.shape[1], None, max_norm, norm_type, scale_grad_by_freq)
        table.num_embeddings = rows = embeddings.shape[0]
        if padding_idx is not None:
            table.padding_idx = check_padding("from_pretrained", padding_idx, rows)
        table.weight = Parameter(embeddings, requires_grad=not freeze)
        return table

    def forward(self, index: Tensor) -> Tensor:
        """Look up `index`, of any shape."""
        return F.embedding(
            index, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq
        )

    def extra_repr(self) -> str:
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        if self.padding_idx is not None:
            text += f", padding_idx={self.padding_idx}"
        if self.max_norm is not None:
            text += f", max_norm={self.max_norm}"
        if self.norm_type != 2:
            text += f", norm_type={self.norm_type}"
        if self.scale_grad_by_freq:
            text += ", scale_grad_by_freq=True"
        return text
