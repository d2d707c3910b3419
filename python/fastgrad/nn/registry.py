"""Where a module keeps what was assigned to it: parameters, buffers and submodules by name.

Every registered value is held twice: in its registry (``_parameters``, ``_buffers``, ``_modules``), which
gives order and meaning, and in the instance's ``__dict__``, so that ``self.weight`` is an ordinary attribute
and costs what one costs. All writes go through this class, which keeps the two in step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastgrad.backend import native
from fastgrad.errors import bad_type, bad_value
from fastgrad.nn.parameter import Parameter
from fastgrad.tensor import Tensor

if TYPE_CHECKING:
    from fastgrad.nn.module import Module

__all__ = ["Registry"]

_REGISTRIES = ("_parameters", "_buffers", "_modules")


class Registry:
    """Attribute storage of :class:`fastgrad.nn.Module`."""

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _non_persistent: set[str]

    def __init__(self) -> None:
        attributes = self.__dict__
        attributes["training"] = True
        for registry in _REGISTRIES:
            attributes[registry] = {}
        attributes["_non_persistent"] = set()

    def __setattr__(self, name: str, value: Any) -> None:
        attributes = self.__dict__
        if isinstance(value, Parameter):
            self._make_room(name, "_parameters")
            self.register_parameter(name, value)
        elif isinstance(value, Registry):
            self._make_room(name, "_modules")
            self.register_module(name, value)  # type: ignore[arg-type]
        elif "_parameters" not in attributes:
            object.__setattr__(self, name, value)
        elif name in attributes["_parameters"]:
            self._put("_parameters", name, self._none_or(name, value, None, "a Parameter"))
        elif name in attributes["_modules"]:
            self._put("_modules", name, self._none_or(name, value, None, "a Module"))
        elif name in attributes["_buffers"]:
            self._put("_buffers", name, self._none_or(name, value, Tensor, "a Tensor"))
        else:
            object.__setattr__(self, name, value)
            if name == "forward":
                self._calls_changed()
            native._modules_changed()

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        self._make_room(name, "")
        native._modules_changed()
        if name == "forward":
            self._calls_changed()

    def _none_or(self, name: str, value: Any, kind: type | None, expected: str) -> Any:
        """`value`, which must be None or of the `kind` that may take the place of what `name` holds."""
        if value is None or (kind is not None and isinstance(value, kind)):
            return value
        raise bad_type(
            type(self).__name__, name, type(value).__name__, f"{expected} or None, as it is registered"
        )

    def _make_room(self, name: str, registry: str) -> None:
        """Forget whatever `name` holds, unless it is already of `registry`."""
        attributes = self.__dict__
        if "_parameters" not in attributes or (registry and name in attributes[registry]):
            return
        for other in _REGISTRIES:
            attributes[other].pop(name, None)
        attributes["_non_persistent"].discard(name)
        attributes.pop(name, None)
        self._modules_changed()

    def _put(self, registry: str, name: str, value: Any) -> None:
        attributes = self.__dict__
        attributes[registry][name] = attributes[name] = value
        native._modules_changed()
        if registry == "_modules":
            self._modules_changed()

    def _register(self, function: str, registry: str, name: str, value: Any) -> None:
        """Put `value` under a name that is free, or is of the same registry."""
        if registry not in self.__dict__:
            raise AttributeError(
                f"{function}(): {type(self).__name__} must call super().__init__() before it assigns {name!r}"
            )
        if not isinstance(name, str):
            raise bad_type(function, "name", type(name).__name__, "a str")
        if not name or "." in name:
            raise bad_value(function, "name", repr(name), "a non-empty name without '.'")
        if name not in self.__dict__[registry] and hasattr(self, name):
            raise KeyError(f"{function}(): {type(self).__name__} already has an attribute {name!r}")
        self._put(registry, name, value)

    def _modules_changed(self) -> None:
        """Called when a submodule came, went or was replaced."""

    def _calls_changed(self) -> None:
        """Called when a call of the module may have come to mean something else."""

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Make `param` the parameter `name` of this module.

        Parameters
        ----------
        name : str
            Attribute name, without dots.
        param : Parameter or None
            ``None`` reserves the name: it is not listed and not in the ``state_dict``.

        Raises
        ------
        TypeError
            If `param` is not a Parameter.
        ValueError
            If it is the result of an operation, or the name cannot be used.
        KeyError
            If another attribute has the name.
        """
        if param is not None and not isinstance(param, Parameter):
            raise bad_type("register_parameter", "param", type(param).__name__, "a Parameter or None")
        if param is not None and param.grad_fn is not None:
            raise bad_value("register_parameter", "param", "the result of an operation", "a leaf")
        self._register("register_parameter", "_parameters", name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Make `tensor` the buffer `name`: state that is saved and converted with the module but not learned.

        Parameters
        ----------
        name : str
            Attribute name, without dots.
        tensor : Tensor or None
            The value; ``None`` reserves the name.
        persistent : bool
            Whether the buffer is part of the ``state_dict``.

        Raises
        ------
        TypeError
            If `tensor` is not a Tensor.
        ValueError
            If the name cannot be used.
        KeyError
            If another attribute has the name.
        """
        if tensor is not None and not isinstance(tensor, Tensor):
            raise bad_type("register_buffer", "tensor", type(tensor).__name__, "a Tensor or None")
        self._register("register_buffer", "_buffers", name, tensor)
        if persistent:
            self._non_persistent.discard(name)
        else:
            self._non_persistent.add(name)

    def register_module(self, name: str, module: Module | None) -> None:
        """Make `module` the submodule `name` of this module (also called ``add_module``).

        Parameters
        ----------
        name : str
            Attribute name, without dots.
        module : Module or None
            ``None`` reserves the name.

        Raises
        ------
        TypeError
            If `module` is not a Module.
        ValueError
            If the name cannot be used.
        KeyError
            If another attribute has the name.
        """
        if module is not None and not isinstance(module, Registry):
            raise bad_type("register_module", "module", type(module).__name__, "a Module or None")
        self._register("register_module", "_modules", name, module)

    add_module = register_module
