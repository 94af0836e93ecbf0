"""The opcode CALL: list, map, bit, HLL and string operations on the value of an expression.

Owns: arguments that are expressions, which system is called, the type of the result. Not here: the operations
(../cdt, ../bits, ../hll, ../strings).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..bits.operate import modify_bits, read_bits
from ..cdt.calls import Call, PathCall, parse_context, parse_value
from ..cdt.operate import check_call, modify, read
from ..hll.operate import modify_hll, read_hll
from ..protocol.constants import ParticleType
from ..protocol.flags import CALL_MODIFY, ExpType
from ..protocol.opcodes import BitOpcode, CallSystem, CdtEnvelope, ExpOpcode
from ..protocol.result import RequestError
from ..strings.arguments import text_of, value_of_text
from ..strings.operate import modify as modify_string
from ..strings.operate import read as read_string
from ..values.packed import Extension, PackedList, Value
from .paths import Path, run_path
from .vocabulary import UNKNOWN, Args, Build, Node, Opcode, Scope, Variables, bad, need, type_of

__all__ = ["OPCODES"]


_TYPES = frozenset(range(ExpType.HLL + 1))
_SOURCES: dict[int, tuple[ExpType, ...]] = {
    CallSystem.CDT: (ExpType.LIST, ExpType.MAP),
    CallSystem.BITS: (ExpType.BLOB,),
    CallSystem.HLL: (ExpType.HLL,),
    CallSystem.STRING: (ExpType.STRING,),
}

Run = Callable[[Any, Scope], Value]


def _call(args: Args, variables: Variables, build: Build) -> Node:
    if len(args) != 4:
        raise bad(f"{len(args)} arguments")
    kind, system, op, source = args
    if type(kind) is not int or kind not in _TYPES or type(system) is not int:
        raise bad("a call's type or system")
    writes, system = bool(system & CALL_MODIFY), system & ~CALL_MODIFY
    if not isinstance(op, PackedList) or not op.items or type(op.items[0]) is not int:
        raise bad("a call without operation")
    if system not in _SOURCES or (system == CallSystem.STRING and not build.version.strings):
        raise bad(f"call system {system}")
    subject = need(build(source, variables), *_SOURCES[system], ExpType.NIL)
    run_op = _operation(system, writes, op.items, variables, build)

    def run(scope: Scope) -> Any:
        value = subject.run(scope)
        if value is UNKNOWN or type_of(value) not in _SOURCES[system]:
            return UNKNOWN
        try:
            result = run_op(value, scope)
        except RequestError:
            return UNKNOWN
        return result if result is UNKNOWN or type_of(result) == kind else UNKNOWN

    return Node(kind, run)


def _operation(system: int, writes: bool, items: Args, variables: Variables, build: Build) -> Run:
    opcode = items[0]
    assert isinstance(opcode, int)
    context: Value = None
    if system == CallSystem.CDT and opcode == CdtEnvelope.PATH:
        return _path(writes, items, build)
    if system == CallSystem.CDT and opcode == CdtEnvelope.CONTEXT:
        if len(items) != 3 or not isinstance(items[2], PackedList) or not items[2].items:
            raise bad("a context without operation")
        context, items = items[1], items[2].items
        if type(items[0]) is not int:
            raise bad("an operation without opcode")
        opcode = items[0]
    parts = [_argument(item, variables, build) for item in items[1:]]
    version = build.version

    def run(value: Any, scope: Scope) -> Value:
        values = [part.run(scope) for part in parts]
        if UNKNOWN in values:
            return UNKNOWN  # type: ignore[no-any-return]
        if system == CallSystem.CDT:
            call = Call(None if context is None else parse_context(context), opcode, values)
            check_call(call, version)
            return modify(value, call)[1] if writes else read(value, call)
        if system == CallSystem.BITS:
            if writes:
                return bytes((ParticleType.BLOB,)) + (modify_bits(value[1:], opcode, values) or b"")
            if opcode == BitOpcode.B64_ENCODE and not version.strings:
                raise bad(f"bit opcode {opcode}")
            return read_bits(value[1:], opcode, values)
        if system == CallSystem.STRING:
            text = text_of(value)
            if not writes:
                return read_string(text, opcode, values)
            changed = modify_string(text, opcode, values)
            return value if changed is None else value_of_text(changed)
        if writes:
            return bytes((ParticleType.HLL,)) + (modify_hll(value[1:], opcode, values)[0] or b"")
        return read_hll(value[1:], opcode, values)

    return run


def _path(writes: bool, items: Args, build: Build) -> Run:
    """A path operation. One that is malformed has an unknown result, but is not refused."""

    def run(value: Any, scope: Scope) -> Value:
        call = parse_value(PackedList(0, items))
        assert isinstance(call, PathCall)
        path = Path.build(call, build)
        if path.change is not None and not writes:
            raise bad("a change by a read operation")
        result = run_path(path, value)
        return result if path.change is None else value

    return run


def _argument(value: Value, variables: Variables, build: Build) -> Node:
    if isinstance(value, Extension):
        return Node(ExpType.UNKNOWN, lambda scope: value)
    return build(value, variables)


OPCODES: dict[int, Opcode] = {ExpOpcode.CALL: _call}
