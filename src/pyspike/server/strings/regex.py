r"""Regular expressions of ICU's dialect, translated for Python's `re`.

Owns: what the two dialects write in different ways: flags, line ends, named groups, quotes, properties, POSIX
classes, and the templates of replacements. What Python has no counterpart for is refused as a bad pattern:
sets within sets, \G, \X, \N{...}. The number of steps is not limited. Not here: POSIX patterns
(../expressions/posix_regex.py).
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from ..protocol.flags import IcuRegexFlags
from ..protocol.result import ParameterSubcode
from .failures import bad

__all__ = ["COMPARE_FLAGS", "REPLACE_FLAGS", "compile_regex", "replacement"]


COMPARE_FLAGS = int(
    IcuRegexFlags.CASE_INSENSITIVE | IcuRegexFlags.MULTILINE | IcuRegexFlags.DOTALL | IcuRegexFlags.UNIX_LINES
)
REPLACE_FLAGS = int(COMPARE_FLAGS | IcuRegexFlags.GLOBAL)

_LINE_ENDS = "\\n\\r\\x85\\u2028\\u2029"
_POSSESSIVE = sys.version_info >= (3, 11)  # possessive quantifiers and atomic groups
_POSIX = {
    "alpha": str.isalpha,
    "digit": str.isdecimal,
    "alnum": str.isalnum,
    "upper": str.isupper,
    "lower": str.islower,
    "space": str.isspace,
    "punct": lambda char: unicodedata.category(char)[0] == "P",
    "cntrl": lambda char: unicodedata.category(char) == "Cc",
    "blank": lambda char: char == "\t" or unicodedata.category(char) == "Zs",
    "xdigit": lambda char: char in "0123456789abcdefABCDEF",
}
_PROPERTIES: dict[str, Callable[[str], bool]] = {
    "alphabetic": str.isalpha,
    "uppercase": str.isupper,
    "lowercase": str.islower,
    "whitespace": str.isspace,
    "ascii": str.isascii,
    "any": lambda char: True,
    **_POSIX,
}
_CATEGORY = re.compile(r"(?:gc=|General_Category=)?([CLMNPSZ][a-z&]?)")
_KEPT = "dDwWsSbBA"  # what Python reads in the same way
_CONTROLS = {"t": "\\t", "n": "\\n", "r": "\\r", "f": "\\f", "a": "\\a", "e": "\\x1b"}
_HORIZONTAL = "\\t\\x20\\xa0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000"


def compile_regex(pattern: str, flags: int, allowed: int) -> re.Pattern[str]:
    """Translate and compile a pattern.

    Args:
        pattern: in ICU's dialect.
        flags: `IcuRegexFlags`.
        allowed: the flags that the operation takes.

    Raises:
        RequestError: PARAMETER for a flag that is not allowed, or a pattern that is refused.

    """
    if flags & ~allowed:
        raise bad("regex flags", ParameterSubcode.STRING_REGEX)
    try:
        return _compiled(pattern, flags & ~int(IcuRegexFlags.GLOBAL))
    except (re.error, OverflowError, RecursionError, ValueError) as error:
        raise bad(f"regex: {error}", ParameterSubcode.STRING_REGEX) from error


@lru_cache(maxsize=256)
def _compiled(pattern: str, flags: int) -> re.Pattern[str]:
    options = re.IGNORECASE if flags & IcuRegexFlags.CASE_INSENSITIVE else re.UNICODE
    return re.compile(_Translation(pattern, flags).run(), options)


def replacement(template: str, match: re.Match[str]) -> str:
    """The text that replaces a match.

    In the template `$1`, `${name}` and `$0` stand for what groups have found; a backslash makes the next
    character plain.
    """
    out: list[str] = []
    at = 0
    while at < len(template):
        char = template[at]
        at += 1
        if char == "\\":
            out.append(template[at : at + 1])
            at += 1
        elif char == "$":
            group, at = _group(template, at, match)
            out.append(match[group] or "")
        else:
            out.append(char)
    return "".join(out)


def _group(template: str, at: int, match: re.Match[str]) -> tuple[int | str, int]:
    """The text of the group that is named after a dollar sign, and the offset of what follows."""
    named = re.compile(r"\{([A-Za-z][A-Za-z0-9]*)\}").match(template, at)
    if named is not None and named[1] in match.re.groupindex:
        return named[1], named.end()
    end, number = at, -1
    while end < len(template) and template[end] in "0123456789":
        longer = int(template[at : end + 1])
        if number >= 0 and longer > match.re.groups:
            break
        number, end = longer, end + 1
    if not 0 <= number <= match.re.groups:
        raise bad("a replacement with a group that is not there", ParameterSubcode.STRING_REGEX)
    return number, end


class _Translation:
    """A pattern that is being translated."""

    def __init__(self, pattern: str, flags: int) -> None:
        self._pattern = pattern
        self._at = 0
        self._flags = flags
        self._out: list[str] = []

    def run(self) -> str:
        while self._at < len(self._pattern):
            self._out.append(self._step(self._take()))
        return "".join(self._out)

    def _take(self, count: int = 1) -> str:
        taken = self._pattern[self._at : self._at + count]
        self._at += count
        return taken

    def _next_is(self, text: str) -> bool:
        return self._pattern.startswith(text, self._at)

    def _step(self, char: str) -> str:
        if char == "\\":
            return self._escape()
        if char == "[":
            return self._set()
        if char == ".":
            return self._any()
        if char == "^":
            return self._line_start()
        if char == "$":
            return self._line_end()
        if char == "(":
            return self._group_start()
        if char in "*+?}" and self._next_is("+") and not _POSSESSIVE:
            raise re.error("a possessive quantifier needs Python 3.11")
        return char

    def _any(self) -> str:
        if self._flags & IcuRegexFlags.DOTALL:
            return "[\\s\\S]"
        return "[^\\n]" if self._flags & IcuRegexFlags.UNIX_LINES else f"[^{_LINE_ENDS}]"

    @property
    def _ends(self) -> str:
        return "\\n" if self._flags & IcuRegexFlags.UNIX_LINES else _LINE_ENDS

    def _line_start(self) -> str:
        return f"(?:\\A|(?<=[{self._ends}]))" if self._flags & IcuRegexFlags.MULTILINE else "\\A"

    def _line_end(self) -> str:
        if self._flags & IcuRegexFlags.MULTILINE:
            return f"(?:\\Z|(?=[{self._ends}]))"
        return f"(?=(?:\\r\\n|[{self._ends}])?\\Z)"

    def _group_start(self) -> str:
        if self._next_is("?>") and not _POSSESSIVE:
            raise re.error("an atomic group needs Python 3.11")
        if self._next_is("?<") and not (self._next_is("?<=") or self._next_is("?<!")):
            self._take(2)
            return "(?P<"
        return "("

    def _escape(self) -> str:
        char = self._take()
        if not char:
            raise re.error("a backslash at the end")
        if char in _KEPT or char in _CONTROLS:
            return _CONTROLS.get(char, "\\" + char)
        if char == "z":
            return "\\Z"
        if char == "Z":
            return f"(?=(?:\\r\\n|[{_LINE_ENDS}])?\\Z)"
        if char == "R":
            return f"(?:\\r\\n|[{_LINE_ENDS}\\v\\f])"
        if char in "hH":
            return f"[{'^' if char == 'H' else ''}{_HORIZONTAL}]"
        if char == "Q":
            end = self._pattern.find("\\E", self._at)
            quoted = self._take(len(self._pattern) - self._at if end < 0 else end - self._at)
            self._take(2)
            return re.escape(quoted)
        if char == "k":
            name = self._braced("<", ">")
            return f"(?P={name})"
        if char.isdecimal() and char != "0":
            return f"(?:\\{char})"
        if char in "pP":
            return f"[{self._property(negated=char == 'P')}]"
        return self._char(char)

    def _char(self, char: str) -> str:
        """An escape that is one character."""
        if char == "x":
            return re.escape(chr(int(self._braced("{", "}") if self._next_is("{") else self._take(2), 16)))
        if char in "uU":
            return re.escape(chr(int(self._take(4 if char == "u" else 8), 16)))
        if char == "0":
            digits = re.compile("[0-7]{1,3}").match(self._pattern, self._at)
            return re.escape(chr(int(self._take(len(digits[0])), 8))) if digits else "\\x00"
        if char == "c":
            return re.escape(chr(ord(self._take() or "@") & 0x1F))
        if char.isalnum():
            raise re.error(f"the escape \\{char}")
        return re.escape(char)

    def _braced(self, before: str, after: str) -> str:
        end = self._pattern.find(after, self._at)
        if not self._next_is(before) or end < 0:
            raise re.error(f"{before} without {after}")
        inside = self._pattern[self._at + 1 : end]
        self._at = end + 1
        return inside

    def _property(self, *, negated: bool) -> str:
        """The characters of a property, which is named next, as they stand in a set."""
        name = self._braced("{", "}") if self._next_is("{") else self._take()
        if name.startswith("^"):
            name, negated = name[1:], not negated
        return _ranges(name, negated)

    def _set(self) -> str:
        """A set of characters; sets within it are POSIX classes only."""
        out = ["["]
        if self._next_is("^"):
            out.append(self._take())
        if self._next_is("]"):
            out.append("\\" + self._take())
        while True:
            char = self._take()
            if not char:
                raise re.error("a set that is not closed")
            if char == "]":
                return "".join([*out, "]"])
            if char == "[":
                out.append(self._posix())
            elif char == "\\":
                out.append(self._escape_in_set())
            elif char in "&-" and self._next_is(char):
                raise re.error("sets that are intersected or subtracted")
            else:
                out.append(char if char == "-" else re.escape(char))

    def _posix(self) -> str:
        match = re.compile(r":(\^?)([a-z]+):\]").match(self._pattern, self._at)
        if match is None or match[2] not in _POSIX:
            raise re.error("a set within a set")
        self._at = match.end()
        return _ranges(match[2], bool(match[1]))

    def _escape_in_set(self) -> str:
        char = self._take()
        if char and char in "dDwWsS":
            return "\\" + char
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char == "h":
            return _HORIZONTAL
        if char and char in "pP":
            return self._property(negated=char == "P")
        return self._char(char)


@lru_cache(maxsize=64)
def _ranges(name: str, negated: bool) -> str:
    """The characters of a property, as they stand in a set."""
    found = _CATEGORY.fullmatch(name)
    if found is not None:
        wanted = found[1]
        test: Callable[[str], bool] = lambda char: unicodedata.category(char).startswith(wanted)  # noqa: E731
        if wanted == "L&":
            test = lambda char: unicodedata.category(char) in ("Lu", "Ll", "Lt")  # noqa: E731
    else:
        plain = name.replace("_", "").replace(" ", "").lower()
        if plain not in _PROPERTIES:
            raise re.error(f"the property {name}")
        test = _PROPERTIES[plain]
    parts: list[str] = []
    first: int | None = None
    for code in range(sys.maxunicode + 2):
        inside = code <= sys.maxunicode and test(chr(code)) != negated
        if inside and first is None:
            first = code
        elif not inside and first is not None:
            parts.append(f"\\U{first:08x}-\\U{code - 1:08x}")
            first = None
    return "".join(parts)
