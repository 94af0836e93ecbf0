"""Asking a node by which index it would find the records of a query (server-8.2.md 17.5)."""

from __future__ import annotations

import random
import struct
import time
from collections.abc import Mapping

from pyspike._wire import (
    FIELD_INDEX_NAME,
    FIELD_INDEX_RANGE,
    FIELD_INDEX_TYPE,
    MAX_INDEX_NAME,
    PARTICLE_BLOB,
    PARTICLE_GEOJSON,
    PARTICLE_INTEGER,
    PARTICLE_STRING,
    Connection,
    Statement,
    explain_request,
    new_query_number,
    parse_answer,
    plain_text,
)
from pyspike.cluster.addresses import left_ms
from pyspike.cluster.call import ClusterCall, Conversation, Request
from pyspike.cluster.info_names import info_name
from pyspike.cluster.retry import may_pass, note_failure
from pyspike.errors import AerospikeError, InvalidArgument, InvalidType, ProtocolError, ServerError
from pyspike.explanation import Explanation, QueryPath
from pyspike.index import CollectionIndexType
from pyspike.policy import ErrorDetails, QueryPolicy
from pyspike.result_code import ResultCode
from pyspike.server_features import QUERY_PLANS, require
from pyspike.showing import shown
from pyspike.values import GeoJSON

__all__ = ["explain", "explanation_of"]

EXPLAIN, REQUIRE_INDEX, REQUIRE_HINT = 0x02, 0x04, 0x08
MAX_TEXT = 1 << 20
# Who asks how a text is understood wants to know why it is not.
_SETTINGS = QueryPolicy(error_details=ErrorDetails.TRACE, socket_timeout=10_000).settings


def explain(
    call: ClusterCall,
    namespace: str,
    set_name: str | None,
    where: str,
    index: str | None,
    require_index: bool,
    require_hint: bool,
) -> Explanation:
    """By which index a node would find the records.

    Raises:
        InvalidType, InvalidArgument: an argument can't be used.
        UnsupportedFeature: a server is too old.
        AerospikeError: a node refuses it, or none answered.
    """
    statement = Statement(namespace, set_name)
    source = _source(where, index, require_index, require_hint)
    hint = None if index is None else info_name(index, "the index's name", MAX_INDEX_NAME)
    call.begin_in(statement.namespace, statement.set_name)
    cluster = call.cluster
    nodes = [node for node in cluster.nodes if node.active]
    if not nodes:
        raise cluster.not_connected()
    for node in nodes:  # one that is too old would take the text for none
        require(QUERY_PLANS, node.version)
    nodes.sort(key=lambda node: (node.failures, random.random()))
    deadline = time.monotonic() + call.timeout / 1000
    for place, node in enumerate(nodes):
        share = left_ms(deadline) / (len(nodes) - place)
        try:
            request = Request(call, node, _talk(statement, source, hint), again=place > 0)
            return request.run(max(share, 1.0))
        except AerospikeError as error:
            if not may_pass(error):
                raise
            note_failure(cluster, error, request.sent)
            if place + 1 == len(nodes):
                error.timeout = call.timeout
                raise
    raise cluster.not_connected()


def _source(where: str, index: str | None, require_index: bool, require_hint: bool) -> bytes:
    """The flags and the text as they are sent."""
    if not isinstance(where, str):
        raise InvalidType(
            f"where must be text, not {shown(where)}", advice="an expression needs no explanation"
        )
    for value, name in ((require_index, "require_index"), (require_hint, "require_hint")):
        if not isinstance(value, bool):
            raise InvalidType(f"{name} must be True or False, not {shown(value)}")
    if require_hint and index is None:
        raise InvalidArgument("require_hint needs an index, which is the hint")
    try:
        text = plain_text(where).encode()
    except UnicodeEncodeError as error:
        raise InvalidArgument(f"where is not valid text: {error}") from None
    if not text.strip():
        raise InvalidArgument("where is empty")
    if len(text) > MAX_TEXT:
        raise InvalidArgument(f"where takes {len(text)} bytes, pyspike sends {MAX_TEXT} at most")
    flags = EXPLAIN | REQUIRE_INDEX * require_index | REQUIRE_HINT * require_hint
    return bytes((flags,)) + text


def _talk(statement: Statement, source: bytes, hint: str | None) -> Conversation[Explanation]:
    number = new_query_number()
    signed = number - 2**64 if number >= 2**63 else number  # the same 8 bytes

    def talk(connection: Connection, limit: float) -> Explanation:
        command = explain_request(statement, _SETTINGS, signed, source, index=hint, timeout=limit)
        answer = connection.exchange(command.request, limit)
        try:
            return explanation_of(parse_answer(command, answer))
        except ServerError as error:
            if error.result_code == ResultCode.FILTERED_OUT:
                return Explanation(QueryPath.NOTHING)
            raise

    return talk


# What the answer tells --------------------------------------------------------------------------------------


def explanation_of(fields: Mapping[int, bytes]) -> Explanation:
    """What the fields of an answer tell.

    Raises:
        ProtocolError: they tell nothing of the kind.
    """
    if FIELD_INDEX_NAME not in fields:
        return Explanation(QueryPath.PRIMARY_INDEX)
    try:
        bin_name, begin, end = _range(fields[FIELD_INDEX_RANGE])
        return Explanation(
            QueryPath.SECONDARY_INDEX,
            fields[FIELD_INDEX_NAME].decode(),
            bin_name,
            CollectionIndexType(fields.get(FIELD_INDEX_TYPE, b"\0")[0]),
            begin,
            end,
        )
    except (LookupError, ValueError, struct.error) as error:
        raise ProtocolError(f"no explanation of a query: {error}") from None


def _range(data: bytes) -> tuple[str | None, int | str | bytes | GeoJSON, int | str | bytes | GeoJSON]:
    if data[0] != 1:
        raise ValueError(f"{data[0]} ranges")
    at = 2 + data[1]
    name, particle = data[2:at].decode() or None, data[at]
    begin, at = _value(particle, data, at + 1)
    return name, begin, _value(particle, data, at)[0] if at < len(data) else begin


def _value(particle: int, data: bytes, at: int) -> tuple[int | str | bytes | GeoJSON, int]:
    """A value, and where the next one begins."""
    (size,) = struct.unpack_from(">I", data, at)
    at, end = at + 4, at + 4 + size
    found = data[at:end]
    if len(found) < size:
        raise ValueError("a value that breaks off")
    if particle == PARTICLE_INTEGER:
        return struct.unpack(">q", found)[0], end
    if particle == PARTICLE_STRING:
        return found.decode(), end
    if particle == PARTICLE_GEOJSON:
        return GeoJSON(found.decode()), end
    if particle == PARTICLE_BLOB:
        return found, end
    raise ValueError(f"values of particle type {particle}")
