"""
fastgrad's kernels on numpy arrays: outputs first; checked here, computed without the GIL.
"""
from __future__ import annotations
import collections.abc
import typing
import typing_extensions
__all__: list[str] = ['Activation', 'Compiled', 'Program', 'Programs', 'activation_backward', 'activation_forward', 'activations', 'adam', 'build', 'copy', 'cross_entropy', 'dropout', 'elementwise', 'embedding_backward', 'fma_peak', 'gather_rows', 'get_num_threads', 'linear_adam', 'linear_backward', 'linear_forward', 'linear_grad_input', 'linear_sgd', 'log_softmax_backward', 'log_softmax_forward', 'make_cross_entropy', 'make_linear_backward', 'make_linear_forward', 'matmul', 'nll_loss', 'pointwise_loss', 'prelu_backward', 'prelu_forward', 'set_num_threads', 'sgd', 'softmax_backward', 'softmax_forward']
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
class Program:
    """
    Commands that run natively, and how a call reaches them.
    """
    grad_enabled: bool
    rebuild: typing.Any
    single: bool
    surroundings: typing.Any
    def __init__(self) -> None:
        ...
    def __len__(self) -> int:
        ...
    def add_argument(self, argument: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    def add_bump(self, version: typing.Any, by: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    def add_draw(self, generator: typing.Any, count: typing.SupportsInt | typing.SupportsIndex, commands: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]) -> None:
        ...
    def add_effect(self, tensor: typing.Any, argument: typing.SupportsInt | typing.SupportsIndex, grad: typing.Any) -> None:
        ...
    def add_fresh(self, array: typing.Any, is_movable: bool) -> int:
        ...
    def add_guard(self, tensor: typing.Any, data: typing.Any, node: typing.Any, checks_grad: bool, grad: typing.Any) -> None:
        ...
    def add_input(self, array: typing.Any, is_tensor: bool, requires_grad: bool, is_used: bool, is_movable: bool, is_written: bool) -> None:
        ...
    def add_memory(self, address: typing.SupportsInt | typing.SupportsIndex, bytes: typing.SupportsInt | typing.SupportsIndex, is_changed: bool) -> None:
        ...
    def add_object(self, object: typing.Any) -> None:
        ...
    def add_output(self, fresh: typing.SupportsInt | typing.SupportsIndex, base: typing.Any, array: typing.Any, is_tensor: bool) -> None:
        ...
    def add_python(self, function: typing.Any) -> None:
        ...
    def add_update(self, optimizer: typing.Any, group: dict, adam: bool, commands: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], tensors: collections.abc.Sequence[typing.Any], names: collections.abc.Sequence[typing.Any], buffers: collections.abc.Sequence[typing.Any], steps: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]) -> None:
        ...
    def build(self, make: collections.abc.Callable) -> None:
        """
        Calls make(); the kernels that it calls become commands.
        """
    def epoch(self, arrays: collections.abc.Sequence[typing.Any], order: typing.Any, batch: typing.SupportsInt | typing.SupportsIndex, begin: typing.SupportsInt | typing.SupportsIndex, end: typing.SupportsInt | typing.SupportsIndex, results: collections.abc.Sequence[typing.Any]) -> int:
        """
        Runs steps begin .. end on rows order[s * batch ...] of the arrays; returns how many were done.
        """
    def finish_draws(self) -> None:
        """
        After the last add_draw.
        """
    def keep(self, object: typing.Any) -> None:
        ...
    def require_precision(self, precision: typing.Any) -> None:
        """
        What `state.precision` has to be.
        """
    def team(self, begin: typing.SupportsInt | typing.SupportsIndex, end: typing.SupportsInt | typing.SupportsIndex, kept: collections.abc.Sequence[typing.Any]) -> None:
        """
        Lets commands begin .. end be run together; the last call for a program's end comes first. `kept` are arrays that they write and others read.
        """
class Programs:
    """
    The programs for one kind of arguments.
    """
    def __init__(self) -> None:
        ...
    def add(self, program: Program, most: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    def call(self, arguments: tuple) -> typing.Any:
        """
        Runs a program for a tuple of arguments, or NotImplemented; also while another thread records.
        """
    def list(self) -> list[Program]:
        ...
    @property
    def _caller(self) -> typing_extensions.CapsuleType:
        ...
class Compiled:
    """
    What calls programs, or self._call(args, kwargs) if none fits.
    """
    def __call__(self, *args, **kwargs):
        """
        Call self as a function.
        """
    def __init__(self) -> None:
        ...
    def _call_first(self, programs: typing.Any) -> None:
        ...
def _be_a_worker_process() -> None:
    """
    One thread from now on, unless FASTGRAD_NUM_THREADS says how many.
    """
def _bind_tape(tensor: typing.Any, value: typing.Any, version: typing.Any, leaf: typing.Any, state: typing.Any) -> None:
    """
    Tells programs the tape's classes.
    """
def _cgroup_cpus(root: str = '') -> int:
    """
    Processors that the quotas of this process's control groups pay for; 0 without a quota.
    """
def _fork_join(tasks: typing.SupportsInt | typing.SupportsIndex, repeats: typing.SupportsInt | typing.SupportsIndex, task_ns: typing.SupportsFloat | typing.SupportsIndex = 0.0) -> float:
    """
    Nanoseconds of a fork-join of tasks that each last task_ns, on average over some in a row.
    """
def _modules_changed() -> None:
    """
    Says that a module or a hook changed, came or went.
    """
def _recordings(change: typing.SupportsInt | typing.SupportsIndex) -> int:
    ...
def _set_isa(name: str) -> None:
    """
    Switches to another instruction set, for tests.
    """
def _set_other_device(array: typing.Any, module: typing.Any) -> None:
    """
    Calls with arrays of this class go to the module's functions.
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
def copy(to: typing.Any, source: typing.Any) -> None:
    """
    to[...] = source, of one shape and dtype, in any layouts.
    """
def cross_entropy(loss: typing.Any, dx: typing.Any, x: typing.Any, target: typing.Any, weight: typing.Any, ignore_index: int, label_smoothing: float, reduction: str) -> None:
    """
    loss and, unless None, its gradient dx for scores x (n, c) and targets (n,) int64 or (n, c).
    """
def dropout(y: typing.Any, x: typing.Any, p: float, seed: int, offset: int) -> None:
    """
    y = x / (1 - p) where number offset + i of Philox(seed) is at least p 2^32, else 0; y may be x.
    """
def elementwise(outputs: typing.Any, inputs: typing.Any, steps: typing.Any, dtype: str, slots: int) -> None:
    """
    Run steps (operation, to, a, b, c) over arrays (rows, columns): registers are the inputs, then the outputs, then slots.
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
def linear_adam(w: typing.Any, b: typing.Any, w_state: typing.Any, b_state: typing.Any, w_step: int, b_step: int, dz: typing.Any, x: typing.Any, lr: float, beta1: float, beta2: float, eps: float, weight_decay: float, l1: float, decoupled: bool, maximize: bool, precision: str | None) -> None:
    """
    A step of Adam likewise; states are (exp_avg, exp_avg_sq[, max_exp_avg_sq]).
    """
def linear_backward(dx: typing.Any, dw: typing.Any, db: typing.Any, dy: typing.Any, saved: typing.Any, x: typing.Any, w: typing.Any, activation: Activation | None, precision: str | None) -> None:
    """
    The gradients of linear_forward that are not None; saved is y or z, as activation.reads says.
    """
def linear_forward(y: typing.Any, z: typing.Any, x: typing.Any, w: typing.Any, b: typing.Any, activation: Activation | None, precision: str | None) -> None:
    """
    y = f(z), z = x wᵀ + b: x (m, k), w (n, k), b (n,) or None, y and z (m, n); z may be None.
    """
def linear_grad_input(dx: typing.Any, dz: typing.Any, w: typing.Any, saved: typing.Any, activation: Activation | None, precision: str | None) -> None:
    """
    dx = (dz w) f'(saved): dx (m, k), dz (m, n), w (n, k), saved (m, k) or None.
    """
def linear_sgd(w: typing.Any, b: typing.Any, w_buffer: typing.Any, b_buffer: typing.Any, dz: typing.Any, x: typing.Any, lr: float, momentum: float, dampening: float, weight_decay: float, l1: float, nesterov: bool, maximize: bool, precision: str | None) -> None:
    """
    A step of SGD on w (n, k) and b with the gradients dzᵀ x and the sum of dz; buffers hold values.
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
def make_linear_backward(needs: typing.Any, dy: typing.Any, saved: typing.Any, x: typing.Any, w: typing.Any, b: typing.Any, activation: Activation | None, precision: str | None) -> typing.Any:
    """
    linear_backward into new arrays: (dx, dw) or (dx, dw, db), None where not needed.
    """
def make_linear_forward(x: typing.Any, w: typing.Any, b: typing.Any, activation: Activation | None, recording: bool, precision: str | None) -> typing.Any:
    """
    linear_forward into new arrays: (y, saved), where saved is y, z or None.
    """
def matmul(y: typing.Any, a: typing.Any, b: typing.Any, precision: str | None) -> None:
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
_shared: typing.Any
