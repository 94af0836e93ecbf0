"""Values of bins and of arguments: those of the official client, and those of pyspike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyspike import INFINITY, WILDCARD, RawParticle
from pyspike import GeoJSON as PlainGeoJSON
from pyspike import HyperLogLog as PlainHyperLogLog
from pyspike import KeyOrderedDict as PlainKeyOrderedDict
from pyspike.compat.model.exceptions import param_error, raised
from pyspike.compat.model.values import CDTInfinite, CDTWildcard, GeoJSON, HyperLogLog, KeyOrderedDict, null
from pyspike.compat.switches import SWITCHES

__all__ = ["as_ints", "deserialized", "official_bins", "official_value", "sendable", "serialized"]

Serializer = Callable[[Any], Any]

# Values as they are read that are the same for both.
_PLAIN = frozenset((int, str, float, bool, bytes, type(None)))
_SENT = _PLAIN | {bytearray}
_are_plain, _can_be_sent = _PLAIN.issuperset, _SENT.issuperset  # of the types of values
_CONTAINERS = (list, dict)


def sendable(value: Any) -> Any:
    """The value as pyspike takes it; lists and maps are copied if something in them has to be another one."""
    kind = type(value)
    if kind in _SENT:
        return value
    if isinstance(value, list):
        return value if _can_be_sent(map(type, value)) else [sendable(item) for item in value]
    if isinstance(value, dict):
        return _sendable_map(value)
    if isinstance(value, GeoJSON):
        return PlainGeoJSON(value.dumps())
    if isinstance(value, null):
        return None
    if isinstance(value, CDTInfinite):
        return INFINITY
    if isinstance(value, CDTWildcard):
        return WILDCARD
    if kind is tuple:
        raise param_error("a tuple is no value of a bin, and there is no serializer for it")
    return value


def _sendable_map(value: dict[Any, Any]) -> dict[Any, Any]:
    keys = [key for key in value if isinstance(key, int | str | bytes) and not isinstance(key, bool)]
    if len(keys) == len(value) and _can_be_sent(map(type, value.values())):
        return value
    if len(keys) < len(value) and not SWITCHES.map_keys:
        wrong = next(key for key in value if isinstance(key, bool) or not isinstance(key, int | str | bytes))
        raise param_error(
            f"a map has the key {wrong!r}, and maps can have int, str and bytes only; the official client "
            "leaves such entries out, as pyspike.compat.legacy(map_keys=True) does"
        )
    return type(value)((key, sendable(value[key])) for key in keys)


def serialized(value: Any, serialize: Serializer) -> Any:
    """The value with all that Aerospike has no type for given to a function, which makes bytes of it.

    Raises:
        ClientError: the function has failed.
    """
    if isinstance(value, list):
        return [serialized(item, serialize) for item in value]
    if isinstance(value, dict):
        return type(value)((key, serialized(item, serialize)) for key, item in value.items())
    known = isinstance(value, int | str | float | bytes | bytearray | GeoJSON | null | None)
    if known:
        return value
    try:
        made = serialize(value)
        return made.encode() if isinstance(made, str) else bytes(made)
    except Exception as error:
        raise raised("ClientError", f"the serializer has failed: {error!r}") from error


def deserialized(data: bytes, deserialize: Serializer) -> Any:
    """What a function makes of bytes that were read: it is given them as text, if they are some.

    Where it fails they stay bytes, as other bins of the record are of no concern to it.
    """
    try:
        text: str | bytes = data.decode()
    except UnicodeDecodeError:
        text = data
    try:
        return deserialize(text)
    except Exception:
        return data


def as_ints(value: Any) -> Any:
    """The value with ints in the place of bools."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, list):
        return [as_ints(item) for item in value]
    if isinstance(value, dict):
        return type(value)((key, as_ints(item)) for key, item in value.items())
    return value


def official_bins(bins: dict[str, Any]) -> dict[str, Any]:
    """The bins of a record that was read, with the official client's types; changes the dict itself."""
    for name, value in bins.items():
        kind = type(value)
        if kind in _PLAIN:
            continue
        if (kind is list and _are_plain(map(type, value))) or (
            kind is dict and _are_plain(map(type, value.values()))
        ):
            continue
        bins[name] = official_value(value)
    return bins


def official_value(value: Any) -> Any:
    """A value that was read, of the official client's types.

    An ordered list is a list for it, and a map whose values are ordered, too, a dict. Written back they are
    not ordered any more.
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, list):
        return value if kind is list and _are_plain(map(type, value)) else [*map(official_value, value)]
    if isinstance(value, dict):
        plain = _are_plain(map(type, value.values()))
        if kind is dict and plain:
            return value
        items = value if plain else {key: official_value(item) for key, item in value.items()}
        return KeyOrderedDict(items) if kind is PlainKeyOrderedDict else dict(items)
    if kind is PlainGeoJSON:
        return GeoJSON(str.__str__(value))
    if kind is RawParticle:
        return bytearray(value.data)
    return HyperLogLog(value) if kind is PlainHyperLogLog else value
