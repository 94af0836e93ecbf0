"""HyperLogLogs inside expressions, by the names of `pyspike.operations.hll`.

They share these arguments:

- `source`: a HyperLogLog; a str names a HyperLogLog bin.
- `index_bit_count`: 4 to 16; `min_hash_bit_count`: 4 to 51, or 0 for none; together at most 64.
- `values` of calls that compare: a list of `HyperLogLog`s, or an expression that is one.
- `write_flags`: `HLLWriteFlags`.

What modifies gives the HyperLogLog as it is then. An argument of a type that does not fit raises
`InvalidType`. On the server, what can't be done is unknown.
"""

from __future__ import annotations

from typing import Any

from pyspike.cdt.enums import HLLWriteFlags
from pyspike.cdt.opcodes import MODIFY, HLLOp, System
from pyspike.cdt.rules import hll_flags, hll_sizes, scalars, sketches
from pyspike.cdt.types import ExpType
from pyspike.exp.calls import LIST, call, source_of
from pyspike.exp.expression import Expression, Operand, literal, operand

__all__ = [
    "add",
    "describe",
    "get_count",
    "get_intersect_count",
    "get_similarity",
    "get_union",
    "get_union_count",
    "init",
    "may_contain",
]


Flags = HLLWriteFlags
DEFAULT = HLLWriteFlags.DEFAULT


def _modify(opcode: HLLOp, source: Operand, *arguments: Any) -> Expression:
    made = source_of(source, f"hll.{opcode.function}", ExpType.HLL)
    return call(System.HLL | MODIFY, ExpType.HLL, (opcode, *arguments), made)


def _read(opcode: HLLOp, source: Operand, kind: ExpType, *arguments: Any) -> Expression:
    return call(
        System.HLL, kind, (opcode, *arguments), source_of(source, f"hll.{opcode.function}", ExpType.HLL)
    )


def _values(values: Operand, name: str) -> Expression:
    """Values to add or look for."""
    if isinstance(values, Expression):
        return operand(values, f"hll.{name}", 1, LIST)
    return literal(scalars(values))  # type: ignore[arg-type]


def _sketches(values: Operand, name: str) -> Expression:
    """HyperLogLogs to compare with."""
    if isinstance(values, (Expression, bytes)):
        return operand(values, f"hll.{name}", 1, (ExpType.LIST, ExpType.HLL, ExpType.BLOB))
    return literal(sketches(values))  # type: ignore[arg-type]


def init(
    source: Operand,
    index_bit_count: int | None = None,
    min_hash_bit_count: int | None = None,
    *,
    write_flags: Flags = DEFAULT,
) -> Expression:
    """An empty one, with the bits of the source where none are given."""
    flags = hll_flags(write_flags, Flags.CREATE_ONLY | Flags.UPDATE_ONLY | Flags.NO_FAIL)
    return _modify(HLLOp.INIT, source, *hll_sizes(index_bit_count, min_hash_bit_count), flags)


def add(
    source: Operand,
    values: Operand,
    index_bit_count: int | None = None,
    min_hash_bit_count: int | None = None,
    *,
    write_flags: Flags = DEFAULT,
) -> Expression:
    """With values added."""
    flags = hll_flags(write_flags, Flags.CREATE_ONLY | Flags.NO_FAIL)
    made = _values(values, "add")
    return _modify(HLLOp.ADD, source, made, *hll_sizes(index_bit_count, min_hash_bit_count), flags)


def get_count(source: Operand) -> Expression:
    """How many different values it has seen, about."""
    return _read(HLLOp.GET_COUNT, source, ExpType.INT)


def get_union(source: Operand, values: Operand) -> Expression:
    """The union with others, a HyperLogLog."""
    return _read(HLLOp.GET_UNION, source, ExpType.HLL, _sketches(values, "get_union"))


def get_union_count(source: Operand, values: Operand) -> Expression:
    """How many different values it and others have seen together, about."""
    return _read(HLLOp.GET_UNION_COUNT, source, ExpType.INT, _sketches(values, "get_union_count"))


def get_intersect_count(source: Operand, values: Operand) -> Expression:
    """How many different values all of them have seen, about."""
    return _read(HLLOp.GET_INTERSECT_COUNT, source, ExpType.INT, _sketches(values, "get_intersect_count"))


def get_similarity(source: Operand, values: Operand) -> Expression:
    """How similar they are, 0.0 to 1.0."""
    return _read(HLLOp.GET_SIMILARITY, source, ExpType.FLOAT, _sketches(values, "get_similarity"))


def describe(source: Operand) -> Expression:
    """Its index bits and min-hash bits, a list of two ints."""
    return _read(HLLOp.DESCRIBE, source, ExpType.LIST)


def may_contain(source: Operand, values: Operand) -> Expression:
    """1 if all values may have been seen, 0 if one has certainly not."""
    return _read(HLLOp.MAY_CONTAIN, source, ExpType.INT, _values(values, "may_contain"))
