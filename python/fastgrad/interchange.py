"""Tensors as Python's, numpy's and other libraries' objects; as text, as copies, as pickles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad import methods, printing
from fastgrad.arrays import is_on_device, to_host
from fastgrad.autograd.node import Leaf, Node, Value, Version
from fastgrad.devices import move, of
from fastgrad.errors import bad_type
from fastgrad.ops.convert import type_
from fastgrad.serialization import place_of

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = ["Interchange"]


def _rebuild(cls: type[Value], data: Any, requires_grad: bool, attributes: dict[str, Any] | None) -> Any:
    """What a pickled tensor becomes again."""
    t: Any = cls.__new__(cls)
    t.data = data
    t.version = Version()
    if requires_grad:
        t.node = Leaf(t)
    if attributes:
        t.__dict__.update(attributes)
    return t


def _rebuild_on(device: str, cls: type[Value], data: Any, *rest: Any) -> Any:
    """What a pickled tensor that was on a GPU becomes again; see `fastgrad.load` for another place."""
    return _rebuild(cls, move(data, place_of(device)), *rest)


class Interchange(methods.Methods):
    """The part of a tensor that other objects are made of."""

    __slots__ = ()

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
            Also where it requires a gradient, and a copy where it is on a GPU.

        Raises
        ------
        RuntimeError
            If it requires a gradient, which the ndarray could not carry on; use ``x.detach().numpy()``.
        TypeError
            If it is on a GPU.
        """
        if self.node is not None and not force:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        if not is_on_device(self.data):
            return self.data
        if not force:
            raise TypeError(
                f"can't convert {of(self.data)} device type tensor to numpy. Use Tensor.cpu() to copy the tensor to "
                "host memory first."
            )
        return to_host(self.data)  # type: ignore[no-any-return]

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
        return self.data.__dlpack_device__()

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        if not is_on_device(self.data):  # an AttributeError, as it says that there is none
            raise AttributeError(
                f"Can't get __cuda_array_interface__ on non-CUDA tensor type: {type_(self)} "
                "Use tensor.cuda() to move it to a GPU."
            )
        if self.node is not None:
            raise RuntimeError(
                "Can't get __cuda_array_interface__ on Variable that requires grad. "
                "If gradients aren't required, use var.detach()."
            )
        return self.data.__cuda_array_interface__  # type: ignore[no-any-return, attr-defined]

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
        return printing.text(self)  # type: ignore[arg-type]

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec and not self.data.ndim else object.__format__(self, spec)

    # Copies

    def _attributes(self) -> dict[str, Any] | None:
        """What a subclass keeps beyond the slots."""
        return getattr(self, "__dict__", None) or None

    def __reduce_ex__(self, protocol: Any) -> Any:
        rest = self.node is not None, self._attributes()
        if is_on_device(self.data):
            return _rebuild_on, (str(of(self.data)), type(self), to_host(self.data), *rest)
        return _rebuild, (type(self), self.data, *rest)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if isinstance(self.node, Node):
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
        return t  # type: ignore[no-any-return]
