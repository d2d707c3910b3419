"""fastgrad: neural networks on fused native kernels under a thin tape, with names that a torch user knows."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

from fastgrad import backend
from fastgrad.tensor import Tensor  # first: it makes the tape's results Tensors

# isort: split
from fastgrad import autograd, dtypes, ops
from fastgrad.autograd import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from fastgrad.creation import as_tensor, asarray, from_dlpack, from_numpy, is_tensor, scalar_tensor, tensor
from fastgrad.devices import device
from fastgrad.distributions import bernoulli, multinomial, normal
from fastgrad.dtypes import (
    bool,
    float32,
    float64,
    get_default_dtype,
    int32,
    int64,
    set_default_dtype,
    uint8,
)
from fastgrad.factories import arange, empty, eye, full, linspace, logspace, ones, zeros
from fastgrad.like import empty_like, full_like, ones_like, zeros_like
from fastgrad.ops import *  # noqa: F403  (its __all__, which is part of this one's)
from fastgrad.precision import (
    autocast,
    get_float32_matmul_precision,
    is_autocast_enabled,
    set_float32_matmul_precision,
)
from fastgrad.printing import set_printoptions
from fastgrad.random import Generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state
from fastgrad.sampling import rand, rand_like, randint, randn, randn_like, randperm
from fastgrad.serialization import load, save

# isort: split
# These need what is above.
from fastgrad import data, nn, optim, random, utils
from fastgrad.compile import compile
from fastgrad.nn.functional import log_softmax, relu, sigmoid, softmax, tanh

if TYPE_CHECKING:
    from fastgrad import cuda, diagnostics
else:

    def __getattr__(name: str) -> Any:
        """What is loaded where it is first used."""
        if name not in ("cuda", "diagnostics"):
            raise AttributeError(f"module 'fastgrad' has no attribute {name!r}")
        import importlib

        return importlib.import_module(f"fastgrad.{name}")


__all__ = [
    *ops.__all__,
    "Generator",
    "Tensor",
    "__version__",
    "arange",
    "as_tensor",
    "asarray",
    "autocast",
    "autograd",
    "bernoulli",
    "bool",
    "build_info",
    "compile",
    "cuda",
    "data",
    "device",
    "diagnostics",
    "double",
    "dtypes",
    "empty",
    "empty_like",
    "enable_grad",
    "eye",
    "float",
    "float32",
    "float64",
    "from_dlpack",
    "from_numpy",
    "full",
    "full_like",
    "get_default_dtype",
    "get_float32_matmul_precision",
    "get_num_threads",
    "get_rng_state",
    "inf",
    "initial_seed",
    "int",
    "int32",
    "int64",
    "is_autocast_enabled",
    "is_grad_enabled",
    "is_tensor",
    "linspace",
    "load",
    "log_softmax",
    "logspace",
    "long",
    "manual_seed",
    "multinomial",
    "nan",
    "nn",
    "no_grad",
    "normal",
    "ones",
    "ones_like",
    "optim",
    "pi",
    "rand",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
    "random",
    "randperm",
    "relu",
    "save",
    "scalar_tensor",
    "seed",
    "set_default_dtype",
    "set_float32_matmul_precision",
    "set_grad_enabled",
    "set_num_threads",
    "set_printoptions",
    "set_rng_state",
    "sigmoid",
    "softmax",
    "tanh",
    "tensor",
    "uint8",
    "utils",
    "zeros",
    "zeros_like",
]

__version__ = "0.1.0"

# What torch calls them too.
float = float32
double = float64
long = int64
int = int32
inf = float64.type("inf").item()
nan = float64.type("nan").item()
pi = 3.141592653589793


def build_info() -> dict[str, Any]:
    """What this fastgrad is built from and runs on.

    Returns
    -------
    dict
        ``version``; ``compiler`` of the extension; ``isas``, the instruction sets that it was compiled for,
        ``isas_supported``, those this machine has, and ``isa``, the one in use; ``threads``, how many
        kernels may use; ``cuda``, whether there are kernels for GPUs (`fastgrad.cuda.is_available` says whether they
        can be used).

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.build_info()["version"] == fg.__version__
    True
    """
    from fastgrad.cuda import is_built

    return {"version": __version__, **backend.kernels.build(), "threads": get_num_threads(), "cuda": is_built()}


def get_num_threads() -> builtins.int:
    """The number of threads that a kernel may use. See `set_num_threads` for what it is at first.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.get_num_threads() >= 1
    True

    Notes
    -----
    Source: ``torch.get_num_threads``.
    """
    return backend.kernels.get_num_threads()


def set_num_threads(n: builtins.int) -> None:
    """Let kernels use at most `n` threads; results do not depend on it.

    Parameters
    ----------
    n : int
        From 1 to 1024, counting the thread that calls.

    Raises
    ------
    ValueError
        If `n` is less than 1 or more than 1024.

    Notes
    -----
    Until it is called, the number is that of the environment variable ``FASTGRAD_NUM_THREADS``, or else of the
    processors that the process may use by its affinity and the quotas of its control groups.

    In a process that multiprocessing starts, such as a worker of a ``Pool`` or a ``ProcessPoolExecutor``, it is 1
    (or ``FASTGRAD_NUM_THREADS``), whatever the parent has set: siblings have the other processors. A worker that has
    the machine to itself calls this function. A child of plain ``os.fork()`` has its parent's number.

    Source: ``torch.set_num_threads``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> before = fg.get_num_threads()
    >>> fg.set_num_threads(2)
    >>> fg.get_num_threads()
    2
    >>> fg.set_num_threads(before)
    """
    backend.kernels.set_num_threads(n)
