"""The ops BITS_READ and BITS_MODIFY of a request.

Owns: missing bins, types, replies. Not here: the operations (../../bits/operate.py).
"""

from __future__ import annotations

from ...bits.operate import modify_bits, read_bits
from ...cdt.calls import Call, parse
from ...cdt.context import ContextTarget
from ...protocol.constants import BLOB_TYPES, ParticleType
from ...protocol.framing import Op
from ...protocol.opcodes import BitOpcode, CdtEnvelope
from ...protocol.result import RequestError, ResultCode, bad
from ...values.bin_values import particle_of, value_of
from ...values.decoding import decode
from ...values.packed import PackedError, PackedList, PackedMap, Value
from ..op_context import OpContext

__all__ = ["bits_modify", "bits_read", "opcode_and_args"]


def opcode_and_args(data: bytes) -> tuple[int, list[Value]]:
    """Take apart an operation that has no context.

    Raises:
        RequestError: PARAMETER.

    """
    try:
        value = decode(data)
    except PackedError as error:
        raise RequestError(ResultCode.PARAMETER, str(error)) from error
    if not isinstance(value, PackedList) or not value.items or type(value.items[0]) is not int:
        raise RequestError(ResultCode.PARAMETER, "an operation without opcode")
    return value.items[0], value.items[1:]


def _blob(found: tuple[int, bytes]) -> bytes:
    if found[0] not in BLOB_TYPES:
        raise RequestError(ResultCode.INCOMPATIBLE_TYPE, "bits of a bin that is no blob")
    return found[1]


def bits_read(ctx: OpContext, op: Op) -> None:
    """Run BITS_READ."""
    found = ctx.bins.get(op.name)
    if found is None:
        ctx.answer_nothing(op)
        return
    opcode, args = opcode_and_args(op.value)
    if opcode == CdtEnvelope.CONTEXT and ctx.version.strings:
        opcode, args, data = _inside(found, op.value)
        if opcode != BitOpcode.B64_ENCODE:
            raise bad("a context of bits")
    else:
        data = _blob(found)
    if opcode == BitOpcode.B64_ENCODE and not ctx.version.strings:
        raise bad(f"bit opcode {opcode}")
    ctx.answer_value(op, *particle_of(read_bits(data, opcode, args)))


def _inside(found: tuple[int, bytes], packed: bytes) -> tuple[int, list[Value], bytes]:
    """Take apart an operation with a context: its opcode, its arguments, and the blob to which the context
    leads.
    """
    root, call = value_of(*found), parse(packed)
    assert isinstance(call, Call)
    if not isinstance(root, (PackedList, PackedMap)):
        raise RequestError(ResultCode.INCOMPATIBLE_TYPE, "a context for a bin that is no list or map")
    place = ContextTarget(root, call.context or [])
    if place.is_new:
        raise RequestError(ResultCode.OP_NOT_APPLICABLE, "a context that leads nowhere")
    return call.opcode, call.args, _blob(particle_of(place.target))


def bits_modify(ctx: OpContext, op: Op) -> None:
    """Run BITS_MODIFY. Some operations create the bin."""
    name = op.name
    found = ctx.bins.get(name)
    before = None if found is None else _blob(found)
    after = modify_bits(before, *opcode_and_args(op.value))
    if after or (after is not None and found is not None):
        ctx.bins[name] = (ParticleType.BLOB if found is None else found[0], after)
    ctx.answer_nothing(op)
