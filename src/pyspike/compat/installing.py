"""Has `import aerospike` give this package's modules, and those of `aerospike_helpers` likewise."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType

__all__ = ["install", "uninstall"]

NAMES = ("aerospike", "aerospike_helpers")
PREFIX = "pyspike.compat."


class _Loader(importlib.abc.Loader):
    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        """Have Python make a module, in whose place `exec_module` puts the right one."""

    def exec_module(self, module: ModuleType) -> None:
        """Give the name to the module of this package, which is one object under both names."""
        name = module.__name__
        sys.modules[name] = importlib.import_module(PREFIX + name)


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The way to a module of the official package."""
        if fullname.partition(".")[0] not in NAMES:
            return None
        return importlib.machinery.ModuleSpec(fullname, _Loader())


_FINDER = _Finder()


def install() -> None:
    """Have every later `import aerospike` and `import aerospike_helpers` give the modules of this package.

    Again is harmless. The official package need not be installed; if it is, nothing of it is imported.

    Raises:
        ImportError: the official package was imported already, and a program would mix both.
    """
    for name in NAMES:
        loaded = sys.modules.get(name)
        if loaded is not None and not loaded.__name__.startswith(PREFIX):
            raise ImportError(
                f"{name} was imported before pyspike.compat.install() was called; call it first, or run the "
                "program by python -m pyspike.compat"
            )
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


def uninstall() -> None:
    """Undo `install`: later imports give the official package, if it is there."""
    if _FINDER in sys.meta_path:
        sys.meta_path.remove(_FINDER)
    for name in [*sys.modules]:
        if name.partition(".")[0] in NAMES and sys.modules[name].__name__.startswith(PREFIX):
            del sys.modules[name]
