"""Bins as values of the model (packed.py), and values as bins.

Owns: which particle type goes with which value. Not here: which values may be stored (particles.py,
normalising.py).
"""

from __future__ import annotations

from struct import Struct

from ..protocol.constants import BLOB_TYPES, ParticleType
from ..protocol.result import RequestError, ResultCode
from .decoding import decode
from .encoding import encode
from .geojson import geojson_text, stored_geojson
from .integers import as_int64
from .ordering import as_float
from .packed import Float32, PackedList, PackedMap, Value

__all__ = ["particle_of", "value_of"]

_F64 = Struct(">d")
_I64 = Struct(">q")
_BYTES = BLOB_TYPES | {ParticleType.STRING, ParticleType.HLL}

_LIST, _MAP, _INTEGER = int(ParticleType.LIST), int(ParticleType.MAP), int(ParticleType.INTEGER)
_STRING, _BLOB, _GEOJSON = int(ParticleType.STRING), int(ParticleType.BLOB), int(ParticleType.GEOJSON)


def value_of(particle: int, data: bytes) -> Value:
    """The value of a stored particle. It is a new object, which may be changed."""
    if particle in (_LIST, _MAP):
        return decode(data)
    if particle == _INTEGER:
        return int(_I64.unpack(data)[0])
    if particle == ParticleType.FLOAT:
        return float(_F64.unpack(data)[0])
    if particle == ParticleType.BOOL:
        return data != b"\x00"
    if particle == _GEOJSON:
        data = geojson_text(data)
    return bytes((particle,)) + data


def particle_of(value: Value) -> tuple[int, bytes]:
    """The particle type and the bytes of a value, as a bin stores it and a reply tells it.

    Raises:
        RequestError: PARAMETER for a value that no bin can hold.

    """
    kind = type(value)
    if kind is int:
        number: int = value  # type: ignore[assignment]
        return _INTEGER, _I64.pack(as_int64(number))
    if isinstance(value, bytes):
        prefix = value[0] if value else _BLOB
        if prefix in _BYTES:
            return prefix, value[1:]
        if prefix == _GEOJSON:
            return _GEOJSON, stored_geojson(b"\x00\x00\x00" + value[1:])
        return _BLOB, value[1:]
    if isinstance(value, PackedList):
        return _LIST, encode(value)
    if isinstance(value, PackedMap):
        return _MAP, encode(value)
    if value is None:
        return ParticleType.NULL, b""
    if kind is bool:
        return ParticleType.BOOL, b"\x01" if value else b"\x00"
    if isinstance(value, (float, Float32)):
        return ParticleType.FLOAT, _F64.pack(as_float(value))
    raise RequestError(ResultCode.PARAMETER, "a value that no bin can hold")
