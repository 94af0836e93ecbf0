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

from pyspike.errors import InvalidArgument
from pyspike.exp.calls import MODIFY, System, call, integer, optional, source_of
from pyspike.exp.expression import Expression, Operand, apply, literal, operand, refuse_constants
from pyspike.exp.signatures import ExpOp
from pyspike.exp.types import ExpType
from pyspike.operations.checks import member
from pyspike.operations.enums import NumericType, StringRegexFlags
from pyspike.operations.strings import DEFAULT, Flags, changing_flags, creating_flags, regex_bits, texts

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

STRING = (ExpType.STRING,)


def _read(name: str, source: Operand, kind: ExpType, *operation: Any) -> Expression:
    return call(System.STRING, kind, operation, source_of(source, f"strings.{name}", ExpType.STRING))


def _modify(name: str, source: Operand, *operation: Any) -> Expression:
    made = source_of(source, f"strings.{name}", ExpType.STRING)
    return call(System.STRING | MODIFY, ExpType.STRING, operation, made)


def _text(value: Operand, name: str, place: int) -> Expression:
    return operand(value, f"strings.{name}", place, STRING)


def _whole(value: Operand, name: str, place: int) -> Expression:
    return integer(value, f"strings.{name}", place)


def _pair(first: str, second: str) -> Expression:
    return literal(texts([first, second]))


# Reading --------------------------------------------------------------------------------------------------


def strlen(source: Operand) -> Expression:
    """How many code points a string has."""
    return _read("strlen", source, ExpType.INT, 0)


def substr(source: Operand, start: Operand, end: Operand = None) -> Expression:
    """The string from `start` to before `end`, or to its end."""
    return _read(
        "substr", source, ExpType.STRING, 1, _whole(start, "substr", 1), *optional(end, "strings.substr", 2)
    )


def char_at(source: Operand, index: Operand) -> Expression:
    """The character at `index`."""
    return _read("char_at", source, ExpType.STRING, 2, _whole(index, "char_at", 1))


def find(source: Operand, needle: Operand, occurrence: Operand = 1) -> Expression:
    """Where `needle` starts, the first time or a later one; -1 if it does not."""
    return _read("find", source, ExpType.INT, 3, _text(needle, "find", 1), _whole(occurrence, "find", 2))


def contains(source: Operand, needle: Operand) -> Expression:
    """Whether `needle` is in the string."""
    return _read("contains", source, ExpType.BOOL, 4, _text(needle, "contains", 1))


def starts_with(source: Operand, prefix: Operand) -> Expression:
    """Whether the string starts with `prefix`."""
    return _read("starts_with", source, ExpType.BOOL, 5, _text(prefix, "starts_with", 1))


def ends_with(source: Operand, suffix: Operand) -> Expression:
    """Whether the string ends with `suffix`."""
    return _read("ends_with", source, ExpType.BOOL, 6, _text(suffix, "ends_with", 1))


def to_integer(source: Operand) -> Expression:
    """The string as an int."""
    return _read("to_integer", source, ExpType.INT, 7)


def to_double(source: Operand) -> Expression:
    """The string as a float."""
    return _read("to_double", source, ExpType.FLOAT, 8)


def byte_length(source: Operand) -> Expression:
    """How many bytes the string takes in UTF-8."""
    return _read("byte_length", source, ExpType.INT, 9)


def is_numeric(source: Operand, *, numeric_type: NumericType = NumericType.ANY) -> Expression:
    """Whether the string is a number of this kind."""
    return _read("is_numeric", source, ExpType.BOOL, 10, member(numeric_type, NumericType, "numeric_type"))


def is_upper(source: Operand) -> Expression:
    """Whether all letters are upper case."""
    return _read("is_upper", source, ExpType.BOOL, 11)


def is_lower(source: Operand) -> Expression:
    """Whether all letters are lower case."""
    return _read("is_lower", source, ExpType.BOOL, 12)


def to_blob(source: Operand) -> Expression:
    """The string's UTF-8 as a blob."""
    return _read("to_blob", source, ExpType.BLOB, 13)


def split(source: Operand, separator: Operand = None) -> Expression:
    """The parts between separators as a list; without one, the characters."""
    return _read(
        "split", source, ExpType.LIST, 14, *(() if separator is None else (_text(separator, "split", 1),))
    )


def base64_decode(source: Operand) -> Expression:
    """The blob that the string is the base 64 of."""
    return _read("base64_decode", source, ExpType.BLOB, 15)


def regex_compare(
    source: Operand, pattern: Operand, *, regex_flags: StringRegexFlags = StringRegexFlags.DEFAULT
) -> Expression:
    """Whether a regular expression matches."""
    return _read(
        "regex_compare", source, ExpType.BOOL, 16, _text(pattern, "regex_compare", 1), regex_bits(regex_flags)
    )


def to_string(source: Operand) -> Expression:
    """A value of any type as text; it must be an expression, as a str can't say of which type a bin is."""
    refuse_constants("strings.to_string", source)
    return apply(ExpOp.TO_STRING, source)


# Writing --------------------------------------------------------------------------------------------------


def insert(source: Operand, index: Operand, value: Operand, *, write_flags: Flags = DEFAULT) -> Expression:
    """With text put before the character at `index`."""
    return _modify(
        "insert",
        source,
        50,
        _whole(index, "insert", 1),
        _text(value, "insert", 2),
        creating_flags(write_flags),
    )


def overwrite(source: Operand, index: Operand, value: Operand, *, write_flags: Flags = DEFAULT) -> Expression:
    """With text put over what is at `index`."""
    return _modify(
        "overwrite",
        source,
        51,
        _whole(index, "overwrite", 1),
        _text(value, "overwrite", 2),
        creating_flags(write_flags),
    )


def append(source: Operand, value: Operand, *, write_flags: Flags = DEFAULT) -> Expression:
    """With text put at the end."""
    return _modify("append", source, 67, _text(value, "append", 1), creating_flags(write_flags))


def prepend(source: Operand, value: Operand, *, write_flags: Flags = DEFAULT) -> Expression:
    """With text put at the start."""
    return _modify("prepend", source, 68, _text(value, "prepend", 1), creating_flags(write_flags))


def concat(source: Operand, values: list[str], *, write_flags: Flags = DEFAULT) -> Expression:
    """With several texts put at the end."""
    return _modify("concat", source, 52, literal(texts(values)), creating_flags(write_flags))


def snip(source: Operand, start: Operand, end: Operand = None, *, write_flags: Flags = DEFAULT) -> Expression:
    """Without what is from `start` to before `end`, or to the end; then `write_flags` can't be given."""
    flags = changing_flags(write_flags)
    if end is not None:
        return _modify("snip", source, 53, _whole(start, "snip", 1), _whole(end, "snip", 2), flags)
    if flags:
        raise InvalidArgument("snip takes write_flags only together with end", advice="give end")
    return _modify("snip", source, 53, _whole(start, "snip", 1))


def replace(source: Operand, needle: str, replacement: str, *, write_flags: Flags = DEFAULT) -> Expression:
    """With the first `needle` replaced."""
    return _modify("replace", source, 54, _pair(needle, replacement), changing_flags(write_flags))


def replace_all(
    source: Operand, needle: str, replacement: str, *, write_flags: Flags = DEFAULT
) -> Expression:
    """With every `needle` replaced."""
    return _modify("replace_all", source, 55, _pair(needle, replacement), changing_flags(write_flags))


def upper(source: Operand, *, write_flags: Flags = DEFAULT) -> Expression:
    """With all letters in upper case."""
    return _modify("upper", source, 56, changing_flags(write_flags))


def lower(source: Operand, *, write_flags: Flags = DEFAULT) -> Expression:
    """With all letters in lower case."""
    return _modify("lower", source, 57, changing_flags(write_flags))


def casefold(source: Operand, *, write_flags: Flags = DEFAULT) -> Expression:
    """In a form for comparing without regard to case."""
    return _modify("casefold", source, 58, changing_flags(write_flags))


def normalize_nfc(source: Operand, *, write_flags: Flags = DEFAULT) -> Expression:
    """In Unicode's normal form C."""
    return _modify("normalize_nfc", source, 59, changing_flags(write_flags))


def trim_start(source: Operand, *, write_flags: Flags = DEFAULT) -> Expression:
    """Without white space at the start."""
    return _modify("trim_start", source, 60, changing_flags(write_flags))


def trim_end(source: Operand, *, write_flags: Flags = DEFAULT) -> Expression:
    """Without white space at the end."""
    return _modify("trim_end", source, 61, changing_flags(write_flags))


def trim(source: Operand, *, write_flags: Flags = DEFAULT) -> Expression:
    """Without white space at both ends."""
    return _modify("trim", source, 62, changing_flags(write_flags))


def pad_start(
    source: Operand, target_length: Operand, pad_string: Operand, *, write_flags: Flags = DEFAULT
) -> Expression:
    """With `pad_string` put at the start until it has this length."""
    return _modify(
        "pad_start",
        source,
        63,
        _whole(target_length, "pad_start", 1),
        _text(pad_string, "pad_start", 2),
        creating_flags(write_flags),
    )


def pad_end(
    source: Operand, target_length: Operand, pad_string: Operand, *, write_flags: Flags = DEFAULT
) -> Expression:
    """With `pad_string` put at the end until it has this length."""
    return _modify(
        "pad_end",
        source,
        64,
        _whole(target_length, "pad_end", 1),
        _text(pad_string, "pad_end", 2),
        creating_flags(write_flags),
    )


def repeat(source: Operand, count: Operand, *, write_flags: Flags = DEFAULT) -> Expression:
    """`count` times one after the other."""
    return _modify("repeat", source, 65, _whole(count, "repeat", 1), creating_flags(write_flags))


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
        "regex_replace",
        source,
        66,
        _pair(pattern, replacement),
        regex_bits(regex_flags),
        changing_flags(write_flags),
    )
