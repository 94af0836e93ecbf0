"""POSIX regular expressions, basic and extended, translated for Python's `re`.

Owns: the syntax of patterns as the server's C library reads them, and its flags. A pattern is translated item
by item; what Python would read in another place is escaped. Not here: what is searched (comparison.py).
"""

from __future__ import annotations

import re

from ..protocol.flags import PosixRegexFlags

__all__ = ["compile_regex"]


_CLASSES = {
    b"alpha": b"A-Za-z",
    b"digit": b"0-9",
    b"alnum": b"A-Za-z0-9",
    b"upper": b"A-Z",
    b"lower": b"a-z",
    b"space": rb" \t\n\r\f\v",
    b"blank": rb" \t",
    b"punct": rb"!-/:-@\[-`{-~",
    b"print": rb" -~",
    b"graph": rb"!-~",
    b"cntrl": rb"\x00-\x1f\x7f",
    b"xdigit": rb"0-9A-Fa-f",
}
_GNU_ESCAPES = {
    b"w": rb"\w",
    b"W": rb"\W",
    b"s": rb"\s",
    b"S": rb"\S",
    b"b": rb"\b",
    b"B": rb"\B",
    b"<": rb"\b(?=\w)",
    b">": rb"\b(?<=\w)",
    b"`": rb"\A",
    b"'": rb"\Z",
}
_INTERVAL = re.compile(rb"(\d*)(,?)(\d*)")


def compile_regex(pattern: bytes, flags: int) -> re.Pattern[bytes]:
    """Translate and compile a pattern.

    Raises:
        re.error: a pattern that the server refuses.

    """
    translated = _Translation(pattern.partition(b"\x00")[0], flags).run()
    options = re.IGNORECASE if flags & PosixRegexFlags.ICASE else re.NOFLAG if hasattr(re, "NOFLAG") else 0
    if flags & PosixRegexFlags.NEWLINE:
        options |= re.MULTILINE
    else:
        options |= re.DOTALL
    try:
        return re.compile(translated, options)
    except (OverflowError, RecursionError) as error:
        raise re.error(str(error)) from error


class _Translation:
    """A pattern that is being translated."""

    def __init__(self, pattern: bytes, flags: int) -> None:
        self._pattern = pattern
        self._at = 0
        self._extended = bool(flags & PosixRegexFlags.EXTENDED)
        self._newline = bool(flags & PosixRegexFlags.NEWLINE)
        self._out: list[bytes] = []
        self._depth = 0
        self._atom: int | None = None
        """Where in `_out` the item starts that a repetition would repeat; None at the start of a branch."""
        self._groups: list[int] = []

    def run(self) -> bytes:
        while self._at < len(self._pattern):
            self._step()
        if self._depth:
            raise re.error("a group that is not closed")
        return b"".join(self._out)

    def _take(self, count: int = 1) -> bytes:
        taken = self._pattern[self._at : self._at + count]
        self._at += count
        return taken

    def _step(self) -> None:
        char = self._take()
        if char == b"\\":
            self._escape()
        elif char == b"[":
            self._add(self._bracket())
        elif char == b".":
            self._add(b".")
        elif char == b"*":
            self._star()
        elif char == b"^":
            self._start_anchor()
        elif char == b"$":
            self._end_anchor()
        elif self._extended and char in b"+?{(|":
            self._operator(char)
        elif self._extended and char == b")" and self._depth:
            self._close()
        else:
            self._add(re.escape(char))

    def _add(self, item: bytes) -> None:
        self._atom = len(self._out)
        self._out.append(item)

    def _escape(self) -> None:
        char = self._take()
        if not char:
            raise re.error("a backslash at the end")
        if not self._extended and char in b"({|+?":
            self._operator(char)
        elif not self._extended and char == b")":
            if not self._depth:
                raise re.error("a group that was not opened")
            self._close()
        elif char in _GNU_ESCAPES:
            self._add(_GNU_ESCAPES[char])
        elif char.isdigit() and char != b"0":
            self._add(b"(?:\\" + char + b")")
        else:
            self._add(re.escape(char))

    def _operator(self, char: bytes) -> None:
        if char == b"(":
            self._groups.append(len(self._out))
            self._out.append(b"(")
            self._depth += 1
            self._atom = None
        elif char == b"|":
            self._out.append(b"|")
            self._atom = None
        elif char == b"{":
            self._interval()
        elif self._atom is None:
            if self._extended:
                raise re.error("nothing to repeat")
            self._add(re.escape(char))
        else:
            self._repeat(char)

    def _close(self) -> None:
        self._depth -= 1
        self._out.append(b")")
        self._atom = self._groups.pop()

    def _star(self) -> None:
        if self._atom is not None:
            self._repeat(b"*")
        elif self._extended:
            raise re.error("nothing to repeat")
        else:
            self._add(rb"\*")

    def _repeat(self, how: bytes) -> None:
        """Let the last item be repeated; both become one item, which can be repeated again."""
        assert self._atom is not None
        item = b"".join(self._out[self._atom :])
        self._out[self._atom :] = [b"(?:" + item + b")" + how]

    def _interval(self) -> None:
        end = self._pattern.find(b"}" if self._extended else rb"\}", self._at)
        match = _INTERVAL.fullmatch(self._pattern[self._at : end]) if end >= 0 else None
        if match is None or not (match[1] or match[2]):
            raise re.error("a bad interval")
        if self._atom is None:
            raise re.error("nothing to repeat")
        self._at = end + (1 if self._extended else 2)
        low = match[1] or b"0"
        if match[3] and int(match[3]) < int(low):
            raise re.error("a bad interval")
        self._repeat(b"{" + low + match[2] + match[3] + b"}")

    def _start_anchor(self) -> None:
        if self._extended or not self._out or self._out[-1] in (b"(", b"|"):
            self._out.append(b"^" if self._newline else rb"\A")
        else:
            self._add(rb"\^")

    def _end_anchor(self) -> None:
        rest = self._pattern[self._at :]
        if self._extended or not rest or rest.startswith((rb"\)", rb"\|")):
            self._out.append(b"$" if self._newline else rb"\Z")
        else:
            self._add(rb"\$")

    def _bracket(self) -> bytes:
        """Translate a set of characters, in which a backslash stands for itself."""
        negated = self._pattern[self._at : self._at + 1] == b"^"
        self._at += negated
        parts: list[bytes] = []
        first = True
        while True:
            char = self._take()
            if not char:
                raise re.error("a set that is not closed")
            if char == b"]" and not first:
                break
            first = False
            if char == b"[" and self._pattern[self._at : self._at + 1] in (b":", b".", b"="):
                parts.append(self._named())
            elif char == b"-" and parts and self._pattern[self._at : self._at + 1] != b"]":
                parts.append(b"-")
            else:
                parts.append(re.escape(char) if char in rb"\]^[-&~|" else char)
        if negated and self._newline:
            parts.append(rb"\n")
        return b"[" + (b"^" if negated else b"") + b"".join(parts) + b"]"

    def _named(self) -> bytes:
        kind = self._take()
        end = self._pattern.find(kind + b"]", self._at)
        if end < 0:
            raise re.error("a set that is not closed")
        name = self._pattern[self._at : end]
        self._at = end + 2
        if kind == b":":
            if name not in _CLASSES:
                raise re.error("an unknown class")
            return _CLASSES[name]
        if len(name) != 1:
            raise re.error("an unknown element")
        return re.escape(name)
