"""The ops of a request, by op code.

Owns: READ, WRITE, INCR, APPEND, PREPEND, TOUCH, DELETE_ALL, and the table of all ops. Not here: when a
request is run at all (commands.py), and the ops of lists and maps, bits, HLL, strings and expressions (ops/).
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

from ..protocol.constants import BLOB_TYPES, OpCode, ParticleType
from ..protocol.framing import Op
from ..protocol.result import RequestError, ResultCode
from ..values.integers import as_int64
from ..values.nesting import is_nested_deeper
from ..values.particles import integer_value, stored
from ..versions import ServerVersion
from .op_context import OpContext
from .ops.bits import bits_modify, bits_read
from .ops.cdt import cdt_modify, cdt_read
from .ops.expressions import exp_modify, exp_read
from .ops.hll import hll_modify, hll_read
from .ops.strings import string_modify, string_read, to_string

__all__ = ["FORBIDDEN_WITH_REPLACE", "READ_OPS", "operations_of", "run_op"]

_F64 = Struct(">d")
_NULL, _INTEGER = int(ParticleType.NULL), int(ParticleType.INTEGER)
_CONTAINERS = frozenset((ParticleType.LIST, ParticleType.MAP))

READ_OPS = frozenset(
    (
        OpCode.READ,
        OpCode.CDT_READ,
        OpCode.EXP_READ,
        OpCode.BITS_READ,
        OpCode.HLL_READ,
        OpCode.STRING_READ,
        OpCode.TO_STRING,
    )
)
STRING_OPS = frozenset((OpCode.STRING_READ, OpCode.STRING_MODIFY, OpCode.TO_STRING))
"""The ops that servers before 8.2 do not know."""
FORBIDDEN_WITH_REPLACE = frozenset(
    (
        OpCode.TOUCH,
        OpCode.INCR,
        OpCode.APPEND,
        OpCode.PREPEND,
        OpCode.CDT_MODIFY,
        OpCode.BITS_MODIFY,
        OpCode.HLL_MODIFY,
        OpCode.STRING_MODIFY,
        OpCode.DELETE_ALL,
    )
)


def _read(ctx: OpContext, op: Op) -> None:
    found = ctx.bins.get(op.name)
    if found is None:
        ctx.answer_nothing(op)
    else:
        ctx.answer(op, found[0], found[1])


def _stored(ctx: OpContext, op: Op) -> bytes:
    """The stored form of an op's value."""
    value, most = stored(op.particle, op.value), ctx.version.nesting_max
    if most is not None and op.particle in _CONTAINERS and is_nested_deeper(value, most):
        raise RequestError(ResultCode.UNKNOWN, "list/map nested too deeply")
    return value


def _write(ctx: OpContext, op: Op) -> None:
    name = op.name
    if op.particle == _NULL:
        ctx.bins.pop(name, None)
    else:
        ctx.bins[name] = (op.particle, _stored(ctx, op))
    ctx.answer_nothing(op)


def _incr(ctx: OpContext, op: Op) -> None:
    name = op.name
    found = ctx.bins.get(name)
    if found is None or op.particle == _NULL:
        value = _stored(ctx, op)  # refuses null
    elif found[0] == ParticleType.GEOJSON:
        raise RequestError(ResultCode.UNKNOWN, "increment of GeoJSON")
    elif found[0] != op.particle:
        raise RequestError(ResultCode.INCOMPATIBLE_TYPE, "increment of another type")
    elif op.particle == _INTEGER:
        total = as_int64(int.from_bytes(found[1], "big", signed=True) + integer_value(op.value))
        value = total.to_bytes(8, "big", signed=True)
    elif op.particle == ParticleType.FLOAT:
        value = _F64.pack(_F64.unpack(found[1])[0] + _F64.unpack(stored(op.particle, op.value))[0])
    else:
        raise RequestError(ResultCode.INCOMPATIBLE_TYPE, "increment of a bin that is no number")
    ctx.bins[name] = (op.particle, value)
    ctx.answer_nothing(op)


def _joined(ctx: OpContext, op: Op) -> bytes | None:
    """The bin's value, to which the op's is added; None if there is no bin, or the op's value is null."""
    found = ctx.bins.get(op.name)
    if found is None or op.particle == _NULL:
        return None
    if found[0] == ParticleType.GEOJSON:
        raise RequestError(ResultCode.UNKNOWN, "append to GeoJSON")
    if found[0] != op.particle or not (op.particle == ParticleType.STRING or op.particle in BLOB_TYPES):
        raise RequestError(ResultCode.INCOMPATIBLE_TYPE, "append of another type")
    return found[1]


def _append(ctx: OpContext, op: Op) -> None:
    before = _joined(ctx, op)
    value = _stored(ctx, op) if before is None else before + op.value
    ctx.bins[op.name] = (op.particle, value)
    ctx.answer_nothing(op)


def _prepend(ctx: OpContext, op: Op) -> None:
    before = _joined(ctx, op)
    value = _stored(ctx, op) if before is None else op.value + before
    ctx.bins[op.name] = (op.particle, value)
    ctx.answer_nothing(op)


def _touch(ctx: OpContext, op: Op) -> None:
    """Do nothing: the record is written in any case.

    If there were no record, the request would have been refused.
    """


def _delete_all(ctx: OpContext, op: Op) -> None:
    ctx.bins.clear()
    ctx.answer_nothing(op)


Operation = Callable[[OpContext, Op], None]

OPERATIONS: dict[int, Operation] = {
    OpCode.READ: _read,
    OpCode.WRITE: _write,
    OpCode.CDT_READ: cdt_read,
    OpCode.CDT_MODIFY: cdt_modify,
    OpCode.INCR: _incr,
    OpCode.EXP_READ: exp_read,
    OpCode.EXP_MODIFY: exp_modify,
    OpCode.APPEND: _append,
    OpCode.PREPEND: _prepend,
    OpCode.TOUCH: _touch,
    OpCode.BITS_READ: bits_read,
    OpCode.BITS_MODIFY: bits_modify,
    OpCode.DELETE_ALL: _delete_all,
    OpCode.HLL_READ: hll_read,
    OpCode.HLL_MODIFY: hll_modify,
    OpCode.STRING_READ: string_read,
    OpCode.STRING_MODIFY: string_modify,
    OpCode.TO_STRING: to_string,
}
"""The function that runs each op, by its code."""
_WITHOUT_STRINGS = {code: run for code, run in OPERATIONS.items() if code not in STRING_OPS}


def operations_of(version: ServerVersion) -> dict[int, Operation]:
    """The table of ops that a server of this version knows."""
    return OPERATIONS if version.strings else _WITHOUT_STRINGS


def run_op(operations: dict[int, Operation], ctx: OpContext, op: Op) -> None:
    """Run one op of a request.

    Raises:
        RequestError: PARAMETER if its code is not among these operations, or what the op raises.

    """
    run = operations.get(op.code)
    if run is None:
        raise RequestError(ResultCode.PARAMETER, f"op code {op.code}")
    run(ctx, op)
