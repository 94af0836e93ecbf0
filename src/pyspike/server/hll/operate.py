"""HyperLogLog operations, by opcode.

Owns: the arguments and flags of each opcode. Not here: sketches (sketch.py), bins and replies
(../records/ops/hll.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from ..protocol.constants import HLL_INDEX_BITS, ParticleType
from ..protocol.flags import HllWriteFlags
from ..protocol.opcodes import HllOpcode
from ..protocol.result import RequestError, ResultCode, bad, not_applicable
from ..values.normalising import storable
from ..values.packed import PackedError, PackedList, PackedMap, Value
from .sketch import Hll, intersection, similarity, union

__all__ = ["modify_hll", "read_hll"]

NOT_GIVEN = -1


def _number(args: list[Value], at: int, default: int) -> int:
    if len(args) <= at:
        return default
    value = args[at]
    if type(value) is not int:
        raise bad("an argument that is no integer")
    return value


def _sketches(value: Value) -> list[Hll]:
    """The sketches of an argument, which is a list of them or one."""
    items = value.items if isinstance(value, PackedList) else [value]
    if not items:
        raise bad("no HLLs")
    found = []
    for item in items:
        if not isinstance(item, bytes):
            raise bad("an argument that is no HLL")
        found.append(Hll.parse(item[1:]))
    return found


def _elements(value: Value) -> list[Value]:
    if not isinstance(value, PackedList) or not value.items:
        raise bad("no elements")
    try:
        items = [storable(item) for item in value.items]
    except PackedError as error:
        raise bad(str(error)) from error
    if any(isinstance(item, (PackedList, PackedMap)) for item in items):
        raise bad("an element that is a list or map")
    return items


# --- writing ------------------------------------------------------------------------------------------------


def _new(before: Hll | None, index_bits: int, minhash_bits: int) -> Hll:
    """An empty sketch; the numbers of bits that are not given are those of the sketch before."""
    if index_bits == NOT_GIVEN:
        if before is None:
            raise not_applicable("a new HLL without index bits")
        index_bits = before.index_bits
    if minhash_bits == NOT_GIVEN:
        minhash_bits = before.minhash_bits if before else 0
    return Hll.empty(index_bits, minhash_bits)


def _init(before: Hll | None, args: list[Value], flags: int) -> tuple[Hll, Value]:
    return _new(before, _number(args, 0, NOT_GIVEN), _number(args, 1, NOT_GIVEN)), None


def _add(before: Hll | None, args: list[Value], flags: int) -> tuple[Hll, Value]:
    elements = _elements(args[0])
    if before is None:
        before = _new(None, _number(args, 1, NOT_GIVEN), _number(args, 2, NOT_GIVEN))
    return before.add(elements)


def _union(before: Hll | None, args: list[Value], flags: int) -> tuple[Hll, Value]:
    others = _sketches(args[0])
    if before is None:
        return union(others), None
    whole = union([before, *others])
    folds = whole.index_bits < before.index_bits or whole.minhash_bits != before.minhash_bits
    if folds and not flags & HllWriteFlags.ALLOW_FOLD:
        raise not_applicable("a union that would fold")
    return whole, None


def _refresh(before: Hll | None, args: list[Value], flags: int) -> tuple[Hll, Value]:
    assert before is not None
    count = before.count()
    return replace(before, cached=count), count


def _fold(before: Hll | None, args: list[Value], flags: int) -> tuple[Hll, Value]:
    assert before is not None
    index_bits = _number(args, 0, 0)
    if index_bits not in HLL_INDEX_BITS:
        raise bad("index bits")
    if before.minhash_bits or index_bits > before.index_bits:
        raise not_applicable("fold")
    return before.fold(index_bits), None


class _Write(NamedTuple):
    """A write operation.

    `needed` and `most` are the numbers of its arguments, `flags` the write flags that it takes (its last
    argument), `creates` whether it makes a sketch where there is none.
    """

    run: Callable[[Hll | None, list[Value], int], tuple[Hll, Value]]
    needed: int
    most: int
    flags: int
    creates: bool = True


_CREATE, _UPDATE = int(HllWriteFlags.CREATE_ONLY), int(HllWriteFlags.UPDATE_ONLY)
_EITHER = _CREATE | _UPDATE
_NO_FAIL, _FOLD = int(HllWriteFlags.NO_FAIL), int(HllWriteFlags.ALLOW_FOLD)
_WRITES: dict[int, _Write] = {
    HllOpcode.INIT: _Write(_init, 0, 3, _CREATE | _UPDATE | _NO_FAIL),
    HllOpcode.ADD: _Write(_add, 1, 4, _CREATE | _NO_FAIL),
    HllOpcode.UNION: _Write(_union, 1, 2, _CREATE | _UPDATE | _NO_FAIL | _FOLD),
    HllOpcode.REFRESH_COUNT: _Write(_refresh, 0, 0, 0, creates=False),
    HllOpcode.FOLD: _Write(_fold, 1, 1, 0, creates=False),
}


def modify_hll(data: bytes | None, opcode: int, args: list[Value]) -> tuple[bytes | None, Value]:
    """The particle after a write operation, and the operation's result.

    Args:
        data: the particle, None if there is none.
        opcode: the operation.
        args: its arguments.

    Raises:
        RequestError: PARAMETER, OP_NOT_APPLICABLE, BIN_EXISTS, BIN_NOT_FOUND.

    """
    op = _WRITES.get(opcode)
    if op is None or not op.needed <= len(args) <= op.most:
        raise bad(f"HLL opcode {opcode} with {len(args)} arguments")
    flags = _number(args, op.most - 1, 0) if op.flags else 0
    if flags & ~op.flags or flags & _EITHER == _EITHER:
        raise bad("write flags")
    try:
        if data is None:
            if not op.creates or flags & HllWriteFlags.UPDATE_ONLY:
                raise RequestError(ResultCode.BIN_NOT_FOUND, "no HLL to change")
        elif flags & HllWriteFlags.CREATE_ONLY:
            raise RequestError(ResultCode.BIN_EXISTS, "there is an HLL already")
        after, result = op.run(None if data is None else Hll.parse(data), args, flags)
    except RequestError as error:
        if flags & HllWriteFlags.NO_FAIL and error.code != ResultCode.PARAMETER:
            return data, None
        raise
    return after.particle(), result


# --- reading ------------------------------------------------------------------------------------------------


def _compared(sketch: Hll, args: list[Value]) -> list[Hll]:
    """The sketches to compare; more than three must have the same number of minhash bits, which is not 0."""
    sketches = [sketch, *_sketches(args[0])]
    if len(sketches) > 3 and (len({s.minhash_bits for s in sketches}) > 1 or not sketch.minhash_bits):
        raise bad("more than three HLLs without the same minhash bits")
    return sketches


def _get_union(sketch: Hll, args: list[Value]) -> Value:
    return bytes((ParticleType.HLL,)) + union([sketch, *_sketches(args[0])]).particle()


def _may_contain(sketch: Hll, args: list[Value]) -> Value:
    return int(all(not sketch.add([element])[1] for element in _elements(args[0])))


_READS: dict[int, tuple[int, Callable[[Hll, list[Value]], Value]]] = {
    HllOpcode.COUNT: (0, lambda sketch, args: sketch.count()),
    HllOpcode.GET_UNION: (1, _get_union),
    HllOpcode.UNION_COUNT: (1, lambda sketch, args: union([sketch, *_sketches(args[0])]).count()),
    HllOpcode.INTERSECT_COUNT: (1, lambda sketch, args: intersection(_compared(sketch, args))),
    HllOpcode.SIMILARITY: (1, lambda sketch, args: similarity(_compared(sketch, args))),
    HllOpcode.DESCRIBE: (0, lambda sketch, args: PackedList(0, [sketch.index_bits, sketch.minhash_bits])),
    HllOpcode.MAY_CONTAIN: (1, _may_contain),
}


def read_hll(data: bytes, opcode: int, args: list[Value]) -> Value:
    """The result of a read operation.

    Raises:
        RequestError: PARAMETER.

    """
    needed, run = _READS.get(opcode, (NOT_GIVEN, None))
    if run is None or len(args) != needed:
        raise bad(f"HLL opcode {opcode} with {len(args)} arguments")
    return run(Hll.parse(data), args)
