"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from fastgrad.arrays import beside, is_writable
from fastgrad.errors import bad_type, bad_value
from fastgrad.ops.join import cat
from fastgrad.tensor import Tensor

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """The parameters' elements behind each other, each parameter in C order.

    Parameters
    ----------
    parameters : iterable of Tensor
        As ``module.parameters()`` gives them.

    Returns
    -------
    Tensor
        One dimension; gradients pass through it.

    Raises
    ------
    ValueError
        If there are no parameters.

    Notes
    -----
    Source: ``torch.nn.utils.parameters_to_vector``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.utils.parameters_to_vector(fg.nn.Linear(3, 2).parameters()).shape
    (8,)
    """
    parts = [parameter.reshape(-1) for parameter in parameters]
    if not parts:
        raise bad_value("parameters_to_vector", "parameters", "empty", "at least one Tensor")
    return cat(parts)


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Write the elements of `vec` into the parameters, in place and unrecorded.

    Parameters
    ----------
    vec : Tensor
        One dimension, as many elements as the parameters have together.
    parameters : iterable of Tensor
        Overwritten.

    Raises
    ------
    TypeError
        If `vec` is not a Tensor.
    ValueError
        If it has another number of elements, or a parameter is read-only; nothing was written.

    Notes
    -----
    Source: ``torch.nn.utils.vector_to_parameters``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> layer = fg.nn.Linear(1, 2)
    >>> fg.nn.utils.vector_to_parameters(fg.tensor([1.0, 2.0, 3.0, 4.0]), layer.parameters())
    >>> layer.bias.detach().numpy()
    array([3., 4.], dtype=float32)
    """
    if not isinstance(vec, Tensor):
        raise bad_type("vector_to_parameters", "vec", type(vec).__name__, "a Tensor")
    tensors = list(parameters)
    total = sum(tensor.data.size for tensor in tensors)
    if vec.shape != (total,):
        raise bad_value("vector_to_parameters", "vec", f"of shape {vec.shape}", f"shape ({total},)")
    if not all(is_writable(tensor.data) for tensor in tensors):
        raise bad_value(
            "vector_to_parameters", "parameters", "partly read-only", "memory that can be written"
        )
    start = 0
    for tensor in tensors:
        stop = start + tensor.data.size
        tensor.data[...] = beside(tensor.data, vec.data[start:stop]).reshape(tensor.shape)
        tensor.version.count += 1
        start = stop
