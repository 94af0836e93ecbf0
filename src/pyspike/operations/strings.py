"""Operations on strings, of server 8.2; older ones answer `RequestInvalid`.

They share these arguments:

- `bin_name`: the bin, 1 to 15 bytes of UTF-8.
- `ctx`: contexts that lead to a string inside the bin's list or map.
- positions (`index`, `start`, `end`) and `target_length`: in code points; a negative one counts from the end.
- `value`, `values`, `separator`, `pad_string`, `needle` and its `replacement`: strs. `occurrence`: which
  one, from 1.
- `pattern`: a regular expression of ICU; `regex_flags`: `StringRegexFlags`.
- `numeric_type`: `NumericType`.
- `write_flags`: `StringWriteFlags`.

An argument of a wrong type raises `InvalidType`, one out of range `InvalidArgument`. When run, on what is no
string: `BinTypeError`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pyspike._wire import PARTICLE_STRING, Operation
from pyspike.errors import InvalidArgument
from pyspike.operations.building import maker
from pyspike.operations.checks import flag_bits, items, member, text, whole, write_flag_bits
from pyspike.operations.context import Ctx
from pyspike.operations.describe import describe
from pyspike.operations.enums import NumericType, OpCode, StringRegexFlags, StringWriteFlags

__all__ = [
    "NumericType",
    "StringRegexFlags",
    "StringWriteFlags",
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

_read = maker(OpCode.STRING_READ, particle=PARTICLE_STRING)
_modify = maker(OpCode.STRING_MODIFY, write=True, particle=PARTICLE_STRING)


# Reading --------------------------------------------------------------------------------------------------


def strlen(bin_name: str, *, ctx: Ctx = None) -> Operation:
    """How many code points a string has."""
    return _read(bin_name, ctx, 0)


def substr(bin_name: str, start: int, end: int | None = None, *, ctx: Ctx = None) -> Operation:
    """The string from `start` to before `end`, or to its end."""
    return _read(bin_name, ctx, 1, whole(start, "start"), *_optional(end, "end"))


def char_at(bin_name: str, index: int, *, ctx: Ctx = None) -> Operation:
    """The character at `index`."""
    return _read(bin_name, ctx, 2, whole(index, "index"))


def find(bin_name: str, needle: str, occurrence: int = 1, *, ctx: Ctx = None) -> Operation:
    """Where `needle` starts, the first time or a later one; -1 if it does not."""
    return _read(bin_name, ctx, 3, text(needle, "needle"), whole(occurrence, "occurrence"))


def contains(bin_name: str, needle: str, *, ctx: Ctx = None) -> Operation:
    """Whether `needle` is in the string."""
    return _read(bin_name, ctx, 4, text(needle, "needle"))


def starts_with(bin_name: str, prefix: str, *, ctx: Ctx = None) -> Operation:
    """Whether the string starts with `prefix`."""
    return _read(bin_name, ctx, 5, text(prefix, "prefix"))


def ends_with(bin_name: str, suffix: str, *, ctx: Ctx = None) -> Operation:
    """Whether the string ends with `suffix`."""
    return _read(bin_name, ctx, 6, text(suffix, "suffix"))


def to_integer(bin_name: str, *, ctx: Ctx = None) -> Operation:
    """The string as an int."""
    return _read(bin_name, ctx, 7)


def to_double(bin_name: str, *, ctx: Ctx = None) -> Operation:
    """The string as a float."""
    return _read(bin_name, ctx, 8)


def byte_length(bin_name: str, *, ctx: Ctx = None) -> Operation:
    """How many bytes the string takes in UTF-8."""
    return _read(bin_name, ctx, 9)


def is_numeric(bin_name: str, *, numeric_type: NumericType = NumericType.ANY, ctx: Ctx = None) -> Operation:
    """Whether the string is a number of this kind."""
    return _read(bin_name, ctx, 10, member(numeric_type, NumericType, "numeric_type"))


def is_upper(bin_name: str, *, ctx: Ctx = None) -> Operation:
    """Whether all letters are upper case."""
    return _read(bin_name, ctx, 11)


def is_lower(bin_name: str, *, ctx: Ctx = None) -> Operation:
    """Whether all letters are lower case."""
    return _read(bin_name, ctx, 12)


def to_blob(bin_name: str, *, ctx: Ctx = None) -> Operation:
    """The string's UTF-8 as bytes."""
    return _read(bin_name, ctx, 13)


def split(bin_name: str, separator: str | None = None, *, ctx: Ctx = None) -> Operation:
    """The parts between separators as a list; without one, the characters."""
    return _read(bin_name, ctx, 14, *(() if separator is None else (text(separator, "separator"),)))


def base64_decode(bin_name: str, *, ctx: Ctx = None) -> Operation:
    """The bytes that the string is the base 64 of."""
    return _read(bin_name, ctx, 15)


def regex_compare(
    bin_name: str, pattern: str, *, regex_flags: StringRegexFlags = StringRegexFlags.DEFAULT, ctx: Ctx = None
) -> Operation:
    """Whether a regular expression matches."""
    return _read(bin_name, ctx, 16, text(pattern, "pattern"), regex_bits(regex_flags))


def to_string(bin_name: str) -> Operation:
    """A bin of any type as text."""
    return Operation.raw(OpCode.TO_STRING, bin_name, 0, b"", describe, write=False, respond_all=True)


# Writing; each gives None -----------------------------------------------------------------------------------


def insert(
    bin_name: str, index: int, value: str, *, write_flags: Flags = DEFAULT, ctx: Ctx = None
) -> Operation:
    """Put text before the character at `index`."""
    return _modify(
        bin_name, ctx, 50, whole(index, "index"), text(value, "value"), creating_flags(write_flags, ctx)
    )


def overwrite(
    bin_name: str, index: int, value: str, *, write_flags: Flags = DEFAULT, ctx: Ctx = None
) -> Operation:
    """Put text over what is at `index`."""
    return _modify(
        bin_name, ctx, 51, whole(index, "index"), text(value, "value"), creating_flags(write_flags, ctx)
    )


def append(bin_name: str, value: str, *, write_flags: Flags = DEFAULT, ctx: Ctx = None) -> Operation:
    """Put text at the end."""
    return _modify(bin_name, ctx, 67, text(value, "value"), creating_flags(write_flags, ctx))


def prepend(bin_name: str, value: str, *, write_flags: Flags = DEFAULT, ctx: Ctx = None) -> Operation:
    """Put text at the start."""
    return _modify(bin_name, ctx, 68, text(value, "value"), creating_flags(write_flags, ctx))


def concat(
    bin_name: str, values: Iterable[str], *, write_flags: Flags = DEFAULT, ctx: Ctx = None
) -> Operation:
    """Put several texts at the end."""
    return _modify(bin_name, ctx, 52, texts(values), creating_flags(write_flags, ctx))


def snip(
    bin_name: str, start: int, end: int | None = None, *, write_flags: Flags = DEFAULT, ctx: Ctx = None
) -> Operation:
    """Take out what is from `start` to before `end`, or to the end; then `write_flags` can't be given."""
    return _modify(bin_name, ctx, 53, *snipped(start, end, write_flags))


def replace(
    bin_name: str, needle: str, replacement: str, *, write_flags: Flags = DEFAULT, ctx: Ctx = None
) -> Operation:
    """Replace the first `needle`."""
    return _modify(
        bin_name,
        ctx,
        54,
        [text(needle, "needle"), text(replacement, "replacement")],
        changing_flags(write_flags),
    )


def replace_all(
    bin_name: str, needle: str, replacement: str, *, write_flags: Flags = DEFAULT, ctx: Ctx = None
) -> Operation:
    """Replace every `needle`."""
    return _modify(
        bin_name,
        ctx,
        55,
        [text(needle, "needle"), text(replacement, "replacement")],
        changing_flags(write_flags),
    )


def upper(bin_name: str, *, write_flags: Flags = DEFAULT, ctx: Ctx = None) -> Operation:
    """Turn all letters into upper case."""
    return _modify(bin_name, ctx, 56, changing_flags(write_flags))


def lower(bin_name: str, *, write_flags: Flags = DEFAULT, ctx: Ctx = None) -> Operation:
    """Turn all letters into lower case."""
    return _modify(bin_name, ctx, 57, changing_flags(write_flags))


def casefold(bin_name: str, *, write_flags: Flags = DEFAULT, ctx: Ctx = None) -> Operation:
    """Turn the string into a form for comparing without regard to case."""
    return _modify(bin_name, ctx, 58, changing_flags(write_flags))


def normalize_nfc(bin_name: str, *, write_flags: Flags = DEFAULT, ctx: Ctx = None) -> Operation:
    """Turn the string into Unicode's normal form C."""
    return _modify(bin_name, ctx, 59, changing_flags(write_flags))


def trim_start(bin_name: str, *, write_flags: Flags = DEFAULT, ctx: Ctx = None) -> Operation:
    """Remove white space at the start."""
    return _modify(bin_name, ctx, 60, changing_flags(write_flags))


def trim_end(bin_name: str, *, write_flags: Flags = DEFAULT, ctx: Ctx = None) -> Operation:
    """Remove white space at the end."""
    return _modify(bin_name, ctx, 61, changing_flags(write_flags))


def trim(bin_name: str, *, write_flags: Flags = DEFAULT, ctx: Ctx = None) -> Operation:
    """Remove white space at both ends."""
    return _modify(bin_name, ctx, 62, changing_flags(write_flags))


def pad_start(
    bin_name: str, target_length: int, pad_string: str, *, write_flags: Flags = DEFAULT, ctx: Ctx = None
) -> Operation:
    """Put `pad_string` at the start until the string has this length."""
    return _modify(
        bin_name,
        ctx,
        63,
        whole(target_length, "target_length"),
        text(pad_string, "pad_string"),
        creating_flags(write_flags, ctx),
    )


def pad_end(
    bin_name: str, target_length: int, pad_string: str, *, write_flags: Flags = DEFAULT, ctx: Ctx = None
) -> Operation:
    """Put `pad_string` at the end until the string has this length."""
    return _modify(
        bin_name,
        ctx,
        64,
        whole(target_length, "target_length"),
        text(pad_string, "pad_string"),
        creating_flags(write_flags, ctx),
    )


def repeat(bin_name: str, count: int, *, write_flags: Flags = DEFAULT, ctx: Ctx = None) -> Operation:
    """Put the string `count` times one after the other."""
    return _modify(bin_name, ctx, 65, whole(count, "count"), creating_flags(write_flags, ctx))


def regex_replace(
    bin_name: str,
    pattern: str,
    replacement: str,
    *,
    regex_flags: StringRegexFlags = StringRegexFlags.DEFAULT,
    write_flags: Flags = DEFAULT,
    ctx: Ctx = None,
) -> Operation:
    """Replace the first match of a regular expression, with GLOBAL all."""
    return _modify(
        bin_name,
        ctx,
        66,
        [text(pattern, "pattern"), text(replacement, "replacement")],
        regex_bits(regex_flags),
        changing_flags(write_flags),
    )


# Arguments, also of the expressions of the same names -------------------------------------------------------


def _optional(value: int | None, name: str) -> tuple[int, ...]:
    return () if value is None else (whole(value, name),)


def texts(values: Iterable[Any]) -> list[str]:
    """Several texts."""
    return [text(value, "values") for value in items(values, "values")]


def regex_bits(regex_flags: StringRegexFlags) -> int:
    """How a regular expression matches."""
    return flag_bits(regex_flags, StringRegexFlags, "regex_flags")


def snipped(start: int, end: int | None, write_flags: Flags) -> tuple[int, ...]:
    """The arguments of `snip`: they go by their places, so flags can't follow an end that is left out."""
    flags = changing_flags(write_flags)
    if end is None:
        if flags:
            raise InvalidArgument("snip takes write_flags only together with end", advice="give end")
        return (whole(start, "start"),)
    return whole(start, "start"), whole(end, "end"), flags


def creating_flags(write_flags: Flags, ctx: Ctx = None) -> int:
    """The flags of what may create the bin."""
    if write_flags is DEFAULT:
        return 0
    flags = write_flag_bits(write_flags, StringWriteFlags)
    if flags & Flags.CREATE_ONLY and ctx:
        raise InvalidArgument("CREATE_ONLY is for bins, not for strings inside lists and maps")
    return flags


def changing_flags(write_flags: Flags) -> int:
    """The flags of what works on a string that is there."""
    flags = creating_flags(write_flags)
    if flags & Flags.CREATE_ONLY:
        raise InvalidArgument(
            "CREATE_ONLY is for what can create: insert, overwrite, concat, append, prepend, pad and repeat"
        )
    return flags
