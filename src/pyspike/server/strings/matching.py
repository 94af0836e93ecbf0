"""Finding a text in another one, where canonically equivalent spellings are equal.

Owns: where a needle is, in codepoints of the text as it is written. A text is split into units: a starter
with the marks that follow it, decomposed. A match begins and ends between units, so that a letter does not
match where it carries a mark. Not here: what is done at these places (reading.py, changing.py).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from itertools import pairwise

__all__ = ["ends_with", "matches", "starts_with"]


def matches(text: str, needle: str) -> Iterator[tuple[int, int]]:
    """The (first, end) of each match, from the left, without overlaps. `needle` must not be empty."""
    if text.isascii() and needle.isascii():
        at = text.find(needle)
        while at >= 0:
            yield at, at + len(needle)
            at = text.find(needle, at + len(needle))
        return
    units, places = _units(text)
    wanted, _ = _units(needle)
    at = 0
    while at + len(wanted) <= len(units):
        if units[at : at + len(wanted)] == wanted:
            yield places[at], places[at + len(wanted)]
            at += len(wanted)
        else:
            at += 1


def starts_with(text: str, prefix: str) -> bool:
    """Whether a text begins with another one."""
    wanted = _units(prefix)[0]
    return _units(text)[0][: len(wanted)] == wanted


def ends_with(text: str, suffix: str) -> bool:
    """Whether a text ends with another one."""
    units, wanted = _units(text)[0], _units(suffix)[0]
    first = len(units) - len(wanted)
    return first >= 0 and units[first:] == wanted


def _units(text: str) -> tuple[list[str], list[int]]:
    """The units of a text, decomposed, and the offset of each; the last offset is that of the end."""
    places = [at for at in range(len(text)) if not at or not _goes_on(text, at)]
    places.append(len(text))
    units = [unicodedata.normalize("NFD", text[begin:end]) for begin, end in pairwise(places)]
    return units, places


def _goes_on(text: str, at: int) -> bool:
    """Whether a codepoint belongs to the unit before it."""
    char = text[at]
    if char.isascii():
        return False
    if unicodedata.combining(unicodedata.normalize("NFD", char)[0]):
        return True
    before = text[max(at - 2, 0) : at]  # a Korean syllable has three parts
    return len(unicodedata.normalize("NFC", before + char)) <= len(unicodedata.normalize("NFC", before))
