"""The ops STRING_READ, STRING_MODIFY and TO_STRING of a request.

Owns: missing bins, types, strings inside lists and maps, replies. Not here: the operations
(../../strings/operate.py).
"""

from __future__ import annotations

from ...cdt.calls import Call, parse_value
from ...cdt.context import ContextTarget
from ...protocol.constants import ParticleType
from ...protocol.flags import StringWriteFlags
from ...protocol.framing import Op
from ...protocol.result import ParameterSubcode, RequestError, ResultCode
from ...strings.arguments import text_of, value_of_text
from ...strings.conversion import to_text
from ...strings.failures import bad
from ...strings.operate import flags_of, modify, read
from ...values.bin_values import particle_of, value_of
from ...values.decoding import decode
from ...values.packed import PackedError, PackedList, PackedMap, Value
from ..op_context import OpContext

__all__ = ["string_modify", "string_read", "to_string"]

_STRING = ParticleType.STRING


def _parse(op: Op) -> Call:
    if op.particle != _STRING:
        raise RequestError(ResultCode.INCOMPATIBLE_TYPE, "a string operation that is no string particle")
    try:
        call = parse_value(decode(op.value))
    except PackedError as error:
        raise bad(f"operation: {error}") from error
    if not isinstance(call, Call):
        raise bad("a path of strings", ParameterSubcode.STRING_OPCODE)
    return call


def _find_string(root: Value, call: Call) -> ContextTarget:
    """The place to which a context leads; raise OP_NOT_APPLICABLE if nothing is there."""
    if not isinstance(root, (PackedList, PackedMap)):
        raise RequestError(ResultCode.INCOMPATIBLE_TYPE, "a context for a bin that is no list or map")
    place = ContextTarget(root, call.context or [])
    if place.is_new:
        raise RequestError(ResultCode.OP_NOT_APPLICABLE, "a context that leads nowhere")
    return place


def string_read(ctx: OpContext, op: Op) -> None:
    """Run STRING_READ. On a missing bin no operation fails."""
    found = ctx.bins.get(op.name)
    if found is None:
        ctx.answer_nothing(op)
        return
    call, value = _parse(op), value_of(*found)
    if call.context is not None:
        value = _find_string(value, call).target
    ctx.answer_value(op, *particle_of(read(text_of(value), call.opcode, call.args)))


def string_modify(ctx: OpContext, op: Op) -> None:
    """Run STRING_MODIFY. Some operations create the bin."""
    found = ctx.bins.get(op.name)
    call = _parse(op)
    if call.context is None:
        before = None if found is None else text_of(value_of(*found))
        after = modify(before, call.opcode, call.args)
        if after is not None:
            ctx.bins[op.name] = (_STRING, after.encode())
    elif found is not None:
        _modify_inside(ctx, op, value_of(*found), call)
    ctx.answer_nothing(op)


def _modify_inside(ctx: OpContext, op: Op, root: Value, call: Call) -> None:
    flags = flags_of(call.opcode, call.args, nested=True)
    try:
        place = _find_string(root, call)
    except RequestError as error:
        if error.code == ResultCode.OP_NOT_APPLICABLE and flags & StringWriteFlags.NO_FAIL:
            return
        raise
    after = modify(text_of(place.target), call.opcode, call.args, nested=True)
    if after is not None:
        ctx.bins[op.name] = particle_of(place.replace(value_of_text(after)))


def to_string(ctx: OpContext, op: Op) -> None:
    """Run TO_STRING."""
    found = ctx.bins.get(op.name)
    if found is None:
        ctx.answer_nothing(op)
    else:
        ctx.answer(op, _STRING, to_text(value_of(*found)).encode())
