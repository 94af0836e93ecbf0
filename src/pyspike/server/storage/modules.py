"""UDF modules: files of Lua functions that a cluster keeps.

Owns: their names, contents and hashes. Not here: whether a content is Lua, and what its functions do
(../udf/).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["LUA", "Module", "Modules"]

LUA = "LUA"
"""The only language of modules, as info commands name it."""


@dataclass(frozen=True, slots=True)
class Module:
    """One module: its file name, and the file's content."""

    name: str
    content: bytes

    @property
    def encoded(self) -> str:
        """The content in base64, as info commands have it."""
        return base64.b64encode(self.content).decode()

    @property
    def hash(self) -> str:
        """The hash that the server tells: of the JSON text in which its nodes pass modules on."""
        text = f'{{"content64": "{self.encoded}", "type": "{LUA}", "name": "{self.name}"}}'
        return hashlib.sha1(text.encode("latin-1"), usedforsecurity=False).hexdigest()


class Modules:
    """The modules of a cluster, in the order in which they were registered first.

    Attributes:
        loaded: what runs the functions of a module, by its name without ".lua". As modules use each other, it
            is emptied with every change.

    """

    __slots__ = ("_modules", "loaded")

    def __init__(self) -> None:
        self._modules: dict[str, Module] = {}
        self.loaded: dict[str, Any] = {}

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def get(self, name: str) -> Module | None:
        """The module of a file name; None if there is none."""
        return self._modules.get(name)

    def put(self, module: Module) -> None:
        """Keep a module, in the place of one of its name."""
        self._modules[module.name] = module
        self.loaded.clear()

    def remove(self, name: str) -> None:
        """Forget the module of a file name, if there is one."""
        if self._modules.pop(name, None) is not None:
            self.loaded.clear()

    def clear(self) -> None:
        """Forget all modules."""
        self._modules.clear()
        self.loaded.clear()
