"""Operations as methods and operators of tensors: one line per name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fastgrad import dtypes, like
from fastgrad.autograd.graph import Value
from fastgrad.ops import (
    accumulate,
    arithmetic,
    comparison,
    convert,
    dims,
    exponential,
    extremes,
    gathering,
    indexing,
    inplace,
    join,
    matrices,
    overwrite,
    power,
    products,
    rearrange,
    reduction,
    repetition,
    rounding,
    selection,
    shape,
    sorting,
    trigonometry,
    unary,
)

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = ["Methods"]


def _functional() -> Any:
    """``fastgrad.nn.functional``, which needs tensors itself and so comes later."""
    return import_module("fastgrad.nn.functional")


class Methods(Value):
    """What can be done with tensors;

    the functions' documentation holds, the tensor being their first argument.
    """

    __slots__ = ()

    __add__ = __radd__ = arithmetic.add
    __sub__ = arithmetic.sub
    __rsub__ = arithmetic.rsub
    __mul__ = __rmul__ = products.mul
    __truediv__ = products.div
    __rtruediv__ = products.rdiv
    __floordiv__ = rounding.floor_divide
    __rfloordiv__ = rounding.rfloor_divide
    __mod__ = rounding.remainder
    __rmod__ = rounding.rremainder
    __pow__ = power.pow
    __rpow__ = power.rpow
    __matmul__ = matrices.matmul
    __rmatmul__ = matrices.rmatmul
    __neg__ = unary.neg
    __pos__ = unary.positive
    __abs__ = unary.abs
    __eq__ = comparison.eq  # type: ignore[assignment]
    __ne__ = comparison.ne  # type: ignore[assignment]
    __lt__ = comparison.lt
    __le__ = comparison.le
    __gt__ = comparison.gt
    __ge__ = comparison.ge
    __and__ = __rand__ = comparison.bitwise_and
    __or__ = __ror__ = comparison.bitwise_or
    __xor__ = __rxor__ = comparison.bitwise_xor
    __invert__ = comparison.bitwise_not
    __iadd__ = inplace.add_
    __isub__ = inplace.sub_
    __imul__ = inplace.mul_
    __itruediv__ = inplace.div_
    __ipow__ = inplace.pow_
    __getitem__ = indexing.getitem
    __setitem__ = overwrite.setitem

    add = arithmetic.add
    sub = subtract = arithmetic.sub
    mul = multiply = products.mul
    div = divide = true_divide = products.div
    floor_divide = rounding.floor_divide
    remainder = rounding.remainder
    fmod = rounding.fmod
    pow = power.pow
    maximum = products.maximum
    minimum = products.minimum
    matmul = matrices.matmul
    mm = matrices.mm
    bmm = matrices.bmm
    mv = matrices.mv
    dot = matrices.dot
    outer = matrices.outer
    addmm = matrices.addmm

    eq = comparison.eq
    ne = comparison.ne
    lt = comparison.lt
    le = comparison.le
    gt = comparison.gt
    ge = comparison.ge
    equal = comparison.equal
    allclose = comparison.allclose
    isclose = comparison.isclose
    isnan = comparison.isnan
    isinf = comparison.isinf
    isfinite = comparison.isfinite
    logical_and = comparison.logical_and
    logical_or = comparison.logical_or
    logical_xor = comparison.logical_xor
    logical_not = comparison.logical_not

    neg = negative = unary.neg
    abs = absolute = unary.abs
    sign = unary.sign
    square = unary.square
    exp = exponential.exp
    exp2 = exponential.exp2
    expm1 = exponential.expm1
    log = exponential.log
    log2 = exponential.log2
    log10 = exponential.log10
    log1p = exponential.log1p
    sqrt = unary.sqrt
    rsqrt = unary.rsqrt
    reciprocal = unary.reciprocal
    erf = unary.erf
    sin = trigonometry.sin
    cos = trigonometry.cos
    tan = trigonometry.tan
    asin = arcsin = trigonometry.asin
    acos = arccos = trigonometry.acos
    atan = arctan = trigonometry.atan
    sinh = trigonometry.sinh
    cosh = trigonometry.cosh
    floor = rounding.floor
    ceil = rounding.ceil
    trunc = rounding.trunc
    round = rounding.round

    sum = reduction.sum
    mean = reduction.mean
    var = reduction.var
    std = reduction.std
    logsumexp = accumulate.logsumexp
    prod = accumulate.prod
    cumsum = accumulate.cumsum
    cumprod = accumulate.cumprod
    norm = accumulate.norm
    diff = accumulate.diff
    max = extremes.max
    min = extremes.min
    amax = extremes.amax
    amin = extremes.amin
    argmax = extremes.argmax
    argmin = extremes.argmin
    sort = sorting.sort
    argsort = sorting.argsort
    topk = sorting.topk
    median = sorting.median
    all = extremes.all
    any = extremes.any
    count_nonzero = extremes.count_nonzero

    reshape = shape.reshape
    reshape_as = shape.reshape_as
    view = shape.view
    view_as = shape.view_as
    flatten = ravel = shape.flatten
    unflatten = shape.unflatten
    squeeze = shape.squeeze
    unsqueeze = shape.unsqueeze
    transpose = swapaxes = dims.transpose
    t = dims.t
    permute = dims.permute
    movedim = moveaxis = dims.movedim
    expand = dims.expand
    expand_as = dims.expand_as
    broadcast_to = dims.broadcast_to
    repeat = repetition.repeat
    tile = repetition.tile
    repeat_interleave = repetition.repeat_interleave
    split = join.split
    chunk = join.chunk
    unbind = join.unbind
    select = indexing.select
    narrow = indexing.narrow
    index_select = gathering.index_select
    gather = gathering.gather
    take_along_dim = gathering.take_along_dim
    masked_select = gathering.masked_select

    where = selection.rwhere
    clamp = clip = selection.clamp
    masked_fill = selection.masked_fill
    tril = rearrange.tril
    triu = rearrange.triu
    flip = rearrange.flip
    roll = rearrange.roll
    nonzero = selection.nonzero
    nan_to_num = selection.nan_to_num

    add_ = inplace.add_
    sub_ = inplace.sub_
    mul_ = inplace.mul_
    div_ = inplace.div_
    pow_ = inplace.pow_
    neg_ = inplace.neg_
    clamp_ = clip_ = inplace.clamp_
    copy_ = overwrite.copy_
    fill_ = overwrite.fill_
    zero_ = overwrite.zero_
    masked_fill_ = overwrite.masked_fill_
    uniform_ = overwrite.uniform_
    normal_ = overwrite.normal_

    clone = convert.clone
    detach = convert.detach
    contiguous = convert.contiguous
    to = convert.to
    type = convert.type_
    cpu = convert.cpu
    cuda = convert.cuda
    pin_memory = convert.pin_memory
    is_pinned = convert.is_pinned
    half = convert.half
    new_zeros = like.new_zeros
    new_ones = like.new_ones
    new_empty = like.new_empty
    new_full = like.new_full
    new_tensor = like.new_tensor

    @property
    def T(self) -> Tensor:
        """A view with all dimensions in the reverse order."""
        return dims.reverse_dims(self)

    @property
    def mT(self) -> Tensor:
        """A view with the last two dimensions exchanged: every matrix transposed."""
        return dims.transpose(self, -2, -1)

    def type_as(self, other: Any) -> Tensor:
        """The tensor in the dtype of `other`, and where that is."""
        return convert.to(self, other)

    def relu(self) -> Tensor:
        """See `fastgrad.nn.functional.relu`."""
        return _functional().relu(self)  # type: ignore[no-any-return]

    def sigmoid(self) -> Tensor:
        """See `fastgrad.nn.functional.sigmoid`."""
        return _functional().sigmoid(self)  # type: ignore[no-any-return]

    def tanh(self) -> Tensor:
        """See `fastgrad.nn.functional.tanh`."""
        return _functional().tanh(self)  # type: ignore[no-any-return]

    def softmax(self, dim: Any, dtype: Any = None) -> Tensor:
        """See `fastgrad.nn.functional.softmax`."""
        return _functional().softmax(self, dim, dtype=dtype)  # type: ignore[no-any-return]

    def log_softmax(self, dim: Any, dtype: Any = None) -> Tensor:
        """See `fastgrad.nn.functional.log_softmax`."""
        return _functional().log_softmax(self, dim, dtype=dtype)  # type: ignore[no-any-return]

    def double(self) -> Tensor:
        """The tensor as float64."""
        return convert.to(self, dtypes.float64)

    def long(self) -> Tensor:
        """The tensor as int64."""
        return convert.to(self, dtypes.int64)

    def byte(self) -> Tensor:
        """The tensor as uint8."""
        return convert.to(self, dtypes.uint8)

    def float(self) -> Tensor:
        """The tensor as float32."""
        return convert.to(self, dtypes.float32)

    def int(self) -> Tensor:
        """The tensor as int32."""
        return convert.to(self, dtypes.int32)

    def bool(self) -> Tensor:
        """The tensor as bool: where it is not 0."""
        return convert.to(self, dtypes.bool)
