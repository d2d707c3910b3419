"""How tensors look: torch's text, number by number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad import dtypes
from fastgrad.arrays import is_traced, to_host
from fastgrad.autograd.graph import Node
from fastgrad.devices import of
from fastgrad.errors import bad_value

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = ["set_printoptions", "text"]

_options: dict[str, Any] = {
    "precision": 4,
    "threshold": 1000,
    "edgeitems": 3,
    "linewidth": 80,
    "sci_mode": None,
}


def set_printoptions(
    precision: int | None = None,
    threshold: int | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Choose how tensors are printed;

    what is not given stays, but `sci_mode`, which is then chosen by the values.

    Parameters
    ----------
    precision : int
        Decimals (4 at first).
    threshold : int
        Above this number of elements only the edges are shown (1000).
    edgeitems : int
        How many at each edge (3).
    linewidth : int
        Characters in a line (80).
    sci_mode : bool
        Whether to print powers of ten.

    Notes
    -----
    Source: ``torch.set_printoptions``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.set_printoptions(precision=2)
    >>> fg.tensor(0.125)
    tensor(0.12)
    >>> fg.set_printoptions(precision=4)
    """
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    for name, value in given.items():
        if value is not None:
            if value < 0:
                raise bad_value("set_printoptions", name, str(value), "at least 0")
            _options[name] = value
    _options["sci_mode"] = sci_mode


class _Format:
    """One way of writing numbers that suits all that are shown, and its width."""

    def __init__(self, shown: np.ndarray) -> None:
        self.floating = shown.dtype.kind == "f"
        self.whole = True
        self.powers = False
        self.width = 1
        precision = _options["precision"]
        if not self.floating:
            self.width = max([1, *(len(str(v)) for v in shown.tolist())])
            return
        values = shown[np.isfinite(shown) & (shown != 0)].astype(np.float64)
        if not values.size:
            return
        sizes = np.abs(values)
        largest, smallest = float(sizes.max()), float(sizes.min())
        self.whole = bool((values == np.ceil(values)).all())
        chosen = _options["sci_mode"]
        self.powers = (largest / smallest > 1000 or largest > 1e8 or smallest < 1e-4) if chosen is None else chosen
        if self.powers:
            lengths = [len(f"{v:.{precision}e}") for v in values.tolist()]
        elif self.whole:
            lengths = [len(f"{v:.0f}") + 1 for v in values.tolist()]
        else:
            lengths = [len(f"{v:.{precision}f}") for v in values.tolist()]
        self.width = max(1, *lengths)

    def __call__(self, value: Any) -> str:
        if not self.floating:
            result = str(value)
        elif self.powers:
            result = f"{value:{self.width}.{_options['precision']}e}"
        elif self.whole:
            result = f"{value:.0f}" + ("." if math.isfinite(value) else "")
        else:
            result = f"{value:.{_options['precision']}f}"
        return result.rjust(self.width)


def _edges(array: np.ndarray) -> np.ndarray:
    """The elements that an abbreviated text shows, in one dimension."""
    edge = _options["edgeitems"]
    for axis, n in enumerate(array.shape):
        if n > 2 * edge:
            array = np.take(array, [*range(edge), *range(n - edge, n)], axis)
    return array.reshape(-1)


def _vector(values: np.ndarray, indent: int, short: bool, form: _Format) -> str:
    edge = _options["edgeitems"]
    if short and len(values) > 2 * edge:
        last = values[-edge:].tolist() if edge else []
        words = [*map(form, values[:edge].tolist()), " ...", *map(form, last)]
    else:
        words = [form(v) for v in values.tolist()]
    per_line = max(1, (_options["linewidth"] - indent) // (form.width + 2))
    lines = [", ".join(words[i : i + per_line]) for i in range(0, len(words), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _array(array: np.ndarray, indent: int, short: bool, form: _Format) -> str:
    if array.ndim == 0:
        return form(array.item())
    if array.ndim == 1:
        return _vector(array, indent, short, form)
    edge = _options["edgeitems"]
    if short and len(array) > 2 * edge:
        parts = [_array(a, indent + 1, short, form) for a in array[:edge]]
        parts += ["...", *(_array(a, indent + 1, short, form) for a in array[len(array) - edge :])]
    else:
        parts = [_array(a, indent + 1, short, form) for a in array]
    return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(parts) + "]"


def text(tensor: Tensor, prefix: str = "tensor(") -> str:
    """What ``repr`` says of a tensor: its values, and what is not as one would expect (dtype, gradients).

    Source: ``torch.Tensor.__repr__``; grad_fn has fastgrad's name of the operation.
    """
    data: Any = tensor.data
    if is_traced(data):
        data.recorder.refuse("a tensor is printed")
    indent = len(prefix)
    suffixes = []
    where = of(data)
    data = to_host(data)
    usual: tuple[Any, ...] = (dtypes.get_default_dtype(), dtypes.int64, dtypes.bool)
    if data.size == 0:
        body = "[]"
        if data.ndim != 1:
            suffixes.append(f"size={data.shape}")
        usual = usual[:1]
    else:
        short = data.size > _options["threshold"]
        form = _Format(_edges(data) if short else data.reshape(-1))
        body = _array(data, indent, short, form)
    if where.type != "cpu":
        suffixes.append(f"device='{where}'")
    if data.dtype not in usual:
        suffixes.append(f"dtype={data.dtype}")
    node = tensor.node
    if isinstance(node, Node):
        suffixes.append(f"grad_fn=<{node.name()}>")
    elif node is not None:
        suffixes.append("requires_grad=True")
    result = prefix + body
    line = len(result) - result.rfind("\n") + 1
    for suffix in suffixes:
        if line + len(suffix) + 2 > _options["linewidth"]:
            result += ",\n" + " " * indent + suffix
            line = indent + len(suffix)
        else:
            result += ", " + suffix
            line += len(suffix) + 2
    return result + ")"
