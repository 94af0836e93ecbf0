"""Contexts and expressions as text, as the info command `sindex-list` and error details tell them to people.

Owns: how they are written. Programs ask for the bytes instead (`b64=true`).
"""

from __future__ import annotations

from ..cdt.calls import Entry, parse_context
from ..protocol.constants import ParticleType
from ..protocol.flags import CALL_MODIFY, ContextFlags, ContextType, ExpType
from ..protocol.opcodes import (
    BitOpcode,
    CallSystem,
    CdtEnvelope,
    ExpOpcode,
    HllOpcode,
    ListOpcode,
    MapOpcode,
)
from ..values.decoding import decode
from ..values.ordering import WILDCARD, as_float
from ..values.packed import Extension, Float32, PackedList, PackedMap, Value

__all__ = ["describe_context", "describe_expression", "describe_part", "name_of"]

_TYPES = {kind: kind.name.lower() for kind in ExpType} | {ExpType.STRING: "str", ExpType.GEO: "geojson"}
_NAMES: dict[int, str] = {
    ExpOpcode.LSHIFT: "int_lshift",
    ExpOpcode.RSHIFT: "int_rshift",
    ExpOpcode.ARSHIFT: "int_arshift",
    ExpOpcode.COUNT: "int_count",
    ExpOpcode.LSCAN: "int_lscan",
    ExpOpcode.RSCAN: "int_rscan",
}
"""The names of expressions that are not those of their opcodes."""
_SHORTER = (("VALUE_REL_RANK", "REL_RANK"), ("KEY_REL_INDEX", "REL_INDEX"), ("INTERVAL", "RANGE"))
_CDT_NAMES: dict[int, str] = {
    opcode: f"{prefix}_{opcode.name}".lower()
    for prefix, opcodes in (("list", ListOpcode), ("map", MapOpcode))
    for opcode in opcodes
}
for _long, _short in _SHORTER:
    _CDT_NAMES = {opcode: name.replace(_long.lower(), _short.lower()) for opcode, name in _CDT_NAMES.items()}
_CDT_NAMES |= {
    ListOpcode.REMOVE_ALL_BY_VALUE: "list_remove_by_value",
    MapOpcode.GET_ALL_BY_VALUE: "map_get_by_value",
}
for _unnamed in (ListOpcode.GET_ALL_BY_VALUE, ListOpcode.JOIN, MapOpcode.REMOVE_ALL_BY_VALUE):
    del _CDT_NAMES[_unnamed]
_CALL_NAMES: dict[int, dict[int, str]] = {
    CallSystem.CDT: _CDT_NAMES,
    CallSystem.BITS: {
        int(each): f"bit_{each.name}".lower() for each in BitOpcode if each != BitOpcode.B64_ENCODE
    },
    CallSystem.HLL: {int(each): f"hll_{each.name}".lower() for each in HllOpcode}
    | {
        HllOpcode.COUNT: "hll_get_count",
        HllOpcode.UNION_COUNT: "hll_get_union_count",
        HllOpcode.INTERSECT_COUNT: "hll_get_intersect_count",
    },
}
_MSGPACK_TYPES = {PackedMap: 8, Extension: 14}
_NO_NAMES = {CallSystem.CDT: "INVALID_CDT_OP", CallSystem.BITS: "INVALID_BITS_OP"}


def describe_context(data: bytes) -> str:
    """The text of the context of an index, such as `[map_key(<string#1>), list_index(0)]`."""
    return _context(parse_context(decode(data)))


def _context(entries: list[Entry]) -> str:
    shown = [f"{_context_name(kind)}({_shown(value)})" for kind, value in entries]
    return f"[{', '.join(shown)}]"


def _context_name(kind: int) -> str:
    kind &= ~(ContextFlags.CREATE_ORDERED | ContextFlags.PERSIST_INDEX)
    return ContextType(kind).name.lower()


def _shown(value: Value) -> str:
    """A value, of which only the type and the size are told unless it is a number."""
    if isinstance(value, bytes):
        kind = "string" if value[:1] == bytes((ParticleType.STRING,)) else "blob"
        return f"<{kind}#{max(len(value) - 1, 0)}>"
    if isinstance(value, PackedList):
        return f"<list#{len(value.items)}>"
    if isinstance(value, PackedMap):
        return f"<map#{len(value.pairs)}>"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Extension):
        return "*" if value == WILDCARD else "inf"
    if isinstance(value, (float, Float32)):
        return f"{as_float(value):.6f}"
    return "nil" if value is None else str(value)


def describe_expression(data: bytes) -> str:
    """The text of an expression, such as `mul(bin_int("i"), 2)`."""
    return _Expression().text(decode(data))


def describe_part(value: Value) -> str:
    """The text of a part of an expression that is decoded."""
    return _Expression().text(value)


def name_of(opcode: int) -> str:
    """What an opcode is called; its number if there is none."""
    try:
        return _NAMES.get(opcode) or ExpOpcode(opcode).name.lower()
    except ValueError:
        return str(opcode)


class _Expression:
    """Writes an expression. Its variables are numbered: the text does not tell their names."""

    def __init__(self) -> None:
        self._variables: dict[bytes, int] = {}

    def text(self, value: Value) -> str:
        """The text of a part."""
        if isinstance(value, (PackedMap, Extension)):
            return f"<msgpack/{_MSGPACK_TYPES[type(value)]}>"
        if not isinstance(value, PackedList) or not value.items or type(value.items[0]) is not int:
            return _shown(value)
        opcode, args = value.items[0], value.items[1:]
        if opcode == ExpOpcode.QUOTE:
            return _shown(args[0])
        if opcode == ExpOpcode.CALL:
            return self._call(args)
        if opcode == ExpOpcode.LET:
            return self._let(args)
        if opcode in (ExpOpcode.BIN, ExpOpcode.BIN_TYPE):
            return _bin(opcode, args)
        if opcode == ExpOpcode.VAR and isinstance(args[0], bytes):
            return f'var("var_{self._variables.get(args[0], 0)}")'
        return f"{name_of(opcode)}({self._list(args)})"

    def _list(self, args: list[Value]) -> str:
        return ", ".join(map(self.text, args))

    def _let(self, args: list[Value]) -> str:
        parts = []
        for name, value in zip(args[:-1:2], args[1:-1:2], strict=True):
            assert isinstance(name, bytes)
            number = len(self._variables)
            parts.append(f"def(var_{number}, {self.text(value)})")
            self._variables[name] = number
        return f"let({', '.join([*parts, self.text(args[-1])])})"

    def _call(self, args: list[Value]) -> str:
        _, system, operation, source = args
        assert isinstance(system, int)
        assert isinstance(operation, PackedList)
        system &= ~CALL_MODIFY
        items, shown = operation.items, []
        if system == CallSystem.CDT:
            shown.append("NULL")
            if items[0] == CdtEnvelope.CONTEXT:
                shown[0] = _context(parse_context(items[1]))
                assert isinstance(items[2], PackedList)
                items = items[2].items
        opcode = items[0]
        assert isinstance(opcode, int)
        name = _CALL_NAMES.get(system, {}).get(opcode) or _NO_NAMES.get(CallSystem(system), "INVALID_OP")
        return f"{name}({', '.join([*shown, *map(self.text, items[1:]), self.text(source)])})"


def _bin(opcode: int, args: list[Value]) -> str:
    kind = f"_{_TYPES[ExpType(args[0])]}" if opcode == ExpOpcode.BIN and type(args[0]) is int else "_type"
    name = args[-1]
    assert isinstance(name, bytes)
    return f'bin{kind}("{name.decode("latin-1")}")'
