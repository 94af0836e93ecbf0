"""What arguments of operations must be: each function takes a value and the name to complain under, and gives
what is sent. It raises `InvalidType` for what can't be meant, `InvalidArgument` for what is out of range.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, IntEnum, IntFlag
from functools import cache
from typing import Any, TypeAlias, TypeVar

from pyspike._wire import plain_bytes, plain_int, plain_number, plain_text
from pyspike.cdt.enums import CREATE_ONLY, INVERTED, PERSIST_INDEX, UPDATE_ONLY
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.showing import shown
from pyspike.values import GeoJSON, HyperLogLog, Special

E = TypeVar("E", bound=IntEnum)

MapKey: TypeAlias = "int | str | bytes"
"""A key of a map."""


def whole(value: Any, name: str) -> int:
    """A whole number."""
    if type(value) is int:
        return value
    plain = plain_int(value)
    if plain is None:
        raise InvalidType(f"{name} must be an int, not {shown(value)}")
    return plain


def truth(value: object, name: str) -> bool:
    """A bool."""
    if value is not True and value is not False:
        raise InvalidType(f"{name} must be True or False, not {shown(value)}")
    return value


def flag_bits(value: IntFlag, kind: type[IntFlag], name: str) -> int:
    """Flags of this kind as a number; a plain int may stand for them."""
    bits = int(value) if type(value) is kind else _number_of(value, kind)
    if bits is None:
        raise InvalidType(f"{name} must be {kind.__name__}, not {shown(value)}")
    if bits & ~known_bits(kind):
        raise InvalidArgument(f"{name} {shown(value)} has bits that no {kind.__name__} has")
    return bits


def write_flag_bits(value: IntFlag, kind: type[IntFlag], name: str = "write_flags") -> int:
    """Flags of a kind that has CREATE_ONLY and UPDATE_ONLY, which exclude each other."""
    bits = flag_bits(value, kind, name)
    if bits & CREATE_ONLY and bits & UPDATE_ONLY:
        raise InvalidArgument(f"{name}: CREATE_ONLY and UPDATE_ONLY exclude each other")
    return bits


def index_bit(persist_index: bool, ctx: object, what: str) -> int:
    """Whether an index is stored with a list or map, which the server does only for a bin's own.

    Args:
        persist_index: whether it is.
        ctx: where the list or map is.
        what: which of both it is, for the error.
    """
    if not truth(persist_index, "persist_index"):
        return 0
    if ctx:
        raise InvalidArgument(
            f"only a bin's own {what} can have a persisted index", advice="leave out ctx, or persist_index"
        )
    return PERSIST_INDEX


def _number_of(value: Any, kind: type[Enum]) -> int | None:
    """The number of a member of this enum, or of a plain int; None for others and for no int."""
    return None if isinstance(value, Enum) and type(value) is not kind else plain_int(value)


@cache
def known_bits(kind: type[IntEnum] | type[IntFlag]) -> int:
    """All bits that members of this enum may have."""
    bits = 0
    for entry in kind.__members__.values():
        bits |= entry
    return int(bits)


def member(value: E, kind: type[E], name: str) -> int:
    """A member of this enum as a number; a plain int may stand for it."""
    if type(value) is kind:
        return int(value)
    number = _number_of(value, kind)
    if number is None:
        raise InvalidType(f"{name} must be a {kind.__name__}, not {shown(value)}")
    try:
        return int(kind(number))
    except ValueError:
        choice = ", ".join(entry.name for entry in kind)
        raise InvalidArgument(
            f"{name} {shown(number)} is no {kind.__name__}", advice=f"there are {choice}"
        ) from None


def selection(value: E, kind: type[E], inverted: bool) -> int:
    """A return type, with the bit that turns the selection into its opposite."""
    if type(value) is kind and inverted is True:
        return value | INVERTED
    number = member(value, kind, "return_type")
    return number | INVERTED if truth(inverted, "inverted") else number


def items(values: Iterable[Any], name: str) -> list[Any]:
    """Several values: any iterable but text, bytes and dicts, which would be taken apart by mistake."""
    if type(values) is list:
        return values
    if isinstance(values, (str, bytes, bytearray, memoryview, dict)) or not isinstance(values, Iterable):
        raise InvalidType(f"{name} must be a list, not {shown(values)}")
    return list(values)


def number(value: Any, name: str) -> int | float:
    """An int or a float."""
    if type(value) is int or type(value) is float:
        return value
    plain = plain_number(value)
    if plain is None:
        raise InvalidType(f"{name} must be an int or a float, not {shown(value)}")
    return plain


def map_key(key: Any, name: str = "key") -> Any:
    """A key as maps have it: int, str or bytes."""
    kind = type(key)
    if kind is str or kind is int or kind is bytes:
        return key
    plain: object = None
    if isinstance(key, str):
        plain = None if isinstance(key, GeoJSON) else plain_text(key)
    elif not isinstance(key, HyperLogLog):
        plain = plain_int(key)
        plain = plain_bytes(key) if plain is None else plain
    if plain is None:
        raise InvalidType(f"{name} must be an int, str or bytes, as map keys are, not {shown(key)}")
    return plain


def key_bound(key: Any, name: str) -> Any:
    """An end of a range of keys: a key, None (below all) or INFINITY (above all)."""
    return key if key is None or key is Special.INFINITY else map_key(key, name)


def blob(value: Any, name: str) -> bytes:
    """Bytes."""
    plain = plain_bytes(value)
    if plain is None:
        raise InvalidType(f"{name} must be bytes, not {shown(value)}")
    return plain


def text(value: Any, name: str) -> str:
    """Text."""
    if not isinstance(value, str):
        raise InvalidType(f"{name} must be a str, not {shown(value)}")
    return plain_text(value)


def compiled(expression: Any, name: str, form: str = "as_value") -> bytes:
    """The bytes of an expression.

    Args:
        expression: an expression, or what turns itself into one.
        name: what it is, for the error.
        form: the method of expressions that checks whether one can stand there.
    """
    plain = isinstance(expression, (int, type))
    to_bytes = None if plain else getattr(expression, form, getattr(expression, "to_bytes", None))
    if to_bytes is None:
        raise InvalidType(
            f"{name} must be an expression, not {shown(expression)}",
            advice="make a literal with pyspike.exp.val(...)",
        )
    data: bytes = to_bytes()
    return data
