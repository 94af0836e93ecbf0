"""What an index has of a record: the values that it indexes, and the bvals that stand for them.

Owns: the way from a record to the indexed values, and from a value to its bval. Not here: entries
(../storage/indexes.py), and which values a query looks for (ranges.py).

The bvals of strings, blobs and regions are hashes of this server's own: clients only give them back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import blake2b
from struct import Struct

from ..cdt.calls import Entry, parse_context
from ..cdt.context import SINGLE_TYPES, element_at, find_entry
from ..expressions.build import build, opcodes_of
from ..expressions.vocabulary import UNKNOWN, Node, Scope
from ..protocol.constants import INDEX_VALUE_MAX, IndexCollection, ParticleType
from ..protocol.opcodes import ExpOpcode
from ..protocol.result import RequestError, bad
from ..storage.indexes import NO_BVALS, IndexDefinition
from ..storage.record import Record
from ..storage.store import Store
from ..values.bin_values import value_of
from ..values.decoding import decode
from ..values.geojson import point_cell
from ..values.integers import as_int64
from ..values.packed import PackedError, PackedList, PackedMap, Value
from ..versions import ServerVersion

__all__ = ["bval_of", "index_context", "index_expression", "keys_of", "values_of"]

_I64 = Struct(">q")
_INTEGER = int(ParticleType.INTEGER)
_BINS = frozenset((ExpOpcode.BIN, ExpOpcode.BIN_TYPE, ExpOpcode.DIGEST_MODULO))
_METADATA = frozenset(
    (
        ExpOpcode.DEVICE_SIZE,
        ExpOpcode.LAST_UPDATE,
        ExpOpcode.SINCE_UPDATE,
        ExpOpcode.VOID_TIME,
        ExpOpcode.TTL,
        ExpOpcode.SET_NAME,
        ExpOpcode.KEY_EXISTS,
        ExpOpcode.IS_TOMBSTONE,
        ExpOpcode.MEMORY_SIZE,
        ExpOpcode.RECORD_SIZE,
        ExpOpcode.KEY,
    )
)


def index_context(data: bytes) -> list[Entry]:
    """The entries of the context of an index.

    Raises:
        RequestError: PARAMETER: it is no context, or names more than one element, or creates something.

    """
    try:
        entries = parse_context(decode(data))
    except PackedError as error:
        raise bad(str(error)) from error
    if any(kind not in SINGLE_TYPES for kind, _ in entries):
        raise bad("a context that is no plain way")
    return entries


def index_expression(data: bytes, version: ServerVersion) -> Node:
    """The tree of the expression of an index.

    Raises:
        RequestError: PARAMETER: it is no expression, always has the same result, or may have another one
            although no bin was changed.

    """
    opcodes = opcodes_of(data, version)
    if opcodes & _METADATA or not opcodes & _BINS:
        raise bad("an expression of other things than bins")
    return build(data, version)


def keys_of(definition: IndexDefinition, store: Store) -> Callable[[bytes, Record], frozenset[int]]:
    """The function that tells the bvals of a record, given by its digest and itself."""
    set_name, name = definition.set_name, definition.bin
    if definition.collection == IndexCollection.SET:
        return lambda digest, record: NO_BVALS
    plain = name is not None and not definition.context and definition.collection == IndexCollection.DEFAULT
    if plain and definition.particle == _INTEGER:

        def integer(digest: bytes, record: Record) -> frozenset[int]:
            found = record.bins.get(name)  # type: ignore[arg-type]
            if (
                found is None
                or found[0] != _INTEGER
                or (set_name is not None and record.set_name != set_name)
            ):
                return NO_BVALS
            return frozenset(_I64.unpack(found[1]))

        return integer
    values, particle = values_of(definition, store), definition.particle

    def keys(digest: bytes, record: Record) -> frozenset[int]:
        if set_name is not None and record.set_name != set_name:
            return NO_BVALS
        return frozenset(
            [key for value in values(digest, record) if (key := bval_of(value, particle)) is not None]
        )

    return keys


def values_of(definition: IndexDefinition, store: Store) -> Callable[[bytes, Record], Iterator[Value]]:
    """The function that tells the values of a record that an index looks at, of whatever type."""
    collection, context = definition.collection, []
    if definition.context:
        context = index_context(definition.context)
    if definition.expression:
        node = build(definition.expression, store.version)

        def source(digest: bytes, record: Record) -> Value:
            return node.run(Scope(record.bins, record, digest, store.clock()))  # type: ignore[no-any-return]

    else:

        def source(digest: bytes, record: Record) -> Value:
            found = record.bins.get(definition.bin or b"")
            return UNKNOWN if found is None else _follow(value_of(*found), context)

    return lambda digest, record: _parts(source(digest, record), collection)


def _follow(value: Value, context: list[Entry]) -> Value:
    """The value to which a context leads; UNKNOWN if it leads nowhere."""
    for entry in context:
        try:
            place = find_entry(value, entry)
        except RequestError:  # another kind of container
            return UNKNOWN  # type: ignore[no-any-return]
        if place is None:
            return UNKNOWN  # type: ignore[no-any-return]
        assert isinstance(value, (PackedList, PackedMap))
        value = element_at(value, place)
    return value


def _parts(value: Value, collection: int) -> Iterator[Value]:
    if collection == IndexCollection.DEFAULT:
        yield value
    elif collection == IndexCollection.LIST:
        if isinstance(value, PackedList):
            yield from value.items
    elif isinstance(value, PackedMap):
        which = 0 if collection == IndexCollection.MAPKEYS else 1
        yield from [pair[which] for pair in value.pairs]


def bval_of(value: Value, particle: int) -> int | None:
    """The bval of a value; None if an index of this particle type does not have it."""
    if particle == _INTEGER:
        return value if type(value) is int else None
    if not isinstance(value, bytes) or not value:
        return None
    if particle == ParticleType.GEOJSON:
        return _place(value[1:]) if value[0] == particle else None
    if len(value) - 1 > INDEX_VALUE_MAX:
        return None
    return _hash(value[1:]) if value[0] == particle else None


def _hash(data: bytes) -> int:
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big", signed=True)


def _place(text: bytes) -> int | None:
    """The bval of a GeoJSON text: the cell of a point, the hash of a region; None if it is neither."""
    try:
        cell = point_cell(text)
    except RequestError:
        return None
    return _hash(text) if cell is None else as_int64(cell)
