"""Lists and maps as they are stored.

Owns: which map keys, flags, orders and sizes are refused, and the one form in which the others are stored.
Not here: the bytes (decoding.py, encoding.py), comparing values (ordering.py).
"""

from __future__ import annotations

from itertools import pairwise
from operator import eq, itemgetter
from typing import Any

import msgpack  # type: ignore[import-untyped]

from ..protocol.constants import ContainerFlags, ParticleType
from ..protocol.msgpack_codes import BIN_8
from .decoding import decode, is_list_code, is_map_code
from .encoding import encode
from .ordering import sort_key
from .packed import Extension, Float32, PackedError, PackedList, PackedMap, Value

__all__ = ["is_map_key", "normalise", "storable"]


def normalise(data: bytes, *, want_map: bool) -> bytes:
    """The form in which the server stores and returns a list or map particle.

    Args:
        data: the particle.
        want_map: whether the particle is a map (else a list).

    Raises:
        PackedError: not exactly one such value, or one that can't be stored: bad or duplicate map keys, a
            flagged container out of order, a wildcard or infinity.

    """
    if not data or not (is_map_code if want_map else is_list_code)(data[0]):
        raise PackedError("another type than the particle says")
    quick = _normalise_plain(data)
    if quick is not None:
        return quick
    return encode(storable(decode(data)))


# --- plain containers, which msgpack's C code decodes and encodes -----------------------------------------


class _NotPlainError(Exception):
    """The value is not plain: it has something that is decoded and checked element by element."""


_FIRST_KEY, _AFTER_KEYS = chr(ParticleType.STRING), chr(ParticleType.BLOB + 1)
_STRINGS: dict[str, Any] = {"unicode_errors": "surrogateescape"}
_EMPTY_BIN = bytes((BIN_8, 0))


def _refuse_extension(kind: int, data: bytes) -> Any:
    raise _NotPlainError


class _Sorting:
    """A hook that makes dicts in the order of their keys, and remembers whether it had to sort one."""

    def __init__(self) -> None:
        self.has_sorted = False

    def __call__(self, pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
        mapping = dict(pairs)
        keys = list(mapping)
        if len(keys) != len(pairs):
            raise _NotPlainError
        ordered = _ordered(keys)
        if ordered == keys:
            return mapping
        self.has_sorted = True
        return {key: mapping[key] for key in ordered}


def _ordered(keys: list[Any]) -> list[Any]:
    """The keys in the server's order: integers first, then strings, whose first character is their type."""
    kinds = set(map(type, keys))
    if kinds <= {int}:
        return sorted(keys)
    if not kinds <= {int, str}:
        raise _NotPlainError
    strings = keys if len(kinds) == 1 else [key for key in keys if type(key) is str]
    if "".join(strings).isascii():
        strings = sorted(strings)
    else:  # code points that stand for bytes outside UTF-8 do not sort as those bytes do
        strings = sorted(strings, key=lambda key: key.encode(errors="surrogateescape"))
    if strings[0] < _FIRST_KEY or strings[-1] >= _AFTER_KEYS:
        raise _NotPlainError
    return strings if len(kinds) == 1 else sorted(key for key in keys if type(key) is int) + strings


def _normalise_plain(data: bytes) -> bytes | None:
    """The stored form of a value without markers; None if the value has any.

    It is None, too, if integers or lengths are not in the smallest form.
    """
    # Of msgpack's type bin only empty values come so far: the limit refuses all others.
    options = {**_STRINGS, "strict_map_key": False, "ext_hook": _refuse_extension, "max_bin_len": 0}
    sorting = _Sorting()
    try:
        value = msgpack.unpackb(data, object_pairs_hook=sorting, **options)
        packed: bytes = msgpack.packb(value, **_STRINGS)
        if sorting.has_sorted:
            # The value is plain if encoding it in the order in which it was sent gives the same bytes again.
            as_sent: bytes = msgpack.packb(msgpack.unpackb(data, **options), **_STRINGS)
        else:
            as_sent = packed
    except (_NotPlainError, ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException):
        return None
    if as_sent != data or (_EMPTY_BIN in data and _has_bytes(value)):
        return None
    return packed


def _has_bytes(value: Any) -> bool:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        inside = list(item.values()) if type(item) is dict else item
        kinds = set(map(type, inside))
        if bytes in kinds:
            return True
        if dict in kinds or list in kinds:
            waiting += [child for child in inside if type(child) is dict or type(child) is list]
    return False


# --- all others ---------------------------------------------------------------------------------------------

_SCALARS = {int, bytes, float, bool, type(None), Float32}
_KEY_TYPES = {int, bytes}
_KEY_PREFIXES = {bytes((ParticleType.STRING,)), bytes((ParticleType.BLOB,))}


def is_map_key(value: Value) -> bool:
    """Whether the server takes `value` as a map key: an integer, a string or a blob."""
    if type(value) is int:
        return True
    return type(value) is bytes and value[:1] in _KEY_PREFIXES


def storable(value: Value) -> Value:
    """The value with only those flags that are stored, and with its maps sorted.

    Raises:
        PackedError: the value can't be stored.

    """
    if type(value) is int or type(value) is bytes:
        return value
    # Lists and maps in the order in which they are found: elements stand behind their container, so that
    # going from the end handles them first.
    found: list[PackedList | PackedMap] = []
    waiting: list[Value] = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Extension):
            raise PackedError("a wildcard, an infinity or a marker as a value")
        if isinstance(item, PackedList):
            found.append(item)
            inside = item.items
        elif isinstance(item, PackedMap):
            found.append(item)
            _check_keys(item.pairs)
            inside = [child for _, child in item.pairs]
        else:
            continue
        if not set(map(type, inside)) <= _SCALARS:
            waiting.extend(inside)
    done: dict[int, Value] = {}
    for container in reversed(found):
        if isinstance(container, PackedList):
            items = [done.get(id(item), item) for item in container.items]
            done[id(container)] = _storable_list(container.flags, items)
        else:
            pairs = [(key, done.get(id(child), child)) for key, child in container.pairs]
            done[id(container)] = _storable_map(container.flags, pairs)
    return done.get(id(value), value)


def _check_keys(pairs: list[tuple[Value, Value]]) -> None:
    keys = [key for key, _ in pairs]
    prefixes = {key[:1] for key in keys if type(key) is bytes}
    if not (set(map(type, keys)) <= _KEY_TYPES and prefixes <= _KEY_PREFIXES):
        raise PackedError("a map key of another type than integer, string, blob")


def _storable_list(flags: int, items: list[Value]) -> PackedList:
    flags &= ContainerFlags.ORDERED
    if flags and any(left > right for left, right in pairwise(map(sort_key, items))):
        raise PackedError("an ordered list out of order")
    return PackedList(flags, items)


def _storable_map(flags: int, pairs: list[tuple[Value, Value]]) -> PackedMap:
    flags &= ContainerFlags.KEY_VALUE_ORDERED
    by_key = sort_pairs(pairs)
    keys = [key for key, _ in by_key]
    if flags & ContainerFlags.ORDERED and keys != [key for key, _ in pairs]:
        raise PackedError("map keys out of order")
    if any(map(eq, keys, keys[1:])):
        raise PackedError("a map key twice")
    return PackedMap(flags, by_key)


def sort_pairs(pairs: list[tuple[Value, Value]]) -> list[tuple[Value, Value]]:
    """The pairs of a map in the order of their keys.

    All keys must be possible ones: integers come before strings, and strings before blobs, by their type
    byte.
    """
    integers = [pair for pair in pairs if type(pair[0]) is int]
    if not integers or len(integers) == len(pairs):
        return sorted(pairs, key=_FIRST)
    strings = [pair for pair in pairs if type(pair[0]) is bytes]
    return sorted(integers, key=_FIRST) + sorted(strings, key=_FIRST)


_FIRST = itemgetter(0)
