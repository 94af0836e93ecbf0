"""Bin values as JSON, and back.

What JSON has no form for becomes an object with one name that begins with `$`, as `FORMS_HELP` tells. The
names of bins are never taken for such forms. What is printed is read as the same value again, but for the
spaces in GeoJSON's text.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable
from typing import Any

from pyspike._wire import Key
from pyspike.values import (
    GeoJSON,
    HyperLogLog,
    KeyOrderedDict,
    KeyValueOrderedDict,
    OrderedList,
    RawParticle,
)

__all__ = ["FORMS", "FORMS_HELP", "from_json", "from_text", "key_to_json", "to_json"]

FORMS_HELP = """\b
What JSON has no form for is an object with one name:
  {"$bytes": "00ff"}                      bytes, in hexadecimal
  {"$float": "nan"}                       nan, inf and -inf
  {"$geojson": {"type": "Point", ...}}    GeoJSON, or its text where that is no JSON
  {"$map": [[1, "one"], [2, "two"]]}      a map with keys that are no text
  {"$key_ordered": {"a": 1}}              a map kept in the order of its keys
  {"$key_value_ordered": {"a": 1}}        ... and of its values
  {"$ordered": [1, 2]}                    a list kept in the order of its elements
  {"$hll": "00ff"}                        HyperLogLog, in hexadecimal
  {"$raw": {"type": 9, "data": "00ff"}}   a type that pyspike does not know
"""

_ORDERED_MAPS: dict[str, type[dict[Any, Any]]] = {
    "$key_ordered": KeyOrderedDict,
    "$key_value_ordered": KeyValueOrderedDict,
}


def to_json(value: object) -> Any:
    """What `json.dumps` is given for a bin's value."""
    if isinstance(value, GeoJSON):
        try:
            return {"$geojson": value.unwrap()}
        except ValueError:
            return {"$geojson": str(value)}
    if isinstance(value, HyperLogLog):
        return {"$hll": value.hex()}
    if isinstance(value, bytes | bytearray):
        return {"$bytes": value.hex()}
    if isinstance(value, RawParticle):
        return {"$raw": {"type": value.type, "data": value.data.hex()}}
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": str(value)}
    if isinstance(value, list):
        items = [to_json(item) for item in value]
        return {"$ordered": items} if isinstance(value, OrderedList) else items
    for form, kind in _ORDERED_MAPS.items():
        if isinstance(value, kind):
            return {form: to_json(dict(value))}
    if isinstance(value, dict):
        if all(isinstance(key, str) for key in value) and not _looks_like_a_form(value):
            return {key: to_json(item) for key, item in value.items()}
        return {"$map": [[to_json(key), to_json(item)] for key, item in value.items()]}
    return value


def key_to_json(key: Key) -> dict[str, Any]:
    """A key with its digest."""
    return {
        "namespace": key.namespace,
        "set": key.set_name or None,
        "key": to_json(key.user_key),
        "digest": key.digest.hex(),
    }


def from_json(value: Any) -> object:
    """The bin value that parsed JSON means.

    Raises:
        ValueError: an object has one name that begins with `$` and is not one of the forms, or a form is
            filled wrongly.
    """
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    if not _looks_like_a_form(value):
        return {key: from_json(item) for key, item in value.items()}
    ((name, content),) = value.items()
    read = FORMS.get(name)
    if read is None:
        raise ValueError(f"{name} is none of {', '.join(FORMS)}; a map with such a key is written as $map")
    try:
        return read(content)
    except (TypeError, ValueError, KeyError) as error:
        raise ValueError(f"{json.dumps(value)[:200]} can't be read: {error}") from None


def from_text(text: str) -> object:
    """The bin value that JSON text means.

    Raises:
        ValueError: it is no JSON, or what `from_json` raises.
    """
    return from_json(json.loads(text))


def _looks_like_a_form(value: dict[Any, Any]) -> bool:
    return len(value) == 1 and next(iter(value))[:1] == "$"


def _map(pairs: Any) -> object:
    return {from_json(key): from_json(item) for key, item in pairs}


def _ordered_list(content: Any) -> object:
    if not isinstance(content, list):
        raise ValueError("a list is wanted")
    return OrderedList(from_json(item) for item in content)


def _ordered_map(kind: type[dict[Any, Any]], content: Any) -> object:
    value = from_json(content)
    if not isinstance(value, dict):
        raise ValueError("an object or a $map is wanted")
    return kind(value)


FORMS: dict[str, Callable[[Any], object]] = {
    "$bytes": bytes.fromhex,
    "$geojson": GeoJSON,
    "$hll": lambda text: HyperLogLog.fromhex(text),
    "$map": _map,
    **{form: functools.partial(_ordered_map, kind) for form, kind in _ORDERED_MAPS.items()},
    "$ordered": _ordered_list,
    "$float": float,
    "$raw": lambda content: RawParticle(int(content["type"]), bytes.fromhex(content["data"])),
}
