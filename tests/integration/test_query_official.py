"""Queries of both clients give the same records of the same statements, whoever has written them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from test_official_client import official, theirs, typed

from pyspike import Client, GeoJSON, Key, PartitionFilter, QueryPolicy, Record, Statement, exp, filters
from support.indexes import index

aerospike = pytest.importorskip("aerospike")
predicates = pytest.importorskip("aerospike.predicates")
their_exp = pytest.importorskip("aerospike_helpers.expressions")
__all__ = ["official"]

pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning"), pytest.mark.both_kinds]

COUNT = 120
PATIENCE = 60_000  # ms
PATIENT = {"total_timeout": PATIENCE, "socket_timeout": PATIENCE}

Found = dict[bytes, tuple[Any, int, Any]]  # of each digest: user key, generation, bins


def bins_of(number: int) -> dict[str, Any]:
    return {
        "n": number,
        "f": number / 3,
        "s": f"{number % 5}",
        "l": [number, f"x{number}", None, {"a": b"z"}],
        "b": number % 2 == 0,
        "raw": bytes([number]),
    }


def ours(found: Iterable[Record]) -> Found:
    listed = list(found)
    made = {
        record.key.digest: (record.key.user_key, record.generation, typed(record.bins)) for record in listed
    }
    assert len(made) == len(listed)
    return made


def official_of(found: Iterable[Any]) -> Found:
    """What the official client gives: ((namespace, set, user key, digest), meta, bins)."""
    listed = list(found)
    made = {
        bytes(key[3]): (
            bytes(key[2]) if isinstance(key[2], bytearray) else key[2],
            meta["gen"],
            typed(dict(bins)),
        )
        for key, meta, bins in listed
    }
    assert len(made) == len(listed)
    return made


def test_both_clients_find_the_same(client: Client, official: Any, set_name: str) -> None:
    name = f"{set_name}-official"
    keys = [Key("test", name, number if number % 2 else f"k{number}") for number in range(COUNT)]
    for number, key in enumerate(keys):
        if number % 3:
            client.put(key, bins_of(number), timeout=PATIENCE)
        else:
            official.put(theirs(key), bins_of(number), policy={"key": aerospike.POLICY_KEY_SEND})
    with index(client, name, "n"), index(client, name, "s", "string"):
        their_filter = their_exp.GE(their_exp.IntBin("n"), 60).compile()
        asked: list[tuple[Statement, dict[str, Any], Any, dict[str, Any]]] = [
            (Statement("test", name), {}, None, {}),
            (Statement("test", name, where=filters.range("n", 10, 50)), {}, ("n", 10, 50), {}),
            (Statement("test", name, where=filters.equal("s", "3")), {}, ("s", "3"), {}),
            (
                Statement("test", name),
                {"filter_expression": exp.int_bin("n") >= 60},
                None,
                {"expressions": their_filter},
            ),
            (
                Statement("test", name),
                {"partitions": PartitionFilter.by_range(1000, 2000)},
                None,
                {"partition_filter": {"begin": 1000, "count": 2000}},
            ),
            (Statement("test", name), {"policy": QueryPolicy(max_records=7)}, None, {"max_records": 7}),
        ]
        for statement, options, where, their_options in asked:
            query = official.query("test", name)
            query.max_records = their_options.pop("max_records", 0)
            if where is not None:
                kind = predicates.between if len(where) == 3 else predicates.equals
                query.where(kind(*where))
            expected = official_of(query.results({**PATIENT, **their_options}))
            found = ours(client.query(statement, **options))
            if query.max_records:
                assert len(found) == len(expected) == query.max_records
            else:
                assert found == expected
                assert found
    client.batch_delete(keys, timeout=PATIENCE)


def test_what_is_of_a_type_of_its_own_comes_as_it_is(client: Client, key: Key) -> None:
    point = GeoJSON({"type": "Point", "coordinates": [1.5, 2.5]})
    client.put(key, {"at": point, "whole": {1: [point]}})
    partitions = PartitionFilter.by_id(key.partition_id)
    found = {
        record.key: record for record in client.query(Statement("test", key.set_name), partitions=partitions)
    }
    assert found[key].bins == client.get(key).bins == {"at": point, "whole": {1: [point]}}
