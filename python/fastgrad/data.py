"""`fastgrad.data` is `fastgrad.utils.data`, and so are the modules below it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from fastgrad.utils import data

if TYPE_CHECKING:  # what a type checker sees; at run time it is the same module
    from fastgrad.utils.data import *  # noqa: F403
    from fastgrad.utils.data import augment as augment
    from fastgrad.utils.data import preprocess as preprocess

_BELOW = f"{__name__}."


class _SameModule:
    """Makes ``import fastgrad.data.x`` an import of ``fastgrad.utils.data.x``, not of a second copy of it.

    A finder and a loader, without the base classes: importlib.abc takes milliseconds to import.
    """

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        loader: Any = self
        return ModuleSpec(name, loader) if name.startswith(_BELOW) else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = import_module(f"{data.__name__}.{spec.name.removeprefix(_BELOW)}")
        spec.loader_state = module.__spec__  # the import system is about to replace it
        return module

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__ = module.__spec__.loader_state


sys.meta_path.insert(0, _SameModule())
sys.modules[__name__] = data
