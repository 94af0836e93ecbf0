"""UDF modules: files of Lua functions that a cluster keeps.

Owns: their names, contents and hashes. Not here: whether a content can be compiled, and what its functions do
(../udf/).
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

__all__ = ["LUA", "Module"]

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
