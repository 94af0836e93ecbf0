"""Particles: the bytes of an op's value, checked by type and brought into the stored form.

Owns: which bytes are a valid value of which type. Not here: the inside of lists and maps (normalising.py) and
of GeoJSON (geojson.py), and what ops do with values.
"""

from __future__ import annotations

from collections.abc import Callable

from ..protocol.constants import (
    BLOB_TYPES,
    HLL_BITS_MAX,
    HLL_HEADER_SIZE,
    HLL_INDEX_BITS,
    HLL_MINHASH_BITS,
    HLL_RANK_BITS,
    ParticleType,
)
from ..protocol.result import RequestError, ResultCode
from .geojson import stored_geojson
from .normalising import normalise
from .packed import PackedError

__all__ = ["integer_value", "stored"]


def stored(particle: int, value: bytes) -> bytes:
    """The stored form of a value that a client sent.

    Raises:
        RequestError: PARAMETER for a bad value or type, UNKNOWN for a malformed list or map,
            GEO_INVALID_GEOJSON.

    """
    try:
        check = _CHECKS[particle]
    except KeyError:
        raise RequestError(ResultCode.PARAMETER, f"particle type {particle}") from None
    return check(value)


def integer_value(value: bytes) -> int:
    """The number of an integer particle of 1, 2, 4 or 8 bytes; the shorter ones are unsigned.

    Raises:
        RequestError: PARAMETER for another size.

    """
    size = len(value)
    if size == 8:
        return int.from_bytes(value, "big", signed=True)
    if size in (1, 2, 4):
        return int.from_bytes(value, "big")
    raise RequestError(ResultCode.PARAMETER, f"an integer of {size} bytes")


def _integer(value: bytes) -> bytes:
    if len(value) == 8:
        return value
    return integer_value(value).to_bytes(8, "big")


def _float(value: bytes) -> bytes:
    if len(value) != 8:
        raise RequestError(ResultCode.PARAMETER, f"a float of {len(value)} bytes")
    return value


def _as_is(value: bytes) -> bytes:
    return value


def _bool(value: bytes) -> bytes:
    if value not in (b"\x00", b"\x01"):
        raise RequestError(ResultCode.PARAMETER, "a bool that is not 0 or 1")
    return value


def _hll(value: bytes) -> bytes:
    if len(value) < HLL_HEADER_SIZE:
        raise RequestError(ResultCode.PARAMETER, "an HLL without its header")
    flags, index_bits, minhash_bits = value[0], value[1], value[2]
    if (
        flags != 0
        or index_bits not in HLL_INDEX_BITS
        or (minhash_bits != 0 and minhash_bits not in HLL_MINHASH_BITS)
        or index_bits + minhash_bits > HLL_BITS_MAX
    ):
        raise RequestError(ResultCode.PARAMETER, "an HLL with bad flags or bits")
    registers = ((HLL_RANK_BITS + minhash_bits) * (1 << index_bits) + 7) // 8
    if len(value) != HLL_HEADER_SIZE + registers:
        raise RequestError(ResultCode.PARAMETER, "an HLL of the wrong size")
    return value


def _list(value: bytes) -> bytes:
    try:
        return normalise(value, want_map=False)
    except (PackedError, RecursionError) as error:
        raise RequestError(ResultCode.UNKNOWN, f"list: {error}") from error


def _map(value: bytes) -> bytes:
    try:
        return normalise(value, want_map=True)
    except (PackedError, RecursionError) as error:
        raise RequestError(ResultCode.UNKNOWN, f"map: {error}") from error


_CHECKS: dict[int, Callable[[bytes], bytes]] = {
    ParticleType.INTEGER: _integer,
    ParticleType.FLOAT: _float,
    ParticleType.STRING: _as_is,
    ParticleType.BOOL: _bool,
    ParticleType.HLL: _hll,
    ParticleType.MAP: _map,
    ParticleType.LIST: _list,
    ParticleType.GEOJSON: stored_geojson,
    **dict.fromkeys(BLOB_TYPES, _as_is),
}
