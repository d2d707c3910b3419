"""Tensor: an array that remembers how it was computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad import dtypes, methods, printing
from fastgrad.autograd import hooks
from fastgrad.autograd.backward import backward
from fastgrad.autograd.graph import Leaf, Node, Value, Version, set_result_class
from fastgrad.errors import bad_type

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Tensor"]

_ndarray = np.ndarray


def _rebuild(cls: type[Tensor], data: np.ndarray, requires_grad: bool, attributes: dict[str, Any] | None) -> Tensor:
    """What a pickled tensor becomes again."""
    t = object.__new__(cls)
    t.data = data
    t.grad = t.base = None
    t.version = Version()
    t.node = Leaf(t) if requires_grad else None
    if attributes:
        t.__dict__.update(attributes)
    return t


class Tensor(methods.Methods):
    """A multi-dimensional array of one dtype, on which operations can be recorded for a backward pass.

    Parameters
    ----------
    data : ndarray, Tensor, number or nested sequences of numbers
        The values. An ndarray or Tensor of a dtype that tensors have is taken over without a copy.
    requires_grad : bool
        Whether backward passes compute its gradient.

    Attributes
    ----------
    data : ndarray
        The values (an ndarray, where torch has a Tensor). Changing it is not noticed by the version counter.
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
    device = "cpu"
    is_cuda = False
    is_sparse = False
    layout = "strided"
    output_nr = 0

    def __init__(self, data: Any, requires_grad: bool = False) -> None:
        if data.__class__ is not _ndarray or data.dtype not in dtypes.KNOWN:
            from fastgrad.creation import as_tensor

            data = as_tensor(data).data
        self.data = data
        self.grad = self.node = self.base = None
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
        return int(self.data.__array_interface__["data"][0])

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
                        f"requires_grad_(): only Tensors of floating point dtype can require gradients, not {self.data.dtype}"
                    )
                self.node = Leaf(self)
        elif self.node is not None:
            if isinstance(self.node, Node):
                raise RuntimeError(
                    "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in "
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
        self, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False, inputs: Any = None
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

    # To Python and numpy

    def item(self) -> Any:
        """The only element as a Python number."""
        try:
            return self.data.item()
        except ValueError:
            raise RuntimeError(f"a Tensor with {self.data.size} elements cannot be converted to Scalar") from None

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers."""
        return self.data.tolist()

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """The ndarray of its values, which shares its memory.

        Parameters
        ----------
        force : bool
            Also where it requires a gradient.

        Raises
        ------
        RuntimeError
            If it requires a gradient, which the ndarray could not carry on; use ``x.detach().numpy()``.
        """
        if self.node is not None and not force:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        return self.data

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        data = self.numpy()
        if dtype is not None and data.dtype != dtype:
            if copy is False:
                raise ValueError(f"a copy is needed to convert {data.dtype} to {dtype}")
            return data.astype(dtype)
        return data.copy() if copy else data

    def __dlpack__(self, **options: Any) -> Any:
        if self.node is not None:
            raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
        return self.data.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.data.__dlpack_device__()  # type: ignore[return-value]

    def __bool__(self) -> bool:
        if self.data.size != 1:
            raise RuntimeError(f"Boolean value of Tensor with {self.data.size} values is ambiguous")
        return bool(self.data.item())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __complex__(self) -> complex:
        return complex(self.item())

    def __index__(self) -> int:
        if self.data.dtype.kind == "f" or self.data.size != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.data.item())

    def __len__(self) -> int:
        if not self.data.ndim:
            raise TypeError("len() of a 0-d tensor")
        return len(self.data)

    def __iter__(self) -> Iterator[Tensor]:
        if not self.data.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return iter([self[i] for i in range(len(self.data))])

    def __contains__(self, value: Any) -> bool:
        if not isinstance(value, (Value, int, float)):
            raise bad_type("__contains__", "value", f"a {type(value).__name__}", "a Tensor or a number")
        return bool((self == value).data.any())

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return printing.text(self)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec and not self.data.ndim else object.__format__(self, spec)

    # Copies

    def _attributes(self) -> dict[str, Any] | None:
        """What a subclass keeps beyond the slots."""
        return getattr(self, "__dict__", None) or None

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _rebuild, (type(self), self.data, self.node is not None, self._attributes())

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment"
            )
        found = memo.get(id(self))
        if found is not None:
            return found  # type: ignore[no-any-return]
        from copy import deepcopy

        t = _rebuild(type(self), self.data.copy("K"), self.node is not None, deepcopy(self._attributes(), memo))
        memo[id(self)] = t
        if self.grad is not None:
            t.grad = self.grad.__deepcopy__(memo)
        return t


set_result_class(Tensor)
