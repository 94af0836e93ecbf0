"""Operations that read a string, by opcode.

Owns: the arguments and the result of each opcode. Not here: matching (matching.py), patterns (regex.py).
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable
from typing import NamedTuple

from ..protocol.constants import ParticleType
from ..protocol.flags import NumericType
from ..protocol.opcodes import StringOpcode
from ..protocol.result import NotApplicableSubcode
from ..values.integers import INT_MAX, INT_MIN
from ..values.packed import PackedList, Value
from .arguments import Args, clamped, span, value_of_text
from .failures import bad, failed
from .matching import ends_with, matches, starts_with
from .regex import COMPARE_FLAGS, compile_regex

__all__ = ["READS", "StringRead"]

INTEGER_BYTES_MAX = 20
DOUBLE_BYTES_MAX = 327

_INTEGER = re.compile(r"[+-]?[0-9]+")
_PLAIN_FLOAT = re.compile(r"[+-]?[0-9]*\.[0-9]+")
_FLOAT = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_BLOB = bytes((ParticleType.BLOB,))


class StringRead(NamedTuple):
    """A read operation.

    `kinds`: the types of its arguments. `run`: gives its result.
    """

    kinds: str
    run: Callable[[str, Args], Value]


# --- places -------------------------------------------------------------------------------------------------


def _substr(text: str, args: Args) -> Value:
    return value_of_text(text[span(args, len(text))])


def _char_at(text: str, args: Args) -> Value:
    at = clamped(args[0], len(text))
    return value_of_text(text[at : at + 1])


def _find(text: str, args: Args) -> Value:
    needle, occurrence = args[0], args[1] if len(args) > 1 else 1
    if not occurrence:
        raise bad("the occurrence 0")
    if not needle:
        return 0
    found = [first for first, _ in matches(text, needle)]
    at = occurrence - 1 if occurrence > 0 else occurrence
    return found[at] if -len(found) <= at < len(found) else -1


def _split(text: str, args: Args) -> Value:
    parts = text.split(args[0]) if args and args[0] else list(text)
    return PackedList(0, [value_of_text(part) for part in parts])


# --- numbers and bytes --------------------------------------------------------------------------------------


def _to_integer(text: str, args: Args) -> Value:
    if len(text.encode()) > INTEGER_BYTES_MAX or not _INTEGER.fullmatch(text):
        raise failed("a text that is no integer", NotApplicableSubcode.STRING_NUMBER)
    number = int(text)
    if not INT_MIN <= number <= INT_MAX:
        raise failed("an integer beyond 64 bits", NotApplicableSubcode.STRING_NUMBER)
    return number


def _to_double(text: str, args: Args) -> Value:
    if len(text.encode()) > DOUBLE_BYTES_MAX or not _FLOAT.fullmatch(text) or math.isinf(float(text)):
        raise failed("a text that is no float", NotApplicableSubcode.STRING_NUMBER)
    return float(text)


def _is_numeric(text: str, args: Args) -> Value:
    kind = args[0] if args else NumericType.ANY
    if kind not in (NumericType.ANY, NumericType.INT, NumericType.FLOAT):
        raise bad("a kind of number")
    is_int = _INTEGER.fullmatch(text) is not None and INT_MIN <= int(text) <= INT_MAX
    is_float = _PLAIN_FLOAT.fullmatch(text) is not None and math.isfinite(float(text))
    return (is_int and kind != NumericType.FLOAT) or (is_float and kind != NumericType.INT)


def _b64_decode(text: str, args: Args) -> Value:
    try:
        return _BLOB + base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise failed("a text that is no base64", NotApplicableSubcode.STRING_BASE64) from None


# --- tests --------------------------------------------------------------------------------------------------


def _is_upper(text: str, args: Args) -> Value:
    return not any(char.islower() or char.istitle() > char.isupper() for char in text)


def _is_lower(text: str, args: Args) -> Value:
    return not any(char.isupper() or char.istitle() for char in text)


def _regex_compare(text: str, args: Args) -> Value:
    flags = args[1] if len(args) > 1 else 0
    return compile_regex(args[0], flags, COMPARE_FLAGS).search(text) is not None


READS: dict[int, StringRead] = {
    StringOpcode.STRLEN: StringRead("", lambda text, args: len(text)),
    StringOpcode.SUBSTR: StringRead("i|i", _substr),
    StringOpcode.CHAR_AT: StringRead("i", _char_at),
    StringOpcode.FIND: StringRead("s|i", _find),
    StringOpcode.CONTAINS: StringRead("s", lambda text, args: not args[0] or any(matches(text, args[0]))),
    StringOpcode.STARTS_WITH: StringRead("s", lambda text, args: starts_with(text, args[0])),
    StringOpcode.ENDS_WITH: StringRead("s", lambda text, args: ends_with(text, args[0])),
    StringOpcode.TO_INTEGER: StringRead("", _to_integer),
    StringOpcode.TO_DOUBLE: StringRead("", _to_double),
    StringOpcode.BYTE_LENGTH: StringRead("", lambda text, args: len(text.encode())),
    StringOpcode.IS_NUMERIC: StringRead("|i", _is_numeric),
    StringOpcode.IS_UPPER: StringRead("", _is_upper),
    StringOpcode.IS_LOWER: StringRead("", _is_lower),
    StringOpcode.TO_BLOB: StringRead("", lambda text, args: _BLOB + text.encode()),
    StringOpcode.SPLIT: StringRead("|s", _split),
    StringOpcode.B64_DECODE: StringRead("", _b64_decode),
    StringOpcode.REGEX_COMPARE: StringRead("s|i", _regex_compare),
}
"""All operations that read."""
