"""Tensor: an array that remembers how it was computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad import _tape, dtypes
from fastgrad.arrays import address, is_on_device
from fastgrad.autograd import hooks
from fastgrad.autograd.backward import backward
from fastgrad.autograd.graph import set_result_class
from fastgrad.autograd.node import Leaf, Node, Version
from fastgrad.devices import CPU, device, of
from fastgrad.interchange import Interchange

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Tensor"]

_ndarray = np.ndarray


class Tensor(Interchange):
    """A multi-dimensional array of one dtype, on which operations can be recorded for a backward pass.

    Parameters
    ----------
    data : ndarray, Tensor, number or nested sequences of numbers
        The values. An array, also one on a GPU, or a Tensor is taken over without a copy if tensors have its dtype.
    requires_grad : bool
        Whether backward passes compute its gradient.

    Attributes
    ----------
    data : ndarray
        The values (an ndarray, or cupy's on a GPU, where torch has a Tensor). Changing it is not noticed by the
        version counter.
    grad : Tensor or None
        The sum of the gradients that backward passes have brought.
    node, version, base
        What the tape knows; see :class:`fastgrad.autograd.graph.Value`.

    Raises
    ------
    TypeError
        If the values are no numbers or of a dtype that tensors do not have.

    Notes
    -----
    Most tensors are made by `fastgrad.tensor`, `from_numpy`, `zeros` and the like. Source: ``torch.Tensor``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> x = fg.tensor([1.0, 2.0], requires_grad=True)
    >>> y = (x * x).sum()
    >>> y.backward()
    >>> x.grad
    tensor([2., 4.])
    """

    __slots__ = ()

    # ndarray leaves `array + tensor` to the tensor, and does not take it apart.
    __array_priority__ = 1000
    __array_ufunc__ = None
    is_sparse = False
    layout = "strided"
    output_nr = 0

    def __init__(self, data: Any, requires_grad: bool = False) -> None:
        if data.__class__ is not _ndarray or data.dtype not in dtypes.KNOWN:
            from fastgrad.creation import as_tensor

            data = as_tensor(data).data
        self.data = data
        self.version = Version()
        if requires_grad:
            self.requires_grad = True

    # What it is

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of its dimensions."""
        return self.data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of its elements."""
        return self.data.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.data.ndim

    @property
    def nbytes(self) -> int:
        """The bytes that its elements take."""
        return self.data.nbytes

    @property
    def itemsize(self) -> int:
        """The bytes that one element takes."""
        return self.data.itemsize

    @property
    def device(self) -> device:
        """Where its elements are."""
        data = self.data
        return CPU if data.__class__ is _ndarray else of(data)

    @property
    def is_cuda(self) -> bool:
        """Whether its elements are on a GPU."""
        return is_on_device(self.data)

    def get_device(self) -> int:
        """The number of its GPU, −1 on the CPU."""
        index = self.device.index
        return -1 if index is None else index

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension."""
        if dim is None:
            return self.data.shape
        try:
            return self.data.shape[dim]
        except IndexError:
            from fastgrad.ops.operands import check_dim

            return check_dim("size", dim, self.data.ndim)

    def dim(self) -> int:
        """The number of dimensions."""
        return self.data.ndim

    def numel(self) -> int:
        """The number of elements."""
        return self.data.size

    def nelement(self) -> int:
        """The number of elements."""
        return self.data.size

    def element_size(self) -> int:
        """The bytes that one element takes."""
        return self.data.itemsize

    def stride(self, dim: int | None = None) -> Any:
        """How many elements apart in memory neighbours along each dimension, or one, are."""
        steps = tuple([s // self.data.itemsize for s in self.data.strides])
        return steps if dim is None else steps[dim]

    def data_ptr(self) -> int:
        """The address of its first element."""
        return address(self.data)

    def is_contiguous(self) -> bool:
        """Whether its elements lie in row-major order without gaps."""
        return self.data.flags.c_contiguous

    def is_floating_point(self) -> bool:
        """Whether its dtype is float32 or float64."""
        return self.data.dtype.kind == "f"

    # Gradients

    @property
    def requires_grad(self) -> bool:
        """Whether backward passes compute its gradient."""
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if value:
            if self.node is None:
                if self.data.dtype.kind != "f":
                    raise RuntimeError(
                        "requires_grad_(): only Tensors of floating point dtype can require "
                        f"gradients, not {self.data.dtype}"
                    )
                self.node = Leaf(self)
        elif self.node is not None:
            if isinstance(self.node, Node):
                raise RuntimeError(
                    "you can only change requires_grad flags of leaf variables. If you want to use a "
                    "computed variable in "
                    "a subgraph that doesn't require differentiation use y = x.detach()."
                )
            self.node = None

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set `requires_grad`; return the tensor."""
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether it is not the result of a recorded operation."""
        return not isinstance(self.node, Node)

    @property
    def grad_fn(self) -> Node | None:
        """The node of the operation that it is the result of."""
        return self.node if isinstance(self.node, Node) else None

    @property
    def _version(self) -> int:
        return self.version.count

    def backward(
        self,
        gradient: Any = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Add the gradients of this tensor to the ``.grad`` of the leaves; see `fastgrad.autograd.backward`.

        Parameters
        ----------
        gradient : Tensor, optional
            The gradient of this tensor, of its shape; 1 by default, if it has one element.
        retain_graph : bool, optional
            Keep what the operations saved, so that another backward pass can follow.
        create_graph : bool
            Must be False.
        inputs : Tensor or sequence of Tensor, optional
            Only these get a gradient; all leaves by default.
        """
        if gradient is None and inputs is None and not create_graph and (grads := _tape.seed(self)) is not None:
            _tape.backward(grads, bool(retain_graph))  # the usual case
        else:
            backward((self,), None if gradient is None else (gradient,), retain_graph, create_graph, inputs)

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> hooks.RemovableHandle:
        """Have ``hook(gradient)`` called when the gradient of this tensor is complete.

        Parameters
        ----------
        hook : callable
            Gets the gradient; returns None, or a tensor of the same shape and dtype to take its place.

        Returns
        -------
        RemovableHandle
            Its ``remove()`` takes the hook off again.

        Examples
        --------
        >>> import fastgrad as fg
        >>> x = fg.ones(2, requires_grad=True)
        >>> handle = x.register_hook(lambda dx: 10 * dx)
        >>> x.sum().backward()
        >>> x.grad
        tensor([10., 10.])
        """
        return hooks.register_hook(self, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> hooks.RemovableHandle:
        """Have ``hook(tensor)`` called when a backward pass has added to the ``.grad`` of this leaf."""
        return hooks.register_post_accumulate_grad_hook(self, hook)

    def retain_grad(self) -> None:
        """Let backward passes set ``.grad`` although this tensor is not a leaf."""
        hooks.retain_grad(self)

    @property
    def retains_grad(self) -> bool:
        """Whether `retain_grad` was called on this inner tensor."""
        return hooks.retains_grad(self)


set_result_class(Tensor)
