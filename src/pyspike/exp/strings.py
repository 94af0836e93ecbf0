"""Strings inside expressions, by the names of `pyspike.operations.strings` (server 8.2).

They share these arguments:

- `source`: a string; a str names a string bin. For a string itself there is `exp.string_val`.
- positions (`index`, `start`, `end`) and `target_length`: in code points; a negative one counts from the end.
- `value`, `values`, `separator`, `pad_string`, `needle` and its `replacement`: strings. `occurrence`: which
  one, from 1.
- `pattern`: a regular expression of ICU; `regex_flags`: `StringRegexFlags`.
- `numeric_type`: `NumericType`.
- `write_flags`: `StringWriteFlags`.

What modifies gives the changed string. An argument of a type that does not fit raises `InvalidType`.
"""

from __future__ import annotations

from typing import Any

from pyspike.cdt.checks import member
from pyspike.cdt.enums import NumericType, StringRegexFlags, StringWriteFlags
from pyspike.cdt.opcodes import MODIFY, ExpOp, StringOp, System
from pyspike.cdt.rules import regex_bits, snip_flags, string_changing_flags, string_creating_flags, texts
from pyspike.cdt.types import ExpType
from pyspike.exp.calls import call, integer, optional, source_of
from pyspike.exp.expression import Expression, Operand, apply, literal, operand, refuse_constants

__all__ = [
    "append",
    "base64_decode",
    "byte_length",
    "casefold",
    "char_at",
    "concat",
    "contains",
    "ends_with",
    "find",
    "insert",
    "is_lower",
    "is_numeric",
    "is_upper",
    "lower",
    "normalize_nfc",
    "overwrite",
    "pad_end",
    "pad_start",
    "prepend",
    "regex_compare",
    "regex_replace",
    "repeat",
    "replace",
    "replace_all",
    "snip",
    "split",
    "starts_with",
    "strlen",
    "substr",
    "to_blob",
    "to_double",
    "to_integer",
    "to_string",
    "trim",
    "trim_end",
    "trim_start",
    "upper",
]

Flags = StringWriteFlags
DEFAULT = StringWriteFlags.DEFAULT
STRING = (ExpType.STRING,)


def _read(opcode: StringOp, source: Operand, kind: ExpType, *arguments: Any) -> Expression:
    return call(
        System.STRING,
        kind,
        (opcode, *arguments),
        source_of(source, f"strings.{opcode.function}", ExpType.STRING),
    )


def _modify(opcode: StringOp, source: Operand, *arguments: Any) -> Expression:
    made = source_of(source, f"strings.{opcode.function}", ExpType.STRING)
    return call(System.STRING | MODIFY, ExpType.STRING, (opcode, *arguments), made)


def _text(value: Operand, name: str, place: int) -> Expression:
    return operand(value, f"strings.{name}", place, STRING)


def _whole(value: Operand, name: str, place: int) -> Expression:
    return integer(value, f"strings.{name}", place)


def _pair(first: str, second: str) -> Expression:
    return literal(texts([first, second]))


# Reading --------------------------------------------------------------------------------------------------


def strlen(source: Operand) -> Expression:
    """How many code points a string has."""
    return _read(StringOp.STRLEN, source, ExpType.INT)


def substr(source: Operand, start: Operand, end: Operand = None) -> Expression:
    """The string from `start` to before `end`, or to its end."""
    return _read(
        StringOp.SUBSTR,
        source,
        ExpType.STRING,
        _whole(start, "substr", 1),
        *optional(end, "strings.substr", 2),
    )


def char_at(source: Operand, index: Operand) -> Expression:
    """The character at `index`."""
    return _read(StringOp.CHAR_AT, source, ExpType.STRING, _whole(index, "char_at", 1))


def find(source: Operand, needle: Operand, occurrence: Operand = 1) -> Expression:
    """Where `needle` starts, the first time or a later one; -1 if it does not."""
    return _read(StringOp.FIND, source, ExpType.INT, _text(needle, "find", 1), _whole(occurrence, "find", 2))


def contains(source: Operand, needle: Operand) -> Expression:
    """Whether `needle` is in the string."""
    return _read(StringOp.CONTAINS, source, ExpType.BOOL, _text(needle, "contains", 1))


def starts_with(source: Operand, prefix: Operand) -> Expression:
    """Whether the string starts with `prefix`."""
    return _read(StringOp.STARTS_WITH, source, ExpType.BOOL, _text(prefix, "starts_with", 1))


def ends_with(source: Operand, suffix: Operand) -> Expression:
    """Whether the string ends with `suffix`."""
    return _read(StringOp.ENDS_WITH, source, ExpType.BOOL, _text(suffix, "ends_with", 1))


def to_integer(source: Operand) -> Expression:
    """The string as an int."""
    return _read(StringOp.TO_INTEGER, source, ExpType.INT)


def to_double(source: Operand) -> Expression:
    """The string as a float."""
    return _read(StringOp.TO_DOUBLE, source, ExpType.FLOAT)


def byte_length(source: Operand) -> Expression:
    """How many bytes the string takes in UTF-8."""
    return _read(StringOp.BYTE_LENGTH, source, ExpType.INT)


def is_numeric(source: Operand, *, numeric_type: NumericType = NumericType.ANY) -> Expression:
    """Whether the string is a number of this kind."""
    return _read(StringOp.IS_NUMERIC, source, ExpType.BOOL, member(numeric_type, NumericType, "numeric_type"))


def is_upper(source: Operand) -> Expression:
    """Whether all letters are upper case."""
    return _read(StringOp.IS_UPPER, source, ExpType.BOOL)


def is_lower(source: Operand) -> Expression:
    """Whether all letters are lower case."""
    return _read(StringOp.IS_LOWER, source, ExpType.BOOL)


def to_blob(source: Operand) -> Expression:
    """The string's UTF-8 as a blob."""
    return _read(StringOp.TO_BLOB, source, ExpType.BLOB)


def split(source: Operand, separator: Operand = None) -> Expression:
    """The parts between separators as a list; without one, the characters."""
    return _read(
        StringOp.SPLIT, source, ExpType.LIST, *(() if separator is None else (_text(separator, "split", 1),))
    )


def base64_decode(source: Operand) -> Expression:
    """The blob that the string is the base 64 of."""
    return _read(StringOp.BASE64_DECODE, source, ExpType.BLOB)


def regex_compare(
    source: Operand, pattern: Operand, *, regex_flags: StringRegexFlags = StringRegexFlags.DEFAULT
) -> Expression:
    """Whether a regular expression matches."""
    return _read(
        StringOp.REGEX_COMPARE,
        source,
        ExpType.BOOL,
        _text(pattern, "regex_compare", 1),
        regex_bits(regex_flags),
    )


def to_string(source: Operand) -> Expression:
    """A value of any type as text; it must be an expression, as a str can't say of which type a bin is."""
    refuse_constants("strings.to_string", source)
    return apply(ExpOp.TO_STRING, source)


# Writing --------------------------------------------------------------------------------------------------


def insert(source: Operand, index: Operand, value: Operand, *, write_flags: Flags = DEFAULT) -> Expression:
    """With text put before the character at `index`."""
    return _modify(
        StringOp.INSERT,
        source,
        _whole(index, "insert", 1),
        _text(value, "insert", 2),
        string_creating_flags(write_flags),
    )


def overwrite(source: Operand, index: Operand, value: Operand, *, write_flags: Flags = DEFAULT) -> Expression:
    """With text put over what is at `index`."""
    return _modify(
        StringOp.OVERWRITE,
        source,
        _whole(index, "overwrite", 1),
        _text(value, "overwrite", 2),
        string_creating_flags(write_flags),
    )


def append(source: Operand, value: Operand, *, write_flags: Flags = DEFAULT) -> Expression:
    """With text put at the end."""
    return _modify(StringOp.APPEND, source, _text(value, "append", 1), string_creating_flags(write_flags))


def prepend(source: Operand, value: Operand, *, write_flags: Flags = DEFAULT) -> Expression:
    """With text put at the start."""
    return _modify(StringOp.PREPEND, source, _text(value, "prepend", 1), string_creating_flags(write_flags))


def concat(source: Operand, values: list[str], *, write_flags: Flags = DEFAULT) -> Expression:
    """With several texts put at the end."""
    return _modify(StringOp.CONCAT, source, literal(texts(values)), string_creating_flags(write_flags))


def snip(source: Operand, start: Operand, end: Operand = None, *, write_flags: Flags = DEFAULT) -> Expression:
    """Without what is from `start` to before `end`, or to the end; then `write_flags` can't be given."""
    flags = snip_flags(end, write_flags)
    made = _whole(start, "snip", 1), *optional(end, "strings.snip", 2)
    return _modify(StringOp.SNIP, source, *made, *flags)


def replace(source: Operand, needle: str, replacement: str, *, write_flags: Flags = DEFAULT) -> Expression:
    """With the first `needle` replaced."""
    return _modify(StringOp.REPLACE, source, _pair(needle, replacement), string_changing_flags(write_flags))


def replace_all(
    source: Operand, needle: str, replacement: str, *, write_flags: Flags = DEFAULT
) -> Expression:
    """With every `needle` replaced."""
    return _modify(
        StringOp.REPLACE_ALL, source, _pair(needle, replacement), string_changing_flags(write_flags)
    )


def upper(source: Operand, *, write_flags: Flags = DEFAULT) -> Expression:
    """With all letters in upper case."""
    return _modify(StringOp.UPPER, source, string_changing_flags(write_flags))


def lower(source: Operand, *, write_flags: Flags = DEFAULT) -> Expression:
    """With all letters in lower case."""
    return _modify(StringOp.LOWER, source, string_changing_flags(write_flags))


def casefold(source: Operand, *, write_flags: Flags = DEFAULT) -> Expression:
    """In a form for comparing without regard to case."""
    return _modify(StringOp.CASEFOLD, source, string_changing_flags(write_flags))


def normalize_nfc(source: Operand, *, write_flags: Flags = DEFAULT) -> Expression:
    """In Unicode's normal form C."""
    return _modify(StringOp.NORMALIZE_NFC, source, string_changing_flags(write_flags))


def trim_start(source: Operand, *, write_flags: Flags = DEFAULT) -> Expression:
    """Without white space at the start."""
    return _modify(StringOp.TRIM_START, source, string_changing_flags(write_flags))


def trim_end(source: Operand, *, write_flags: Flags = DEFAULT) -> Expression:
    """Without white space at the end."""
    return _modify(StringOp.TRIM_END, source, string_changing_flags(write_flags))


def trim(source: Operand, *, write_flags: Flags = DEFAULT) -> Expression:
    """Without white space at both ends."""
    return _modify(StringOp.TRIM, source, string_changing_flags(write_flags))


def pad_start(
    source: Operand, target_length: Operand, pad_string: Operand, *, write_flags: Flags = DEFAULT
) -> Expression:
    """With `pad_string` put at the start until it has this length."""
    return _modify(
        StringOp.PAD_START,
        source,
        _whole(target_length, "pad_start", 1),
        _text(pad_string, "pad_start", 2),
        string_creating_flags(write_flags),
    )


def pad_end(
    source: Operand, target_length: Operand, pad_string: Operand, *, write_flags: Flags = DEFAULT
) -> Expression:
    """With `pad_string` put at the end until it has this length."""
    return _modify(
        StringOp.PAD_END,
        source,
        _whole(target_length, "pad_end", 1),
        _text(pad_string, "pad_end", 2),
        string_creating_flags(write_flags),
    )


def repeat(source: Operand, count: Operand, *, write_flags: Flags = DEFAULT) -> Expression:
    """`count` times one after the other."""
    return _modify(StringOp.REPEAT, source, _whole(count, "repeat", 1), string_creating_flags(write_flags))


def regex_replace(
    source: Operand,
    pattern: str,
    replacement: str,
    *,
    regex_flags: StringRegexFlags = StringRegexFlags.DEFAULT,
    write_flags: Flags = DEFAULT,
) -> Expression:
    """With the first match of a regular expression replaced, with GLOBAL all."""
    return _modify(
        StringOp.REGEX_REPLACE,
        source,
        _pair(pattern, replacement),
        regex_bits(regex_flags),
        string_changing_flags(write_flags),
    )
