"""What every optimiser has: parameter groups, per-parameter state, saving and loading both."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from copy import deepcopy
from numbers import Real
from typing import Any

import numpy as np

from fastgrad.arrays import beside, is_array
from fastgrad.autograd.graph import wrap
from fastgrad.creation import values_of
from fastgrad.errors import bad_type, bad_value
from fastgrad.optim.hooks import Hooked
from fastgrad.tensor import Tensor

__all__ = ["Optimizer", "Params"]

Params = Iterable[Tensor] | Iterable[tuple[str, Tensor]] | Iterable[dict[str, Any]]


def check_nonnegative(function: str, options: dict[str, Any], *names: str) -> None:
    """Raise unless each named option is a finite number that is at least 0 (NaN is not)."""
    for name in names:
        value = options[name]
        if not isinstance(value, Real):
            raise bad_type(function, name, type(value).__name__, "a number")
        if not 0 <= float(value) < math.inf:
            raise bad_value(function, name, value, "a finite number >= 0")


class Optimizer(Hooked):
    r"""Base of all optimisers: groups of parameters, each group with its own options.

    Parameters
    ----------
    params : iterable of Tensor, of (str, Tensor) or of dict
        The parameters; or named ones, as ``Module.named_parameters()`` gives them; or groups,
        each a dict with the key ``"params"`` and any options that differ from `defaults`.
    defaults : dict
        The options of a group that does not name them itself.

    Attributes
    ----------
    param_groups : list of dict
        The groups with all their options; options may be changed at any time.
    state : dict
        What the optimiser remembers of each parameter (Tensor → dict).
    defaults : dict
        As given.

    Raises
    ------
    TypeError
        If something that is not a Tensor is to be optimised.
    ValueError
        If there are no parameters, one is given twice, or one is not a leaf.

    Notes
    -----
    A subclass overrides `step`. Source: ``torch.optim.Optimizer``; unlike there, a parameter that
    is given twice is an error within one group too.

    Examples
    --------
    >>> import fastgrad as fg
    >>> class SignDescent(fg.optim.Optimizer):
    ...     def step(self, closure=None):
    ...         with fg.no_grad():
    ...             for group in self.param_groups:
    ...                 for w in group["params"]:
    ...                     w -= group["lr"] * w.grad.numpy().clip(-1, 1)
    >>> w = fg.tensor([1.0, -1.0], requires_grad=True)
    >>> optimizer = SignDescent([w], {"lr": 0.5})
    >>> (3 * w * w).sum().backward()
    >>> optimizer.step()
    >>> w.tolist()
    [0.5, -0.5]
    """

    # State entries that are shaped like their parameter; what else a state holds is left alone.
    _buffer_names: tuple[str, ...] = ()
    # Whether step() has run; schedulers warn when it has not. None where a subclass brings its own step().
    _stepped: bool | None = None

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        name = type(self).__name__
        if isinstance(params, Tensor) or is_array(params) or not isinstance(params, Iterable):
            raise bad_type(name, "params", type(params).__name__, "an iterable of Tensors or dicts")
        self._check_options(defaults)
        self.defaults = defaults
        self.state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        entries: list[Any] = list(params)
        if not entries:
            raise bad_value(name, "params", "empty", "at least one Tensor or dict")
        for group in entries if isinstance(entries[0], dict) else [{"params": entries}]:
            self.add_param_group(group)

    def _check_options(self, options: dict[str, Any]) -> None:
        """Raise if a group cannot have these options. A subclass says which it knows."""

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters, for example layers that are trained from now on.

        Parameters
        ----------
        param_group : dict
            ``"params"`` and the options of the group that differ from the defaults.

        Raises
        ------
        TypeError
            If the group is not a dict, its parameters have no order, or one is not a Tensor.
        ValueError
            If a parameter is given twice or is not a leaf, or an option is out of its range.

        Examples
        --------
        >>> import fastgrad as fg
        >>> w, b = fg.zeros(3, requires_grad=True), fg.zeros(1, requires_grad=True)
        >>> optimizer = fg.optim.SGD([w], lr=0.1)
        >>> optimizer.add_param_group({"params": b, "lr": 0.01})
        >>> [group["lr"] for group in optimizer.param_groups]
        [0.1, 0.01]
        """
        function = f"{type(self).__name__}.add_param_group"
        if not isinstance(param_group, dict):
            raise bad_type(function, "param_group", type(param_group).__name__, "a dict")
        if "params" not in param_group:
            raise bad_value(
                function, "param_group", f"a dict of {sorted(param_group)}", "a dict with 'params'"
            )
        given = param_group["params"]
        if isinstance(given, (set, frozenset)):
            raise bad_type(function, "params", "a set, which has no order", "a list of Tensors")
        entries = [given] if isinstance(given, Tensor) else list(given)
        named = [entry for entry in entries if isinstance(entry, tuple)]
        if named and len(named) != len(entries):
            raise bad_value(function, "params", "named in part", "a name for every Tensor or for none")
        group: dict[str, Any] = {**self.defaults, **param_group}
        group["params"] = [entry[1] for entry in named] if named else entries
        if named:
            group["param_names"] = [entry[0] for entry in named]
        self._check_params(function, group)
        self._check_options(group)
        self.param_groups.append(group)

    def _check_params(self, function: str, group: dict[str, Any]) -> None:
        """Raise unless the group's parameters are leaves that no group has yet."""
        known = {id(p) for other in self.param_groups for p in other["params"]}
        for i, p in enumerate(group["params"]):
            argument = f"params[{i}]"
            if not isinstance(p, Tensor):
                raise bad_type(function, argument, type(p).__name__, "a Tensor")
            if not p.is_leaf:
                raise bad_value(function, argument, "the result of an operation", "a leaf Tensor")
            if id(p) in known:
                raise bad_value(
                    function, argument, "a Tensor that the optimizer already has", "each Tensor once"
                )
            known.add(id(p))
        if self.param_groups and ("param_names" in group) != ("param_names" in self.param_groups[0]):
            raise bad_value(
                function, "params", "named in some groups only", "names in every group or in none"
            )

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters.

        Parameters
        ----------
        set_to_none : bool
            Drop them (the next backward then needs no addition), or else fill them with zeros.
        """
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p.grad = None
                elif p.grad is not None:
                    p.grad = p.grad.detach()
                    p.grad.zero_()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient.

        Parameters
        ----------
        closure : callable, optional
            Computes the loss and the gradients anew; it is called first.

        Returns
        -------
        Tensor or None
            What `closure` returned.
        """
        raise NotImplementedError(f"{type(self).__name__} has no step()")

    def state_dict(self) -> dict[str, Any]:
        """Return options and state, with parameters numbered instead of held.

        Returns
        -------
        dict
            ``{"state": {number: dict}, "param_groups": [dict]}``. Arrays are shared, not copied.
        """
        numbers: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            packed = {key: value for key, value in group.items() if key != "params"}
            packed["params"] = [numbers.setdefault(id(p), len(numbers)) for p in group["params"]]
            groups.append(packed)
        return {
            "state": {
                numbers[id(p)] if isinstance(p, Tensor) else p: state
                for p, state in self.state.items()
                if not isinstance(p, Tensor) or id(p) in numbers  # a group's list may have been changed
            },
            "param_groups": groups,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over options and state that `state_dict` returned, here or in torch.

        Parameters
        ----------
        state_dict : dict
            Its arrays (Tensors, ndarrays, torch tensors) are copied, in the dtype and memory
            order of their parameters.

        Raises
        ------
        ValueError
            If groups, or arrays, do not fit this optimiser's parameters; nothing is changed then.
        """
        function = f"{type(self).__name__}.load_state_dict"
        if not isinstance(state_dict, dict) or not {"state", "param_groups"} <= state_dict.keys():
            raise bad_value(
                function, "state_dict", type(state_dict).__name__, "a dict with state and param_groups"
            )
        saved = [
            {k: v if k == "params" else deepcopy(v) for k, v in g.items()} for g in state_dict["param_groups"]
        ]
        have, given = ([len(g["params"]) for g in groups] for groups in (self.param_groups, saved))
        if have != given:
            raise bad_value(function, "state_dict", f"for groups of {given} parameters", f"groups of {have}")
        tensors: dict[Any, Tensor] = {}
        groups = []
        for group, new in zip(self.param_groups, saved, strict=True):
            tensors.update(zip(new["params"], group["params"], strict=True))
            names = {"param_names": group["param_names"]} if "param_names" in group else {}
            groups.append({**self.defaults, **names, **new, "params": group["params"]})
            self._check_options(groups[-1])
        state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        for key, values in state_dict["state"].items():
            if key in tensors:
                where = f"state_dict['state'][{key!r}]"
                state[tensors[key]] = self._load_state(function, where, tensors[key], values)
            else:
                state[key] = deepcopy(values)
        self.state = state
        self.param_groups = groups

    def _load_state(self, function: str, where: str, p: Tensor, values: dict[str, Any]) -> dict[str, Any]:
        """One parameter's state, copied and fitted to the parameter."""
        loaded: dict[str, Any] = {}
        for name, value in values.items():
            if name == "step":
                loaded[name] = int(value)
            elif not hasattr(value, "__array__"):
                loaded[name] = deepcopy(value)
            else:
                array = values_of(value.detach() if hasattr(value, "detach") else value)
                if name in self._buffer_names and array.shape != p.shape:
                    raise bad_value(
                        function, f"{where}[{name!r}]", f"shape {array.shape}", f"shape {p.shape}"
                    )
                dtype = p.data.dtype if array.dtype.kind == "f" else array.dtype
                # The kernels want a buffer in the memory order of its parameter.
                same = array.shape == p.shape
                copy = np.empty_like(p.data, dtype=dtype) if same else np.empty(array.shape, dtype, like=p.data)
                copy[...] = beside(copy, array)
                loaded[name] = wrap(copy)
        return loaded

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self._without_hooks().items() if key != "_ready"}

    def __repr__(self) -> str:
        lines = []
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [
                f"    {key}: {group[key]}" for key in sorted(group) if key not in ("params", "param_names")
            ]
        return "\n".join([f"{type(self).__name__} (", *lines, ")"])
