"""
fastgrad's kernels on numpy arrays: outputs first; checked here, computed without the GIL.
"""
from __future__ import annotations
import typing
__all__: list[str] = ['Activation', 'activation_backward', 'activation_forward', 'activations', 'adam', 'build', 'cross_entropy', 'dropout', 'embedding_backward', 'fma_peak', 'gather_rows', 'get_num_threads', 'linear_backward', 'linear_forward', 'log_softmax_backward', 'log_softmax_forward', 'make_cross_entropy', 'make_linear_backward', 'make_linear_forward', 'matmul', 'nll_loss', 'pointwise_loss', 'prelu_backward', 'prelu_forward', 'set_num_threads', 'sgd', 'softmax_backward', 'softmax_forward']
class Activation:
    """
    An activation with its parameters; immutable.
    """
    def __eq__(self, arg0: typing.Any) -> bool:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, name: str, *args) -> None:
        ...
    def __reduce__(self) -> tuple[type, tuple]:
        ...
    def __repr__(self) -> str:
        ...
    @property
    def name(self) -> str:
        ...
    @property
    def parameters(self) -> tuple:
        ...
    @property
    def reads(self) -> str:
        """
        What the derivative is computed from: 'output', 'input' or 'nothing'.
        """
def _set_isa(name: str) -> None:
    """
    Switches to another instruction set, for tests.
    """
def activation_backward(dx: typing.Any, dy: typing.Any, saved: typing.Any, activation: Activation) -> None:
    """
    dx = dy f'(saved); dx may be dy.
    """
def activation_forward(y: typing.Any, x: typing.Any, activation: Activation) -> None:
    """
    y = f(x); y may be x.
    """
def activations() -> list:
    """
    Every activation: name, module, formula, derivative, source, parameters, reads.
    """
def adam(params: typing.Any, grads: typing.Any, exp_avgs: typing.Any, exp_avg_sqs: typing.Any, max_exp_avg_sqs: typing.Any, steps: typing.Any, lr: float, beta1: float, beta2: float, eps: float, weight_decay: float, l1: float, decoupled: bool, maximize: bool) -> None:
    """
    One step of Adam in place, or of AdamW if decoupled: then weight decay and l1 act on the parameter directly.
    """
def build() -> dict:
    """
    Compiler, instruction sets built, those that run here, and the one in use.
    """
def cross_entropy(loss: typing.Any, dx: typing.Any, x: typing.Any, target: typing.Any, weight: typing.Any, ignore_index: int, label_smoothing: float, reduction: str) -> None:
    """
    loss and, unless None, its gradient dx for scores x (n, c) and targets (n,) int64 or (n, c).
    """
def dropout(y: typing.Any, x: typing.Any, p: float, seed: int, offset: int) -> None:
    """
    y = x / (1 - p) where number offset + i of Philox(seed) is at least p 2^32, else 0; y may be x.
    """
def embedding_backward(dw: typing.Any, dy: typing.Any, index: typing.Any, padding_idx: int) -> None:
    """
    dw[r] = sum of dy[i] over all i with index[i] == r, 0 for r == padding_idx.
    """
def fma_peak(dtype: str, seconds: typing.SupportsFloat | typing.SupportsIndex = 0.2) -> float:
    """
    FLOP/s that one thread reaches in a loop of nothing but fused multiply-adds.
    """
def gather_rows(out: typing.Any, x: typing.Any, index: typing.Any) -> None:
    """
    out[i] = x[index[i]].
    """
def get_num_threads() -> int:
    """
    How many threads kernels may use.
    """
def linear_backward(dx: typing.Any, dw: typing.Any, db: typing.Any, dy: typing.Any, saved: typing.Any, x: typing.Any, w: typing.Any, activation: Activation | None) -> None:
    """
    The gradients of linear_forward that are not None; saved is y or z, as activation.reads says.
    """
def linear_forward(y: typing.Any, z: typing.Any, x: typing.Any, w: typing.Any, b: typing.Any, activation: Activation | None) -> None:
    """
    y = f(z), z = x wᵀ + b: x (m, k), w (n, k), b (n,) or None, y and z (m, n); z may be None.
    """
def log_softmax_backward(dx: typing.Any, dy: typing.Any, y: typing.Any) -> None:
    """
    dx = dy - exp(y) (sum of dy over the row).
    """
def log_softmax_forward(y: typing.Any, x: typing.Any) -> None:
    """
    y = log softmax of the rows of x.
    """
def make_cross_entropy(x: typing.Any, target: typing.Any, ignore_index: int, label_smoothing: float, reduction: str, recording: bool) -> typing.Any:
    """
    cross_entropy of class indices into new arrays: (loss, dx or None).
    """
def make_linear_backward(needs: typing.Any, dy: typing.Any, saved: typing.Any, x: typing.Any, w: typing.Any, b: typing.Any, activation: Activation | None) -> typing.Any:
    """
    linear_backward into new arrays: (dx, dw) or (dx, dw, db), None where not needed.
    """
def make_linear_forward(x: typing.Any, w: typing.Any, b: typing.Any, activation: Activation | None, recording: bool) -> typing.Any:
    """
    linear_forward into new arrays: (y, saved), where saved is y, z or None.
    """
def matmul(y: typing.Any, a: typing.Any, b: typing.Any) -> None:
    """
    y = a b for (m, k) and (k, n), or for each of a batch of them.
    """
def nll_loss(loss: typing.Any, dx: typing.Any, x: typing.Any, target: typing.Any, weight: typing.Any, ignore_index: int, reduction: str) -> None:
    """
    As cross_entropy, for x that holds log-probabilities.
    """
def pointwise_loss(loss: typing.Any, dx: typing.Any, x: typing.Any, target: typing.Any, weight: typing.Any, pos_weight: typing.Any, kind: str, parameter: float, reduction: str) -> None:
    """
    loss and, unless None, its gradient dx for one of the losses that compare element with element.
    """
def prelu_backward(dx: typing.Any, da: typing.Any, dy: typing.Any, x: typing.Any, a: typing.Any) -> None:
    """
    The gradients of prelu_forward; dx and da may be None.
    """
def prelu_forward(y: typing.Any, x: typing.Any, a: typing.Any) -> None:
    """
    y = x if x > 0 else a x, for x (outer, channels, inner) and a (channels,) or (1,).
    """
def set_num_threads(n: typing.Any) -> None:
    """
    Sets how many threads kernels may use, from 1 to 1024.
    """
def sgd(params: typing.Any, grads: typing.Any, momentum_buffers: typing.Any, lr: float, momentum: float, dampening: float, weight_decay: float, l1: float, nesterov: bool, maximize: bool, first: typing.Any) -> None:
    """
    One step of SGD in place; first[i] says that momentum_buffers[i] holds nothing yet.
    """
def softmax_backward(dx: typing.Any, dy: typing.Any, y: typing.Any) -> None:
    """
    dx = y (dy - sum of dy y over the row).
    """
def softmax_forward(y: typing.Any, x: typing.Any) -> None:
    """
    y = softmax of the rows of x.
    """
