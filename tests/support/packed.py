"""The msgpack dialect of lists and maps, written and read by the msgpack library: no code of the client's.

The library knows nothing of particle types, ordered containers or the order of entries; the few lines here
add them (values.md 3.2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgpack

from pyspike.values import GeoJSON, HyperLogLog, KeyOrderedDict, KeyValueOrderedDict, OrderedList, RawParticle

STRING, BLOB, HLL, MAP, LIST, GEOJSON = 3, 4, 18, 19, 20, 23
FLAGS: dict[type, int] = {KeyOrderedDict: 1, KeyValueOrderedDict: 3}
KINDS: dict[int, type] = {0: dict, **{flags: kind for kind, flags in FLAGS.items()}}
TEXTS: dict[int, Callable[[bytes], Any]] = {
    STRING: bytes.decode,
    BLOB: bytes,
    HLL: HyperLogLog,
    GEOJSON: lambda data: GeoJSON(data.decode()),
}


class Pairs(list[Any]):
    """The entries of a map as they came."""


def decode(packed: bytes) -> Any:
    """The Python value of a packed list or map."""
    return _plain(msgpack.unpackb(packed, raw=True, strict_map_key=False, object_pairs_hook=Pairs))


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        kind = TEXTS.get(value[0])
        return kind(value[1:]) if kind else RawParticle(value[0], value[1:])
    if isinstance(value, Pairs):
        flags = [key.code for key, _ in value[:1] if isinstance(key, msgpack.ExtType)]
        kind = KINDS[flags[0] if flags else 0]
        return kind((_plain(key), _plain(item)) for key, item in value[len(flags) :])
    if isinstance(value, list):
        marked = bool(value) and isinstance(value[0], msgpack.ExtType)
        items = [_plain(item) for item in value[marked:]]
        return OrderedList(items) if marked and value[0].code & 1 else items
    return value


def encode(value: Any) -> bytes:
    """A packed list or map, in the shortest forms and in the order of the dict."""
    packer = msgpack.Packer(autoreset=False, unicode_errors="surrogateescape")
    _write(packer, value)
    return bytes(packer.bytes())


def _write(packer: msgpack.Packer, value: Any) -> None:
    if isinstance(value, dict):
        flags = FLAGS.get(type(value), 0)
        packer.pack_map_header(len(value) + (flags > 0))
        if flags:
            packer.pack_ext_type(flags, b"")
            packer.pack(None)
        for key, item in value.items():
            _write(packer, key)
            _write(packer, item)
    elif isinstance(value, list):
        ordered = isinstance(value, OrderedList)
        packer.pack_array_header(len(value) + ordered)
        if ordered:
            packer.pack_ext_type(1, b"")
        for item in value:
            _write(packer, item)
    elif isinstance(value, str):
        _write_text(packer, GEOJSON if isinstance(value, GeoJSON) else STRING, value.encode())
    elif isinstance(value, bytes):
        _write_text(packer, HLL if isinstance(value, HyperLogLog) else BLOB, value)
    elif isinstance(value, RawParticle):
        _write_text(packer, value.type, value.data)
    else:
        packer.pack(value)


def _write_text(packer: msgpack.Packer, particle: int, data: bytes) -> None:
    packer.pack((bytes([particle]) + data).decode(errors="surrogateescape"))
