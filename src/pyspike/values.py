"""Values that Python has no type of its own for.

Each is the plain Python type it stands on (`str`, `bytes`, `dict`, `list`) plus a name, so that code which
does not care need not know; what is written as one of these is read back as the same one. How they become
bytes is the business of `pyspike._wire`. This module is a leaf: below it is only how values are shown.
"""

from __future__ import annotations

import enum
from typing import Any, TypeVar

from pyspike.plain_value import PlainValue, value_class
from pyspike.showing import shown

__all__ = [
    "INFINITY",
    "WILDCARD",
    "Expiration",
    "GeoJSON",
    "HyperLogLog",
    "KeyOrderedDict",
    "KeyValueOrderedDict",
    "MultiResult",
    "OrderedList",
    "RawParticle",
    "Special",
]

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")

SHOWN_SIZE = 1000  # characters of text or bytes in a repr


class Expiration(enum.Enum):
    """What a write makes of a record's time to live where it gives no number of seconds.

    NAMESPACE_DEFAULT, which is what a write does that says nothing, sets it anew: to the namespace's
    default-ttl, counted from the write on, or to never where that is 0. So a plain `put` or `touch` takes
    away a time to live that the record was given. DONT_UPDATE leaves it as it is (a record that the write
    creates gets the default). NEVER makes the record stay until it is deleted. The values are the wire's.
    """

    NAMESPACE_DEFAULT = 0
    NEVER = 0xFFFF_FFFF
    DONT_UPDATE = 0xFFFF_FFFE


class GeoJSON(str):
    """A place or an area, as GeoJSON text: a Point, Polygon, MultiPolygon or Aerospike's AeroCircle.

    Args:
        value: GeoJSON text, kept as it is, or the `dict` (or `list`) it stands for. The server, not this
            class, judges whether it is a shape it can index (result code 160 if not).

    Raises:
        TypeError: `value`, or something inside it, has no form in JSON.
        ValueError: a number in it is infinite or no number.
    """

    __slots__ = ()

    def __new__(cls, value: str | dict[str, Any] | list[Any]) -> GeoJSON:
        """The text as it is; a dict or list as compact JSON."""
        if isinstance(value, str):
            return super().__new__(cls, str.__str__(value))  # what a subclass holds, whatever its own says
        import json  # here, as importing it takes longer than all of this module

        if not isinstance(value, (dict, list)):
            raise TypeError(f"GeoJSON takes text, a dict or a list, not {type(value).__name__}")
        return super().__new__(
            cls, json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        )

    def unwrap(self) -> Any:
        """The parsed text, for a GeoJSON object a `dict`.

        Raises:
            ValueError: the text is no JSON.
        """
        import json

        return json.loads(str.__str__(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({shown(str.__str__(self), SHOWN_SIZE)})"


class HyperLogLog(bytes):
    """A HyperLogLog: the sketch from which the server tells how many different values it has seen.

    The bytes are the server's own (11 bytes of header, then the registers); `operations.hll` works on them
    there.

    Args:
        value: the sketch's bytes.
    """

    __slots__ = ()

    def __new__(cls, value: bytes | bytearray | memoryview = b"") -> HyperLogLog:
        """The bytes as they are."""
        return super().__new__(cls, value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(<{len(self)} bytes>)"


class KeyOrderedDict(dict[K, V]):
    """A map that the server keeps in the order of its keys (map flag 1): look-ups by key are quicker.

    Equal to a `dict` of the same items. Items stand in the order in which they were put; the server sorts
    them.
    """

    __slots__ = ()

    def copy(self) -> KeyOrderedDict[K, V]:
        """A shallow copy that is ordered on the server too."""
        return type(self)(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict.__repr__(self)})"


class KeyValueOrderedDict(dict[K, V]):
    """A map that the server keeps in the order of its keys and also of its values (map flag 3).

    It makes look-ups by rank quicker at the price of memory. Equal to a `dict` of the same items.
    """

    __slots__ = ()

    def copy(self) -> KeyValueOrderedDict[K, V]:
        """A shallow copy that is ordered on the server too."""
        return type(self)(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict.__repr__(self)})"


class OrderedList(list[T]):
    """A list that the server keeps in the order of its elements: look-ups by value and rank are quicker.

    Equal to a `list` of the same elements. Elements stand in the order in which they were put; they are
    sorted when they are written, as the server sorts: None, bools, ints, strs, lists, dicts, bytes, floats,
    GeoJSON.
    """

    __slots__ = ()

    def copy(self) -> OrderedList[T]:
        """A shallow copy that is ordered on the server too."""
        return type(self)(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list.__repr__(self)})"


class MultiResult(list[T]):
    """What several operations of one `operate`, reads and writes that answer, gave for one bin, in order.

    It stands in the record in the place of the bin's value, and is a type of its own so that the two can be
    told apart. `Record.results` has what each operation gave, without it.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list.__repr__(self)})"


@value_class(frozen=True, slots=True, repr=False, eq=False)
class RawParticle(PlainValue):
    """A value of a type that pyspike can't turn into a Python one; writing it back gives the same bytes.

    Args:
        type: the server's number for the type, 0 to 255 (7 to 12, say, are objects serialised by another
            language).
        data: the value's bytes as they are on the wire.
    """

    type: int
    data: bytes

    def __init__(self, type: int, data: bytes) -> None:  # noqa: A002 - the field's name
        # Records are read to these: it must not take longer than if it were generated.
        object.__setattr__(self, "type", type)
        object.__setattr__(self, "data", data)

    def __repr__(self) -> str:
        return f"RawParticle(type={shown(self.type)}, data={shown(self.data, SHOWN_SIZE)})"


class Special(enum.Enum):
    """What can be compared with but not stored: only for the arguments of operations and expressions."""

    INFINITY = 1
    WILDCARD = 0

    def __repr__(self) -> str:
        return self.name


INFINITY = Special.INFINITY
"""Larger than every value: the open end of an interval."""

WILDCARD = Special.WILDCARD
"""Equal to every value; in a list, to all that follow."""
