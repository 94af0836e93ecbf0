"""How values are shown in messages and reprs: no more of them than a person would read.

A leaf: it knows Python's own types only. An object whose repr fails, or is long, harms no message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

__all__ = ["clipped", "shown"]

SHOWN_BITS = 256  # of an int that is shown in full: Python refuses to write one of more than 4,300 digits
SHOWN_SIZE = 200  # characters of a value in a message
MAX_LEVELS = 8  # of containers inside each other

_OF_TEXT = (str.__repr__, bytes.__repr__, bytearray.__repr__)


def clipped(text: str, size: int = SHOWN_SIZE) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= size else f"{text[: size - 1]}…"


def shown(value: object, size: int = SHOWN_SIZE) -> str:
    """The value's repr, or as much of it as fits into `size` characters.

    A long text, list or dict is not written out first.
    """
    return clipped(_repr(value, size, MAX_LEVELS), size)


def _repr(value: object, room: int, levels: int) -> str:
    kind = type(value)
    if isinstance(value, int) and int.bit_length(value) > SHOWN_BITS:
        return f"an integer of {int.bit_length(value)} bits"
    if kind is list:
        return _series("[", "]", value, room, levels)  # type: ignore[arg-type]
    if kind is tuple:
        return _series("(", ",)" if len(value) == 1 else ")", value, room, levels)  # type: ignore[arg-type]
    if kind is dict:
        return _mapping(value, room, levels)  # type: ignore[arg-type]
    try:
        if kind.__repr__ in _OF_TEXT and len(value) > room:  # type: ignore[arg-type]
            value = value[: room + 1]  # type: ignore[index]
        return repr(value)
    except Exception:
        return f"<{kind.__name__}>"


def _series(opening: str, closing: str, values: Iterable[object], room: int, levels: int) -> str:
    return _joined(opening, closing, (_repr(value, room, levels - 1) for value in values), room, levels)


def _mapping(values: dict[object, object], room: int, levels: int) -> str:
    pairs = (
        f"{_repr(key, room, levels - 1)}: {_repr(value, room, levels - 1)}" for key, value in values.items()
    )
    return _joined("{", "}", pairs, room, levels)


def _joined(opening: str, closing: str, texts: Iterator[str], room: int, levels: int) -> str:
    pieces: list[str] = []
    length = 0
    for text in texts if levels else "…":
        pieces.append(text)
        length += len(text) + 2
        if length > room:
            pieces.append("…")
            break
    return f"{opening}{', '.join(pieces)}{closing}"
