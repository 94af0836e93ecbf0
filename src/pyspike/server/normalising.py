"""Lists and maps as they are stored: what is refused, and the one form of what is taken.

Owns: the rules for map keys, flags, order and sizes of whole list and map particles. Not here: decoding and
encoding (packed.py), comparing (ordering.py).
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgpack  # type: ignore[import-untyped]

from .ordering import compare, sort_key
from .packed import (
    Extension,
    PackedError,
    PackedList,
    PackedMap,
    Value,
    decode,
    encode,
    is_list_code,
    is_map_code,
)

__all__ = ["is_map_key", "normalise"]

ORDERED = 0x01
LIST_FLAGS_KEPT = 0x01
MAP_FLAGS_KEPT = 0x03


def normalise(data: bytes, *, want_map: bool) -> bytes:
    """The form in which the server stores and returns the list or map that `data` packs.

    Args:
        data: the particle.
        want_map: whether the particle is a map (else a list).

    Raises:
        PackedError: not exactly one such value, or one that can't be stored: bad or duplicate map keys, a
            flagged container out of order, a wildcard or infinity.

    """
    if not data or not (is_map_code if want_map else is_list_code)(data[0]):
        raise PackedError("another type than the particle says")
    if _is_canonical(data):
        return data
    return encode(_storable(decode(data)))


# --- the quick way: most values are already as they are stored ----------------------------------------------


class _NotObviousError(Exception):
    """The value needs the thorough way."""


def _refuse_extension(kind: int, data: bytes) -> Any:
    raise _NotObviousError


def _check_pairs(pairs: list[tuple[Any, Any]]) -> None:
    last: Any = None
    for key, _ in pairs:
        kind = type(key)
        if kind is str:
            key = key.encode("utf-8", "surrogateescape")
            if key[:1] == b"\x03":
                key = (1, key)
            elif key[:1] == b"\x04":
                key = (2, key)
            else:
                raise _NotObviousError
        elif kind is int:
            key = (0, key)
        else:
            raise _NotObviousError
        if last is not None and last >= key:
            raise _NotObviousError
        last = key


def _is_canonical(data: bytes) -> bool:
    """Whether `data` is certainly stored as it is; a False only means that it is not obvious."""
    checked: list[bool] = []

    def pairs_hook(pairs: list[tuple[Any, Any]]) -> Any:
        _check_pairs(pairs)
        checked.append(True)
        return dict(pairs)

    if b"\xc4" in data or b"\xc5" in data or b"\xc6" in data:
        return False
    try:
        value = msgpack.unpackb(
            data,
            raw=False,
            unicode_errors="surrogateescape",
            strict_map_key=False,
            object_pairs_hook=pairs_hook,
            ext_hook=_refuse_extension,
        )
        return bool(msgpack.packb(value, unicode_errors="surrogateescape") == data)
    except (_NotObviousError, ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException):
        return False


# --- the thorough way ---------------------------------------------------------------------------------------


def is_map_key(value: Value) -> bool:
    """Whether the server takes `value` as a map key: an integer, a string or a blob."""
    if type(value) is int:
        return True
    return type(value) is bytes and value[:1] in (b"\x03", b"\x04")


def _storable(value: Value) -> Value:
    """The value with flags reduced to those that are stored and maps sorted, or PackedError."""
    # Containers in the order in which they are met; children come after their parent, so they are done first
    # from the end.
    found: list[PackedList | PackedMap] = []
    waiting: list[Value] = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Extension):
            raise PackedError("a wildcard, an infinity or a marker as a value")
        if isinstance(item, PackedList):
            found.append(item)
            waiting.extend(item.items)
        elif isinstance(item, PackedMap):
            found.append(item)
            for key, child in item.pairs:
                if not is_map_key(key):
                    raise PackedError("a map key of another type than integer, string, blob")
                waiting.append(child)
    done: dict[int, Value] = {}
    for container in reversed(found):
        if isinstance(container, PackedList):
            items = [done.get(id(item), item) for item in container.items]
            done[id(container)] = _storable_list(container.flags, items)
        else:
            pairs = [(key, done.get(id(child), child)) for key, child in container.pairs]
            done[id(container)] = _storable_map(container.flags, pairs)
    return done.get(id(value), value)


def _storable_list(flags: int, items: list[Value]) -> PackedList:
    flags &= LIST_FLAGS_KEPT
    if flags and any(compare(left, right) > 0 for left, right in pairwise(items)):
        raise PackedError("an ordered list out of order")
    return PackedList(flags, items)


def _storable_map(flags: int, pairs: list[tuple[Value, Value]]) -> PackedMap:
    flags &= MAP_FLAGS_KEPT
    if not flags & ORDERED:
        pairs = sorted(pairs, key=lambda pair: sort_key(pair[0]))
    if any(compare(left[0], right[0]) >= 0 for left, right in pairwise(pairs)):
        raise PackedError("map keys twice, or out of order")
    return PackedMap(flags, pairs)
