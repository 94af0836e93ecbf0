"""Query plans: by which index the records of a text in the query language are found (server-8.2.md 17.5).

Owns: choosing an index for a text, and the answer to a request that asks only for that. Not here: running
a query by its plan, which this server does not; it refuses that.

Of the language (AEL) this understands comparisons of bins with integers and texts, `and`, `or`, `not` and
parentheses. Anything else is refused as a text that is malformed, and the details of the error say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from struct import Struct
from typing import Any, NamedTuple

from ..protocol.constants import (
    INDEX_NAME_MAX,
    MESSAGE_HEADER_SIZE,
    N_PARTITIONS,
    FieldType,
    IndexCollection,
    Info3,
    ParticleType,
    ProtoType,
)
from ..protocol.framing import Message, frame
from ..protocol.result import RequestError, ResultCode, bad
from ..storage.indexes import Index, IndexDefinition
from ..storage.store import Namespace
from ..topology.state import NodeState
from ..values.integers import INT_MAX, INT_MIN
from .indexes import find_index, index_of, load_percent
from .keys import bval_of

__all__ = ["explain"]

_EXPLAIN, _REQUIRE_INDEX, _HARD_HINT = 0x02, 0x04, 0x08
_MORE_FLAGS = 0x01
_HEADER, _FIELD, _SIZE, _I64 = Struct(">BBBBBBIIIHH"), Struct(">IB"), Struct(">I"), Struct(">q")
_TOKEN = re.compile(
    rb"""\s*(?:(?P<bin>\$\.[A-Za-z_@][A-Za-z0-9_@]*)|(?P<number>-?(?:0x[0-9a-fA-F]+|\d+)(?![\w.]))"""
    rb"""|(?P<text>'[^']*'|"[^"]*")|(?P<op>==|!=|<=|>=|<|>|\(|\))|(?P<word>and|or|not)\b|(?P<end>$))"""
)
_MIRRORED = {b"<": b">", b">": b"<", b"<=": b">=", b">=": b"<=", b"==": b"==", b"!=": b"!="}


class _Range(NamedTuple):
    """The values that a bin must have one of: integers from first to last, or one text."""

    bin: bytes
    first: int | bytes
    last: int | bytes

    @property
    def particle(self) -> int:
        return int(ParticleType.STRING if isinstance(self.first, bytes) else ParticleType.INTEGER)


def explain(node: NodeState, namespace: Namespace, message: Message) -> bytes:
    """The answer to a request with a text: the index by which its records would be found.

    Raises:
        RequestError: PARAMETER: the flags, the text or the hint are malformed, or the text is to be run.
            FILTERED_OUT: no record can be wanted. SINDEX_NOT_FOUND: there is no index, and one is required.

    """
    flags, text = _flags(message.fields[FieldType.WHERE])
    if not flags & _EXPLAIN:
        raise bad("a text that is to be run, which the embedded server does not")
    if flags & ~(_EXPLAIN | _REQUIRE_INDEX | _HARD_HINT):
        raise bad(f"unknown flags of a text: {flags:#x}")
    if not text or FieldType.FILTER in message.fields:
        raise bad("no text, or a text and a filter expression")
    hint = _hint(message)
    wanted = _Text(text).conditions()
    ranges = _merged(wanted)
    found = list(_usable(node, namespace, message.fields.get(FieldType.SET, b""), ranges))
    hinted = [each for each in found if each[0].name == hint]
    if (flags & _HARD_HINT and not hinted) or (flags & _REQUIRE_INDEX and not found):
        raise RequestError(ResultCode.SINDEX_NOT_FOUND, "no index for the text")
    if not found:
        return _answer([])
    index, values = (hinted or sorted(found, key=_cost))[0]
    return _answer(
        [
            (FieldType.INDEX_NAME, index.name.encode("latin-1")),
            (FieldType.INDEX_TYPE, bytes((IndexCollection.DEFAULT,))),
            (FieldType.INDEX_RANGE, _encoded(values)),
        ]
    )


def _flags(data: bytes) -> tuple[int, bytes]:
    """The flags of a text, and the text itself."""
    if not data or data[0] & _MORE_FLAGS:
        raise bad("malformed flags of a text")
    return data[0], data[1:]


def _hint(message: Message) -> str | None:
    name = message.fields.get(FieldType.INDEX_NAME)
    if name is None:
        return None
    if not 0 < len(name) <= INDEX_NAME_MAX:
        raise bad("the name of an index that is empty or too long")
    return name.decode("latin-1")


def _usable(
    node: NodeState, namespace: Namespace, set_name: bytes, ranges: list[_Range]
) -> Iterator[tuple[Index, _Range]]:
    """The indexes by which the records can be found, each with the values to look for."""
    for each in ranges:
        definition = IndexDefinition(set_name or None, each.particle, int(IndexCollection.DEFAULT), each.bin)
        index = index_of(namespace, definition)
        if index is not None and load_percent(node, index) == 100:
            yield find_index(namespace, index.name) or index, each


def _cost(candidate: tuple[Index, _Range]) -> tuple[int, str]:
    """How many entries have to be looked at, and the name for those that cost the same."""
    index, values = candidate
    first, last = (
        # With its type in front, as it stands in a bin.
        bval_of(end if isinstance(end, int) else bytes((values.particle,)) + end, values.particle)
        for end in (values.first, values.last)
    )
    if first is None or last is None:
        return 0, index.name
    count = sum(len(index.within(partition_id, first, last)) for partition_id in range(N_PARTITIONS))
    return count, index.name


def _encoded(values: _Range) -> bytes:
    head = bytes((1, len(values.bin))) + values.bin + bytes((values.particle,))
    if isinstance(values.first, bytes):
        return head + _SIZE.pack(len(values.first)) + values.first
    ends = b"".join(_SIZE.pack(8) + _I64.pack(int(end)) for end in (values.first, values.last))
    return head + ends


def _answer(fields: list[tuple[FieldType, bytes]]) -> bytes:
    packed = b"".join(_FIELD.pack(1 + len(data), kind) + data for kind, data in fields)
    head = _HEADER.pack(MESSAGE_HEADER_SIZE, 0, 0, Info3.LAST, 0, ResultCode.OK, 0, 0, 0, len(fields), 0)
    return frame(ProtoType.AS_MSG, head + packed)


def _merged(wanted: list[_Range]) -> list[_Range]:
    """One range for each bin, type by type.

    Raises:
        RequestError: FILTERED_OUT: one of them is empty.

    """
    found: dict[tuple[bytes, int], _Range] = {}
    for each in wanted:
        place = each.bin, each.particle
        known = found.get(place, each)
        first: Any = max(known.first, each.first, key=_ordered)
        last: Any = min(known.last, each.last, key=_ordered)
        if first > last:
            raise RequestError(ResultCode.FILTERED_OUT, "no record can be wanted")
        found[place] = _Range(each.bin, first, last)
    return list(found.values())


def _ordered(value: int | bytes) -> Any:
    """A value as it is, for those that are compared only with others of its type."""
    return value


class _Text:
    """A text in the query language, read from its beginning to its end."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._at = 0
        self._kind, self._token = "", b""
        self._next()

    def conditions(self) -> list[_Range]:
        """What must hold of bins, each for itself; none if there is nothing that an index could serve.

        Raises:
            RequestError: PARAMETER: it is no text that this understands.

        """
        found = self._either()
        if self._kind != "end":
            raise self._unknown()
        return found

    def _next(self) -> None:
        match = _TOKEN.match(self._text, self._at)
        if match is None or match.lastgroup is None:
            raise self._unknown()
        self._kind, self._token, self._at = match.lastgroup, match[match.lastgroup], match.end()

    def _unknown(self) -> RequestError:
        return bad(f"a text that is not understood from byte {self._at} on")

    def _take(self, token: bytes) -> bool:
        if self._token != token or self._kind not in ("op", "word"):
            return False
        self._next()
        return True

    def _either(self) -> list[_Range]:
        found = self._all()
        while self._take(b"or"):
            self._all()
            found = []
        return found

    def _all(self) -> list[_Range]:
        found = self._one()
        while self._take(b"and"):
            found += self._one()
        return found

    def _one(self) -> list[_Range]:
        if self._take(b"not"):
            self._one()
            return []
        if self._take(b"("):
            found = self._either()
            if not self._take(b")"):
                raise self._unknown()
            return found
        left = self._operand()
        operator = self._token
        if self._kind != "op" or operator not in _MIRRORED:
            raise self._unknown()
        self._next()
        right = self._operand()
        if left[0] == "bin" and right[0] != "bin":
            return _compared(left[1], operator, right)
        if right[0] == "bin" and left[0] != "bin":
            return _compared(right[1], _MIRRORED[operator], left)
        return []

    def _operand(self) -> tuple[str, bytes]:
        kind, token = self._kind, self._token
        if kind not in ("bin", "number", "text"):
            raise self._unknown()
        self._next()
        return kind, token[2:] if kind == "bin" else token


def _compared(name: bytes, operator: bytes, literal: tuple[str, bytes]) -> list[_Range]:
    """The values that a bin must have, if an index could find them."""
    kind, token = literal
    if kind == "text":
        return [_Range(name, token[1:-1], token[1:-1])] if operator == b"==" else []
    number = int(token, 0)
    ends = {
        b"==": (number, number),
        b">": (number + 1, INT_MAX),
        b">=": (number, INT_MAX),
        b"<": (INT_MIN, number - 1),
        b"<=": (INT_MIN, number),
    }.get(operator)
    return [] if ends is None else [_Range(name, max(ends[0], INT_MIN), min(ends[1], INT_MAX))]
