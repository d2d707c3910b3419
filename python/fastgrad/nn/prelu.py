"""PReLU: the activation with a slope that is learned."""

from __future__ import annotations

from typing import Any

from fastgrad.nn import init
from fastgrad.nn.functional.prelu import prelu
from fastgrad.nn.linear import check_size, new_parameter
from fastgrad.nn.module import Module
from fastgrad.tensor import Tensor

__all__ = ["PReLU"]


class PReLU(Module):
    """Leaky ReLU whose slope is learned: y = x for x > 0, else weight · x.

    Parameters
    ----------
    num_parameters : int
        1, or the number of channels (dimension 1 of the input) for one slope each.
    init : float
        The slopes at first.
    device : device or str, optional
        Where the parameters are; by default the CPU.
    dtype : numpy dtype, optional
        float32 or float64; the default dtype by default.

    Attributes
    ----------
    weight : Parameter
        Shape (num_parameters,).

    Notes
    -----
    Source: He et al. 2015, "Delving deep into rectifiers"; ``torch.nn.PReLU``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.PReLU()(fg.tensor([-4.0, 2.0])).detach().numpy()
    array([-1.,  2.], dtype=float32)
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters = check_size("PReLU", "num_parameters", num_parameters, least=1)
        self.init = init
        self.weight = new_parameter("PReLU", (self.num_parameters,), dtype, device)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the slopes to what they were at first."""
        init.constant_(self.weight, self.init)

    def forward(self, x: Tensor) -> Tensor:
        """Apply it to `x`."""
        return prelu(x, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"
