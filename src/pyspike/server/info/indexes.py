"""Info commands about secondary indexes.

Owns: the checks of their parameters, in the server's order and words, and the rows that they answer. Not
here: what an index is and does (../queries/).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator

from ..expressions.describing import describe_context, describe_expression
from ..protocol.constants import BIN_NAME_MAX, IndexCollection, ParticleType
from ..protocol.digest import partition_of
from ..protocol.flags import ExpType
from ..protocol.result import RequestError, ResultCode
from ..queries.indexes import (
    create_foreign_index,
    create_index,
    drop_foreign_index,
    drop_index,
    find_index,
    load_percent,
)
from ..queries.keys import index_context, index_expression
from ..storage.indexes import Index, IndexDefinition
from ..storage.store import Namespace
from .call import NAMESPACE_NOT_FOUND, Call, InfoError

__all__ = ["COMMANDS"]

_TYPES = {
    "numeric": ParticleType.INTEGER,
    "string": ParticleType.STRING,
    "blob": ParticleType.BLOB,
    "geo2dsphere": ParticleType.GEOJSON,
}
_TYPE_NAMES = {int(particle): name for name, particle in _TYPES.items()}
_NEW_TYPE = "integer"
_COLLECTIONS = {each.name.lower(): each for each in IndexCollection}
_EXP_TYPES = {
    ExpType.NIL: "nil",
    ExpType.BOOL: "bool",
    ExpType.INT: "numeric",
    ExpType.STRING: "string",
    ExpType.LIST: "list",
    ExpType.MAP: "map",
    ExpType.BLOB: "blob",
    ExpType.FLOAT: "float",
    ExpType.GEO: "geo2dsphere",
    ExpType.HLL: "hll",
}
_ARENA = 16777216
"""The bytes that an index takes at least: the server takes memory in pieces of this size."""
_SET_ENTRY = 16
"""The bytes that an entry of the index of a set takes."""
_NO_INDEX = "no index"


# --- create and delete --------------------------------------------------------------------------------------


def _create(call: Call) -> str:
    name = call.need("indexname")
    namespace_name = call.need("namespace", "ns")
    definition = _definition(call)
    namespace = call.find_namespace(namespace_name)
    try:
        if namespace is None:
            create_foreign_index(call.cluster.store, namespace_name, name, definition)
        else:
            create_index(call.cluster, namespace, name, definition)
    except RequestError as error:
        raise InfoError(error.detail, error.code) from None
    return "ok"


def _definition(call: Call) -> IndexDefinition:
    set_name = call.param("set")
    encoded_set = None if set_name is None else set_name.encode("latin-1")
    collection = _collection(call)
    if collection == IndexCollection.SET:
        if encoded_set is None:
            raise InfoError("missing 'set'")
        for name in ("type", "bin", "indexdata", "context", "exp"):
            if call.param(name) is not None:
                raise InfoError(f"{name} parameter is not supported for set index")
        return IndexDefinition(encoded_set, 0, collection)
    context, expression = call.param("context"), call.param("exp")
    bin_name, particle = _source(call, collection, has_expression=expression is not None)
    if context is not None and expression is not None:
        raise InfoError("both 'context' and 'exp' are specified")
    return IndexDefinition(
        encoded_set,
        int(particle),
        collection,
        bin_name,
        b"" if context is None else _context(context),
        b"" if expression is None else _expression(call, expression, particle, collection),
    )


def _collection(call: Call) -> IndexCollection:
    text = call.param("indextype")
    if text is None:
        return IndexCollection.DEFAULT
    found = _COLLECTIONS.get(text.lower())
    if found is None:
        raise InfoError("bad 'indextype' - must be one of 'default', 'list', 'mapkeys', 'mapvalues'")
    return found


def _source(
    call: Call, collection: IndexCollection, *, has_expression: bool
) -> tuple[bytes | None, ParticleType]:
    """The bin, None for an expression, and the type; in an older form one parameter has both."""
    older, type_name = call.param("indexdata"), call.param("type")
    if older is None and type_name is None:
        raise InfoError("both 'indexdata' and 'type' are missing")
    if older is not None:
        if type_name is not None:
            raise InfoError("both 'indexdata' and 'type' are specified")
        bin_name, comma, type_name = older.partition(",")
        if not bin_name:
            raise InfoError("'indexdata' missing bin name")
        if len(bin_name) > BIN_NAME_MAX:
            raise InfoError("'indexdata' bin name too long")
        if not comma:
            raise InfoError("'indexdata' missing bin type")
        return bin_name.encode("latin-1"), _particle(call, "'indexdata' bin type", type_name, collection)
    assert type_name is not None
    name = call.param("bin")
    if name is None and not has_expression:
        raise InfoError("both 'bin' and 'exp' are missing")
    if name is not None and has_expression:
        raise InfoError("both 'bin' and 'exp' are specified")
    particle = _particle(call, "'type'", type_name, collection)
    return None if name is None else name.encode("latin-1"), particle


def _particle(call: Call, what: str, text: str, collection: IndexCollection) -> ParticleType:
    types = dict(_TYPES)
    if call.cluster.version.integer_indexes:
        types = {_NEW_TYPE: ParticleType.INTEGER, **types}
    found = types.get(text.lower())
    if found is None:
        raise InfoError(f"bad {what} - must be one of {_quoted(types)}")
    if collection == IndexCollection.MAPKEYS and found == ParticleType.GEOJSON:
        del types["geo2dsphere"]
        raise InfoError(
            f"bad 'indexdata' bin type for 'indextype' 'mapkeys' - must be one of {_quoted(types)}"
        )
    return found


def _quoted(names: dict[str, ParticleType]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _context(text: str) -> bytes:
    """The bytes of a context.

    Raises:
        InfoError: it is none by which an index can find a value.

    """
    try:
        data = base64.b64decode(text, validate=True)
        index_context(data)
    except binascii.Error:
        raise InfoError("'context' invalid base64") from None
    except RequestError:
        raise InfoError("'context' invalid cdt context") from None
    return data


def _expression(call: Call, text: str, particle: ParticleType, collection: IndexCollection) -> bytes:
    """The bytes of an expression.

    Raises:
        InfoError: it is none, reads more than bins, or is of another type.

    """
    try:
        data = base64.b64decode(text, validate=True)
        kind = index_expression(data, call.cluster.version).type
    except (binascii.Error, RequestError):
        raise InfoError("bad 'exp'") from None
    wanted = _TYPE_NAMES[particle]
    if collection == IndexCollection.LIST:
        wanted = "list"
    elif collection != IndexCollection.DEFAULT:
        wanted = "map"
    found = _EXP_TYPES.get(ExpType(kind), "unknown")
    if found != wanted:
        raise InfoError(f"bad 'exp' - expression type '{found}' does not match expected type '{wanted}'")
    return data


def _delete(call: Call) -> str:
    def delete(name: str) -> str:
        namespace_name = call.need("namespace", "ns")
        namespace = call.find_namespace(namespace_name)
        if namespace is None:
            drop_foreign_index(call.cluster.store, namespace_name, name)
        else:
            drop_index(namespace, name)
        return "ok"

    return _with_name(call, delete)


def _with_name(call: Call, answer: Callable[[str], str]) -> str:
    """What is answered about the index that is named. If none is, the server says so and goes on."""
    try:
        name, missing = call.need("indexname"), ""
    except InfoError as error:
        name, missing = "", str(error)
    try:
        return missing + answer(name)
    except InfoError as error:
        return missing + str(error)


# --- list and statistics ------------------------------------------------------------------------------------


def _list(call: Call) -> str:
    """Answer the indexes of values and those of sets: two lists, each of which may be an error."""
    sets = _list_sets(call)
    return _list_values(call) + (f";{sets}" if sets else "")


def _list_values(call: Call) -> str:
    try:
        name = call.param("namespace", "ns")
        encoded = call.param("b64")
        if name is not None and call.find_namespace(name) is None:
            return NAMESPACE_NOT_FOUND
        if encoded not in (None, "true", "false"):
            raise InfoError("bad b64")
    except InfoError as error:
        return str(error)
    return _rows(call, name, encoded=encoded == "true")


def _list_sets(call: Call) -> str:
    try:
        name = call.param("namespace", "ns")
    except InfoError as error:
        return str(error)
    if name is not None and call.find_namespace(name) is None:
        return NAMESPACE_NOT_FOUND
    return ";".join(
        f"ns={namespace.name}:indexname={index.name}:set={_text(index.definition.set_name)}:indextype=set"
        for namespace, index in _indexes(call, name)
        if index.definition.collection == IndexCollection.SET
    )


def _indexes(call: Call, name: str | None) -> Iterator[tuple[Namespace, Index]]:
    """The indexes of a namespace (None: of all)."""
    for namespace in call.cluster.store.namespaces.values():
        if name in (None, namespace.name):
            yield from ((namespace, index) for index in namespace.indexes)


def _rows(call: Call, name: str | None, *, encoded: bool) -> str:
    return ";".join(
        _row(call, namespace, index, encoded=encoded)
        for namespace, index in _indexes(call, name)
        if index.definition.collection != IndexCollection.SET
    )


def _row(call: Call, namespace: Namespace, index: Index, *, encoded: bool) -> str:
    definition = index.definition
    context = expression = "null"
    if definition.context:
        context = _base64(definition.context) if encoded else describe_context(definition.context)
    if definition.expression:
        expression = _base64(definition.expression) if encoded else describe_expression(definition.expression)
    state = "RW" if load_percent(call.node, index) == 100 else "WO"
    return (
        f"ns={namespace.name}:indexname={index.name}:set={_text(definition.set_name)}:"
        f"bin={_text(definition.bin)}:type={_TYPE_NAMES[definition.particle]}:"
        f"indextype={IndexCollection(definition.collection).name.lower()}:context={context}:exp={expression}:state={state}"
    )


def _text(name: bytes | None) -> str:
    return "null" if name is None else name.decode("latin-1")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _stat(call: Call) -> str:
    return _with_name(call, lambda name: _statistics(call, call.namespace("ns"), name))


def _statistics(call: Call, namespace: Namespace, name: str) -> str:
    index = find_index(namespace, name)
    if index is None:
        raise InfoError(_NO_INDEX, ResultCode.SINDEX_NOT_FOUND)
    percent = load_percent(call.node, index)
    namespace.drop_expired()
    if index.definition.collection == IndexCollection.SET:
        count = sum(
            record.set_name == index.definition.set_name
            and call.cluster.holds(call.node, namespace, partition_of(digest))
            for digest, record in namespace.records()
        )
        return f"entries={count};used_bytes={count * _SET_ENTRY};load_pct={percent}"
    entries, bvals, records = index.statistics(lambda pid: call.cluster.holds(call.node, namespace, pid))
    return (
        f"entries={entries};used_bytes={_ARENA};entries_per_bval={entries // max(bvals, 1)};"
        f"entries_per_rec={entries // max(records, 1)};load_pct={percent};load_time={index.load_ms};"
        "stat_gc_recs=0"
    )


def _exists(call: Call) -> str:
    def exists(name: str) -> str:
        return "false" if find_index(call.namespace("ns"), name) is None else "true"

    return _with_name(call, exists)


def _older(call: Call) -> str:
    """Answer the older form: `sindex`, `sindex/<namespace>`, `sindex/<namespace>/<index>`."""
    name, _, index = call.params.partition("/")
    if not name or "=" in name:
        return _rows(call, None, encoded=False)
    namespace = call.find_namespace(name)
    if namespace is None:
        return "ns_type=unknown"
    return _statistics(call, namespace, index) if index else _rows(call, name, encoded=False)


COMMANDS = {
    "sindex": _older,
    "sindex-list": _list,
    "sindex-stat": _stat,
    "sindex-exists": _exists,
    "sindex-delete": _delete,
    "sindex-create": _create,
}
"""The function that answers each command, by the command's name."""
