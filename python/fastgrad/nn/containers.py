"""Lists and dictionaries of modules, seen by ``parameters()`` and ``state_dict()``."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any, cast, overload

from fastgrad.errors import bad_index, bad_type
from fastgrad.nn.module import Module

__all__ = ["ModuleDict", "ModuleList"]


class ModuleList(Module):
    """A list of modules; it has no forward of its own.

    Parameters
    ----------
    modules : iterable of Module, optional
        What it holds at first.

    Raises
    ------
    TypeError
        If something is not a Module.

    Notes
    -----
    Source: ``torch.nn.ModuleList``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> layers = fg.nn.ModuleList(fg.nn.Linear(4, 4) for _ in range(3))
    >>> len(layers), [name for name, _ in layers.named_parameters()][:2]
    (3, ['0.weight', '0.bias'])
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def _position(self, function: str, index: int, end: int = -1) -> int:
        try:
            position = index.__index__()
        except AttributeError:
            raise bad_type(function, "index", type(index).__name__, "an int") from None
        n = len(self)
        if not -n <= position <= n + end:
            raise bad_index(function, "index", str(position), f"between {-n} and {n + end}")
        return position + n if position < 0 else position

    def _set(self, modules: list[Module]) -> None:
        for module in modules:
            if not isinstance(module, Module):
                raise bad_type(type(self).__name__, "modules", type(module).__name__, "Modules")
        for name in list(self._modules):
            delattr(self, name)
        for i, module in enumerate(modules):
            self.register_module(str(i), module)

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> ModuleList: ...
    def __getitem__(self, index: int | slice) -> Module | ModuleList:
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return cast(Module, self._modules[str(self._position("ModuleList[]", index))])

    def __setitem__(self, index: int, module: Module) -> None:
        self.register_module(str(self._position("ModuleList[]", index)), module)

    def __delitem__(self, index: int | slice) -> None:
        modules = list(self)
        del modules[index if isinstance(index, slice) else self._position("ModuleList[]", index)]
        self._set(modules)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(cast("list[Module]", list(self._modules.values())))

    def __iadd__(self, modules: Iterable[Module]) -> ModuleList:
        return self.extend(modules)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def append(self, module: Module) -> ModuleList:
        """Add `module` at the end and return the list."""
        self.register_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> ModuleList:
        """Add `modules` at the end and return the list."""
        if not isinstance(modules, Iterable):
            raise bad_type("extend", "modules", type(modules).__name__, "an iterable of Modules")
        self._set([*self, *modules])
        return self

    def insert(self, index: int, module: Module) -> None:
        """Put `module` before the position `index`."""
        modules = list(self)
        modules.insert(self._position("insert", index, end=0), module)
        self._set(modules)

    def pop(self, index: int = -1) -> Module:
        """Take the module at `index` out and return it."""
        module = self[index]
        del self[index]
        return module


class ModuleDict(Module):
    """A dictionary of modules in the order of insertion; it has no forward of its own.

    Parameters
    ----------
    modules : mapping or iterable of pairs, optional
        What it holds at first.

    Raises
    ------
    TypeError
        If something is not a Module.
    ValueError
        If a name is empty or has a dot.
    KeyError
        If a name is that of an attribute.

    Notes
    -----
    Source: ``torch.nn.ModuleDict``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> heads = fg.nn.ModuleDict({"left": fg.nn.Linear(2, 1), "right": fg.nn.Identity()})
    >>> list(heads), "left" in heads
    (['left', 'right'], True)
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self._update("ModuleDict", modules)

    def __getitem__(self, name: str) -> Module:
        return cast(Module, self._modules[name])

    def __setitem__(self, name: str, module: Module) -> None:
        self.register_module(name, module)

    def __delitem__(self, name: str) -> None:
        if name not in self._modules:
            raise KeyError(name)
        delattr(self, name)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._modules))

    def __contains__(self, name: object) -> bool:
        return name in self._modules

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._modules.keys()

    def values(self) -> ValuesView[Any]:
        """The modules."""
        return self._modules.values()

    def items(self) -> ItemsView[str, Any]:
        """Pairs of name and module."""
        return self._modules.items()

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Add or replace several modules."""
        self._update("update", modules)

    def _update(self, function: str, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        pairs = modules.items() if isinstance(modules, (Mapping, ModuleDict)) else modules
        if not isinstance(pairs, Iterable):
            raise bad_type(
                function, "modules", type(modules).__name__, "a mapping or pairs of name and Module"
            )
        pairs = list(pairs)
        for name, module in pairs:
            if not isinstance(module, Module):
                raise bad_type(function, f"modules[{name!r}]", type(module).__name__, "a Module")
        for name, module in pairs:
            self.register_module(name, module)

    def pop(self, name: str) -> Module:
        """Take the module `name` out and return it."""
        module = self[name]
        del self[name]
        return module

    def clear(self) -> None:
        """Take all modules out."""
        for name in list(self._modules):
            delattr(self, name)
