"""Modules of affine maps: Identity, Linear, Bilinear."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad.devices import made
from fastgrad.dtypes import as_dtype, get_default_dtype
from fastgrad.errors import bad_type, bad_value
from fastgrad.nn import functional as F
from fastgrad.nn import init
from fastgrad.nn.functional.activation import resolve
from fastgrad.nn.functional.arguments import check_int
from fastgrad.nn.module import Module
from fastgrad.nn.parameter import Parameter
from fastgrad.tensor import Tensor

if TYPE_CHECKING:
    from fastgrad._cpu import Activation

__all__ = ["Bilinear", "Identity", "Linear"]


def new_parameter(function: str, shape: tuple[int, ...], dtype: Any = None, device: Any = None) -> Parameter:
    """Memory for a parameter; matrices in Fortran order, so that x wᵀ reads them without a transposition."""
    dtype = get_default_dtype() if dtype is None else as_dtype(function, dtype)
    if dtype.kind != "f":
        raise bad_type(function, "dtype", str(dtype), "float32 or float64")
    return Parameter(made(function, device, np.empty, shape, dtype, "F" if len(shape) == 2 else "C"))


def check_size(function: str, argument: str, value: Any, least: int = 0) -> int:
    """`value` as a size: an integer, not less than `least`."""
    size = check_int(function, argument, value)
    if size < least:
        raise bad_value(function, argument, str(size), f"at least {least}")
    return size


class Identity(Module):
    """Return the input as it is; any arguments of the constructor are ignored.

    Notes
    -----
    Source: ``torch.nn.Identity``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.Identity(54)(fg.ones(2)).numpy()
    array([1., 1.], dtype=float32)
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        """Return `x`."""
        return x


class Linear(Module):
    """Affine map, optionally with an activation in the same pass: y = f(x wᵀ + b).

    Parameters
    ----------
    in_features, out_features : int
        Length of the last dimension of input and output.
    bias : bool
        Whether there is a b.
    activation : str or Activation, optional
        Name of an activation with its default parameters, or one with its own.
    device : device or str, optional
        Where the parameters are; by default the CPU.
    dtype : numpy dtype, optional
        float32 or float64; the default dtype by default.

    Attributes
    ----------
    weight : Parameter
        Shape (out_features, in_features), in Fortran order; uniform on ±1/√in_features at first.
    bias : Parameter or None
        Shape (out_features,); uniform on ±1/√in_features at first.
    activation : Activation or None
        What is applied to the affine map.

    Raises
    ------
    ValueError
        If a size is negative or the activation's name is unknown.
    TypeError
        If a size is no integer or `dtype` cannot be used.

    Notes
    -----
    Source: ``torch.nn.Linear``; the activation is fastgrad's.

    Examples
    --------
    >>> import fastgrad as fg
    >>> layer = fg.nn.Linear(20, 30, activation="relu")
    >>> layer(fg.zeros(128, 20)).shape
    (128, 30)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        activation: str | Activation | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in_features = check_size("Linear", "in_features", in_features)
        self.out_features = check_size("Linear", "out_features", out_features)
        self.activation = None if activation is None else resolve(activation)
        self.weight = new_parameter("Linear", (out_features, in_features), dtype, device)
        self.bias: Parameter | None
        if bias:
            self.bias = new_parameter("Linear", (out_features,), dtype, device)
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1 / math.sqrt(self.in_features) if self.in_features else 0.0
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        """Map `x` of shape (\\*, in_features) to shape (\\*, out_features)."""
        return F.linear(x, self.weight, self.bias, self.activation)

    def extra_repr(self) -> str:
        text = (
            f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"
        )
        return text if self.activation is None else f"{text}, activation={self.activation}"


class Bilinear(Module):
    """Bilinear form of two inputs per output: y_o = Σ_ij x1_i w_oij x2_j + b_o.

    Parameters
    ----------
    in1_features, in2_features, out_features : int
        Length of the last dimension of the inputs (at least 1 for the first) and of the output.
    bias : bool
        Whether there is a b.
    device : device or str, optional
        Where the parameters are; by default the CPU.
    dtype : numpy dtype, optional
        float32 or float64; the default dtype by default.

    Attributes
    ----------
    weight : Parameter
        Shape (out_features, in1_features, in2_features); uniform on ±1/√in1_features at first.
    bias : Parameter or None
        Shape (out_features,); likewise.

    Raises
    ------
    ValueError
        If a size is too small.
    TypeError
        If a size is no integer or `dtype` cannot be used.

    Notes
    -----
    Source: ``torch.nn.Bilinear``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.Bilinear(3, 4, 2)(fg.zeros(5, 3), fg.zeros(5, 4)).shape
    (5, 2)
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in1_features = check_size("Bilinear", "in1_features", in1_features, least=1)
        self.in2_features = check_size("Bilinear", "in2_features", in2_features)
        self.out_features = check_size("Bilinear", "out_features", out_features)
        self.weight = new_parameter("Bilinear", (out_features, in1_features, in2_features), dtype, device)
        self.bias: Parameter | None
        if bias:
            self.bias = new_parameter("Bilinear", (out_features,), dtype, device)
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """Combine `x1` (\\*, in1_features) and `x2` (\\*, in2_features)."""
        return F.bilinear(x1, x2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )
