"""Creating, dropping and listing secondary indexes (admin-and-info.md 9.2)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from pyspike._types import Filter
from pyspike._wire import MAX_BIN_NAME, MAX_INDEX_NAME, Packed, pack_element
from pyspike.cdt.checks import compiled
from pyspike.cdt.context import Context, Ctx, flat, single_steps
from pyspike.cdt.msgpack_tree import read_tree, split_list
from pyspike.cdt.opcodes import CREATE
from pyspike.cdt.types import ExpType
from pyspike.cluster.administer import administer
from pyspike.cluster.asking import ask_all
from pyspike.cluster.call import ClusterCall
from pyspike.cluster.info_answers import parse_build
from pyspike.cluster.info_names import info_name, namespace_name, set_name
from pyspike.cluster.watch import Question, Watch
from pyspike.errors import IndexFound, IndexNotFound, InvalidArgument, InvalidType, ProtocolError, ServerError
from pyspike.exp.check import type_of_tree
from pyspike.index import CollectionIndexType, IndexType, SecondaryIndex
from pyspike.nodes import NodeStatus
from pyspike.result_code import ResultCode
from pyspike.server_features import INTEGER_INDEXES, SET_INDEXES, Feature, require
from pyspike.showing import shown

__all__ = [
    "IndexedValues",
    "WatchedIndex",
    "create",
    "create_of_set",
    "creating",
    "creating_of_set",
    "drop",
    "dropping",
    "indexes_of",
    "list_indexes",
]

NEW_NAMES = (8, 1)  # from here on parameters are called namespace, bin and type
_NOT_THERE = {ResultCode.INDEX_NOT_FOUND}
_NONE, _OF_SET = "null", "set"
_WHOLE = 100

_COLLECTIONS = {
    CollectionIndexType.DEFAULT: "",
    CollectionIndexType.LIST: "LIST",
    CollectionIndexType.MAP_KEYS: "MAPKEYS",
    CollectionIndexType.MAP_VALUES: "MAPVALUES",
}
_LISTED = {(word or "DEFAULT").lower(): kind for kind, word in _COLLECTIONS.items()}
_EXPRESSIONS = {
    IndexType.INTEGER: ExpType.INT,
    IndexType.NUMERIC: ExpType.INT,
    IndexType.STRING: ExpType.STRING,
    IndexType.BLOB: ExpType.BLOB,
    IndexType.GEO2DSPHERE: ExpType.GEO,
}


class IndexedValues(NamedTuple):
    """Which values an index holds: the arguments of `create_index`, which are checked when it is created."""

    bin: str | None
    expression: Filter | None
    type: IndexType
    collection: CollectionIndexType
    ctx: Ctx


WatchedIndex: TypeAlias = tuple[Watch, str, str]
"""What waits for an index, its namespace and its name."""


def create(
    call: ClusterCall, namespace: str, of_set: str | None, name: str, values: IndexedValues
) -> WatchedIndex:
    """Have an index created; what is returned waits until all nodes have built it.

    Raises:
        InvalidType, InvalidArgument: an argument can't be used.
        AerospikeError: as from `administer` and `ClusterCall.begin_in`.
    """
    command = creating(namespace, of_set, name, values)
    return _created(call, call.begin_in(namespace, of_set), index_name(name), command)


def create_of_set(call: ClusterCall, namespace: str, of_set: str, name: str) -> WatchedIndex:
    """Have an index of a set created; what is returned waits until all nodes have built it.

    Raises:
        InvalidType, InvalidArgument: a name can't be one.
        UnsupportedFeature: the server is too old.
        AerospikeError: as from `administer` and `ClusterCall.begin_in`.
    """
    command = creating_of_set(namespace, of_set, name)
    return _created(call, call.begin_in(namespace, of_set), index_name(name), command)


def _created(call: ClusterCall, namespace: str, name: str, command: Callable[[str], str]) -> WatchedIndex:
    try:
        administer(call, command, repeatable=True)
    except IndexFound as error:
        error.advice = "drop_index() drops the one that has the name"
        raise
    return Watch(call, _Built(namespace, name)), namespace, name


def drop(call: ClusterCall, namespace: str, name: str) -> WatchedIndex:
    """Have an index dropped, if there is one; what is returned waits until no node has it.

    Raises:
        InvalidType, InvalidArgument: a name can't be one.
        AerospikeError: as from `administer` and `ClusterCall.begin_in`.
    """
    command = dropping(namespace, name)
    namespace, name = call.begin_in(namespace), index_name(name)
    with suppress(IndexNotFound):  # which newer servers do not tell
        administer(call, command, repeatable=True)
    return Watch(call, _Dropped(namespace, name)), namespace, name


def list_indexes(call: ClusterCall, namespace: str | None) -> list[SecondaryIndex]:
    """The indexes of a namespace, or of all, by namespace and name, as all nodes tell of them.

    Raises:
        InvalidType, InvalidArgument: the namespace's name can't be one.
        AerospikeError: a node did not answer, or with an error.
    """
    where = "" if namespace is None else f"namespace={call.begin_in(namespace)};"
    found: dict[tuple[str, str], SecondaryIndex] = {}
    for answer in ask_all(call, f"sindex-list:{where}b64=true").values():
        for index in indexes_of(answer):
            known = found.setdefault((index.namespace, index.name), index)
            if not index.is_built and known.is_built:
                found[index.namespace, index.name] = replace(known, is_built=False)
    return [found[place] for place in sorted(found)]


# Commands, for a server's version ---------------------------------------------------------------------------


def creating(namespace: str, of_set: str | None, name: str, values: IndexedValues) -> Callable[[str], str]:
    """The command that creates an index; it raises UnsupportedFeature for a server that is too old.

    Raises:
        InvalidType, InvalidArgument: an argument can't be used.
    """
    parts = [("indexname", index_name(name)), *_values(values)]
    if of_set is not None:
        parts.insert(0, ("set", set_name(of_set)))
    feature = INTEGER_INDEXES if values.type is IndexType.INTEGER else None
    return _command("sindex-create", namespace, parts, feature)


def creating_of_set(namespace: str, of_set: str, name: str) -> Callable[[str], str]:
    """The command that creates an index of a set; it raises UnsupportedFeature for a server that is too old.

    Raises:
        InvalidType, InvalidArgument: a name can't be one.
    """
    parts = [("set", set_name(of_set)), ("indexname", index_name(name)), ("indextype", _OF_SET.upper())]
    return _command("sindex-create", namespace, parts, SET_INDEXES)


def dropping(namespace: str, name: str) -> Callable[[str], str]:
    """The command that drops an index.

    Raises:
        InvalidType, InvalidArgument: a name can't be one.
    """
    return _command("sindex-delete", namespace, [("indexname", index_name(name))])


def index_name(text: object) -> str:
    """The name of an index; raises what `info_name` does."""
    return info_name(text, "the index's name", MAX_INDEX_NAME)


def _command(
    word: str, namespace: str, parts: list[tuple[str, str]], feature: Feature | None = None
) -> Callable[[str], str]:
    """A command with its parameters, as a server of some version calls them, if it knows a feature."""
    namespace = namespace_name(namespace)

    def command(version: str) -> str:
        named = dict(parts)
        if feature is not None:
            require(feature, version)
        if parse_build(version) >= NEW_NAMES:
            pairs = [("namespace", namespace), *named.items()]
        else:
            if "bin" in named:
                named["indexdata"] = f"{named.pop('bin')},{named.pop('type')}"
            pairs = [("ns", namespace), *named.items()]
        return f"{word}:{';'.join(f'{name}={value}' for name, value in pairs)}"

    return command


# What is indexed --------------------------------------------------------------------------------------------


def _values(given: IndexedValues) -> list[tuple[str, str]]:
    """The parameters that say which values an index holds, in the order in which other clients send them."""
    bin_name, expression, kind, collection, ctx = given
    for value, wanted, what in ((kind, IndexType, "type"), (collection, CollectionIndexType, "collection")):
        if not isinstance(value, wanted):
            raise InvalidType(f"{what} must be a member of {wanted.__name__}, not {shown(value)}")
    if (bin_name is None) == (expression is None):
        raise InvalidArgument("an index is of a bin or of an expression: give one of both")
    if collection is CollectionIndexType.MAP_KEYS and kind is IndexType.GEO2DSPHERE:
        raise InvalidArgument("the keys of a map are no GeoJSON", advice="CollectionIndexType.MAP_VALUES")
    parts: list[tuple[str, str]] = []
    if ctx is not None and (context := _context(ctx)):
        if expression is not None:
            raise InvalidArgument(
                "ctx and expression exclude each other", advice="put ctx into the expression"
            )
        parts.append(("context", _base64(context)))
    if expression is not None:
        parts.append(("exp", _base64(_expression(expression, kind, collection))))
    if word := _COLLECTIONS[collection]:
        parts.append(("indextype", word))
    if bin_name is not None:
        parts.append(("bin", info_name(bin_name, "the bin", MAX_BIN_NAME)))
    parts.append(("type", kind.value.upper()))
    return parts


def _context(ctx: Ctx) -> bytes:
    """The bytes of a way into a bin; none for the bin itself."""
    assert ctx is not None
    for step in single_steps(ctx):
        if step.type & CREATE:
            raise InvalidArgument(f"{shown(step)} creates a container, which an index can't")
    return pack_element(flat(ctx)) if ctx else b""


def _expression(expression: Filter, kind: IndexType, collection: CollectionIndexType) -> bytes:
    """The bytes of an expression that gives what such an index can hold."""
    data = expression if isinstance(expression, bytes) else compiled(expression, "expression")
    try:
        found = type_of_tree(read_tree(data))
    except ProtocolError as error:
        raise InvalidArgument(f"expression is none: {error.message}") from None
    wanted = {
        CollectionIndexType.DEFAULT: _EXPRESSIONS[kind],
        CollectionIndexType.LIST: ExpType.LIST,
    }.get(collection, ExpType.MAP)
    if found is None:  # by which a server of version 8.1.2 ends
        raise InvalidType(
            f"the type of what {shown(expression)} gives can't be told, so no index can be of it",
            advice=f"an expression of the type {wanted.name}",
        )
    if found is not wanted:
        raise InvalidType(
            f"such an index is of type {wanted.name}, but {shown(expression)} gives {found.name}"
        )
    return data


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


# What servers tell ------------------------------------------------------------------------------------------


def indexes_of(answer: str) -> list[SecondaryIndex]:
    """The indexes in an answer to `sindex-list`.

    Raises:
        ProtocolError: it tells of something else.
    """
    return [_index(row) for row in answer.split(";") if row]


def _index(row: str) -> SecondaryIndex:
    pairs = (piece.partition("=") for piece in row.split(":"))
    fields = {name: None if value == _NONE else value for name, _, value in pairs}
    try:
        is_of_set = fields["indextype"] == _OF_SET
        context, expression = (_decoded(fields.get(each)) for each in ("context", "exp"))
        return SecondaryIndex(
            namespace=fields["ns"] or "",
            name=fields["indexname"] or "",
            set_name=fields["set"],
            bin=fields.get("bin"),
            type=None if is_of_set else IndexType(fields["type"]),
            collection=CollectionIndexType.DEFAULT if is_of_set else _LISTED[fields["indextype"] or ""],
            ctx=None if context is None else _contexts(context),
            expression=expression,
            is_built=is_of_set or fields["state"] == "RW",
        )
    except (KeyError, ValueError, ProtocolError) as error:
        raise ProtocolError(f"{shown(row)} is no index: {error}") from None


def _decoded(text: str | None) -> bytes | None:
    try:
        return None if text is None else base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ProtocolError(f"{shown(text)} is not base64") from None


def _contexts(data: bytes) -> tuple[Context, ...]:
    parts = split_list(data)
    return tuple(
        Context(int(read_tree(kind)), Packed(value))
        for kind, value in zip(parts[::2], parts[1::2], strict=True)
    )


class _OfIndex(Question):
    """What is asked about one index."""

    def __init__(self, namespace: str, name: str) -> None:
        self._namespace = namespace
        self._name = name

    def command(self, version: str) -> str:
        if parse_build(version) < NEW_NAMES:
            return f"sindex/{self._namespace}/{self._name}"
        return f"sindex-stat:namespace={self._namespace};indexname={self._name}"

    def read_error(self, error: ServerError) -> NodeStatus:
        if error.result_code not in _NOT_THERE:
            raise error
        return self._missing()

    def _missing(self) -> NodeStatus:
        raise NotImplementedError


class _Built(_OfIndex):
    """How much of an index a node has built."""

    @property
    def what(self) -> str:
        return f"index {self._name} of namespace {self._namespace} is built"

    def read(self, answer: str) -> NodeStatus:
        pairs = (piece.partition("=") for piece in answer.split(";"))
        percent = {name: value for name, _, value in pairs}.get("load_pct", "")
        if not (percent.isascii() and percent.isdigit()):
            raise ProtocolError(f"{shown(answer)} does not tell how much of an index is built")
        done = min(int(percent), _WHOLE)
        return NodeStatus(done == _WHOLE, done / _WHOLE, f"has built {done} % of it")

    def _missing(self) -> NodeStatus:
        return NodeStatus(False, 0.0, "has no such index yet")


class _Dropped(_OfIndex):
    """Whether a node has no such index any more."""

    @property
    def what(self) -> str:
        return f"index {self._name} of namespace {self._namespace} is dropped"

    def read(self, answer: str) -> NodeStatus:
        return NodeStatus(False, 0.0, "still has it")

    def _missing(self) -> NodeStatus:
        return NodeStatus(True, 1.0, "does not have it")
