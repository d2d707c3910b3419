"""One function per operation: the result with numpy or a kernel, and the rule of its gradient beside it."""

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
from fastgrad.ops.extremes import all, amax, amin, any, argmax, argmin, count_nonzero, max, min
from fastgrad.ops.gathering import gather, index_select, masked_select, take_along_dim
from fastgrad.ops.indexing import narrow, select
from fastgrad.ops.join import cat, chunk, hstack, split, stack, unbind, vstack
from fastgrad.ops.matrices import addmm, bmm, dot, matmul, mm, mv, outer
from fastgrad.ops.power import pow
from fastgrad.ops.products import div, maximum, minimum, mul
from fastgrad.ops.rearrange import flip, roll, tril, triu
from fastgrad.ops.reduction import mean, std, std_mean, sum, var, var_mean
from fastgrad.ops.repetition import repeat_interleave, tile
from fastgrad.ops.rounding import ceil, floor, floor_divide, fmod, remainder, round, trunc
from fastgrad.ops.selection import clamp, masked_fill, nan_to_num, nonzero, where
from fastgrad.ops.shape import flatten, reshape, squeeze, unflatten, unsqueeze
from fastgrad.ops.sorting import argsort, median, sort, topk
from fastgrad.ops.trigonometry import acos, asin, atan, cos, cosh, sin, sinh, tan
from fastgrad.ops.unary import abs, erf, neg, reciprocal, rsqrt, sign, sqrt, square

# What torch calls them too.
absolute = abs
clip = clamp
concat = concatenate = cat
divide = true_divide = div
multiply = mul
negative = neg
subtract = sub
swapaxes = transpose

__all__ = [
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
    "argmax",
    "argmin",
    "argsort",
    "asin",
    "atan",
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "bmm",
    "broadcast_to",
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
    "diff",
    "div",
    "divide",
    "dot",
    "eq",
    "equal",
    "erf",
    "exp",
    "exp2",
    "expm1",
    "flatten",
    "flip",
    "floor",
    "floor_divide",
    "fmod",
    "gather",
    "ge",
    "gt",
    "hstack",
    "index_select",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "le",
    "log",
    "log1p",
    "log2",
    "log10",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "logsumexp",
    "lt",
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
    "multiply",
    "mv",
    "nan_to_num",
    "narrow",
    "ne",
    "neg",
    "negative",
    "nonzero",
    "norm",
    "outer",
    "permute",
    "pow",
    "prod",
    "reciprocal",
    "remainder",
    "repeat_interleave",
    "reshape",
    "roll",
    "round",
    "rsqrt",
    "select",
    "sign",
    "sin",
    "sinh",
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
    "tile",
    "topk",
    "transpose",
    "tril",
    "triu",
    "true_divide",
    "trunc",
    "unbind",
    "unflatten",
    "unsqueeze",
    "var",
    "var_mean",
    "vstack",
    "where",
]
