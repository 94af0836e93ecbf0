"""The ops of a request by op code: what each does to the bins at hand and which op it answers.

Owns: plain READ, WRITE, INCR, APPEND, PREPEND, TOUCH, DELETE_ALL, and the table in which further ops are
entered. Not here: when a request may run at all (record_commands.py), and lists, maps, bits, HLL, expressions
(to come).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from struct import Struct

from .framing import BIN_NAME_MAX, Op, OpCode, encode_op
from .particles import BLOB_TYPES, ParticleType, integer_value, stored
from .result import RequestError, ResultCode

__all__ = ["FORBIDDEN_WITH_REPLACE", "OPERATIONS", "READ_OPS", "WRITE_OPS", "Bins", "Working", "read_bin"]

_LOG = logging.getLogger("pyspike.server")

_F64 = Struct(">d")
_INT64_SPAN = 1 << 64

Bins = dict[bytes, tuple[int, bytes]]

READ_OPS = frozenset((OpCode.READ, OpCode.CDT_READ, OpCode.EXP_READ, OpCode.BITS_READ, OpCode.HLL_READ))
WRITE_OPS = frozenset(
    (
        OpCode.WRITE,
        OpCode.CDT_MODIFY,
        OpCode.INCR,
        OpCode.EXP_MODIFY,
        OpCode.APPEND,
        OpCode.PREPEND,
        OpCode.TOUCH,
        OpCode.BITS_MODIFY,
        OpCode.DELETE_ALL,
        OpCode.HLL_MODIFY,
    )
)
FORBIDDEN_WITH_REPLACE = frozenset(
    (
        OpCode.TOUCH,
        OpCode.INCR,
        OpCode.APPEND,
        OpCode.PREPEND,
        OpCode.CDT_MODIFY,
        OpCode.BITS_MODIFY,
        OpCode.HLL_MODIFY,
        OpCode.DELETE_ALL,
    )
)


class Working:
    """What the ops of one request work on: a copy of the bins, and the ops of the reply so far."""

    __slots__ = ("bins", "existed", "respond_all", "results", "writes")

    def __init__(self, bins: Bins, *, existed: bool, respond_all: bool, writes: bool) -> None:
        """`existed`: the record was there. `respond_all`: one reply op for each op. `writes`: a write
        request.
        """
        self.bins = bins
        self.existed = existed
        self.respond_all = respond_all
        self.writes = writes
        self.results: list[bytes] = []

    def answer(self, op: Op, particle: int, value: bytes) -> None:
        """Add a reply op to the request's op."""
        self.results.append(encode_op(op.code, particle, op.name, value))

    def answer_nothing(self, op: Op) -> None:
        """Add a null reply op, if every op is answered."""
        if self.respond_all:
            self.results.append(encode_op(op.code, ParticleType.NULL, op.name, b""))


def read_bin(bins: Bins, name: bytes) -> bytes | None:
    """The reply op of a plain read, None if the bin is not there."""
    found = bins.get(name)
    return None if found is None else encode_op(OpCode.READ, found[0], name, found[1])


def _checked_name(op: Op) -> bytes:
    if len(op.name) > BIN_NAME_MAX:
        raise RequestError(ResultCode.BIN_NAME, f"bin name of {len(op.name)} bytes")
    return op.name


def _read(work: Working, op: Op) -> None:
    found = work.bins.get(op.name)
    if found is None:
        work.answer_nothing(op)
    else:
        work.answer(op, found[0], found[1])


def _write(work: Working, op: Op) -> None:
    name = _checked_name(op)
    if op.particle == ParticleType.NULL:
        work.bins.pop(name, None)
    else:
        work.bins[name] = (op.particle, stored(op.particle, op.value))
    work.answer_nothing(op)


def _incr(work: Working, op: Op) -> None:
    name = _checked_name(op)
    found = work.bins.get(name)
    if found is None:
        value = stored(op.particle, op.value)
    elif found[0] != op.particle:
        raise RequestError(ResultCode.INCOMPATIBLE_TYPE, "increment of another type")
    elif op.particle == ParticleType.INTEGER:
        total = (int.from_bytes(found[1], "big", signed=True) + integer_value(op.value)) % _INT64_SPAN
        value = total.to_bytes(8, "big")
    elif op.particle == ParticleType.FLOAT:
        value = _F64.pack(_F64.unpack(found[1])[0] + _F64.unpack(stored(op.particle, op.value))[0])
    else:
        raise RequestError(ResultCode.INCOMPATIBLE_TYPE, "increment of a bin that is no number")
    work.bins[name] = (op.particle, value)
    work.answer_nothing(op)


def _joined(work: Working, op: Op) -> bytes | None:
    """The bin's value if it can be joined with the op's, None if there is no bin."""
    found = work.bins.get(_checked_name(op))
    if found is None:
        return None
    if found[0] == ParticleType.GEOJSON:
        raise RequestError(ResultCode.UNKNOWN, "append to GeoJSON")
    if found[0] != op.particle or not (op.particle == ParticleType.STRING or op.particle in BLOB_TYPES):
        raise RequestError(ResultCode.INCOMPATIBLE_TYPE, "append of another type")
    return found[1]


def _append(work: Working, op: Op) -> None:
    before = _joined(work, op)
    value = stored(op.particle, op.value) if before is None else before + op.value
    work.bins[op.name] = (op.particle, value)
    work.answer_nothing(op)


def _prepend(work: Working, op: Op) -> None:
    before = _joined(work, op)
    value = stored(op.particle, op.value) if before is None else op.value + before
    work.bins[op.name] = (op.particle, value)
    work.answer_nothing(op)


def _touch(work: Working, op: Op) -> None:
    if not work.existed:
        raise RequestError(ResultCode.NOT_FOUND, "touch of no record")


def _delete_all(work: Working, op: Op) -> None:
    work.bins.clear()
    work.answer_nothing(op)


def _unsupported(work: Working, op: Op) -> None:
    _LOG.info("op %s is not supported yet: answered UNSUPPORTED_FEATURE", OpCode(op.code).name)
    raise RequestError(ResultCode.UNSUPPORTED_FEATURE, f"op {OpCode(op.code).name}")


Operation = Callable[[Working, Op], None]

OPERATIONS: dict[int, Operation] = {
    OpCode.READ: _read,
    OpCode.WRITE: _write,
    OpCode.CDT_READ: _unsupported,
    OpCode.CDT_MODIFY: _unsupported,
    OpCode.INCR: _incr,
    OpCode.EXP_READ: _unsupported,
    OpCode.EXP_MODIFY: _unsupported,
    OpCode.APPEND: _append,
    OpCode.PREPEND: _prepend,
    OpCode.TOUCH: _touch,
    OpCode.BITS_READ: _unsupported,
    OpCode.BITS_MODIFY: _unsupported,
    OpCode.DELETE_ALL: _delete_all,
    OpCode.HLL_READ: _unsupported,
    OpCode.HLL_MODIFY: _unsupported,
}
"""What to do by op code. Codes that are not here get PARAMETER, as from a server that does not know them."""
