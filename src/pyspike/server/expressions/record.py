"""Opcodes that read the record: bins, key, metadata; also the parts of maps, and loop variables.

Owns: which property has which unit. Not here: operations on the values of bins (calls.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..protocol.constants import BIN_NAME_MAX, CITRUSLEAF_EPOCH, ParticleType
from ..protocol.flags import ExpType, LoopVariable
from ..protocol.opcodes import ExpOpcode
from ..storage.record import Record, stored_size
from ..values.packed import PackedList
from .vocabulary import REMOVE, UNKNOWN, Args, Build, Node, Opcode, Scope, Variables, bad, type_of

__all__ = ["OPCODES"]


NEVER = -1
_STRING = bytes((ParticleType.STRING,))
_NO_BIN = (int(ParticleType.NULL), b"")
_NS, _MS = 1_000_000_000, 1000
_DIGEST_PART = slice(16, 20)
_KEY_TYPES = (ExpType.INT, ExpType.STRING, ExpType.BLOB)
_TYPES = frozenset(range(ExpType.HLL + 1))


def _as_type(value: Any, kind: int) -> Any:
    return value if type_of(value) == kind else UNKNOWN


def _bin(args: Args, variables: Variables, build: Build) -> Node:
    kind, name = _type_and(args)
    if not isinstance(name, bytes) or len(name) > BIN_NAME_MAX:
        raise bad("a bin's name")
    return Node(kind, lambda scope: _as_type(scope.bin(name), kind))


def _type_and(args: Args) -> tuple[int, Any]:
    """Take the two arguments of which the first is a type."""
    if len(args) != 2 or type(args[0]) is not int or args[0] not in _TYPES:
        raise bad("a type")
    return args[0], args[1]


def _bin_type(args: Args, variables: Variables, build: Build) -> Node:
    if len(args) != 1 or not isinstance(args[0], bytes):
        raise bad("a bin's name")
    name = args[0]
    return Node(ExpType.INT, lambda scope: int(scope.bins.get(name, _NO_BIN)[0]) if scope.record else UNKNOWN)


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

    return Node(ExpType.INT, run)


def _result_remove(args: Args, variables: Variables, build: Build) -> Node:
    if args:
        raise bad("removal with arguments")
    return Node(ExpType.REMOVE, lambda scope: UNKNOWN if scope.loop is None else REMOVE)


def _map_part(which: int) -> Opcode:
    def make(args: Args, variables: Variables, build: Build) -> Node:
        if len(args) != 1:
            raise bad(f"{len(args)} arguments")
        source = build(args[0], variables)

        def run(scope: Scope) -> Any:
            value = source.run(scope)
            if value is UNKNOWN or type_of(value) != ExpType.MAP:
                return UNKNOWN
            return PackedList(0, [pair[which] for pair in value.pairs])

        return Node(ExpType.LIST, run)

    return make


def _loop_variable(args: Args, variables: Variables, build: Build) -> Node:
    kind, which = _type_and(args)
    if which not in tuple(LoopVariable):
        raise bad("a loop variable")
    if which == LoopVariable.INDEX and kind != ExpType.INT:
        raise bad("an index that is no integer")

    def run(scope: Scope) -> Any:
        return UNKNOWN if scope.loop is None else _as_type(scope.loop[which], kind)

    return Node(kind, run)


OPCODES: dict[int, Opcode] = {
    ExpOpcode.DIGEST_MODULO: _digest_modulo,
    ExpOpcode.DEVICE_SIZE: _property(ExpType.INT, lambda record, scope: 0),
    ExpOpcode.LAST_UPDATE: _property(ExpType.INT, _last_update),
    ExpOpcode.SINCE_UPDATE: _property(ExpType.INT, _since_update),
    ExpOpcode.VOID_TIME: _property(ExpType.INT, _void_time),
    ExpOpcode.TTL: _property(ExpType.INT, _ttl),
    ExpOpcode.SET_NAME: _property(ExpType.STRING, lambda record, scope: _STRING + record.set_name),
    ExpOpcode.KEY_EXISTS: _property(ExpType.BOOL, lambda record, scope: record.key is not None),
    ExpOpcode.IS_TOMBSTONE: _property(ExpType.BOOL, lambda record, scope: False),
    ExpOpcode.MEMORY_SIZE: _property(ExpType.INT, lambda record, scope: stored_size(record)),
    ExpOpcode.RECORD_SIZE: _property(ExpType.INT, lambda record, scope: stored_size(record)),
    ExpOpcode.KEY: _key,
    ExpOpcode.BIN: _bin,
    ExpOpcode.BIN_TYPE: _bin_type,
    ExpOpcode.RESULT_REMOVE: _result_remove,
    ExpOpcode.MAP_KEYS: _map_part(0),
    ExpOpcode.MAP_VALUES: _map_part(1),
    ExpOpcode.VAR_BUILTIN: _loop_variable,
}
