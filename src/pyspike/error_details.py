"""What a server tells of an error besides its code, if a policy asks for it (server-8.2.md 17.3). A leaf.

It stands in a field of the answer as a small msgpack map, whose strings have no type in front as those of
bins have. What can't be read is left out: the error's code is what counts.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

from pyspike.plain_value import PlainValue, value_class

__all__ = ["ExpressionTrace", "Told", "told_by"]

_LARGEST = 1024  # bytes that a server sends at most
_DEEPEST = 4
_SUBCODE, _MESSAGE, _TRACE = 1, 2, 3
_PHASES = {1: "build", 2: "eval"}
_OUTCOMES = {1: "fault", 2: "false", 3: "absent"}
_LANGUAGES = {1: "msgpack", 2: "ael"}


@value_class(frozen=True, slots=True, repr=False, eq=False)
class ExpressionTrace(PlainValue):
    """Where in an expression a server failed, or found what decided; what it does not tell is None or empty.

    Args:
        phase: "build" if it failed to understand the expression, "eval" if it worked it out.
        outcome: "fault" if it failed there, "false" if that was false, "absent" if a bin was not there.
        operation: the name of the operation at that place.
        offset: the place in the bytes of the expression.
        depth: how many operations are around it.
        path: the names of these and of the operation itself, the outermost first; "..." where some are left
            out.
        snippet: the expression there, as text.
        operands: what was compared, as text.
        language: "msgpack" for an expression, "ael" for text in the query language.
        ael_offset: the place in that text.
        ael_span: how much of the text it is.
    """

    phase: str | None = None
    outcome: str | None = None
    operation: str | None = None
    offset: int | None = None
    depth: int | None = None
    path: tuple[str, ...] = ()
    snippet: str | None = None
    operands: tuple[str, ...] = ()
    language: str = "msgpack"
    ael_offset: int | None = None
    ael_span: int | None = None

    def __str__(self) -> str:
        words = [self.phase or "", self.outcome or "", f"in {self.operation}" if self.operation else ""]
        if self.operands:
            words.append(f"of {', '.join(self.operands)}")
        if self.snippet:
            words.append(f"at {self.snippet}")
        if self.ael_offset is not None:
            words.append(f"at byte {self.ael_offset} of the text")
        return " ".join(word for word in words if word)


class Told(NamedTuple):
    """What a server told of an error.

    Args:
        subcode: which of the reasons that the error's code has; 0 if it did not say.
        message: in its words; empty if it did not say.
        trace: where in an expression; None if it did not say.
    """

    subcode: int = 0
    message: str = ""
    trace: ExpressionTrace | None = None


def told_by(data: bytes) -> Told:
    """What the bytes of the field tell; nothing, if these are no such thing."""
    try:
        found = _Reader(data).value(0) if len(data) <= _LARGEST else None
    except (ValueError, LookupError, struct.error, TypeError):
        found = None
    if not isinstance(found, dict):
        return Told()
    subcode = found.get(_SUBCODE)
    trace = found.get(_TRACE)
    return Told(
        subcode if type(subcode) is int and subcode > 0 else 0,
        _text(found, _MESSAGE) or "",
        _trace(trace) if isinstance(trace, dict) else None,
    )


def _trace(found: Mapping[Any, Any]) -> ExpressionTrace:
    return ExpressionTrace(
        phase=_PHASES.get(found.get(1, 0)),
        offset=_number(found, 2),
        operation=_text(found, 3),
        depth=_number(found, 4),
        path=_texts(found, 5),
        snippet=_text(found, 6),
        outcome=_OUTCOMES.get(found.get(7, 0)),
        language=_LANGUAGES.get(found.get(8, 1), "msgpack"),
        operands=_texts(found, 13),
        ael_offset=_number(found, 9),
        ael_span=_number(found, 10),
    )


def _text(found: Mapping[Any, Any], key: int) -> str | None:
    text = found.get(key)
    return text if isinstance(text, str) else None


def _number(found: Mapping[Any, Any], key: int) -> int | None:
    number = found.get(key)
    return number if type(number) is int else None


def _texts(found: Mapping[Any, Any], key: int) -> tuple[str, ...]:
    texts = found.get(key)
    return tuple(text for text in texts if isinstance(text, str)) if isinstance(texts, list) else ()


class _Reader:
    """Reads plain msgpack, as far as such a map has it."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def value(self, depth: int) -> Any:
        if depth > _DEEPEST:
            raise ValueError("too deep")
        tag = self._take(1)[0]
        if tag < 0x80:
            return tag
        if tag < 0x90:
            return self._map(tag & 0x0F, depth)
        if tag < 0xA0:
            return self._list(tag & 0x0F, depth)
        if tag < 0xC0:
            return self._take(tag & 0x1F).decode()
        if tag >= 0xE0:
            return tag - 0x100
        return self._tagged(tag, depth)

    def _tagged(self, tag: int, depth: int) -> Any:
        if tag in _CONSTANTS:
            return _CONSTANTS[tag]
        if tag in _NUMBERS:
            return self._number(_NUMBERS[tag])
        kind, size = _SIZED[tag]
        length = self._number(size)
        if kind == "map":
            return self._map(length, depth)
        if kind == "list":
            return self._list(length, depth)
        data = self._take(length)
        return data.decode() if kind == "str" else data

    def _map(self, length: int, depth: int) -> dict[Any, Any]:
        return {self.value(depth + 1): self.value(depth + 1) for _ in range(length)}

    def _list(self, length: int, depth: int) -> list[Any]:
        return [self.value(depth + 1) for _ in range(length)]

    def _number(self, form: str) -> Any:
        return struct.unpack(f">{form}", self._take(struct.calcsize(form)))[0]

    def _take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        if len(taken) < size:
            raise ValueError("it breaks off")
        self._at += size
        return taken


_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
_NUMBERS = {
    0xCA: "f",
    0xCB: "d",
    0xCC: "B",
    0xCD: "H",
    0xCE: "I",
    0xCF: "Q",
    0xD0: "b",
    0xD1: "h",
    0xD2: "i",
    0xD3: "q",
}
_SIZED = {
    0xC4: ("bytes", "B"),
    0xC5: ("bytes", "H"),
    0xC6: ("bytes", "I"),
    0xD9: ("str", "B"),
    0xDA: ("str", "H"),
    0xDB: ("str", "I"),
    0xDC: ("list", "H"),
    0xDD: ("list", "I"),
    0xDE: ("map", "H"),
    0xDF: ("map", "I"),
}
