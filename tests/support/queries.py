"""What tests of queries share: nodes that answer without sockets, and queries in the middle."""

from __future__ import annotations

import random

from pyspike import Cursor, Statement
from pyspike._wire import (
    FIELD_BVALS,
    FIELD_DIGEST,
    INFO3_LAST,
    INFO3_PARTITION_DONE,
    PARTITIONS,
    Node,
    NodeLimits,
    NodeQuery,
    PartitionMap,
    Query,
    QueryPartitions,
    cursor_of,
    route_partitions,
)
from pyspike.policy import QueryPolicy
from support.messages import NAMESPACE, SET, Message, Op

EVERYTHING = b"\xff" * (PARTITIONS // 8)


def digest_in(partition_id: int, number: int) -> bytes:
    """A digest of a record in a partition."""
    head = bytes((partition_id & 0xFF, partition_id >> 8 | (number & 0x0F) << 4))
    return head + number.to_bytes(18, "big")


def record_body(digest: bytes, *, bval: int | None = None, bins: tuple[Op, ...] = (), **header: int) -> bytes:
    """A record as a node sends it."""
    fields = [(NAMESPACE, b"test"), (FIELD_DIGEST, digest), (SET, b"s")]
    if bval is not None:
        fields.append((FIELD_BVALS, bval.to_bytes(8, "little", signed=True)))
    return Message(generation=1, fields=tuple(fields), ops=bins, **header).body


def denial_body(partition_id: int) -> bytes:
    """What a node says that does not have a partition (query-scan.md 8.4)."""
    return Message(info3=INFO3_PARTITION_DONE, result=11, generation=partition_id).body


def last_body(code: int = 0) -> bytes:
    """The end of an answer."""
    return Message(info3=INFO3_LAST, result=code).body


def partition_map(*names: str) -> PartitionMap:
    """Nodes that each have all partitions of `test`; the first is the master of all."""
    found = PartitionMap()
    for place, name in enumerate(names or ("A",)):
        columns = [EVERYTHING if column == place else bytes(512) for column in range(len(names) or 1)]
        found = found.updated(Node(name, NodeLimits()), [("test", 0, columns)])
    return found


def asked_of_one(query: Query) -> NodeQuery:
    """The request for all that is left of a query, of one node."""
    (asked,) = route_partitions(query, partition_map())
    asked.reserve(0, 1)
    return asked


def cursor_in_the_middle(statement: Statement) -> Cursor:
    """Where a query stands that has given a record of every third partition."""
    query = Query(statement, QueryPolicy().settings, QueryPartitions(5, 40))
    asked = asked_of_one(query)
    chance = random.Random(7)
    where = statement.where
    bodies = [
        record_body(
            digest_in(partition_id, chance.randrange(1 << 30)),
            bval=None if where is None else chance.randrange(-(1 << 63), 1 << 63),
        )
        for partition_id in range(5, 45, 3)
    ]
    records, _ = asked.reader.records(b"".join(bodies))
    assert len(records) == len(bodies)
    return Cursor(cursor_of(statement, query.partitions))
