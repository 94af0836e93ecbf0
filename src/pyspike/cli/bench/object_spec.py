"""What the records of a benchmark hold: an object spec, as asbench has it, and the values that it means.

    I4, S12, [3*I1], {2*S4:D}    four bins: an integer, a text, a list of three integers, a map of two names

Owns: the grammar and the values. Not here: keys, and when a record is written.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from random import Random
from typing import Any, NoReturn, TypeAlias

__all__ = ["GRAMMAR", "ObjectSpec"]

Make: TypeAlias = Callable[[Random], Any]
Item: TypeAlias = "tuple[int, Make]"  # how often, and what

GRAMMAR = """\
I1 to I8 an integer of so many bytes (I is I4), D a float, b a boolean, S20 a text and B20 bytes of that
length, [I4,2*S8] a list, {3*S4:I1} a map, 3*I4 three times the same; or constants: true, 12, 0x1f, 2.5,
"text" """

TOKEN = re.compile(
    r"""\s*(?:(?P<kind>[ISB]\d+|[IDb](?![\w"]))|(?P<word>[A-Za-z]\w*)|(?P<number>[-+]?(?:0[xX][0-9a-fA-F]+|[\d.]+))"""
    r"""|(?P<text>"(?:[^"\\]|\\.)*")|(?P<sign>[\[\]{},:*]))\s*"""
)
TIMES = re.compile(r"\s*(\d+)\s*\*")
CONSTANTS = {"true": True, "t": True, "false": False, "f": False}
LETTERS = bytes(b"abcdefghijklmnopqrstuvwxyz0123456789"[number % 36] for number in range(256))
MOST_BYTES = 8  # of an integer
MOST_INTEGER = 2**63 - 1
LONGEST = 8 << 20  # bytes of a value: as long as a record may be
MOST_TIMES = 1 << 20  # of one item
LONGEST_NAME = 15  # bytes of a bin's name
TRIES = 100  # per name of a map, to find one that it does not have yet


class ObjectSpec:
    """The bins of a benchmark's records.

    Args:
        text: a value for each bin, with commas between them; `GRAMMAR` tells which there are.
        bin_name: the name of the first bin; that of the second ends with `_2`, and so on.

    Attributes:
        text: what it was made of.
        names: the names of the bins.

    Raises:
        ValueError: the text can't be read, or asks for what a server does not take.
    """

    def __init__(self, text: str, bin_name: str = "testbin") -> None:
        self.text = text
        makes = [make for times, make in _Parser(text).items("") for _ in range(times)]
        self.names = [bin_name if place == 1 else f"{bin_name}_{place}" for place in range(1, len(makes) + 1)]
        if len(self.names[-1].encode()) > LONGEST_NAME:
            raise ValueError(f"the bin name {self.names[-1]!r} is longer than {LONGEST_NAME} bytes")
        self._makes = dict(zip(self.names, makes, strict=True))

    def make(self, random: Random) -> dict[str, Any]:
        """The bins of a record, with values out of `random`."""
        return {name: make(random) for name, make in self._makes.items()}


class _Parser:
    """Reads a spec from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def items(self, end: str) -> list[Item]:
        """Values with commas between them, up to `end`, or to the end of the text."""
        found = [self._item()]
        while self._next(",", end) == ",":
            found.append(self._item())
        return found

    def _item(self) -> Item:
        times = self._times()
        return times, self._value()

    def _times(self) -> int:
        match = TIMES.match(self._text, self._at)
        if match is None:
            return 1
        self._at = match.end()
        times = int(match[1])
        return times if 1 <= times <= MOST_TIMES else self._fail("so many times is not possible")

    def _value(self) -> Make:
        match = TOKEN.match(self._text, self._at)
        if match is None:
            self._fail("a value is missing")
        started, self._at = self._at, match.end()
        if match["kind"] is not None:
            return self._generated(match["kind"], started)
        if match["sign"] == "[":
            return _list(self.items("]"))
        if match["sign"] == "{":
            return self._map(started)
        self._at = started
        constant = self._constant(match)
        self._at = match.end()
        return lambda random: constant

    def _generated(self, kind: str, started: int) -> Make:
        letter, size = kind[0], int(kind[1:] or "4")
        if letter == "b":
            return lambda random: random.random() < 0.5
        if letter == "D":
            return lambda random: random.random()
        if letter == "I":
            if not 1 <= size <= MOST_BYTES:
                self._at = started
                self._fail(f"an integer has 1 to {MOST_BYTES} bytes")
            least = 0 if size == 1 else 1 << 8 * (size - 1)
            most = min((1 << 8 * size) - 1, MOST_INTEGER)
            return lambda random: random.randint(least, most)
        if size > LONGEST:
            self._at = started
            self._fail(f"a value has at most {LONGEST} bytes")
        if letter == "S":
            return lambda random: random.randbytes(size).translate(LETTERS).decode("ascii")
        return lambda random: random.randbytes(size)

    def _constant(self, match: re.Match[str]) -> Any:
        if match["text"] is not None:
            return ast.literal_eval(match["text"])
        if match["number"] is not None:
            return self._number(match["number"])
        word = (match["word"] or "").lower()
        if word not in CONSTANTS:
            self._fail("this is no value")
        return CONSTANTS[word]

    def _number(self, text: str) -> int | float:
        try:
            number = float(text) if "." in text else int(text, 16 if "x" in text.lower() else 10)
        except ValueError:
            self._fail("this is no number")
        return (
            number if -MOST_INTEGER - 1 <= number <= MOST_INTEGER else self._fail("it has more than 8 bytes")
        )

    def _map(self, started: int) -> Make:
        pairs = self._pairs()
        make = _map(pairs)
        if len(make(Random(0))) < sum(times for times, _, _ in pairs):
            self._at = started
            self._fail("a map can't have so many names of this kind")
        return make

    def _pairs(self) -> list[tuple[int, Make, Make]]:
        found = []
        sign = ","
        while sign == ",":
            times, started = self._times(), self._at
            name = self._value()
            sample = name(Random(0))
            if not isinstance(sample, int | str | bytes) or isinstance(sample, bool):
                self._at = started
                self._fail("a name in a map is an integer, a text or bytes")
            self._next(":")
            found.append((times, name, self._value()))
            sign = self._next(",", "}")
        return found

    def _next(self, *signs: str) -> str:
        """Go on behind one of these; '' stands for the end of the text."""
        rest = self._text[self._at :].lstrip()
        for sign in signs:
            if rest.startswith(sign) if sign else not rest:
                self._at = len(self._text) - len(rest) + len(sign)
                return sign
        return self._fail(f"{' or '.join(repr(sign) if sign else 'the end' for sign in signs)} is missing")

    def _fail(self, why: str) -> NoReturn:
        rest = self._text[self._at :].strip()
        raise ValueError(f"{why}: {rest!r}" if rest else f"{why} at the end of {self._text!r}")


def _list(items: list[Item]) -> Make:
    makes = [make for times, make in items for _ in range(times)]
    return lambda random: [make(random) for make in makes]


def _map(pairs: list[tuple[int, Make, Make]]) -> Make:
    def make(random: Random) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        for times, name, value in pairs:
            wanted = len(made) + times
            for _ in range(times * TRIES):
                made[name(random)] = value(random)
                if len(made) == wanted:
                    break
        return made

    return make
