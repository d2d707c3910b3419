"""Normalisation layers: LayerNorm, BatchNorm1d."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastgrad.devices import made
from fastgrad.errors import bad_value
from fastgrad.nn import functional as F
from fastgrad.nn import init
from fastgrad.nn.functional.arguments import check_nonnegative, check_number
from fastgrad.nn.linear import check_size, new_parameter
from fastgrad.nn.module import Module
from fastgrad.nn.parameter import Parameter
from fastgrad.tensor import Tensor

__all__ = ["BatchNorm1d", "LayerNorm"]


class LayerNorm(Module):
    """Normalise each example over its last dimensions: y = (x − mean) / √(var + ε) · weight + bias.

    Parameters
    ----------
    normalized_shape : int or tuple of int
        The dimensions that mean and variance are taken over.
    eps : float
        What is added to the variance.
    elementwise_affine : bool
        Whether there are weight and bias.
    bias : bool
        Whether there is a bias, given that there is a weight.
    device : device or str, optional
        Where the parameters are; by default the CPU.
    dtype : numpy dtype, optional
        float32 or float64; the default dtype by default.

    Attributes
    ----------
    weight, bias : Parameter or None
        Shape `normalized_shape`; ones and zeros at first.

    Notes
    -----
    Source: Ba et al. 2016, "Layer normalization"; ``torch.nn.LayerNorm``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.LayerNorm(2)(fg.tensor([[1.0, 3.0]])).detach().numpy().round(2)
    array([[-1.,  1.]], dtype=float32)
    """

    weight: Parameter | None
    bias: Parameter | None

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        sizes = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.normalized_shape = tuple(check_size("LayerNorm", "normalized_shape", size) for size in sizes)
        check_nonnegative("LayerNorm", "eps", eps)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        for name, wanted in (("weight", elementwise_affine), ("bias", elementwise_affine and bias)):
            self.register_parameter(
                name, new_parameter("LayerNorm", self.normalized_shape, dtype, device) if wanted else None
            )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set weight to ones and bias to zeros."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise `x` of shape (\\*, \\*normalized_shape)."""
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class BatchNorm1d(Module):
    """Normalise each feature over the batch: y = (x − mean) / √(var + ε) · weight + bias.

    Parameters
    ----------
    num_features : int
        Number of features, the length of dimension 1.
    eps : float
        What is added to the variance.
    momentum : float or None
        Weight of the new batch in the running statistics; None averages over all batches equally.
    affine : bool
        Whether there is a weight and, with `bias`, a bias.
    track_running_stats : bool
        Whether running statistics are kept and used in evaluation; without them the batch's own always are.
    device : device or str, optional
        Where the parameters are; by default the CPU.
    dtype : numpy dtype, optional
        float32 or float64; the default dtype by default.
    bias : bool
        Whether there is a bias, given that there is a weight.

    Attributes
    ----------
    weight, bias : Parameter or None
        Shape (num_features,); ones and zeros at first.
    running_mean, running_var : Tensor or None
        Shape (num_features,); zeros and ones at first.
    num_batches_tracked : Tensor or None
        int64 scalar: how many batches the statistics hold.

    Notes
    -----
    Source: Ioffe and Szegedy 2015, "Batch normalization"; ``torch.nn.BatchNorm1d``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> layer = fg.nn.BatchNorm1d(2)
    >>> layer(fg.tensor([[1.0, 0.0], [3.0, 0.0]])).detach().numpy().round(2)
    array([[-1.,  0.],
           [ 1.,  0.]], dtype=float32)
    >>> layer.running_mean.numpy()
    array([0.2, 0. ], dtype=float32)
    """

    weight: Parameter | None
    bias: Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = check_size("BatchNorm1d", "num_features", num_features)
        check_nonnegative("BatchNorm1d", "eps", eps)
        if momentum is not None:
            check_number("BatchNorm1d", "momentum", momentum)
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        shape = (self.num_features,)
        for name, wanted in (("weight", affine), ("bias", affine and bias)):
            self.register_parameter(name, new_parameter("BatchNorm1d", shape, dtype, device) if wanted else None)
        for name in ("running_mean", "running_var"):
            like = new_parameter("BatchNorm1d", shape, dtype, device)
            self.register_buffer(name, Tensor(like.data) if track_running_stats else None)
        count = Tensor(made("BatchNorm1d", device, np.zeros, (), np.int64))
        self.register_buffer("num_batches_tracked", count if track_running_stats else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Set the running statistics to those of no batch: zeros, ones and the count 0."""
        if (
            self.running_mean is not None
            and self.running_var is not None
            and self.num_batches_tracked is not None
        ):
            init.zeros_(self.running_mean)
            init.ones_(self.running_var)
            init.zeros_(self.num_batches_tracked)

    def reset_parameters(self) -> None:
        """Set weight to ones, bias to zeros and the running statistics to those of no batch."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise `x` of shape (batch, num_features) or (batch, num_features, length)."""
        if len(x.shape) not in (2, 3):
            raise bad_value("BatchNorm1d", "x", f"of shape {x.shape}", "two or three dimensions")
        if x.shape[1] != self.num_features:
            expected = f"shape (batch, {self.num_features}) or (batch, {self.num_features}, length)"
            raise bad_value("BatchNorm1d", "x", f"of shape {x.shape}", expected)
        own_statistics = self.training or (self.running_mean is None and self.running_var is None)
        update = self.training and self.num_batches_tracked is not None
        momentum: Any = 0.0 if self.momentum is None else self.momentum
        if update and self.momentum is None:
            momentum = 1.0 / (self.num_batches_tracked.data + 1)  # type: ignore[union-attr]
        keep = update or not self.training
        y = F.batch_norm(
            x,
            self.running_mean if keep else None,
            self.running_var if keep else None,
            self.weight,
            self.bias,
            own_statistics,
            momentum,
            self.eps,
        )
        if update:
            self.num_batches_tracked.data[...] += 1  # type: ignore[union-attr]
        return y

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )
