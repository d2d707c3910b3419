"""Sequential: modules one after the other, a Linear and the activation behind it as one operation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast, overload

from fastgrad.errors import bad_index, bad_type
from fastgrad.nn.activation_module import ActivationModule
from fastgrad.nn.functional.linear import linear as fused_linear
from fastgrad.nn.linear import Linear
from fastgrad.nn.module import Module

__all__ = ["Sequential"]


class Sequential(Module):
    """Feed each module's output to the next.

    A :class:`Linear` followed by an activation without parameters to learn (``ReLU``, ``ELU`` …) runs as one
    ``F.linear(x, w, b, activation)``: same bits, fewer passes over memory. Where either has hooks, a forward
    of its own, or the Linear already an activation, the two run one after the other.

    Parameters
    ----------
    \\*args : Module or mapping
        The modules in order, called "0", "1", …; or one mapping from names to modules.

    Raises
    ------
    TypeError
        If something is not a Module.

    Notes
    -----
    Source: ``torch.nn.Sequential``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> net = fg.nn.Sequential(fg.nn.Linear(4, 8), fg.nn.ReLU(), fg.nn.Linear(8, 2))
    >>> net(fg.zeros(3, 4)).shape
    (3, 2)
    >>> len(net[:2])
    2
    """

    # Pairs (module, activation module to be fused into it or None); None when it has to be made again.
    _plan: list[tuple[Any, Any]] | None = None

    def __init__(self, *args: Module | Mapping[str, Module]) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], Mapping):
            for name, module in args[0].items():
                if module is not None and not isinstance(module, Module):
                    raise bad_type("Sequential", f"args[0][{name!r}]", type(module).__name__, "a Module")
            for name, module in args[0].items():
                self.register_module(name, module)
        else:
            for i, given in enumerate(args):
                if given is not None and not isinstance(given, Module):
                    raise bad_type("Sequential", f"args[{i}]", type(given).__name__, "a Module")
            for i, module in enumerate(cast("tuple[Module, ...]", args)):
                self.register_module(str(i), module)

    def _modules_changed(self) -> None:
        self.__dict__["_plan"] = None

    def _make_plan(self) -> list[tuple[Any, Any]]:
        plan: list[tuple[Any, Any]] = []
        for module in self:
            if plan and plan[-1][1] is None and _takes_activation(plan[-1][0]) and _is_activation(module):
                plan[-1] = (plan[-1][0], module)
            else:
                plan.append((module, None))
        self.__dict__["_plan"] = plan
        return plan

    def forward(self, x: Any) -> Any:
        """Feed `x` through the modules."""
        for module, activation in self._plan or self._make_plan():
            if activation is None:
                x = module(x)
            elif module._direct and activation._direct and module.activation is None:
                x = fused_linear(x, module.weight, module.bias, activation.activation)
            else:
                x = activation(module(x))
        return x

    def _name(self, function: str, index: int) -> str:
        """The name of the module at the position `index`, which may count from the end."""
        try:
            position = index.__index__()
        except AttributeError:
            raise bad_type(function, "index", type(index).__name__, "an int") from None
        n = len(self._modules)
        if not -n <= position < n:
            raise bad_index(function, "index", str(position), f"between {-n} and {n - 1}")
        return list(self._modules)[position]

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    def __getitem__(self, index: int | slice) -> Module | Sequential:
        if isinstance(index, slice):
            return type(self)(dict(list(self._modules.items())[index]))  # type: ignore[arg-type]
        return cast(Module, self._modules[self._name("Sequential[]", index)])

    def __setitem__(self, index: int, module: Module) -> None:
        self.register_module(self._name("Sequential[]", index), module)

    def __delitem__(self, index: int | slice) -> None:
        if isinstance(index, slice):
            names = list(self._modules)[index]
        else:
            names = [self._name("Sequential[]", index)]
        kept = {name: module for name, module in self._modules.items() if name not in names}
        # As torch: numbered modules are numbered again, named ones keep their names.
        numbered = all(name.isdigit() for name in self._modules)
        for name in list(self._modules):
            delattr(self, name)
        for i, (name, module) in enumerate(kept.items()):
            self.register_module(str(i) if numbered else name, module)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(cast("list[Module]", list(self._modules.values())))

    def append(self, module: Module) -> Sequential:
        """Add `module` at the end and return the Sequential."""
        self.register_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Sequential:
        """Add `modules` at the end and return the Sequential."""
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Sequential:
        """Put `module` before the position `index`, number the modules anew and return the Sequential."""
        if not isinstance(module, Module):
            raise bad_type("insert", "module", type(module).__name__, "a Module")
        n = len(self)
        if not -n <= index <= n:
            raise bad_index("insert", "index", str(index), f"between {-n} and {n}")
        modules = list(self)
        modules.insert(index, module)
        for name in list(self._modules):
            delattr(self, name)
        return self.extend(modules)

    def pop(self, index: int = -1) -> Module:
        """Take the module at `index` out and return it."""
        module = self[index]
        del self[index]
        return module


def _takes_activation(module: Module) -> bool:
    return isinstance(module, Linear) and type(module).forward is Linear.forward


def _is_activation(module: Module) -> bool:
    """Whether the module is nothing but an activation, applying ``module.activation``."""
    return isinstance(module, ActivationModule) and type(module).forward is ActivationModule.forward
