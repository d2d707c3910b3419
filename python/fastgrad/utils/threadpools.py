"""fastgrad's pool of threads among those that threadpoolctl sees and limits."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any

from fastgrad import _cpu

if TYPE_CHECKING:  # takes milliseconds to import
    from importlib.abc import Loader

__all__ = ["register_threadpoolctl"]

_NAME = "threadpoolctl"


def register_threadpoolctl() -> None:
    """Tell `threadpoolctl <https://github.com/joblib/threadpoolctl>`_ of the pool of threads.

    ``threadpoolctl.threadpool_info()`` then lists it with ``user_api="fastgrad"``, and
    ``threadpool_limits(1)`` or ``threadpool_limits({"fastgrad": 1})`` limits it. ``import fastgrad`` does this
    by itself, or the import of threadpoolctl if that comes later; a second call changes nothing.

    Raises
    ------
    ImportError
        If threadpoolctl is not installed.

    Examples
    --------
    >>> import fastgrad as fg
    >>> from threadpoolctl import threadpool_limits
    >>> with threadpool_limits({"fastgrad": 1}):
    ...     fg.get_num_threads()
    1
    """
    import threadpoolctl

    _register(threadpoolctl)


def _register(threadpoolctl: ModuleType) -> None:
    if "fastgrad" in threadpoolctl._ALL_USER_APIS:
        return
    base: Any = threadpoolctl.LibController

    class FastgradController(base):  # type: ignore[misc]
        """Speaks to the extension module by its exported C functions."""

        user_api = "fastgrad"
        internal_api = "fastgrad"
        filename_prefixes = ("_cpu",)
        check_symbols = ("fastgrad_get_num_threads",)

        def get_num_threads(self) -> int:
            return int(self.dynlib.fastgrad_get_num_threads())

        def set_num_threads(self, num_threads: int) -> None:
            self.dynlib.fastgrad_set_num_threads(num_threads)

        def get_version(self) -> str:
            import fastgrad

            return fastgrad.__version__

        def set_additional_attributes(self) -> None:
            self.architecture = _cpu.build()["isa"]

    threadpoolctl.register(FastgradController)


class _Finder:
    """Registers the pool as soon as somebody imports threadpoolctl; otherwise finds nothing."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path) if name == _NAME else None
        if spec is not None and spec.loader is not None:
            loader: Any = _Loader(spec.loader)
            spec.loader = loader
        return spec


class _Loader:
    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]
        if module.__spec__ is not None:
            module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        if hasattr(module, "register"):  # threadpoolctl 3.2 or later
            _register(module)


def watch() -> None:
    """Register the pool now if threadpoolctl is there already, or when it comes."""
    module = sys.modules.get(_NAME)
    if module is None:
        sys.meta_path.insert(0, _Finder())
    elif hasattr(module, "register"):
        _register(module)
