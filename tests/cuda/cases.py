"""Small arguments for every operation, layer and loss, as text that is evaluated with tensors of one device.

The tensors: x, y (3, 4), p positive, u within (−1, 1), row (4,), v (3,), w (4, 2), a (2, 3, 4), c (2, 4, 2), s without
dimensions, all float32; i (3, 4) and n (3,) int64, bytes uint8, m a mask, e empty; z is a result of x, to be changed.
"""

from __future__ import annotations

import numpy as np

import fastgrad as fg


def tensors(device: str) -> dict[str, fg.Tensor]:
    """The tensors of the texts; those of floating point require gradients."""
    rng = np.random.default_rng(0)

    def floats(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).astype("float32")

    x = floats(3, 4)
    x[1, 2] = x[1, 1]  # extremes that are not unique
    arrays = {
        "x": x, "y": floats(3, 4), "p": rng.random((3, 4), "float32") + 0.5,
        "u": rng.random((3, 4), "float32") * 1.8 - 0.9,
        "row": floats(4), "v": floats(3), "w": floats(4, 2), "a": floats(2, 3, 4), "c": floats(2, 4, 2),
        "s": np.float32(1.5).reshape(()), "e": floats(0, 4), "i": rng.integers(0, 3, (3, 4)),
        "n": rng.integers(0, 3, 3), "bytes": rng.integers(0, 3, (3, 4)).astype("uint8"), "m": rng.random((3, 4)) < 0.5,
    }  # fmt: skip
    made = {name: fg.tensor(array, device=device) for name, array in arrays.items()}
    for t in made.values():
        if t.is_floating_point():
            t.requires_grad_()
    made["z"] = made["x"] * 1
    return made


# Per line the name of a function, or of a method of tensors, and arguments, one call after the other.
OPERATIONS = """
abs: x; i
acos: u
add: x, y; x, 2.0; 2.0, x; x, row; x, i; x, s; i, 2; s, s; x, y.T.reshape(3, 4)
addmm: x[:, :2], a[0], w
all: m; m, 0; x
allclose: x, x
amax: x; x, 0; a, (0, 2); i
amin: x; x, 1, True
any: m; m, 1; bytes
argmax: x; x, 0; x, 1, True; s, 0
argmin: x; x, 0
argsort: x; x, 0, True; s
asin: u
atan: x
bitwise_and: i, 1; m, m; i, i
bitwise_not: i; m; bytes
bitwise_or: i, i; m, m
bitwise_xor: i, i
bmm: a, c
broadcast_to: row, (3, 4); v[:, None], (3, 4)
cat: [x, y]; [x, y], 1; [x, i]; [x, e]
ceil: x; i
chunk: x, 2; x, 3, 1
clamp: x, -0.5, 0.5; x, None, 0.0; x, row; x, s, y; i, 1; i, 0.5
clone: x; x.T; i
cos: x; i; m
cosh: x; i; m
count_nonzero: i; i, 0; x
cumprod: x, 0; x, 1; i, 0
cumsum: x, 0; i, 1; m, 0
diff: x; x, 2, 0
div: x, p; x, 2.0; 2.0, p; x, s; i, 2; x, i + 1
dot: v, v
eq: x, y; x, 0.0; x, row; x, i; i, 1
equal: x, x; x, y
erf: x; i; m
exp: x; i; m
exp2: x; i; m
expm1: x; i; m
flatten: a; a, 1
flip: x, 0; a, (0, 2)
floor: x; i
floor_divide: x, 0.7; x, p; i, 2; i, i + 1
fmod: x, 0.7; x, p; i, 2
gather: x, 0, i; x, 1, i; s, 0, n[0] * 0
ge: x, y; x, 0.0; x, row; x, i; i, 1
gt: x, y; x, 0.0; x, row; x, i; i, 1
hstack: [x, y]; [v, v]
index_select: x, 0, n; x, 1, n; i, 0, n
isclose: x, x; x, y
isfinite: x; x / 0
isinf: x / 0
isnan: x / 0 - x / 0
le: x, y; x, 0.0; x, row; x, i; i, 1
log: p; i
log10: p
log1p: p
log2: p
logical_and: m, m; x, i
logical_not: m; x
logical_or: m, m
logical_xor: m, m; x, y
logsumexp: x, 0; x, (0, 1); x, 1, True; s, 0; e, 0
lt: x, y; x, 0.0; x, row; x, i; i, 1
masked_fill: x, m, 0.0; x, m, s; i, m, 7
masked_select: x, m; row, m
matmul: x, w; a, w; a, c; x, row; v, x; v, v; i, i.T; x.T, y
max: x; x, 0; x, 1, True; x, y; i; i, 0
maximum: x, y; x, row; x, s; i, i + 1
mean: x; x, 0; x, 1, True; a, (0, 2)
median: x; x, 0; x, 1, True; i; s, 0
min: x; x, 0; x, 1, True; x, y; i; i, 0
minimum: x, y; x, row
mm: x, w
movedim: a, 0, 2
mul: x, y; x, 2.0; 2.0, x; x, row; x, i; x, s; i, 2; s, s; x, x
mv: x, row
nan_to_num: x / 0; x / 0 - x / 0, 1.0, 2.0, 3.0
narrow: x, 1, 1, 2
ne: x, y; x, 0.0; x, row; x, i; i, 1
neg: x; i
nonzero: m; i; x
norm: x; x, 1; x, 2, 0; x, 3.0, 1; x, float('inf'); x, 0; x, 2, (0, 1), True
outer: v, row
permute: a, 2, 0, 1
pow: x, 2; x, 3; p, 0.5; p, -1.5; 2.0, x; p, y; p, s; i, 2; i, i; x, 0
prod: x; x, 0; x, 1, True; i, 0; e
reciprocal: p
remainder: x, 0.7; x, p; i, 2; 3, i + 1
repeat_interleave: x, 2; x, 2, 1; x, n, 0
reshape: x, 4, 3; x.T, 12; x, (2, -1)
roll: x, 1; x, (1, 2), (0, 1)
round: x; i
rsqrt: p
select: x, 0, 1
sign: x; i; m
sin: x; i; m
sinh: x; i; m
sort: x; x, 0, True; i, 1; s
split: x, 2; x, [1, 3], 1
sqrt: p; i
square: x; i
squeeze: x[:1]; x[:, :1], 1
stack: [x, y]; [x, y], 1; [s, s]
std: x; x, 0; x, 1, True
std_mean: x; x, 0
sub: x, y; x, 2.0; 2.0, x; x, row; x, i; x, s; i, 2; s, s
sum: x; x, 0; x, 1, True; a, (0, 2); i; m; s; e
t: x; v
take_along_dim: x, i, 0; x, i
tan: x; i; m
tile: x, 2; row, (2, 1)
topk: x, 2; x, 2, 0, False; s, 1
transpose: x, 0, 1; a, 0, 2
tril: x; a, -1
triu: x; x, 1
trunc: x; i
unbind: x; x, 1
unflatten: x, 1, (2, -1)
unsqueeze: x, 0; s, -1
var: x; x, 0; a, (0, 2), False
var_mean: x
vstack: [x, y]; [row, row]
where: m, x, y; m, x, 0.0; m, 1.0, s; m, i, 7; m
add_: z, y; z, 2.0; z, row; z, s; z, i; i, 1
clamp_: z, -0.5, 0.5; z, None, 0.0; i, 1, 2
contiguous: x; x.T
copy_: z, y; z, row; z, i; i, x.detach()
div_: z, p; z, 2.0
expand: row, 3, 4; v[:, None], -1, 4
expand_as: row, x
fill_: z, 2.0; z, s; i, 3
log_softmax: x, 0; x, 1; a, 1
masked_fill_: z, m, 0.0; z, m, s; i, m, 7
mul_: z, y; z, 2.0; z, row
neg_: z
normal_: z
pow_: z, 2; z, 3.0
ravel: a
repeat: x, 2, 1; row, 2, 2
reshape_as: x.T, i.T
softmax: x, 0; x, 1; a, 1
sub_: z, y; z, 2.0
type_as: i, x
uniform_: z
view: x, 4, 3; a, 6, -1
view_as: x, y
zero_: z; i
bool: x
byte: i
double: x; i
float: i; m
int: x
long: x; m
detach: x
new_empty: x, 0
new_full: x, (2,), 3.0
new_ones: x, 2
new_tensor: x, [1.0, 2.0]
new_zeros: x, 2, 3
relu: x
sigmoid: x
tanh: x
type: x, fg.float64
to: x, fg.float64; i, x
cpu: x
bernoulli: u.detach().abs()
multinomial: p.detach(), 2; p.detach(), 5, True
normal: x.detach(), p.detach()
empty_like: e
full_like: x, 2.0
ones_like: x.T; i
zeros_like: x; x, dtype=fg.int64
rand_like: x
randn_like: x
"""

# Expressions, for what is no function of these names.
EXPRESSIONS = """
x[0]; x[0, 1]; x[:, 1:3]; x[..., None]; x[n]; x[:, n]; x[n, n]; x[m]; x[1, n]; x[None, n]; x[[0, 2]]; x[i[:, 0], 1:]
x[n[0]]
x[np.array([0, 2])]; a[0, :, n]; a[:, n, n]; x[bytes[0, :3]]
x.T; a.mT; -x; +x; abs(x); x @ w; x / 2; 2 / p; x ** 2; 2 ** x; x // 0.7; x % 0.7; 1 - x; x > 0; ~m; m & m; m | m
m ^ m
x == y; x != 0; np.float32(2) * x; np.float64(2) * x; x + True; x.item() if x.numel() == 1 else s.item(); x.tolist()
float(s); int(s); bool(s); len(x); s.item(); list(x)[1]; n[0].__index__(); 1 in i; x.size(0); x.stride(); x.ndim
F.linear(x, w.T); F.linear(x, w.T, w[0]); F.linear(a, w.T, w[0], activation="tanh"); F.linear(x, row)
F.linear(row, w.T)
F.bilinear(v, v, a[0, :, :3].reshape(1, 3, 3)); F.softmax(x, 1); F.log_softmax(x, 0); F.prelu(x, s.reshape(1))
F.prelu(x, row)
F.cross_entropy(x, n); F.cross_entropy(x, n, row.detach().abs())
F.cross_entropy(x, n, reduction="none", label_smoothing=0.1)
F.cross_entropy(x, p.detach().softmax(1)); F.cross_entropy(a, i[:2]); F.cross_entropy(row, n[0])
F.cross_entropy(x, n.int())
F.nll_loss(x.log_softmax(1), n); F.nll_loss(x.log_softmax(1), n, reduction="sum")
F.mse_loss(x, y); F.mse_loss(x, y, "sum"); F.l1_loss(x, y, "none"); F.smooth_l1_loss(x, y); F.huber_loss(x, y)
F.mse_loss(x, y, weight=p); F.binary_cross_entropy(u.abs(), y.detach().sigmoid())
F.binary_cross_entropy_with_logits(x, p.detach() / 2)
F.binary_cross_entropy_with_logits(x, m, pos_weight=row.detach().abs())
F.dropout(x, 0.5); F.dropout(x, 1.0); F.dropout(x, 0.5, False); F.layer_norm(x, 4); F.layer_norm(a, (3, 4), y, x)
F.batch_norm(x, None, None, row, row, True); F.batch_norm(x, row.detach(), row.detach().abs(), row, row)
F.batch_norm(a, v.detach() * 1, v.detach().abs(), None, None, True)
F.embedding(n, x); F.embedding(i, x, padding_idx=0); F.embedding(n, x, scale_grad_by_freq=True); F.one_hot(n)
F.one_hot(i, 5)
F.embedding(n, z.detach() * 1, max_norm=0.5)
"""
