"""Contexts and expressions as text, as the info command `sindex-list` tells them to people.

Owns: how they are written. Programs ask for the bytes instead (`b64=true`).
"""

from __future__ import annotations

from ..cdt.calls import parse_context
from ..protocol.constants import ParticleType
from ..protocol.flags import ContextType, ExpType
from ..protocol.opcodes import ExpOpcode
from ..values.decoding import decode
from ..values.packed import Extension, Float32, PackedList, PackedMap, Value

__all__ = ["describe_context", "describe_expression"]

_TYPES = {kind: kind.name.lower() for kind in ExpType} | {ExpType.STRING: "str"}
_TYPED = frozenset((ExpOpcode.BIN, ExpOpcode.KEY))
"""Opcodes whose first argument is a type, which is part of their name in the text."""


def describe_context(data: bytes) -> str:
    """The text of the context of an index, such as `[map_key(<string#1>), list_index(0)]`."""
    entries = parse_context(decode(data))
    return f"[{', '.join(f'{ContextType(kind).name.lower()}({_shown(value)})' for kind, value in entries)}]"


def _shown(value: Value) -> str:
    """A value of which only the type and the size are told, unless it is a number."""
    if isinstance(value, bytes):
        kind = "string" if value[:1] == bytes((ParticleType.STRING,)) else "blob"
        return f"<{kind}#{max(len(value) - 1, 0)}>"
    if isinstance(value, PackedList):
        return f"<list#{len(value.items)}>"
    if isinstance(value, PackedMap):
        return f"<map#{len(value.pairs)}>"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (Extension, Float32)):
        return "<ext>" if isinstance(value, Extension) else "<float>"
    return "nil" if value is None else str(value)


def describe_expression(data: bytes) -> str:
    """The text of an expression, such as `mul(bin_int("i"), 2)`."""
    return _call(decode(data))


def _call(value: Value) -> str:
    if not isinstance(value, PackedList) or not value.items or type(value.items[0]) is not int:
        return _literal(value)
    opcode, args = value.items[0], value.items[1:]
    name = ExpOpcode(opcode).name.lower() if opcode in tuple(ExpOpcode) else str(opcode)
    if opcode == ExpOpcode.QUOTE and len(args) == 1:
        return _shown(args[0])
    if opcode in _TYPED and args and type(args[0]) is int:
        name += f"_{_TYPES.get(ExpType(args[0]), args[0])}"
        args = args[1:]
    shown = [_name(arg) if opcode in (ExpOpcode.BIN, ExpOpcode.BIN_TYPE) else _call(arg) for arg in args]
    return f"{name}({', '.join(shown)})" if shown else name


def _name(value: Value) -> str:
    return f'"{value.decode("latin-1")}"' if isinstance(value, bytes) else _shown(value)


def _literal(value: Value) -> str:
    if isinstance(value, bytes) and value[:1] == bytes((ParticleType.STRING,)):
        return _name(value[1:])
    return _shown(value)
