"""A record as a function gets it, and the bins that a function gives as they are stored.

Owns: both forms. Not here: calling functions (functions.py), and storing records (../records/udf.py).
"""

from __future__ import annotations

from pyspike.lua.interpreter import Row

from ..protocol.constants import CITRUSLEAF_EPOCH, ContainerFlags, ParticleType
from ..protocol.result import RequestError
from ..storage.record import Record, stored_size
from ..storage.store import Store
from ..values.decoding import decode
from ..values.encoding import encode
from ..values.geojson import stored_geojson
from ..values.normalising import storable
from ..values.ordering import sort_key
from ..values.packed import PackedList, PackedMap, Value

__all__ = ["row_of", "stored_bin"]

_CONTAINERS = (ParticleType.LIST, ParticleType.MAP)
_MS_PER_S = 1000


def row_of(store: Store, digest: bytes, record: Record | None, key: bytes | None = None) -> Row:
    """What a function gets of a record.

    Args:
        store: which tells the time.
        digest: the record's digest.
        record: the record; None if it is not there.
        key: the key that the request brings, as a field has it: its type and its bytes.

    """
    about: dict[bytes, object] = {b"digest": digest, b"generation": 0, b"ttl": 0, b"size": 0}
    about[b"last_update_time"] = 0
    stored = key if record is None else record.key or key
    if stored:
        about[b"key_type"], about[b"key"] = stored[0], stored[1:]
    if record is None:
        return Row((), (), (), about)
    about[b"generation"] = record.generation
    about[b"ttl"] = max(record.void_time - store.now(), 0) if record.void_time else 0
    about[b"set_name"] = record.set_name or None
    about[b"size"] = stored_size(record)
    about[b"last_update_time"] = int((record.last_update - CITRUSLEAF_EPOCH) * _MS_PER_S)
    bins = record.bins
    return Row(list(bins), [kind for kind, _ in bins.values()], [data for _, data in bins.values()], about)


def stored_bin(kind: int, data: bytes) -> tuple[int, bytes]:
    """The particle type and the bytes of a value as it is stored.

    A function gives an ordered list in any order. GeoJSON that is none is stored as it is.
    """
    if kind in _CONTAINERS:
        return kind, encode(storable(_sorted(decode(data))))
    if kind == ParticleType.GEOJSON:
        try:
            return kind, stored_geojson(data)
        except RequestError:
            return kind, data
    return kind, data


def _sorted(value: Value) -> Value:
    """The value with the elements of its ordered lists in their order."""
    if isinstance(value, PackedList):
        items = [_sorted(item) for item in value.items]
        if value.flags & ContainerFlags.ORDERED:
            items.sort(key=sort_key)
        return PackedList(value.flags, items)
    if isinstance(value, PackedMap):
        return PackedMap(value.flags, [(key, _sorted(item)) for key, item in value.pairs])
    return value
