"""fastgrad: neural networks on fused native kernels under a thin tape, with names that a torch user knows."""

from __future__ import annotations

import builtins
from typing import Any

from fastgrad import backend
from fastgrad.tensor import Tensor  # first: it makes the tape's results Tensors

# isort: split
from fastgrad import autograd, dtypes
from fastgrad.autograd import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from fastgrad.creation import as_tensor, asarray, from_dlpack, from_numpy, is_tensor, scalar_tensor, tensor
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
from fastgrad.factories import (
    arange,
    empty,
    empty_like,
    eye,
    full,
    full_like,
    linspace,
    logspace,
    ones,
    ones_like,
    zeros,
    zeros_like,
)
from fastgrad.ops.accumulate import cumprod, cumsum, diff, logsumexp, norm, prod
from fastgrad.ops.arithmetic import add, sub
from fastgrad.ops.comparison import (
    allclose,
    bitwise_and,
    bitwise_not,
    bitwise_or,
    bitwise_xor,
    eq,
    equal,
    ge,
    gt,
    isclose,
    isfinite,
    isinf,
    isnan,
    le,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    lt,
    ne,
)
from fastgrad.ops.convert import clone
from fastgrad.ops.dims import broadcast_to, movedim, permute, t, transpose
from fastgrad.ops.exponential import exp, exp2, expm1, log, log1p, log2, log10
from fastgrad.ops.extremes import (
    all,
    amax,
    amin,
    any,
    argmax,
    argmin,
    argsort,
    count_nonzero,
    max,
    median,
    min,
    sort,
    topk,
)
from fastgrad.ops.indexing import gather, index_select, masked_select, narrow, select, take_along_dim
from fastgrad.ops.join import cat, chunk, hstack, repeat_interleave, split, stack, tile, unbind, vstack
from fastgrad.ops.matmul import addmm, bmm, dot, matmul, mm, mv, outer
from fastgrad.ops.power import pow
from fastgrad.ops.products import div, maximum, minimum, mul
from fastgrad.ops.reduction import mean, std, std_mean, sum, var, var_mean
from fastgrad.ops.rounding import ceil, floor, floor_divide, fmod, remainder, round, trunc
from fastgrad.ops.select import clamp, flip, masked_fill, nan_to_num, nonzero, roll, tril, triu, where
from fastgrad.ops.shape import flatten, reshape, squeeze, unflatten, unsqueeze
from fastgrad.ops.trigonometry import acos, asin, atan, cos, cosh, sin, sinh, tan
from fastgrad.ops.unary import (
    abs,
    erf,
    neg,
    reciprocal,
    rsqrt,
    sign,
    sqrt,
    square,
)
from fastgrad.printing import set_printoptions
from fastgrad.random import Generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state
from fastgrad.sampling import (
    bernoulli,
    multinomial,
    normal,
    rand,
    rand_like,
    randint,
    randn,
    randn_like,
    randperm,
)

# isort: split
# These need what is above.
from fastgrad import data, nn, optim, random, utils
from fastgrad.nn.functional import log_softmax, relu, sigmoid, softmax, tanh

__all__ = [
    "Generator",
    "Tensor",
    "__version__",
    "abs",
    "absolute",
    "acos",
    "add",
    "addmm",
    "all",
    "allclose",
    "amax",
    "amin",
    "any",
    "arange",
    "argmax",
    "argmin",
    "argsort",
    "as_tensor",
    "asarray",
    "asin",
    "atan",
    "autograd",
    "bernoulli",
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "bmm",
    "bool",
    "broadcast_to",
    "build_info",
    "cat",
    "ceil",
    "chunk",
    "clamp",
    "clip",
    "clone",
    "concat",
    "concatenate",
    "cos",
    "cosh",
    "count_nonzero",
    "cumprod",
    "cumsum",
    "data",
    "diff",
    "div",
    "divide",
    "dot",
    "double",
    "dtypes",
    "empty",
    "empty_like",
    "enable_grad",
    "eq",
    "equal",
    "erf",
    "exp",
    "exp2",
    "expm1",
    "eye",
    "flatten",
    "flip",
    "float",
    "float32",
    "float64",
    "floor",
    "floor_divide",
    "fmod",
    "from_dlpack",
    "from_numpy",
    "full",
    "full_like",
    "gather",
    "ge",
    "get_default_dtype",
    "get_num_threads",
    "get_rng_state",
    "gt",
    "hstack",
    "index_select",
    "inf",
    "initial_seed",
    "int",
    "int32",
    "int64",
    "is_grad_enabled",
    "is_tensor",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "le",
    "linspace",
    "log",
    "log1p",
    "log2",
    "log10",
    "log_softmax",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "logspace",
    "logsumexp",
    "long",
    "lt",
    "manual_seed",
    "masked_fill",
    "masked_select",
    "matmul",
    "max",
    "maximum",
    "mean",
    "median",
    "min",
    "minimum",
    "mm",
    "movedim",
    "mul",
    "multinomial",
    "multiply",
    "mv",
    "nan",
    "nan_to_num",
    "narrow",
    "ne",
    "neg",
    "negative",
    "nn",
    "no_grad",
    "nonzero",
    "norm",
    "normal",
    "ones",
    "ones_like",
    "optim",
    "outer",
    "permute",
    "pi",
    "pow",
    "prod",
    "rand",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
    "random",
    "randperm",
    "reciprocal",
    "relu",
    "remainder",
    "repeat_interleave",
    "reshape",
    "roll",
    "round",
    "rsqrt",
    "scalar_tensor",
    "seed",
    "select",
    "set_default_dtype",
    "set_grad_enabled",
    "set_num_threads",
    "set_printoptions",
    "set_rng_state",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "softmax",
    "sort",
    "split",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "std_mean",
    "sub",
    "subtract",
    "sum",
    "swapaxes",
    "t",
    "take_along_dim",
    "tan",
    "tanh",
    "tensor",
    "tile",
    "topk",
    "transpose",
    "tril",
    "triu",
    "true_divide",
    "trunc",
    "uint8",
    "unbind",
    "unflatten",
    "unsqueeze",
    "utils",
    "var",
    "var_mean",
    "vstack",
    "where",
    "zeros",
    "zeros_like",
]

__version__ = "0.1.0"

# What torch calls them too.
float = float32
double = float64
long = int64
int = int32
absolute = abs
clip = clamp
concat = concatenate = cat
divide = true_divide = div
multiply = mul
negative = neg
subtract = sub
swapaxes = transpose
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
        kernels may use; ``cuda``, whether there are kernels for a GPU.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.build_info()["cuda"]
    False
    """
    return {"version": __version__, **backend.kernels.build(), "threads": get_num_threads(), "cuda": False}


def get_num_threads() -> builtins.int:
    """The number of threads that a kernel may use. Source: ``torch.get_num_threads``."""
    return backend.kernels.get_num_threads()


def set_num_threads(n: builtins.int) -> None:
    """Let kernels use at most `n` threads; results do not depend on it.

    Raises
    ------
    ValueError
        If `n` is less than 1.

    Notes
    -----
    Source: ``torch.set_num_threads``.
    """
    backend.kernels.set_num_threads(n)
