"""Strings as values and as arguments of string operations: kinds, Unicode, positions.

Owns: text and its bytes, the check of each argument, and what an index means. Not here: opcodes (reading.py,
changing.py).
"""

from __future__ import annotations

from typing import Any, TypeAlias

from ..protocol.constants import ParticleType
from ..protocol.result import ParameterSubcode, RequestError, ResultCode
from ..values.integers import as_int64
from ..values.packed import PackedList, Value
from .failures import bad

__all__ = ["Args", "checked", "clamped", "decoded", "span", "text_of", "value_of_text"]

Args: TypeAlias = "list[Any]"
"""Arguments whose types have been checked: int, str, or list of str."""

_PREFIX = bytes((ParticleType.STRING,))


def decoded(value: Value) -> str:
    """The text of an argument.

    Raises:
        RequestError: PARAMETER for what is no string, or no UTF-8.

    """
    if not isinstance(value, bytes) or value[:1] != _PREFIX:
        raise bad("an argument that is no string")
    try:
        return value[1:].decode()
    except UnicodeDecodeError:
        raise bad("an argument that is no UTF-8", ParameterSubcode.STRING_ENCODING) from None


def text_of(value: Value) -> str:
    """The text of a stored value.

    Raises:
        RequestError: INCOMPATIBLE_TYPE for what is no string, INVALID_ENCODING for what is no UTF-8.

    """
    if not isinstance(value, bytes) or value[:1] != _PREFIX:
        raise RequestError(ResultCode.INCOMPATIBLE_TYPE, "a string operation on something else")
    try:
        return value[1:].decode()
    except UnicodeDecodeError:
        raise RequestError(ResultCode.INVALID_ENCODING, "a stored string that is no UTF-8") from None


def value_of_text(text: str) -> bytes:
    """A text as a value of the packed model."""
    return _PREFIX + text.encode()


def checked(kinds: str, args: list[Value]) -> Args:
    """Check the types of arguments, and give them as numbers and texts; optional ones can be missing.

    Args:
        kinds: a letter for each: i integer, s string, l list of strings; what follows | may be left out from
            the end.
        args: as sent.

    Raises:
        RequestError: PARAMETER.

    """
    needed, _, optional = kinds.partition("|")
    if not len(needed) <= len(args) <= len(needed) + len(optional):
        raise bad(f"{len(args)} arguments")
    return [_checked(kind, arg) for kind, arg in zip(needed + optional, args, strict=False)]


def _checked(kind: str, arg: Value) -> Any:
    if kind == "s":
        return decoded(arg)
    if kind == "l":
        if not isinstance(arg, PackedList):
            raise bad("an argument that is no list")
        return [decoded(item) for item in arg.items]
    if type(arg) is not int:
        raise bad("an argument that is no integer")
    return as_int64(arg)


def clamped(index: int, size: int) -> int:
    """An index into a text of `size` codepoints.

    A negative index counts from the end; one outside is moved to that end.
    """
    return min(max(index + size if index < 0 else index, 0), size)


def span(args: Args, size: int) -> slice:
    """The range of codepoints from the first argument to the second, or to the end."""
    start = clamped(args[0], size)
    end = clamped(args[1], size) if len(args) > 1 else size
    return slice(start, max(start, end))
