"""Operations on strings, of server 8.2; older ones answer `RequestInvalid`.

To be had by `from pyspike.operations import strings`, or as `operations.strings`.

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

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from collections.abc import Iterable

from pyspike._wire import PARTICLE_STRING, Argument, Operation
from pyspike.cdt.checks import member, text, whole
from pyspike.cdt.context import Ctx
from pyspike.cdt.enums import NumericType, StringRegexFlags, StringWriteFlags
from pyspike.cdt.opcodes import OpCode, StringOp
from pyspike.cdt.rules import regex_bits, snip_flags, string_changing_flags, string_creating_flags, texts
from pyspike.operations.maker import bare, checked, in_bin, members, together

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


def _pair(name: str) -> tuple[str, Argument]:
    """What is looked for, under this name, and what replaces it: a list of two."""

    def made(sought: str, replacement: str) -> list[str]:
        return [text(sought, name), text(replacement, "replacement")]

    return together("pair", made, name, "replacement")


_NOT_CREATING = members(StringWriteFlags, ~StringWriteFlags.CREATE_ONLY)
_KINDS = (
    checked("index", whole, int),
    checked("start", whole, int),
    checked("end", whole, int, optional=True),
    checked("occurrence", whole, int),
    checked("target_length", whole, int),
    checked("count", whole, int),
    checked("needle", text, str),
    checked("prefix", text, str),
    checked("suffix", text, str),
    checked("value", text, str),
    checked("pad_string", text, str),
    checked("pattern", text, str),
    checked("separator", text, str, optional=True),
    checked("values", lambda values, _: texts(values), str, each=True),
    _pair("needle"),
    _pair("pattern"),
    checked("regex_flags", lambda flags, _: regex_bits(flags), number=members(StringRegexFlags)),
    checked("numeric_type", lambda kind, name: member(kind, NumericType, name), number=members(NumericType)),
    checked("write_flags", lambda flags, _: string_changing_flags(flags), number=_NOT_CREATING),
)
_CREATING = together("write_flags", string_creating_flags, numbers=(_NOT_CREATING,), also=("ctx",))[1]
_SNIPPING = together("write_flags", lambda flags, end: snip_flags(end, flags), "write_flags", "end")[1]

_read = in_bin(OpCode.STRING_READ, _KINDS, particle=PARTICLE_STRING)
_modify = in_bin(OpCode.STRING_MODIFY, _KINDS, write=True, particle=PARTICLE_STRING)


# Reading --------------------------------------------------------------------------------------------------


@_read(StringOp.STRLEN)
def strlen(bin_name: str, *, ctx: Ctx = None) -> Operation:
    """How many code points a string has."""
    ...


@_read(StringOp.SUBSTR)
def substr(bin_name: str, start: int, end: int | None = None, *, ctx: Ctx = None) -> Operation:
    """The string from `start` to before `end`, or to its end."""
    ...


@_read(StringOp.CHAR_AT)
def char_at(bin_name: str, index: int, *, ctx: Ctx = None) -> Operation:
    """The character at `index`."""
    ...


@_read(StringOp.FIND)
def find(bin_name: str, needle: str, occurrence: int = 1, *, ctx: Ctx = None) -> Operation:
    """Where `needle` starts, the first time or a later one; -1 if it does not."""
    ...


@_read(StringOp.CONTAINS)
def contains(bin_name: str, needle: str, *, ctx: Ctx = None) -> Operation:
    """Whether `needle` is in the string."""
    ...


@_read(StringOp.STARTS_WITH)
def starts_with(bin_name: str, prefix: str, *, ctx: Ctx = None) -> Operation:
    """Whether the string starts with `prefix`."""
    ...


@_read(StringOp.ENDS_WITH)
def ends_with(bin_name: str, suffix: str, *, ctx: Ctx = None) -> Operation:
    """Whether the string ends with `suffix`."""
    ...


@_read(StringOp.TO_INTEGER)
def to_integer(bin_name: str, *, ctx: Ctx = None) -> Operation:
    """The string as an int."""
    ...


@_read(StringOp.TO_DOUBLE)
def to_double(bin_name: str, *, ctx: Ctx = None) -> Operation:
    """The string as a float."""
    ...


@_read(StringOp.BYTE_LENGTH)
def byte_length(bin_name: str, *, ctx: Ctx = None) -> Operation:
    """How many bytes the string takes in UTF-8."""
    ...


@_read(StringOp.IS_NUMERIC)
def is_numeric(bin_name: str, *, numeric_type: NumericType = NumericType.ANY, ctx: Ctx = None) -> Operation:
    """Whether the string is a number of this kind."""
    ...


@_read(StringOp.IS_UPPER)
def is_upper(bin_name: str, *, ctx: Ctx = None) -> Operation:
    """Whether all letters are upper case."""
    ...


@_read(StringOp.IS_LOWER)
def is_lower(bin_name: str, *, ctx: Ctx = None) -> Operation:
    """Whether all letters are lower case."""
    ...


@_read(StringOp.TO_BLOB)
def to_blob(bin_name: str, *, ctx: Ctx = None) -> Operation:
    """The string's UTF-8 as bytes."""
    ...


@_read(StringOp.SPLIT)
def split(bin_name: str, separator: str | None = None, *, ctx: Ctx = None) -> Operation:
    """The parts between separators as a list; without one, the characters."""
    ...


@_read(StringOp.BASE64_DECODE)
def base64_decode(bin_name: str, *, ctx: Ctx = None) -> Operation:
    """The bytes that the string is the base 64 of."""
    ...


@_read(StringOp.REGEX_COMPARE)
def regex_compare(
    bin_name: str, pattern: str, *, regex_flags: StringRegexFlags = StringRegexFlags.DEFAULT, ctx: Ctx = None
) -> Operation:
    """Whether a regular expression matches."""
    ...


@bare(OpCode.TO_STRING, respond_all=True)
def to_string(bin_name: str) -> Operation:
    """A bin of any type as text."""
    ...


# Writing; each gives None -----------------------------------------------------------------------------------


@_modify(StringOp.INSERT, write_flags=_CREATING)
def insert(
    bin_name: str, index: int, value: str, *, write_flags: Flags = DEFAULT, ctx: Ctx = None
) -> Operation:
    """Put text before the character at `index`."""
    ...


@_modify(StringOp.OVERWRITE, write_flags=_CREATING)
def overwrite(
    bin_name: str, index: int, value: str, *, write_flags: Flags = DEFAULT, ctx: Ctx = None
) -> Operation:
    """Put text over what is at `index`."""
    ...


@_modify(StringOp.APPEND, write_flags=_CREATING)
def append(bin_name: str, value: str, *, write_flags: Flags = DEFAULT, ctx: Ctx = None) -> Operation:
    """Put text at the end."""
    ...


@_modify(StringOp.PREPEND, write_flags=_CREATING)
def prepend(bin_name: str, value: str, *, write_flags: Flags = DEFAULT, ctx: Ctx = None) -> Operation:
    """Put text at the start."""
    ...


@_modify(StringOp.CONCAT, write_flags=_CREATING)
def concat(
    bin_name: str, values: Iterable[str], *, write_flags: Flags = DEFAULT, ctx: Ctx = None
) -> Operation:
    """Put several texts at the end."""
    ...


@_modify(StringOp.SNIP, write_flags=_SNIPPING)
def snip(
    bin_name: str, start: int, end: int | None = None, *, write_flags: Flags = DEFAULT, ctx: Ctx = None
) -> Operation:
    """Take out what is from `start` to before `end`, or to the end; then `write_flags` can't be given."""
    ...


@_modify(StringOp.REPLACE)
def replace(
    bin_name: str, needle: str, replacement: str, *, write_flags: Flags = DEFAULT, ctx: Ctx = None
) -> Operation:
    """Replace the first `needle`."""
    ...


@_modify(StringOp.REPLACE_ALL)
def replace_all(
    bin_name: str, needle: str, replacement: str, *, write_flags: Flags = DEFAULT, ctx: Ctx = None
) -> Operation:
    """Replace every `needle`."""
    ...


@_modify(StringOp.UPPER)
def upper(bin_name: str, *, write_flags: Flags = DEFAULT, ctx: Ctx = None) -> Operation:
    """Turn all letters into upper case."""
    ...


@_modify(StringOp.LOWER)
def lower(bin_name: str, *, write_flags: Flags = DEFAULT, ctx: Ctx = None) -> Operation:
    """Turn all letters into lower case."""
    ...


@_modify(StringOp.CASEFOLD)
def casefold(bin_name: str, *, write_flags: Flags = DEFAULT, ctx: Ctx = None) -> Operation:
    """Turn the string into a form for comparing without regard to case."""
    ...


@_modify(StringOp.NORMALIZE_NFC)
def normalize_nfc(bin_name: str, *, write_flags: Flags = DEFAULT, ctx: Ctx = None) -> Operation:
    """Turn the string into Unicode's normal form C."""
    ...


@_modify(StringOp.TRIM_START)
def trim_start(bin_name: str, *, write_flags: Flags = DEFAULT, ctx: Ctx = None) -> Operation:
    """Remove white space at the start."""
    ...


@_modify(StringOp.TRIM_END)
def trim_end(bin_name: str, *, write_flags: Flags = DEFAULT, ctx: Ctx = None) -> Operation:
    """Remove white space at the end."""
    ...


@_modify(StringOp.TRIM)
def trim(bin_name: str, *, write_flags: Flags = DEFAULT, ctx: Ctx = None) -> Operation:
    """Remove white space at both ends."""
    ...


@_modify(StringOp.PAD_START, write_flags=_CREATING)
def pad_start(
    bin_name: str, target_length: int, pad_string: str, *, write_flags: Flags = DEFAULT, ctx: Ctx = None
) -> Operation:
    """Put `pad_string` at the start until the string has this length."""
    ...


@_modify(StringOp.PAD_END, write_flags=_CREATING)
def pad_end(
    bin_name: str, target_length: int, pad_string: str, *, write_flags: Flags = DEFAULT, ctx: Ctx = None
) -> Operation:
    """Put `pad_string` at the end until the string has this length."""
    ...


@_modify(StringOp.REPEAT, write_flags=_CREATING)
def repeat(bin_name: str, count: int, *, write_flags: Flags = DEFAULT, ctx: Ctx = None) -> Operation:
    """Put the string `count` times one after the other."""
    ...


@_modify(StringOp.REGEX_REPLACE)
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
    ...
