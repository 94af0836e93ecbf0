"""Operations on the bits of blobs, by opcode.

Owns: reading and changing bits, write flags. Bit 0 is the most significant bit of byte 0. Not here: bins and
replies (../records/ops/bits.py).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from ..protocol.constants import ParticleType
from ..protocol.flags import BASE64_FROM_END, BitOverflowFlags, BitResizeFlags, BitWriteFlags
from ..protocol.opcodes import BitOpcode
from ..protocol.result import RequestError, ResultCode, bad, not_applicable
from ..values.packed import Value

__all__ = ["modify_bits", "read_bits"]

INT_BITS = 64
SIZE_MAX = 64 * 1024 * 1024

_ONE_WAY = int(BitResizeFlags.GROW_ONLY | BitResizeFlags.SHRINK_ONLY)
_SIGNED = int(BitOverflowFlags.SIGNED)
_RESIZES = int(BitResizeFlags.FROM_FRONT) | _ONE_WAY
_NO_ERROR = int(BitOverflowFlags.SATURATE | BitOverflowFlags.WRAP)
_OVERFLOWS = _SIGNED | _NO_ERROR
_UPDATE_ONLY = int(BitWriteFlags.UPDATE_ONLY)
_EITHER = int(BitWriteFlags.CREATE_ONLY) | _UPDATE_ONLY
_NO_FAIL, _PARTIAL = int(BitWriteFlags.NO_FAIL), int(BitWriteFlags.PARTIAL)

Args: TypeAlias = "list[Any]"


class Bits(NamedTuple):
    """A range of bits in a blob: the offset of the first one, and how many."""

    offset: int
    size: int


def _number(value: Value) -> int:
    if type(value) is not int:
        raise bad("an argument that is no integer")
    return value


def _buffer(value: Value) -> bytes:
    if not isinstance(value, bytes) or not value:
        raise bad("an argument that is no blob")
    return value[1:]


def _offset(position: int, length: int) -> int:
    if position < 0:
        position += length
    if position < 0:
        raise bad("an offset before the start")
    return position


def _span(data: bytes, args: Args, flags: int = 0) -> Bits:
    """The range of bits that the first two arguments of an operation name."""
    length = 8 * len(data)
    size = _number(args[1])
    if size <= 0 or size > 8 * SIZE_MAX:
        raise bad("a size of no bits")
    offset = _offset(_number(args[0]), length)
    if offset >= length:
        raise not_applicable("an offset past the end")
    if offset + size > length:
        if not flags & BitWriteFlags.PARTIAL:
            raise not_applicable("bits past the end")
        size = length - offset
    return Bits(offset, size)


def _get(data: bytes, bits: Bits) -> int:
    return int.from_bytes(data, "big") >> (8 * len(data) - bits.offset - bits.size) & ((1 << bits.size) - 1)


def _put(data: bytes, bits: Bits, value: int) -> bytes:
    shift = 8 * len(data) - bits.offset - bits.size
    mask = ((1 << bits.size) - 1) << shift
    whole = int.from_bytes(data, "big") & ~mask | (value << shift & mask)
    return whole.to_bytes(len(data), "big")


def _signed(value: int, size: int) -> int:
    return value - (1 << size) if value >> (size - 1) else value


# --- reading ------------------------------------------------------------------------------------------------


def _read_get(data: bytes, args: Args) -> Value:
    bits = _span(data, args)
    length = (bits.size + 7) // 8
    value = _get(data, bits) << (8 * length - bits.size)
    return bytes((ParticleType.BLOB,)) + value.to_bytes(length, "big")


def _read_count(data: bytes, args: Args) -> Value:
    return bin(_get(data, _span(data, args))).count("1")


def _text(data: bytes, args: Args) -> tuple[str, str]:
    if type(args[2]) is not bool:
        raise bad("a scan for something that is no bool")
    bits = _span(data, args)
    return f"{_get(data, bits):0{bits.size}b}", "1" if args[2] else "0"


def _read_lscan(data: bytes, args: Args) -> Value:
    text, wanted = _text(data, args)
    return text.find(wanted)


def _read_rscan(data: bytes, args: Args) -> Value:
    text, wanted = _text(data, args)
    return text.rfind(wanted)


def _read_int(data: bytes, args: Args) -> Value:
    sub = _number(args[2]) if len(args) > 2 else 0
    if sub & ~_SIGNED or _number(args[1]) > INT_BITS:
        raise bad("size or flags")
    bits = _span(data, args)
    value = _get(data, bits)
    return _signed(value, bits.size) if sub or bits.size == INT_BITS else value


def _read_b64(data: bytes, args: Args) -> Value:
    """The base64 text of a range of bytes.

    The arguments are an offset (0 if left out), a size (up to the end if left out) and flags. With the flag
    BASE64_FROM_END the size is that of what is left out at the end.
    """
    at = _offset(_number(args[0]), len(data)) if args else 0
    size = _number(args[1]) if len(args) > 1 else len(data) - at
    flags = _number(args[2]) if len(args) > 2 else 0
    if flags & ~BASE64_FROM_END or size < 0:
        raise bad("size or flags")
    end = len(data) - size if flags & BASE64_FROM_END else at + size
    if at > len(data) or not at <= end <= len(data):
        raise not_applicable("bytes past the end")
    return bytes((ParticleType.STRING,)) + b64encode(data[at:end])


# --- writing ------------------------------------------------------------------------------------------------


def _resize(data: bytes, args: Args, flags: int) -> bytes:
    size, sub = _number(args[0]), _number(args[2]) if len(args) > 2 else 0
    if not 0 <= size <= SIZE_MAX or sub & ~_RESIZES or sub & _ONE_WAY == _ONE_WAY:
        raise bad("size or flags")
    grow = size - len(data)
    if (grow < 0 and sub & BitResizeFlags.GROW_ONLY) or (grow > 0 and sub & BitResizeFlags.SHRINK_ONLY):
        raise bad("a size that the flags forbid")
    if sub & BitResizeFlags.FROM_FRONT:
        return bytes(grow) + data if grow >= 0 else data[-grow:]
    return data + bytes(grow) if grow >= 0 else data[:size]


def _insert(data: bytes, args: Args, flags: int) -> bytes:
    buffer = _buffer(args[1])
    if not buffer:
        raise bad("nothing to insert")
    at = _offset(_number(args[0]), len(data))
    return data[:at].ljust(at, b"\x00") + buffer + data[at:]


def _remove(data: bytes, args: Args, flags: int) -> bytes:
    size = _number(args[1])
    at = _offset(_number(args[0]), len(data))
    if size <= 0 or at >= len(data) or (at + size > len(data) and not flags & BitWriteFlags.PARTIAL):
        raise bad("bytes past the end")
    return data[:at] + data[at + size :]


def _combine(how: Callable[[int, int], int]) -> Callable[[bytes, Args, int], bytes]:
    def run(data: bytes, args: Args, flags: int) -> bytes:
        buffer, asked = _buffer(args[2]), _number(args[1])
        if asked > 8 * len(buffer):
            raise bad("a buffer with too few bits")
        bits = _span(data, args, flags)
        other = int.from_bytes(buffer, "big") >> (8 * len(buffer) - bits.size)
        return _put(data, bits, how(_get(data, bits), other))

    return run


def _not(data: bytes, args: Args, flags: int) -> bytes:
    bits = _span(data, args, flags)
    return _put(data, bits, ~_get(data, bits))


def _shift(left: bool) -> Callable[[bytes, Args, int], bytes]:
    def run(data: bytes, args: Args, flags: int) -> bytes:
        shift = _number(args[2])
        if shift < 0:
            raise bad("a negative shift")
        bits = _span(data, args, flags)
        value = _get(data, bits)
        shift = min(shift, bits.size)
        return _put(data, bits, value << shift if left else value >> shift)

    return run


def _add(sign: int) -> Callable[[bytes, Args, int], bytes]:
    def run(data: bytes, args: Args, flags: int) -> bytes:
        sub = _number(args[4]) if len(args) > 4 else 0
        delta = _number(args[2])
        if sub & ~_OVERFLOWS or sub & _NO_ERROR == _NO_ERROR or _number(args[1]) > INT_BITS:
            raise bad("size or flags")
        bits = _span(data, args, flags)
        low, high = 0, (1 << bits.size) - 1
        value = _get(data, bits)
        if sub & _SIGNED:
            low, high = -(1 << (bits.size - 1)), (1 << (bits.size - 1)) - 1
            value = _signed(value, bits.size) + _signed(sign * delta % (1 << bits.size), bits.size)
        else:
            value += sign * (delta % (1 << bits.size))
        if not low <= value <= high and not sub & BitOverflowFlags.WRAP:
            if not sub & BitOverflowFlags.SATURATE:
                raise not_applicable("overflow")
            value = min(max(value, low), high)
        return _put(data, bits, value)

    return run


def _set_int(data: bytes, args: Args, flags: int) -> bytes:
    value = _number(args[2])
    if _number(args[1]) > INT_BITS:
        raise bad("an integer of more than 64 bits")
    return _put(data, _span(data, args, flags), value)


class _Write(NamedTuple):
    """A write operation: what runs it, how many arguments it needs, and how many more it takes.

    The first argument after the needed ones is the write flags.
    """

    run: Callable[[bytes, Args, int], bytes]
    needed: int
    optional: int = 1


_WRITES: dict[int, _Write] = {
    BitOpcode.RESIZE: _Write(_resize, 1, 2),
    BitOpcode.INSERT: _Write(_insert, 2),
    BitOpcode.REMOVE: _Write(_remove, 2),
    BitOpcode.SET: _Write(_combine(lambda mine, other: other), 3),
    BitOpcode.OR: _Write(_combine(lambda mine, other: mine | other), 3),
    BitOpcode.XOR: _Write(_combine(lambda mine, other: mine ^ other), 3),
    BitOpcode.AND: _Write(_combine(lambda mine, other: mine & other), 3),
    BitOpcode.NOT: _Write(_not, 2),
    BitOpcode.LSHIFT: _Write(_shift(left=True), 3),
    BitOpcode.RSHIFT: _Write(_shift(left=False), 3),
    BitOpcode.ADD: _Write(_add(1), 3, 2),
    BitOpcode.SUBTRACT: _Write(_add(-1), 3, 2),
    BitOpcode.SET_INT: _Write(_set_int, 3),
}
_READS: dict[int, tuple[Callable[[bytes, Args], Value], int, int]] = {
    BitOpcode.GET: (_read_get, 2, 0),
    BitOpcode.COUNT: (_read_count, 2, 0),
    BitOpcode.LSCAN: (_read_lscan, 3, 0),
    BitOpcode.RSCAN: (_read_rscan, 3, 0),
    BitOpcode.GET_INT: (_read_int, 2, 1),
    BitOpcode.B64_ENCODE: (_read_b64, 0, 3),
}
_CREATING = (BitOpcode.RESIZE, BitOpcode.INSERT)
_INTEGERS = (BitOpcode.ADD, BitOpcode.SUBTRACT, BitOpcode.SET_INT)
_FORGIVEN = (BitOpcode.RESIZE, BitOpcode.REMOVE)


def read_bits(data: bytes, opcode: int, args: Args) -> Value:
    """The result of a read operation.

    Raises:
        RequestError: PARAMETER, OP_NOT_APPLICABLE.

    """
    if opcode not in _READS:
        raise bad(f"bit opcode {opcode}")
    run, needed, optional = _READS[opcode]
    if not needed <= len(args) <= needed + optional:
        raise bad(f"{len(args)} arguments")
    return run(data, args)


def modify_bits(data: bytes | None, opcode: int, args: Args) -> bytes | None:
    """The blob after a write operation.

    Args:
        data: the blob, None if there is none.
        opcode: the operation.
        args: its arguments.

    Raises:
        RequestError: PARAMETER, OP_NOT_APPLICABLE, BIN_EXISTS, BIN_NOT_FOUND.

    """
    op = _WRITES.get(opcode)
    if op is None or not op.needed <= len(args) <= op.needed + op.optional:
        raise bad(f"bit opcode {opcode} with {len(args)} arguments")
    flags = _number(args[op.needed]) if len(args) > op.needed else 0
    _check_flags(opcode, flags)
    try:
        if data is None:
            if opcode not in _CREATING or flags & BitWriteFlags.UPDATE_ONLY:
                raise RequestError(ResultCode.BIN_NOT_FOUND, "no blob to change")
        elif flags & BitWriteFlags.CREATE_ONLY:
            raise RequestError(ResultCode.BIN_EXISTS, "there is a blob already")
        return op.run(data or b"", args, flags)
    except RequestError as error:
        is_request_bad = error.code == ResultCode.PARAMETER and opcode not in _FORGIVEN
        if flags & BitWriteFlags.NO_FAIL and not is_request_bad:
            return data
        raise


def _check_flags(opcode: int, flags: int) -> None:
    if opcode in _CREATING:
        allowed = _EITHER | _NO_FAIL
    elif opcode in _INTEGERS:
        allowed = _UPDATE_ONLY | _NO_FAIL
    else:
        allowed = _UPDATE_ONLY | _NO_FAIL | _PARTIAL
    if flags & ~allowed or flags & _EITHER == _EITHER:
        raise bad("write flags")
