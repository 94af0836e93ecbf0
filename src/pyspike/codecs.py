"""Codecs: how values are stored of types that Aerospike has none for. A client has those that it is given.

    policy = ClientPolicy(codecs=[codecs.DATETIME.tagged(), codecs.DECIMAL, codecs.enum(Color)])

A value of exactly such a type is encoded wherever a write of the client has one: as a bin, and inside lists
and maps. How it is decoded is told by the codec:

- Plain, which all here are at first: what is stored is the bare text or number, as other clients and
  indexes want it. Nothing in it tells its type, so it is decoded where a class says so, as in
  `client.get(key, into=User)`, and else read as what it is, a text or number.
- Tagged, by `tagged()`: what is stored is a map of one entry, {"$datetime": "2026-01-31T10:00:00+00:00"}.
  It is decoded wherever the client reads one. A map of the user's own that looks like that is refused when
  it is written, as it would not come back. The codecs here take for marked only what they have marked
  themselves: {"$decimal": "1e3"} is read as a map, as 1000 would be stored as "1E+3".

Operations that were made by `pyspike.operations` know of no client: give them `codec.stored(value)`.
"""

from __future__ import annotations

import datetime as dt
import enum as enums
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Generic, TypeAlias, TypeVar, cast

from pyspike.errors import InvalidArgument, InvalidType
from pyspike.showing import shown

__all__ = [
    "DATE",
    "DATETIME",
    "DECIMAL",
    "EPOCH_MICROSECONDS",
    "FROZENSET",
    "NAIVE_DATETIME",
    "SET",
    "UUID",
    "AnyCodec",
    "Codec",
    "enum",
]

T = TypeVar("T")
E = TypeVar("E", bound=enums.Enum)

# What Aerospike has types for, and values of subclasses of it: these are packed without a codec.
PACKED_AS_THEY_ARE = (int, float, str, bytes, bytearray, memoryview, list, tuple, dict)


@dataclass(frozen=True, slots=True, repr=False)
class Codec(Generic[T]):
    """How values of one type are stored.

    Args:
        type: the type. Values of its subclasses are others, and are refused.
        encode: makes of a value what is stored: what Aerospike has types for, or what other codecs of the
            client encode. It raises ValueError for a value that would not come back.
        decode: makes the value of that again. It raises ValueError for what is no such value. If the codec is
            tagged, it should do so for all that `encode` has never made, which then is read as it is.
        tag: the key of the map that marks what is stored; None if nothing does. See `pyspike.codecs`.

    Raises:
        InvalidType: an argument is of the wrong type, or Aerospike has a type for this one.
        InvalidArgument: the tag is empty.
    """

    type: type[T]
    encode: Callable[[T], Any]
    decode: Callable[[Any], T]
    tag: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.type, type):
            raise InvalidType(f"a codec is for a class, not for {shown(self.type)}")
        for name in ("encode", "decode"):
            if not callable(getattr(self, name)):
                raise InvalidType(f"{name} of a codec must be callable, not {shown(getattr(self, name))}")
        if self.tag is not None and not isinstance(self.tag, str):
            raise InvalidType(f"the tag of a codec must be a str, not {shown(self.tag)}")
        if self.tag == "":
            raise InvalidArgument("the tag of a codec is empty")
        is_enum = issubclass(self.type, enums.Enum)
        if issubclass(self.type, PACKED_AS_THEY_ARE) and (not is_enum or self.tag is not None):
            raise InvalidType(
                f"values of {self.type.__name__} are written as they are, so that a codec never sees them",
                advice="a codec is for a type of its own",
            )

    def __repr__(self) -> str:
        return f"<Codec of {self.type.__name__}{'' if self.tag is None else f', tagged {self.tag!r}'}>"

    def tagged(self, tag: str | None = None) -> Codec[T]:
        """The same codec, but what it stores is marked, so that it is decoded wherever the client reads it.

        Args:
            tag: the key of the map that marks it; None for "$" and the type's name: "$datetime".
        """
        return replace(self, tag=f"${self.type.__name__.lower()}" if tag is None else tag)

    def stored(self, value: T) -> Any:
        """What is stored of a value, its tag included: for operations, expressions and filters.

        This codec alone is asked, as it knows no client. What `encode` leaves to other codecs, such as a
        Decimal in a set, is still as it was, and operations refuse it. Give them what the others store
        of it, in a list for a set, and behind the tag if there is one:
        {"$set": [DECIMAL.tagged().stored(price) for price in prices]}.

        Raises:
            InvalidType: the value is of another type.
            ValueError: it would not come back.
        """
        if type(value) is not self.type:
            raise InvalidType(f"a codec of {self.type.__name__} takes no {type(value).__name__}")
        encoded = self.encode(value)
        return encoded if self.tag is None else {self.tag: encoded}


AnyCodec: TypeAlias = Codec[Any]
"""A codec of whatever type."""


@dataclass(frozen=True, slots=True)
class _Exact(Generic[T]):
    """Decodes only what `encode` makes: other spellings of it would not be stored again as they were."""

    encode: Callable[[T], Any]
    decode: Callable[[Any], T]

    def __call__(self, stored: object) -> T:
        value = self.decode(stored)
        again = self.encode(value)
        same = type(again) is type(stored)
        if isinstance(again, list):  # of a set, which has each item once, and no order
            same = same and len(again) == len(cast("list[Any]", stored))
        else:
            same = same and repr(again) == repr(stored)
        if not same:
            raise ValueError(f"it would be stored as {shown(again)}")
        return value


class _ReadyMade(Codec[T]):
    """One of the codecs here. Tagged, it takes for marked only what it has marked itself."""

    __slots__ = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.tag is not None and not isinstance(self.decode, _Exact):
            object.__setattr__(self, "decode", _Exact(self.encode, self.decode))


# --- times ---


def _text(stored: object) -> str:
    if not isinstance(stored, str):
        raise ValueError(f"{type(stored).__name__} is no text")
    return stored


def _encode_datetime(value: dt.datetime) -> str:
    zone = value.tzinfo
    if zone is None:
        raise ValueError("a datetime without a time zone: NAIVE_DATETIME takes those")
    if isinstance(zone, dt.timezone):
        return value.isoformat()
    name = getattr(zone, "key", None)
    if type(zone).__module__.partition(".")[0] != "zoneinfo" or name is None:
        raise ValueError(f"a time zone of the type {type(zone).__name__} has no name to keep")
    text = f"{value.isoformat()}[{name}]"
    if _decode_datetime(text).replace(tzinfo=None) != value.replace(tzinfo=None):
        raise ValueError("its time zone has changed its mind")  # one that was made of a file of the user's
    return text


def _decode_datetime(stored: object) -> dt.datetime:
    text, bracket, name = _text(stored).partition("[")
    value = dt.datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError("there is no time zone")
    if not bracket:
        return value
    from zoneinfo import ZoneInfo  # here, as it takes a while

    zone = ZoneInfo(name.removesuffix("]"))
    for fold in (0, 1):
        found = value.replace(tzinfo=zone, fold=fold)
        if found.utcoffset() == value.utcoffset():
            return found
    raise ValueError(f"{zone.key} has another offset at that time here")


def _encode_naive(value: dt.datetime) -> str:
    if value.tzinfo is not None:
        raise ValueError("a datetime with a time zone: DATETIME takes those")
    return value.isoformat()


def _decode_naive(stored: object) -> dt.datetime:
    value = dt.datetime.fromisoformat(_text(stored))
    if value.tzinfo is not None:
        raise ValueError("there is a time zone")
    return value


_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
_MICROSECOND = dt.timedelta(microseconds=1)


def _encode_epoch(value: dt.datetime) -> int:
    if value.tzinfo is not dt.timezone.utc:
        raise ValueError(
            "a number holds no time zone: only datetimes in `timezone.utc` come back as they were"
        )
    return (value - _EPOCH) // _MICROSECOND


def _decode_epoch(stored: object) -> dt.datetime:
    if type(stored) is not int:
        raise ValueError(f"{type(stored).__name__} is no int")
    return _EPOCH + stored * _MICROSECOND


def _decode_date(stored: object) -> dt.date:
    return dt.date.fromisoformat(_text(stored))


DATETIME: Codec[dt.datetime] = _ReadyMade(dt.datetime, _encode_datetime, _decode_datetime)
"""`datetime` as ISO 8601 text with its offset, "2026-01-31T10:00:00+01:00", and with the name of a `ZoneInfo`
as RFC 9557 has it, "2026-01-31T10:00:00+01:00[Europe/Berlin]". Datetimes without a time zone are refused, and
those with one that has neither an offset nor a name to keep."""

NAIVE_DATETIME: Codec[dt.datetime] = _ReadyMade(dt.datetime, _encode_naive, _decode_naive)
"""`datetime` without a time zone, as ISO 8601 text; others are refused."""

EPOCH_MICROSECONDS: Codec[dt.datetime] = _ReadyMade(dt.datetime, _encode_epoch, _decode_epoch)
"""`datetime` as an int, microseconds since 1970, which servers can sort, index and compare. Only those in
`timezone.utc` are taken, as the number has no room for a zone."""

DATE: Codec[dt.date] = _ReadyMade(dt.date, dt.date.isoformat, _decode_date)
"""`date` as ISO 8601 text, "2026-01-31"."""


# --- numbers and names ---


def _encode_decimal(value: Decimal) -> str:
    return str(value).replace("e", "E")  # which is small where the context of decimals says so


def _decode_decimal(stored: object) -> Decimal:
    return Decimal(_text(stored))


def _decode_uuid(stored: object) -> uuid.UUID:
    return uuid.UUID(_text(stored))


DECIMAL: Codec[Decimal] = _ReadyMade(Decimal, _encode_decimal, _decode_decimal)
"""`Decimal` as its text, "12.50", which has every digit and the exponent, and NaN and Infinity."""

UUID: Codec[uuid.UUID] = _ReadyMade(uuid.UUID, str, _decode_uuid)
"""`uuid.UUID` as its text, "12345678-1234-5678-1234-567812345678"."""


@dataclass(frozen=True, slots=True)
class _Encoder:
    """Gives the name or the value of a member."""

    by: str

    def __call__(self, member: enums.Enum) -> Any:
        return getattr(member, self.by)


@dataclass(frozen=True, slots=True)
class _Decoder(Generic[E]):
    """Gives the member that has a name or a value."""

    cls: type[E]
    by: str
    members: dict[Any, E] = field(compare=False)

    def __call__(self, stored: object) -> E:
        plain = isinstance(stored, (int, str, float, bytes))
        member = self.members.get((type(stored), stored)) if plain else None
        if member is None:
            raise ValueError("there is no such member")
        return member


@dataclass(frozen=True, slots=True)
class _FlagDecoder(Generic[E]):
    """Gives the flags that are set in a number."""

    cls: type[E]

    def __call__(self, stored: object) -> E:
        if type(stored) is not int:
            raise ValueError(f"{type(stored).__name__} is no int")
        return self.cls(stored)


def enum(cls: type[E], *, by: str | None = None, tag: str | None = None) -> Codec[E]:
    """A codec of an enum.

    Args:
        cls: the enum.
        by: what is stored of a member: "name" or "value". None for the name; for the value of a `Flag`, whose
            combinations have no names, and of an enum that is an int or a str itself, which is written by its
            value in any case.
        tag: as of `Codec`.

    Raises:
        InvalidType: it is no enum, or its values are none that come back.
        InvalidArgument: its members are not stored like that.
    """
    if not (isinstance(cls, type) and issubclass(cls, enums.Enum)):
        raise InvalidType(f"an enum is needed, not {shown(cls)}")
    is_value = issubclass(cls, (enums.Flag, *PACKED_AS_THEY_ARE))
    by = by or ("value" if is_value else "name")
    if by not in ("name", "value"):
        raise InvalidArgument(f"members are stored by 'name' or by 'value', not by {shown(by)}")
    if is_value and by == "name":
        raise InvalidArgument(f"members of {cls.__name__} are stored by their value")
    if by == "value":
        for member in cls:
            if type(member.value) not in (int, str, float, bytes) or member.value != member.value:
                raise InvalidType(f"{member} has a value that is no int, str, float or bytes to store")
    if issubclass(cls, enums.Flag):
        return _ReadyMade(cls, _Encoder("value"), _FlagDecoder(cls), tag)
    members = {(type(key), key): each for each in cls for key in (getattr(each, by),)}
    return _ReadyMade(cls, _Encoder(by), _Decoder(cls, by, members), tag)


# --- sets ---


def _encode_set(value: set[Any] | frozenset[Any]) -> list[Any]:
    for item in value:
        if isinstance(item, tuple):
            raise ValueError(f"{shown(item)} in a set: tuples come back as lists, which no set can hold")
    return list(value)


def _decode_set(stored: object) -> set[Any]:
    if not isinstance(stored, list):
        raise ValueError(f"{type(stored).__name__} is no list")
    return set(stored)


def _decode_frozenset(stored: object) -> frozenset[Any]:
    return frozenset(_decode_set(stored))


SET: Codec[set[Any]] = _ReadyMade(set, _encode_set, _decode_set)
"""`set` as a list, in no order. Tuples in it are refused."""

FROZENSET: Codec[frozenset[Any]] = _ReadyMade(frozenset, _encode_set, _decode_frozenset)
"""`frozenset` as a list, in no order. Tuples in it are refused."""
