"""The ops BITS_READ and BITS_MODIFY of a request.

Owns: missing bins, types, replies. Not here: bits (bits.py).
"""

from __future__ import annotations

from .bin_values import particle_of
from .bits import modify_bits, read_bits
from .framing import Op
from .packed import PackedError, PackedList, Value, decode
from .particles import BLOB_TYPES, ParticleType
from .result import RequestError, ResultCode
from .working import Working, checked_name

__all__ = ["bits_modify", "bits_read", "opcode_and_args"]


def opcode_and_args(data: bytes) -> tuple[int, list[Value]]:
    """An operation without context, taken apart.

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


def bits_read(work: Working, op: Op) -> None:
    """Run a read op."""
    found = work.bins.get(op.name)
    if found is None:
        work.answer_nothing(op)
        return
    data = _blob(found)
    work.answer_value(op, *particle_of(read_bits(data, *opcode_and_args(op.value))))


def bits_modify(work: Working, op: Op) -> None:
    """Run a write op; some create the bin."""
    name = checked_name(op)
    found = work.bins.get(name)
    before = None if found is None else _blob(found)
    after = modify_bits(before, *opcode_and_args(op.value))
    if after or (after is not None and found is not None):
        work.bins[name] = (ParticleType.BLOB if found is None else found[0], after)
    work.answer_nothing(op)
