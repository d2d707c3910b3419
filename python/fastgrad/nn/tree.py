"""Walking through a module and everything below it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

from fastgrad.nn.parameter import Parameter
from fastgrad.nn.registry import Registry
from fastgrad.tensor import Tensor

if TYPE_CHECKING:
    from typing_extensions import Self

    from fastgrad.nn.module import Module

__all__ = ["Tree"]


class Tree(Registry):
    """Iteration and look-up over a module's parameters, buffers and submodules."""

    def named_modules(
        self, memo: set[Any] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """Yield ``(name, module)`` for this module and all below it, parents first.

        Parameters
        ----------
        memo : set, optional
            Modules not to be yielded; those yielded are added.
        prefix : str
            Put before every name.
        remove_duplicate : bool
            Whether a module that occurs twice is yielded once.
        """
        if memo is None:
            memo = set()
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self  # type: ignore[misc]
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(
                    memo, f"{prefix}.{name}" if prefix else name, remove_duplicate
                )

    def modules(self) -> Iterator[Module]:
        """Yield this module and all below it, each once."""
        for _, module in self.named_modules():
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield ``(name, module)`` for the direct submodules, each module once."""
        seen: set[Any] = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        """Yield the direct submodules, each once."""
        for _, module in self.named_children():
            yield module

    def _named_members(
        self, registry: str, prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        modules = (
            self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
            if recurse
            else [(prefix, self)]
        )
        # By identity: tensors compare element by element.
        seen: set[int] = set()
        for path, module in modules:
            for name, member in module.__dict__[registry].items():
                if member is None or id(member) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(member))
                yield (f"{path}.{name}" if path else name), member

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Yield ``(name, parameter)``.

        Parameters
        ----------
        prefix : str
            Put before every name.
        recurse : bool
            Whether submodules' parameters follow this module's own.
        remove_duplicate : bool
            Whether a parameter that occurs twice (shared weights) is yielded once.
        """
        return self._named_members("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Yield each parameter once; what an optimiser is given.

        Parameters
        ----------
        recurse : bool
            Whether submodules' parameters follow this module's own.
        """
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield ``(name, buffer)``; the arguments are those of :meth:`named_parameters`."""
        return self._named_members("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Yield each buffer once."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def get_submodule(self, target: str) -> Module:
        """The submodule at the dotted path `target`; ``""`` is the module itself.

        Raises
        ------
        AttributeError
            If there is none; the message names the step that failed.
        """
        module = cast("Module", self)
        for step in target.split(".") if target else ():
            child = module._modules.get(step)
            if child is None:
                known = ", ".join(module._modules) or "none"
                raise AttributeError(
                    f"get_submodule(): {type(module).__name__} has no submodule {step!r} "
                    f"(of path {target!r}); it has {known}"
                )
            module = child
        return module

    def _get_member(self, function: str, registry: str, target: str) -> Any:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        member = module.__dict__[registry].get(name)
        if member is None:
            known = ", ".join(module.__dict__[registry]) or "none"
            raise AttributeError(
                f"{function}(): {type(module).__name__} has no {registry[1:-1]} {name!r} "
                f"(of path {target!r}); it has {known}"
            )
        return member

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at the dotted path `target`.

        Raises
        ------
        AttributeError
            If there is none.
        """
        parameter: Parameter = self._get_member("get_parameter", "_parameters", target)
        return parameter

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at the dotted path `target`.

        Raises
        ------
        AttributeError
            If there is none.
        """
        buffer: Tensor = self._get_member("get_buffer", "_buffers", target)
        return buffer

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call `fn` on every module below this one, children first, then on this one.

        Parameters
        ----------
        fn : callable
            Receives a module; usually initialises its parameters.

        Returns
        -------
        Module
            This module.
        """
        for child in self.children():
            child.apply(fn)
        fn(self)  # type: ignore[arg-type]
        return self
