"""The opcode TO_STRING.

Owns: the types that it takes. Not here: operations on strings (calls.py).
"""

from __future__ import annotations

from typing import Any

from ..protocol.flags import ExpType
from ..protocol.opcodes import ExpOpcode
from ..protocol.result import RequestError
from ..strings.arguments import value_of_text
from ..strings.conversion import to_text
from .vocabulary import UNKNOWN, Args, Build, Node, Opcode, Scope, Variables, bad, need

__all__ = ["OPCODES"]

_SOURCES = (ExpType.BOOL, ExpType.INT, ExpType.STRING, ExpType.BLOB, ExpType.FLOAT)


def _to_string(args: Args, variables: Variables, build: Build) -> Node:
    if not build.version.strings:
        raise bad("to_string")
    if len(args) != 1:
        raise bad(f"{len(args)} arguments")
    source = need(build(args[0], variables), *_SOURCES)

    def run(scope: Scope) -> Any:
        value = source.run(scope)
        if value is UNKNOWN:
            return UNKNOWN
        try:
            return value_of_text(to_text(value))
        except RequestError:
            return UNKNOWN

    return Node(ExpType.STRING, run)


OPCODES: dict[int, Opcode] = {ExpOpcode.TO_STRING: _to_string}
