"""The words of an AEL text, and where in it they stand.

Owns: names, literals, signs, spaces and comments. Not here: what they mean together (parsing.py).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..protocol.constants import ErrorLanguage, ErrorPhase, ErrorTraceKey
from ..protocol.result import RequestError, ResultCode

__all__ = ["Place", "Token", "Tokens", "mistake"]

_WORD = re.compile(
    r"""(?P<space>(?:\s+|/\*.*?\*/)+)
    |(?P<float>\d+\.\d+(?:[eE][-+]?\d+)?|\.\d+)
    |(?P<int>0[xX][0-9a-fA-F]+|0[bB][01]+|\d+)
    |(?P<name>[A-Za-z_]\w*)
    |(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    |(?P<sign>\*\*|>>>|<<|>>|==|!=|<=|>=|=~|[-+*/%&|^~<>()\[\]{},:$.@#=])""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_REGEX = re.compile(r"\s*/((?:[^/\\]|\\.)*)/([a-z]*)", re.DOTALL)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "0": "\0"}


class Place(NamedTuple):
    """A part of a text: its first byte, and how many it has."""

    at: int
    span: int


class Token(NamedTuple):
    """A word: `kind` is "float", "int", "name", "text" (without its quotes and escapes), "sign" or "end"."""

    kind: str
    text: str
    place: Place


def mistake(what: str, place: Place) -> RequestError:
    """The error of a text that is no AEL, or none that is known here."""
    trace: dict[int, int] = {
        ErrorTraceKey.PHASE: ErrorPhase.BUILD,
        ErrorTraceKey.LANGUAGE: ErrorLanguage.AEL,
        ErrorTraceKey.AEL_OFFSET: place.at,
        ErrorTraceKey.AEL_SPAN: place.span,
    }
    return RequestError(ResultCode.PARAMETER, f"AEL: {what} at byte {place.at}", trace=lambda: trace)


class Tokens:
    """Gives the words of a text one after the other.

    Raises:
        RequestError: PARAMETER: by each method, where the text has something that is no word.

    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._pos = 0
        self.next = self._read()

    def take(self) -> Token:
        """The next word, which is gone over."""
        token = self.next
        self.next = self._read()
        return token

    def skip(self, *signs: str) -> Token | None:
        """Go over the next word if it is one of these signs or names, and give it; None if it is another."""
        return self.take() if self.next.kind in ("sign", "name") and self.next.text in signs else None

    def need(self, sign: str) -> Token:
        """Go over the next word, which must be this sign."""
        token = self.skip(sign)
        if token is None:
            raise mistake(f"{sign!r} is missing", self.next.place)
        return token

    def skip_regex(self) -> tuple[str, str, Place] | None:
        """Go over `=~` and the pattern behind it, if they come next; the pattern and its flags."""
        if self.next.text != "=~" or self.next.kind != "sign":
            return None
        found = _REGEX.match(self._text, self._pos)
        if found is None:
            raise mistake("a pattern such as /^a/ is missing", self.next.place)
        place = self._place(*found.span())
        self._pos = found.end()
        self.next = self._read()
        return found[1].replace("\\/", "/"), found[2], place

    def _read(self) -> Token:
        while True:
            if self._pos == len(self._text):
                return Token("end", "", self._place(self._pos, self._pos))
            found = _WORD.match(self._text, self._pos)
            if found is None:
                raise mistake("something that is no word", self._place(self._pos, self._pos + 1))
            self._pos = found.end()
            kind = str(found.lastgroup)
            if kind != "space":
                text = _plain(found[0][1:-1]) if kind == "text" else found[0]
                return Token(kind, text, self._place(*found.span()))

    def _place(self, start: int, end: int) -> Place:
        at = len(self._text[:start].encode())
        return Place(at, len(self._text[start:end].encode()))


def _plain(text: str) -> str:
    """A text without its escapes."""

    def meant(found: re.Match[str]) -> str:
        word = found[1]
        return chr(int(word[1:], 16)) if len(word) > 1 else _ESCAPES.get(word, word)

    return _ESCAPE.sub(meant, text)
