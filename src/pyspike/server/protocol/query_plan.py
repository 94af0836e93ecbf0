"""The field by which a query tells in words what it looks for, and the answer to who asks for its plan.

Owns: their bytes (server-8.2.md 17.5). Not here: the words (../ael), and which index is chosen
(../queries/plans.py).
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from .constants import (
    INDEX_NAME_MAX,
    MESSAGE_HEADER_SIZE,
    WHERE_FLAG_BYTES_MAX,
    FieldType,
    Info3,
    ParticleType,
    ProtoType,
    WhereFlags,
)
from .framing import Message, frame
from .result import bad

__all__ = ["Condition", "IndexRange", "hint_of", "parse_condition", "plan_reply"]

_HEADER = Struct(">BBBBBBIIIHH")
_FIELD = Struct(">IB")
_U32, _I64 = Struct(">I"), Struct(">q")
_MORE = int(WhereFlags.MORE)
_KNOWN = int(WhereFlags.EXPLAIN | WhereFlags.REQUIRE_INDEX | WhereFlags.HARD_HINT)


class Condition(NamedTuple):
    """What a query looks for, as a text, and what is to be done with it."""

    text: str
    flags: int

    @property
    def is_explained(self) -> bool:
        """Whether only the plan is asked for."""
        return bool(self.flags & WhereFlags.EXPLAIN)


class IndexRange(NamedTuple):
    """A part of an index.

    Fields:
        index_name: its name.
        collection: which part of a value it holds, an `IndexCollection`.
        bin: the bin's name; empty for an index of an expression.
        particle: the particle type of the values.
        first: the least integer, or the bytes of the value.
        last: the greatest integer, or `first`.

    """

    index_name: str
    collection: int
    bin: bytes
    particle: int
    first: int | bytes
    last: int | bytes


def parse_condition(message: Message) -> Condition | None:
    """What a query looks for; None if it does not tell so in words.

    Raises:
        RequestError: PARAMETER: flags that there are not, no text, or an expression beside it.

    """
    data = message.fields.get(FieldType.WHERE)
    if data is None:
        return None
    if FieldType.FILTER in message.fields:
        raise bad("a filter in words and one as an expression")
    end = 1
    while end <= len(data) and data[end - 1] & _MORE:
        end += 1
    if end > min(WHERE_FLAG_BYTES_MAX, len(data)):
        raise bad("flags of a filter in words that do not end")
    flags = data[0] & ~_MORE
    if flags & ~_KNOWN or any(each & ~_MORE for each in data[1:end]):
        raise bad("flags of a filter in words that there are not")
    if flags and not flags & WhereFlags.EXPLAIN:
        raise bad("flags of a plan without asking for it")
    try:
        text = data[end:].decode()
    except UnicodeDecodeError:
        raise bad("a filter in words that is no UTF-8") from None
    if not text.strip():
        raise bad("no filter in words")
    return Condition(text, flags)


def hint_of(message: Message) -> str | None:
    """The name of the index that the client wants to be used; None if it does not tell one.

    Raises:
        RequestError: PARAMETER: a name that no index can have.

    """
    name = message.fields.get(FieldType.INDEX_NAME)
    if name is None:
        return None
    if not 0 < len(name) <= INDEX_NAME_MAX:
        raise bad("the name of an index that is empty or too long")
    return name.decode("latin-1")


def plan_reply(code: int, found: IndexRange | None = None, details: bytes = b"") -> bytes:
    """The frame that tells a plan: that of an index, or, without one, that of a look at all records.

    Args:
        code: the result code.
        found: the part of the index that is looked at.
        details: the field that tells what was wrong, if there is one.

    """
    fields = [] if found is None else [_name(found), _collection(found), _range(found)]
    if details:
        fields.append(details)
    head = _HEADER.pack(MESSAGE_HEADER_SIZE, 0, 0, Info3.LAST, 0, code, 0, 0, 0, len(fields), 0)
    return frame(ProtoType.AS_MSG, head + b"".join(fields))


def _field(kind: FieldType, data: bytes) -> bytes:
    return _FIELD.pack(1 + len(data), kind) + data


def _name(found: IndexRange) -> bytes:
    return _field(FieldType.INDEX_NAME, found.index_name.encode("latin-1"))


def _collection(found: IndexRange) -> bytes:
    return _field(FieldType.INDEX_TYPE, bytes((found.collection,)))


def _range(found: IndexRange) -> bytes:
    ends = (found.first, found.last) if found.particle == ParticleType.INTEGER else (found.first,)
    packed = [_I64.pack(end) if isinstance(end, int) else end for end in ends]
    values = b"".join(_U32.pack(len(each)) + each for each in packed)
    return _field(
        FieldType.INDEX_RANGE, bytes((1, len(found.bin))) + found.bin + bytes((found.particle,)) + values
    )
