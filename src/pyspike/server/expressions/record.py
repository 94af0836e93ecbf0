"""Opcodes that look at the record: bins, key, metadata; parts of maps; loop variables.

Owns: which property is told in which unit. Not here: operations on bins' values (calls.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..protocol.framing import BIN_NAME_MAX
from ..storage.store import CITRUSLEAF_EPOCH, Record, stored_size
from ..values.packed import PackedList
from ..values.particles import ParticleType
from .nodes import REMOVE, UNKNOWN, Args, Build, Node, Scope, Type, bad, type_of

__all__ = ["OPCODES"]

Variables = dict[bytes, int]
Opcode = Callable[[Args, Variables, Build], Node]

NEVER = -1
_NO_BIN = (int(ParticleType.NULL), b"")
_NS, _MS = 1_000_000_000, 1000
_DIGEST_PART = slice(16, 20)
_KEY_TYPES = (Type.INT, Type.STRING, Type.BLOB)
_TYPES = frozenset(range(Type.HLL + 1))
_LOOP_KEY, _LOOP_VALUE, _LOOP_INDEX = range(3)


def _as_type(value: Any, kind: int) -> Any:
    return value if type_of(value) == kind else UNKNOWN


def _bin(args: Args, variables: Variables, build: Build) -> Node:
    kind, name = _type_and(args)
    if not isinstance(name, bytes) or len(name) > BIN_NAME_MAX:
        raise bad("a bin's name")
    return Node(kind, lambda scope: _as_type(scope.bin(name), kind))


def _type_and(args: Args) -> tuple[int, Any]:
    """The first argument, a type, and the second."""
    if len(args) != 2 or type(args[0]) is not int or args[0] not in _TYPES:
        raise bad("a type")
    return args[0], args[1]


def _bin_type(args: Args, variables: Variables, build: Build) -> Node:
    if len(args) != 1 or not isinstance(args[0], bytes):
        raise bad("a bin's name")
    name = args[0]
    return Node(Type.INT, lambda scope: int(scope.bins.get(name, _NO_BIN)[0]) if scope.record else UNKNOWN)


def _key(args: Args, variables: Variables, build: Build) -> Node:
    if len(args) != 1 or type(args[0]) is not int or args[0] not in _KEY_TYPES:
        raise bad("a key's type")
    kind = args[0]

    def run(scope: Scope) -> Any:
        key = scope.record and scope.record.key
        if not key:
            return UNKNOWN
        value = int.from_bytes(key[1:], "big", signed=True) if key[0] == ParticleType.INTEGER else key
        return _as_type(value, kind)

    return Node(kind, run)


def _property(kind: int, tell: Callable[[Record, Scope], Any]) -> Opcode:
    def make(args: Args, variables: Variables, build: Build) -> Node:
        if args:
            raise bad("a property with arguments")
        return Node(kind, lambda scope: UNKNOWN if scope.record is None else tell(scope.record, scope))

    return make


def _void_time(record: Record, scope: Scope) -> int:
    void_time = record.void_time
    return (void_time + CITRUSLEAF_EPOCH) * _NS if void_time else NEVER


def _ttl(record: Record, scope: Scope) -> int:
    void_time = record.void_time
    return max(void_time + CITRUSLEAF_EPOCH - int(scope.now), 0) if void_time else NEVER


def _last_update(record: Record, scope: Scope) -> int:
    return int(record.last_update * _MS) * (_NS // _MS)


def _since_update(record: Record, scope: Scope) -> int:
    return max(int((scope.now - record.last_update) * _MS), 0)


def _digest_modulo(args: Args, variables: Variables, build: Build) -> Node:
    if len(args) != 1 or type(args[0]) is not int or args[0] == 0:
        raise bad("digest modulo")
    divisor = abs(args[0])

    def run(scope: Scope) -> Any:
        if scope.record is None:
            return UNKNOWN
        return int.from_bytes(scope.digest[_DIGEST_PART], "little") % divisor

    return Node(Type.INT, run)


def _result_remove(args: Args, variables: Variables, build: Build) -> Node:
    if args:
        raise bad("removal with arguments")
    return Node(Type.REMOVE, lambda scope: UNKNOWN if scope.loop is None else REMOVE)


def _map_part(which: int) -> Opcode:
    def make(args: Args, variables: Variables, build: Build) -> Node:
        if len(args) != 1:
            raise bad(f"{len(args)} arguments")
        source = build(args[0], variables)

        def run(scope: Scope) -> Any:
            value = source.run(scope)
            if value is UNKNOWN or type_of(value) != Type.MAP:
                return UNKNOWN
            return PackedList(0, [pair[which] for pair in value.pairs])

        return Node(Type.LIST, run)

    return make


def _loop_variable(args: Args, variables: Variables, build: Build) -> Node:
    kind, which = _type_and(args)
    if which not in (_LOOP_KEY, _LOOP_VALUE, _LOOP_INDEX):
        raise bad("a loop variable")
    if which == _LOOP_INDEX and kind != Type.INT:
        raise bad("an index that is no integer")

    def run(scope: Scope) -> Any:
        return UNKNOWN if scope.loop is None else _as_type(scope.loop[which], kind)

    return Node(kind, run)


OPCODES: dict[int, Opcode] = {
    64: _digest_modulo,
    65: _property(Type.INT, lambda record, scope: 0),
    66: _property(Type.INT, _last_update),
    67: _property(Type.INT, _since_update),
    68: _property(Type.INT, _void_time),
    69: _property(Type.INT, _ttl),
    70: _property(Type.STRING, lambda record, scope: b"\x03" + record.set_name),
    71: _property(Type.BOOL, lambda record, scope: record.key is not None),
    72: _property(Type.BOOL, lambda record, scope: False),
    73: _property(Type.INT, lambda record, scope: stored_size(record)),
    74: _property(Type.INT, lambda record, scope: stored_size(record)),
    80: _key,
    81: _bin,
    82: _bin_type,
    100: _result_remove,
    101: _map_part(0),
    102: _map_part(1),
    122: _loop_variable,
}
