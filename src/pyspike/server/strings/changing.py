"""Operations that change a string, by opcode.

Owns: opcodes 50 to 68: their arguments, their flags, the text after them, and its largest size. Not here:
what a missing bin or a refused flag means (operate.py).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from enum import IntFlag
from itertools import islice
from typing import NamedTuple

from ..cdt.calls import bad
from .arguments import Args, clamped, span
from .matching import matches
from .regex import GLOBAL, REPLACE_FLAGS, compile_regex, replacement

__all__ = ["CHANGES", "SIZE_MAX", "StringChange", "TooLargeError", "WriteFlags"]

SIZE_MAX = 8 * 1024 * 1024
_CASE_GROWTH = 3  # times the bytes before, as the server estimates

# Unicode's property White_Space.
_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


class WriteFlags(IntFlag):
    """How a string is written."""

    CREATE_ONLY = 1
    UPDATE_ONLY = 2
    NO_FAIL = 4


class TooLargeError(Exception):
    """The text after a change would be larger than the server makes one."""


class StringChange(NamedTuple):
    """An operation: the kinds of its arguments, the text after it, the number of its own arguments (the flags
    stand behind them), and whether it makes the string where there is none.
    """

    kinds: str
    run: Callable[[str, Args], str]
    flags_at: int
    creates: bool = False


def _sized(size: int) -> None:
    if size > SIZE_MAX:
        raise TooLargeError


def _size(text: str) -> int:
    return len(text.encode())


# --- putting in and taking out ------------------------------------------------------------------------------


def _insert(text: str, args: Args) -> str:
    at = clamped(args[0], len(text))
    return f"{text[:at]}{args[1]}{text[at:]}"


def _overwrite(text: str, args: Args) -> str:
    at = args[0] + len(text) if args[0] < 0 else args[0]
    if not 0 <= at < max(len(text), 1):
        raise bad("an index outside the string")
    return f"{text[:at]}{args[1]}{text[at + len(args[1]) :]}"


def _concat(text: str, args: Args) -> str:
    return text + "".join(args[0])


def _snip(text: str, args: Args) -> str:
    gone = span(args[:2], len(text))
    return text[: gone.start] + text[gone.stop :]


def _replace(count: int | None) -> Callable[[str, Args], str]:
    def run(text: str, args: Args) -> str:
        needle, new = _pair(args[0])
        if not needle:
            raise bad("nothing to be replaced")
        places = list(islice(matches(text, needle), count))
        _sized(_size(text) + len(places) * _size(new))
        parts, end = [], 0
        for first, after in places:
            parts += [text[end:first], new]
            end = after
        return "".join([*parts, text[end:]])

    return run


def _pair(texts: list[str]) -> tuple[str, str]:
    if len(texts) != 2:
        raise bad("a list that is not what is replaced and by what")
    return texts[0], texts[1]


def _regex_replace(text: str, args: Args) -> str:
    pattern, template = _pair(args[0])
    flags = args[1] if len(args) > 1 else 0
    compiled = compile_regex(pattern, flags, REPLACE_FLAGS)
    return compiled.sub(lambda match: replacement(template, match), text, count=0 if flags & GLOBAL else 1)


# --- the whole ----------------------------------------------------------------------------------------------


def _cased(change: Callable[[str], str]) -> Callable[[str, Args], str]:
    def run(text: str, args: Args) -> str:
        _sized(_CASE_GROWTH * _size(text))
        return change(text)

    return run


def _pad(text: str, args: Args) -> str:
    """What is missing to a length in codepoints."""
    length: int = args[0]
    unit: str = args[1]
    if length < 0 or not unit:
        raise bad("padding to no length, or with nothing")
    missing = max(length - len(text), 0)
    _sized(_size(text) + missing)  # at least a byte each
    return (unit * (missing // len(unit) + 1))[:missing]


def _repeat(text: str, args: Args) -> str:
    count: int = args[0]
    if count < 0:
        raise bad("a negative number of repetitions")
    _sized(_size(text) * count)
    return text * count if text else ""


CHANGES: dict[int, StringChange] = {
    50: StringChange("is|i", _insert, 2, creates=True),
    51: StringChange("is|i", _overwrite, 2, creates=True),
    52: StringChange("l|i", _concat, 1, creates=True),
    53: StringChange("i|ii", _snip, 2),
    54: StringChange("l|i", _replace(1), 1),
    55: StringChange("l|i", _replace(None), 1),
    56: StringChange("|i", _cased(str.upper), 0),
    57: StringChange("|i", _cased(str.lower), 0),
    58: StringChange("|i", _cased(str.casefold), 0),
    59: StringChange("|i", _cased(lambda text: unicodedata.normalize("NFC", text)), 0),
    60: StringChange("|i", lambda text, args: text.lstrip(_SPACE), 0),
    61: StringChange("|i", lambda text, args: text.rstrip(_SPACE), 0),
    62: StringChange("|i", lambda text, args: text.strip(_SPACE), 0),
    63: StringChange("is|i", lambda text, args: _pad(text, args) + text, 2, creates=True),
    64: StringChange("is|i", lambda text, args: text + _pad(text, args), 2, creates=True),
    65: StringChange("i|i", _repeat, 1, creates=True),
    66: StringChange("l|ii", _regex_replace, 2),
    67: StringChange("s|i", lambda text, args: text + args[0], 1, creates=True),
    68: StringChange("s|i", lambda text, args: args[0] + text, 1, creates=True),
}
"""All operations that change."""
