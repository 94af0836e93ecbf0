"""Lua, as lupa brings it.

Owns: whether it is there, and compiling modules. Not here: what functions can use, and calling them.
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["CompileError", "LuaMissingError", "check_module", "lua_runtime"]

_PLACE = re.compile(rb"(?s)[^:]*:(\d+): (.*)")


class LuaMissingError(Exception):
    """There is no Lua in this environment."""

    def __init__(self) -> None:
        super().__init__(
            "the embedded server has no Lua; install it with: pip install 'pyspike-aerospike[lua]'"
        )


class CompileError(Exception):
    """A module is no Lua.

    Attributes:
        line: the line of the mistake, as a number in text.
        message: what is wrong there.
    """

    def __init__(self, line: str, message: bytes) -> None:
        super().__init__(f"line {line}: {message!r}")
        self.line = line
        self.message = message


def lua_runtime() -> type[Any]:
    """The class of Lua interpreters, whose version is the server's.

    Raises:
        LuaMissingError: lupa is not installed.

    """
    try:
        from lupa.lua54 import LuaRuntime  # type: ignore[import-untyped]
    except ImportError:
        raise LuaMissingError from None
    return LuaRuntime  # type: ignore[no-any-return]


def check_module(name: str, content: bytes) -> None:
    """Compile a module, without running it.

    Raises:
        CompileError: it is no Lua.
        LuaMissingError: lupa is not installed.

    """
    runtime = lua_runtime()(encoding=None, unpack_returned_tuples=True, register_eval=False)
    found = runtime.execute(b"return load(...)", content, b"@" + name.encode("latin-1"), b"t")
    if not isinstance(found, tuple):
        return
    message: bytes = found[1]
    place = _PLACE.fullmatch(message)
    if place is None:
        raise CompileError("0", message)
    raise CompileError(place[1].decode(), place[2])
