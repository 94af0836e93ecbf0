"""The request of a query: which records, from where on, and how many.

Owns: reading the fields of a query, and what they may be. Not here: whether there is such an index, and which
partitions the node has (queries/).
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from struct import Struct, unpack
from typing import NamedTuple

from .constants import (
    BIN_NAME_MAX,
    DIGEST_SIZE,
    INDEX_NAME_MAX,
    INDEX_VALUE_MAX,
    N_PARTITIONS,
    FieldType,
    IndexCollection,
    ParticleType,
)
from .digest import partition_of
from .framing import Message
from .result import bad

__all__ = ["Start", "Where", "parse_starts", "parse_where", "query_id", "socket_timeout"]

_DEFAULT_COLLECTION = bytes((IndexCollection.DEFAULT,))
_GEOJSON_MAX = (1 << 20) - 1
DEFAULT_SOCKET_TIMEOUT = 10_000
"""Milliseconds (query-scan.md 8.2)."""

_U16_LE, _I64_LE, _U32, _I64, _U64 = Struct("<H"), Struct("<q"), Struct(">I"), Struct(">q"), Struct(">Q")
_WAYS = (FieldType.INDEX_NAME, FieldType.INDEX_CONTEXT, FieldType.INDEX_EXPRESSION)
_PARTICLES = frozenset((ParticleType.INTEGER, ParticleType.STRING, ParticleType.BLOB, ParticleType.GEOJSON))


class Start(NamedTuple):
    """Where the query of a partition begins.

    Fields:
        partition_id: the partition.
        digest: the record after which it goes on; None: with the first.
        bval: the indexed value of that record, if the query is one of an index.

    """

    partition_id: int
    digest: bytes | None = None
    bval: int | None = None


_WHOLE = tuple(Start(partition_id) for partition_id in range(N_PARTITIONS))


class Where(NamedTuple):
    """What a query of an index looks for.

    Fields:
        particle: the particle type of the value.
        collection: which part of a value is indexed, an `IndexCollection` or a number that is none.
        bin: the bin's name; empty if the index is given by its name or an expression.
        first: the least integer, or the bytes of the value.
        last: the greatest integer; as `first` if it is no range.
        index_name: the name of the index; None: it is given by the others.
        context: the way into the bin's value, as it was sent.
        expression: the expression that is indexed, as it was sent.

    """

    particle: int
    collection: int
    bin: bytes
    first: int | bytes
    last: int | bytes
    index_name: bytes | None
    context: bytes
    expression: bytes


def query_id(message: Message) -> int:
    """The number by which the client knows the query; 0 if it has none, or one of another size."""
    data = message.fields.get(FieldType.QUERY_ID, b"")
    return int(_U64.unpack(data)[0]) if len(data) == _U64.size else 0


def socket_timeout(message: Message) -> int:
    """How many milliseconds the server waits for a client that does not read; 0 is for ever."""
    return _number(message, FieldType.SOCKET_TIMEOUT, _U32, DEFAULT_SOCKET_TIMEOUT)


def records_per_second(message: Message) -> int:
    """How many records a node may look at in a second; 0: all it can."""
    return _number(message, FieldType.RECS_PER_SEC, _U32, 0)


def max_records(message: Message) -> int:
    """How many records a node may send; 0: all."""
    return _number(message, FieldType.SAMPLE_MAX, _U64, 0)


def _number(message: Message, field: FieldType, layout: Struct, default: int) -> int:
    data = message.fields.get(field)
    if data is None:
        return default
    if len(data) != layout.size:
        raise bad(f"a field {field.name} of {len(data)} bytes")
    return int(layout.unpack(data)[0])


def bin_list(message: Message) -> list[bytes] | None:
    """The bins of the field by which old clients project; None if there is no such field.

    What does not fit into the field is left out.
    """
    data = message.fields.get(FieldType.QUERY_BINLIST)
    if data is None:
        return None
    names, pos = [], 1
    for _ in range(data[0] if data else 0):
        if pos < len(data):
            names.append(data[pos + 1 : pos + 1 + data[pos]])
            pos += 1 + data[pos]
    return names


# --- partitions ---------------------------------------------------------------------------------------------


def parse_starts(message: Message) -> list[Start]:
    """The partitions that a query asks for, in the order of their numbers.

    Raises:
        RequestError: PARAMETER: a partition that there is not, or one that is asked for twice.

    """
    starts = [*_whole_partitions(message), *_resumed_partitions(message)]
    starts.sort(key=itemgetter(0))
    if len(set(map(itemgetter(0), starts))) != len(starts):
        raise bad("a partition twice")
    return starts


def _whole_partitions(message: Message) -> list[Start]:
    data = message.fields.get(FieldType.PID_ARRAY)
    if data is None:
        return []
    if not data or len(data) % _U16_LE.size:
        raise bad("no partitions, or half a one")
    numbers = unpack(f"<{len(data) // _U16_LE.size}H", data)
    if max(numbers) >= N_PARTITIONS:
        raise bad(f"partition {next(number for number in numbers if number >= N_PARTITIONS)}")
    return [_WHOLE[number] for number in numbers]


def _resumed_partitions(message: Message) -> Iterator[Start]:
    digests = message.fields.get(FieldType.DIGEST_ARRAY)
    bvals = message.fields.get(FieldType.BVAL_ARRAY)
    if digests is None:
        return
    if not digests or len(digests) % DIGEST_SIZE:
        raise bad("no digests, or half a one")
    count = len(digests) // DIGEST_SIZE
    if FieldType.INDEX_RANGE not in message.fields:
        bvals = None
    elif bvals is None or len(bvals) != count * _I64_LE.size:
        raise bad("not one bval for each digest")
    for number in range(count):
        digest = digests[number * DIGEST_SIZE : (number + 1) * DIGEST_SIZE]
        bval = None if bvals is None else _I64_LE.unpack_from(bvals, number * _I64_LE.size)[0]
        yield Start(partition_of(digest), digest, bval)


# --- the range of an index ----------------------------------------------------------------------------------


def parse_where(message: Message, *, is_planned: bool = False) -> Where | None:
    """What a query of an index looks for; None if it is none.

    Args:
        message: the request.
        is_planned: whether it may have the range as the answer to an explanation has it: without the second
            end where that is no other.

    Raises:
        RequestError: PARAMETER.

    """
    fields = message.fields
    data = fields.get(FieldType.INDEX_RANGE)
    if data is None:
        return None
    bin_name, particle, first, last = _parse_range(data, is_planned=is_planned)
    ways = {kind: fields[kind] for kind in _WAYS if kind in fields}
    if not all(ways.values()) or fields.get(FieldType.INDEX_TYPE) == b"":
        raise bad("an empty field")
    index_name = ways.get(FieldType.INDEX_NAME)
    if index_name is not None and len(index_name) > INDEX_NAME_MAX:
        raise bad("the name of an index that is too long")
    has_bin = FieldType.INDEX_NAME not in ways and FieldType.INDEX_EXPRESSION not in ways
    if has_bin != bool(bin_name) or len(ways) > 1:
        raise bad("an index that is told in two ways, or in none")
    return Where(
        particle,
        int.from_bytes(fields.get(FieldType.INDEX_TYPE, _DEFAULT_COLLECTION)[:1], "big"),
        bin_name,
        first,
        last,
        index_name,
        ways.get(FieldType.INDEX_CONTEXT, b""),
        ways.get(FieldType.INDEX_EXPRESSION, b""),
    )


def _parse_range(data: bytes, *, is_planned: bool) -> tuple[bytes, int, int | bytes, int | bytes]:
    """The bin's name, the particle type, and both ends of a range (query-scan.md 8.3)."""
    if len(data) < 2 or data[0] != 1:
        raise bad("not one range")
    name_end = 2 + data[1]
    if data[1] > BIN_NAME_MAX or name_end >= len(data):
        raise bad("a range cut short, or a bin's name too long")
    particle = data[name_end]
    if particle not in _PARTICLES:
        raise bad(f"a range of particle type {particle}")
    first, pos = _value(data, name_end + 1)
    if is_planned and particle != ParticleType.INTEGER and pos == len(data):
        last = first
    else:
        last, pos = _value(data, pos)
    if particle != ParticleType.INTEGER:
        if len(first) > (_GEOJSON_MAX if particle == ParticleType.GEOJSON else INDEX_VALUE_MAX):
            raise bad("a value too long for an index")
        return data[2:name_end], particle, first, first
    if len(first) != _I64.size or len(last) != _I64.size:
        raise bad("integers that have not eight bytes")
    least, greatest = _I64.unpack(first)[0], _I64.unpack(last)[0]
    if least > greatest:
        raise bad("a range that ends before it begins")
    return data[2:name_end], particle, least, greatest


def _value(data: bytes, pos: int) -> tuple[bytes, int]:
    """A value with its length in front; give it, and the offset of what follows."""
    if pos + _U32.size > len(data):
        raise bad("a range cut short")
    end = pos + _U32.size + _U32.unpack_from(data, pos)[0]
    if end > len(data):
        raise bad("a range cut short")
    return data[pos + _U32.size : end], end
