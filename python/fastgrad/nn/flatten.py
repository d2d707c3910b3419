"""Modules that change the shape only: Flatten, Unflatten."""

from __future__ import annotations

from fastgrad.errors import bad_type
from fastgrad.nn.module import Module
from fastgrad.tensor import Tensor

__all__ = ["Flatten", "Unflatten"]


class Flatten(Module):
    """Make one dimension of those from `start_dim` to `end_dim`.

    Parameters
    ----------
    start_dim, end_dim : int
        First and last of the dimensions, counted from the end where negative.

    Notes
    -----
    Source: ``torch.nn.Flatten``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.Flatten()(fg.zeros(32, 1, 29, 29)).shape
    (32, 841)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, x: Tensor) -> Tensor:
        """Flatten `x`."""
        return x.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Make several dimensions of one.

    Parameters
    ----------
    dim : int
        The dimension.
    unflattened_size : tuple of int
        What it becomes; one length may be −1.

    Raises
    ------
    TypeError
        If `dim` is no integer or `unflattened_size` no sequence of integers.

    Notes
    -----
    Source: ``torch.nn.Unflatten``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.Unflatten(1, (2, -1))(fg.zeros(3, 8)).shape
    (3, 2, 4)
    """

    def __init__(self, dim: int, unflattened_size: tuple[int, ...]) -> None:
        super().__init__()
        if not isinstance(dim, int):
            raise bad_type("Unflatten", "dim", type(dim).__name__, "an int")
        if not isinstance(unflattened_size, (tuple, list)) or not all(
            isinstance(n, int) for n in unflattened_size
        ):
            raise bad_type("Unflatten", "unflattened_size", repr(unflattened_size), "a tuple of ints")
        self.dim = dim
        self.unflattened_size = tuple(unflattened_size)

    def forward(self, x: Tensor) -> Tensor:
        """Unflatten `x`; the new lengths must multiply to that of the dimension."""
        return x.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
