"""Info commands about secondary indexes.

Owns: the checks of their parameters, in the server's order and words, and the rows that they answer. Not
here: what an index is and does (../queries/).
"""

from __future__ import annotations

import base64
import binascii

from ..expressions.build import build
from ..protocol.constants import BIN_NAME_MAX, IndexCollection, ParticleType
from ..protocol.flags import ExpType
from ..protocol.result import RequestError, ResultCode
from ..queries.indexes import create_index, drop_index, find_index, load_percent
from ..queries.keys import index_context
from ..storage.indexes import Index, IndexDefinition
from ..storage.store import Namespace
from .call import NAMESPACE_NOT_FOUND, Call, InfoError
from .describing import describe_context, describe_expression

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
_NO_INDEX = "no index"


# --- create and delete --------------------------------------------------------------------------------------


def _create(call: Call) -> str:
    name = call.need("indexname")
    namespace_name = call.need("namespace", "ns")
    definition = _definition(call)
    namespace = call.find_namespace(namespace_name)
    if namespace is None:
        return "ok"  # it is told to the cluster, where nobody has such a namespace
    try:
        create_index(call.cluster, namespace, name, definition)
    except RequestError as error:
        raise InfoError(error.detail, error.code) from None
    return "ok"


def _definition(call: Call) -> IndexDefinition:
    set_name = call.param("set")
    collection = _collection(call)
    if collection == IndexCollection.SET:
        if set_name is None:
            raise InfoError("missing 'set'")
        return IndexDefinition(set_name.encode("latin-1"), 0, collection)
    bin_name, type_name = _bin_and_type(call)
    particle = _particle(call, type_name, collection)
    context = _decoded(call, "context")
    expression = _decoded(call, "exp")
    if context:
        _check_context(context)
    if expression:
        _check_expression(call, expression, particle, collection)
    return IndexDefinition(
        None if set_name is None else set_name.encode("latin-1"),
        int(particle),
        collection,
        None if bin_name is None else bin_name.encode("latin-1"),
        context,
        expression,
    )


def _collection(call: Call) -> IndexCollection:
    text = call.param("indextype")
    if text is None:
        return IndexCollection.DEFAULT
    found = _COLLECTIONS.get(text.lower())
    if found is None:
        raise InfoError("bad 'indextype' - must be one of 'default', 'list', 'mapkeys', 'mapvalues'")
    return found


def _bin_and_type(call: Call) -> tuple[str | None, str]:
    """The bin and the type, from the parameters or from the older form that has both in one."""
    older = call.param("indexdata")
    if older is not None:
        bin_name, comma, type_name = older.partition(",")
        if not comma:
            raise InfoError("bad 'indexdata'")
        return _bin(bin_name), type_name
    has_expression = call.param("exp") is not None
    name = call.param("bin")
    if name is None and not has_expression:
        raise InfoError("missing 'bin'")
    return None if name is None else _bin(name), call.need("type")


def _bin(name: str) -> str:
    if len(name) > BIN_NAME_MAX:
        raise InfoError("'bin' value too long")
    return name


def _particle(call: Call, text: str, collection: IndexCollection) -> ParticleType:
    name = text.lower()
    types = dict(_TYPES)
    if call.cluster.version.integer_indexes:
        types[_NEW_TYPE] = ParticleType.INTEGER
    found = types.get(name)
    if found is None:
        raise InfoError(f"bad 'type' - must be one of {_quoted(types)}")
    if collection == IndexCollection.MAPKEYS and found == ParticleType.GEOJSON:
        del types["geo2dsphere"]
        raise InfoError(
            f"bad 'indexdata' bin type for 'indextype' 'mapkeys' - must be one of {_quoted(types)}"
        )
    return found


def _quoted(names: dict[str, ParticleType]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _decoded(call: Call, name: str) -> bytes:
    text = call.param(name)
    if text is None:
        return b""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise InfoError(f"'{name}' invalid base64") from None


def _check_context(data: bytes) -> None:
    try:
        index_context(data)
    except RequestError:
        raise InfoError("'context' invalid cdt context") from None


def _check_expression(call: Call, data: bytes, particle: ParticleType, collection: IndexCollection) -> None:
    try:
        kind = build(data, call.cluster.version).type
    except RequestError:
        raise InfoError("'exp' invalid expression") from None
    wanted = _TYPE_NAMES[particle]
    if collection == IndexCollection.LIST:
        wanted = "list"
    elif collection != IndexCollection.DEFAULT:
        wanted = "map"
    found = _EXP_TYPES.get(ExpType(kind), "unknown")
    if found != wanted:
        raise InfoError(f"bad 'exp' - expression type '{found}' does not match expected type '{wanted}'")


def _delete(call: Call) -> str:
    name = call.need("indexname")
    namespace = call.find_namespace(call.need("namespace", "ns"))
    if namespace is not None:
        drop_index(namespace, name)
    return "ok"


# --- list and statistics ------------------------------------------------------------------------------------


def _list(call: Call) -> str:
    name = call.param("namespace", "ns")
    encoded = call.param("b64") == "true"
    if name is not None and call.find_namespace(name) is None:
        return f"{NAMESPACE_NOT_FOUND};{NAMESPACE_NOT_FOUND}"
    return _rows(call, name, encoded=encoded)


def _rows(call: Call, name: str | None, *, encoded: bool) -> str:
    return ";".join(
        _row(call, namespace, index, encoded=encoded)
        for namespace in call.cluster.store.namespaces.values()
        for index in namespace.indexes
        if name in (None, namespace.name)
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
        f"bin={_text(definition.bin)}:type={_TYPE_NAMES.get(definition.particle, 'null')}:"
        f"indextype={definition.collection.name.lower()}:context={context}:exp={expression}:state={state}"
    )


def _text(name: bytes | None) -> str:
    return "null" if name is None else name.decode("latin-1")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _named(call: Call) -> tuple[Namespace, str]:
    """The namespace and the name of an index that a command is about."""
    name = call.need("indexname")
    return call.namespace("ns"), name


def _stat(call: Call) -> str:
    return _statistics(call, *_named(call))


def _statistics(call: Call, namespace: Namespace, name: str) -> str:
    index = find_index(namespace, name)
    if index is None:
        raise InfoError(_NO_INDEX, ResultCode.SINDEX_NOT_FOUND)
    percent = load_percent(call.node, index)
    namespace.drop_expired()
    if index.definition.collection == IndexCollection.SET:
        count = sum(record.set_name == index.definition.set_name for digest, record in namespace.records())
        return f"entries={count};used_bytes=0;load_pct={percent}"
    columns = call.cluster.maps[namespace.name.encode()].columns
    entries, bvals, records = index.statistics(
        lambda pid: any(column[pid] == call.node.name for column in columns)
    )
    return (
        f"entries={entries};used_bytes={_ARENA};entries_per_bval={entries // max(bvals, 1)};"
        f"entries_per_rec={entries // max(records, 1)};load_pct={percent};load_time={index.load_ms};"
        "stat_gc_recs=0"
    )


def _exists(call: Call) -> str:
    namespace, name = _named(call)
    return "false" if find_index(namespace, name) is None else "true"


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
