"""Operations that change a string, by opcode.

Owns: the arguments of each opcode, its flags, the text after them, and its largest size. Not here:
what a missing bin or a refused flag means (operate.py).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import NamedTuple

from ..protocol.flags import IcuRegexFlags
from ..protocol.opcodes import StringOpcode
from ..protocol.result import ParameterSubcode
from .arguments import Args, clamped, span
from .failures import bad
from .matching import matches
from .regex import REPLACE_FLAGS, compile_regex, replacement

__all__ = ["CHANGES", "SIZE_MAX", "StringChange", "TooLargeError"]

SIZE_MAX = 8 * 1024 * 1024
_CASE_GROWTH = 3  # times the bytes before, as the server estimates

# Unicode's property White_Space.
_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


class TooLargeError(Exception):
    """The text after a change is larger than the server allows."""


class StringChange(NamedTuple):
    """A write operation.

    `kinds`: the types of its arguments. `run`: gives the text after it. `flags_at`: the index of the argument
    that is the write flags. `creates`: whether it makes the string where there is none.
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
        raise bad("an index outside the string", ParameterSubcode.STRING_INDEX)
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
    most = 0 if flags & IcuRegexFlags.GLOBAL else 1
    return compiled.sub(lambda match: replacement(template, match), text, count=most)


# --- the whole ----------------------------------------------------------------------------------------------


def _cased(change: Callable[[str], str]) -> Callable[[str, Args], str]:
    def run(text: str, args: Args) -> str:
        _sized(_CASE_GROWTH * _size(text))
        return change(text)

    return run


def _pad(text: str, args: Args) -> str:
    """The padding that a text needs to have a length in codepoints."""
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
    StringOpcode.INSERT: StringChange("is|i", _insert, 2, creates=True),
    StringOpcode.OVERWRITE: StringChange("is|i", _overwrite, 2, creates=True),
    StringOpcode.CONCAT: StringChange("l|i", _concat, 1, creates=True),
    StringOpcode.SNIP: StringChange("i|ii", _snip, 2),
    StringOpcode.REPLACE: StringChange("l|i", _replace(1), 1),
    StringOpcode.REPLACE_ALL: StringChange("l|i", _replace(None), 1),
    StringOpcode.UPPER: StringChange("|i", _cased(str.upper), 0),
    StringOpcode.LOWER: StringChange("|i", _cased(str.lower), 0),
    StringOpcode.CASEFOLD: StringChange("|i", _cased(str.casefold), 0),
    StringOpcode.NORMALIZE_NFC: StringChange("|i", _cased(partial(unicodedata.normalize, "NFC")), 0),
    StringOpcode.TRIM_START: StringChange("|i", lambda text, args: text.lstrip(_SPACE), 0),
    StringOpcode.TRIM_END: StringChange("|i", lambda text, args: text.rstrip(_SPACE), 0),
    StringOpcode.TRIM: StringChange("|i", lambda text, args: text.strip(_SPACE), 0),
    StringOpcode.PAD_START: StringChange("is|i", lambda text, args: _pad(text, args) + text, 2, creates=True),
    StringOpcode.PAD_END: StringChange("is|i", lambda text, args: text + _pad(text, args), 2, creates=True),
    StringOpcode.REPEAT: StringChange("i|i", _repeat, 1, creates=True),
    StringOpcode.REGEX_REPLACE: StringChange("l|ii", _regex_replace, 2),
    StringOpcode.APPEND: StringChange("s|i", lambda text, args: text + args[0], 1, creates=True),
    StringOpcode.PREPEND: StringChange("s|i", lambda text, args: args[0] + text, 1, creates=True),
}
"""All operations that change."""
