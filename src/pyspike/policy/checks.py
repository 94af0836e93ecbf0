"""What the fields of policies may be.

A check is a function that takes a value and the field's name and gives the value that is kept. It raises
`InvalidType` or `InvalidArgument`, with the name in the message. Some functions here are checks, others make
one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pyspike._wire import MAX_USER, plain_int, plain_text, timeout_ms, ttl_header
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.process.lazy_imports import importing
from pyspike.showing import shown
from pyspike.values import Expiration

if TYPE_CHECKING:
    from pyspike.codecs import Codec

__all__ = [
    "MAX_INT32",
    "MAX_INT64",
    "MAX_UINT32",
    "Check",
    "address_map",
    "checked_when_compiled",
    "codecs_of",
    "expiration",
    "instance",
    "instance_or_none",
    "int_or_none",
    "ms_or_none",
    "password_or_none",
    "percent",
    "positive_ms",
    "racks_or_none",
    "retries",
    "retries_or_none",
    "secret_or_none",
    "sized",
    "text_or_none",
    "user_or_none",
    "whole",
]

MAX_INT32 = 2**31 - 1
MAX_PASSWORD = 63  # bytes, as other clients allow; the hash would take 72
MAX_INT64 = 2**63 - 1
MAX_UINT32 = 2**32 - 1
MAX_RACK = 1_000_000  # (racks-and-health.md 15.1)
MAX_RACKS = 255

Check = Callable[[Any, str], Any]


def positive_ms(value: object, name: str) -> float:
    """A time of at least a millisecond."""
    return timeout_ms(value, name, least=1)


def ms_or_none(value: object, name: str) -> float | None:
    """A time, or None."""
    return None if value is None else timeout_ms(value, name)


def expiration(value: object, name: str) -> int | Expiration:
    """A time to live in seconds, or an `Expiration`."""
    header = ttl_header(value, name)
    return value if isinstance(value, Expiration) else header


def whole(least: int, most: int, what: str = "an int") -> Callable[[object, str], int]:
    """The check for an integer in a range; `what` says in words what is expected."""

    def check(value: object, name: str) -> int:
        number = plain_int(value)
        if number is None:
            raise InvalidType(f"{name} must be {what}, not {shown(value)}")
        if not least <= number <= most:
            raise InvalidArgument(f"{name} must be from {least} to {most}, not {shown(value)}")
        return number

    return check


def int_or_none(least: int, most: int) -> Callable[[object, str], int | None]:
    """The check for an integer in a range, or None."""
    check = whole(least, most, "an int or None")
    return lambda value, name: None if value is None else check(value, name)


def racks_or_none(value: object, name: str) -> tuple[int, ...] | None:
    """Several racks, each once, or None."""
    if value is None:
        return None
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise InvalidType(f"{name} must be the racks in a list, the preferred one first, not {shown(value)}")
    check = whole(0, MAX_RACK, "a list of int")
    racks = tuple(check(rack, name) for rack in value)
    if not racks or len(racks) > MAX_RACKS or len(set(racks)) < len(racks):
        raise InvalidArgument(
            f"{name} must have 1 to {MAX_RACKS} racks, each once, not {shown(value)}",
            advice="None leaves it out",
        )
    return racks


def codecs_of(value: object, name: str) -> tuple[Codec[Any], ...]:
    """Codecs, of which no two are for one type or have one tag."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise InvalidType(f"{name} must be codecs in a list, not {shown(value)}")
    codecs = tuple(value)
    if not codecs:
        return ()
    with importing:
        from pyspike.codecs import Codec

    for each in codecs:
        if not isinstance(each, Codec):
            raise InvalidType(f"{name} must be codecs, not {shown(each)}")
    if len({each.type for each in codecs}) < len(codecs):
        raise InvalidArgument(f"{name} has two codecs for one type: {shown(codecs)}")
    tags = [each.tag for each in codecs if each.tag is not None]
    if len(set(tags)) < len(tags):
        raise InvalidArgument(f"{name} has two codecs with one tag: {shown(tags)}")
    return codecs


percent = whole(1, 100, "a percentage or a ReadTouchTTL")
retries: Callable[[object, str], int] = whole(0, MAX_INT32)
retries_or_none: Callable[[object, str], int | None] = int_or_none(0, MAX_INT32)


def instance(kind: type) -> Check:
    """The check for an instance of a class."""

    def check(value: object, name: str) -> object:
        if not isinstance(value, kind):
            raise InvalidType(f"{name} must be {kind.__name__}, not {shown(value)}")
        return value

    return check


def instance_or_none(kind: type) -> Check:
    """The check for an instance of a class, or None."""

    def check(value: object, name: str) -> object:
        if value is not None and not isinstance(value, kind):
            raise InvalidType(f"{name} must be {kind.__name__} or None, not {shown(value)}")
        return value

    return check


def text_or_none(value: object, name: str) -> str | None:
    """A text that is not empty, or None."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidType(f"{name} must be str or None, not {shown(value)}")
    text = plain_text(value)
    if not text:
        raise InvalidArgument(f"{name} must not be empty", advice="None leaves it out")
    return text


def user_or_none(value: object, name: str) -> str | None:
    """The name of a user, or None."""
    text = text_or_none(value, name)
    if text is not None:
        sized(text, name, MAX_USER)
    return text


def password_or_none(value: object, name: str) -> str | None:
    """A password, or None; errors do not show it."""
    text = secret_or_none(value, name)
    if text is not None:
        sized(text, name, MAX_PASSWORD)
        if "\0" in text:
            raise InvalidArgument(f"{name} must not have a character NUL")
    return text


def sized(text: str, name: str, most: int) -> int:
    """The number of bytes of a text, which has its limit."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise InvalidArgument(f"{name} is not valid text") from None
    if size > most:
        raise InvalidArgument(f"{name} takes {size} bytes, {most} are allowed")
    return size


def secret_or_none(value: object, name: str) -> str | None:
    """A text that is not empty, or None; errors do not show it."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidType(f"{name} must be str or None, not {type(value).__name__}")
    text = plain_text(value)
    if not text:
        raise InvalidArgument(f"{name} must not be empty", advice="None leaves it out")
    return text


def address_map(value: object, name: str) -> dict[str, str] | None:
    """A mapping of texts to texts, or None; whether these are addresses is found out by the cluster."""
    if value is None:
        return None
    if not isinstance(value, Mapping) or not all(isinstance(text, str) for text in [*value, *value.values()]):
        raise InvalidType(f"{name} must map addresses to addresses, both str, not {shown(value)}")
    return {plain_text(address): plain_text(other) for address, other in value.items()}


def checked_when_compiled(value: object, name: str) -> object:
    """Anything: the wire layer checks it when it compiles the policy."""
    return value
