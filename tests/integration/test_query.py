"""Queries: which records they give, in which shape, page by page and from where another one stood."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from typing import Any

import pytest

from pyspike import (
    Client,
    CollectionIndexType,
    Cursor,
    Expiration,
    GeoJSON,
    Key,
    PartitionFilter,
    QueryPolicy,
    Record,
    Statement,
    WritePolicy,
    errors,
    exp,
    filters,
)
from pyspike import operations as op
from support.cluster_tools import pools
from support.indexes import index

COUNT = 300
PATIENT = 60_000  # ms, for what a slow machine takes long for


def bins_of(number: int) -> dict[str, Any]:
    return {
        "n": number,
        "word": f"w{number % 7}",
        "raw": bytes([number % 5]),
        "many": [number % 3, number % 11 + 100],
        "map": {f"k{number % 4}": number % 6},
        "at": GeoJSON({"type": "Point", "coordinates": [number / 10, 10.0]}),
    }


@pytest.fixture(scope="module")
def scanned(set_name: str) -> str:
    """The name of the set that these tests ask for."""
    return f"{set_name}-query"


@pytest.fixture
def records(client: Client, scanned: str) -> dict[Key, dict[str, Any]]:
    """Records in a set of their own: every third has its user key stored, some of them expire."""
    found = {Key("test", scanned, number): bins_of(number) for number in range(COUNT)}
    if not list(client.query(Statement("test", scanned), policy=QueryPolicy(max_records=1))):
        client.batch_put(found, timeout=PATIENT)
        for key in list(found)[::3]:
            client.put(key, found[key], ttl=Expiration.NEVER, policy=WritePolicy(send_key=True))
    return found


def by_key(found: Iterable[Record]) -> dict[Key, Record]:
    """The records by their keys, of which none may be there twice."""
    listed = list(found)
    made = {record.key: record for record in listed}
    assert len(made) == len(listed), "a record was given twice"
    return made


def numbers(found: Iterable[Record]) -> list[int]:
    """The values of the bin `n`, sorted."""
    return sorted(record["n"] for record in found)


# What is given ----------------------------------------------------------------------------------------------


def test_a_query_without_where_gives_all_records_of_a_set(
    client: Client, scanned: str, records: dict[Key, dict[str, Any]]
) -> None:
    found = by_key(client.query(Statement("test", scanned), timeout=PATIENT))
    assert {key: record.bins for key, record in found.items()} == records
    for key, record in found.items():
        assert record == client.get(key)
        assert (record.key.namespace, record.key.set_name) == ("test", scanned)
        assert record.key.user_key in (None, next(each for each in records if each == key).user_key)
    assert sum(record.key.user_key is not None for record in found.values()) == COUNT / 3
    assert pools(client, "in_flight") == 0


def test_a_statement_says_which_bins_are_given(
    client: Client, scanned: str, records: dict[Key, dict[str, Any]]
) -> None:
    found = by_key(client.query(Statement("test", scanned, ["n", "word"])))
    assert {key: record.bins for key, record in found.items()} == {
        key: {"n": bins["n"], "word": bins["word"]} for key, bins in records.items()
    }
    assert all(not record.bins for record in client.query(Statement("test", scanned, [])))
    assert by_key(client.query(Statement("test", scanned, []))).keys() == records.keys()
    assert list(client.query(Statement("test", scanned, ["no such bin"]))) == []


def test_a_statement_says_what_is_read_of_each_record(
    client: Client, scanned: str, records: dict[Key, dict[str, Any]]
) -> None:
    reads = [op.lists.get("many", 1), op.get("n"), op.exp.read("twice", exp.int_bin("n") * 2)]
    found = by_key(client.query(Statement("test", scanned, operations=reads)))
    assert {key: record.results for key, record in found.items()} == {
        key: [bins["many"][1], bins["n"], bins["n"] * 2] for key, bins in records.items()
    }


def test_a_filter_expression_says_which_records_are_given(
    client: Client, scanned: str, records: dict[Key, dict[str, Any]]
) -> None:
    few = exp.int_bin("n") < 20
    policy = QueryPolicy(filter_expression=exp.int_bin("n") >= 290)
    statement = Statement("test", scanned, ["n"])
    assert numbers(client.query(statement, filter_expression=few)) == list(range(20))
    assert numbers(client.query(statement, policy=policy)) == list(range(290, 300))
    assert numbers(client.query(statement, filter_expression=few, policy=policy)) == list(range(20))


def test_where_finds_records_by_indexes_of_all_kinds(
    client: Client, scanned: str, records: dict[Key, dict[str, Any]]
) -> None:
    square = {
        "type": "Polygon",
        "coordinates": [[[-0.05, 9], [5.05, 9], [5.05, 11], [-0.05, 11], [-0.05, 9]]],
    }
    lists, keys, values = (
        CollectionIndexType.LIST,
        CollectionIndexType.MAP_KEYS,
        CollectionIndexType.MAP_VALUES,
    )
    kinds: list[tuple[tuple[str, ...], filters.IndexFilter, Any]] = [
        (("n", "numeric"), filters.range("n", 10, 99), lambda bins: 10 <= bins["n"] <= 99),
        (("n", "numeric"), filters.equal("n", 7), lambda bins: bins["n"] == 7),
        (("word", "string"), filters.equal("word", "w3"), lambda bins: bins["word"] == "w3"),
        (("raw", "blob"), filters.equal("raw", b"\x02"), lambda bins: bins["raw"] == b"\x02"),
        (("many", "numeric", "list"), filters.contains("many", 2, lists), lambda bins: 2 in bins["many"]),
        (
            ("many", "numeric", "list"),
            filters.contains_range("many", 100, 104, lists),
            lambda bins: bins["many"][1] <= 104,
        ),
        (("map", "string", "mapkeys"), filters.contains("map", "k1", keys), lambda bins: "k1" in bins["map"]),
        (
            ("map", "numeric", "mapvalues"),
            filters.contains_range("map", 4, 5, values),
            lambda bins: max(bins["map"].values()) >= 4,
        ),
        (
            ("at", "geo2dsphere"),
            filters.geo_within_region("at", GeoJSON(square)),
            lambda bins: bins["n"] <= 50,
        ),
    ]
    for definition, where, holds in kinds:
        with index(client, scanned, *definition) as name:
            statement = Statement("test", scanned, where=where)
            found = by_key(client.query(statement, timeout=PATIENT))
            assert {key: record.bins for key, record in found.items()} == {
                key: bins for key, bins in records.items() if holds(bins)
            }, where
            assert 0 < len(found) < COUNT
            if definition == ("n", "numeric"):
                named = Statement("test", scanned, where=filters.range(None, 10, 99, index=name))
                assert numbers(client.query(named)) == list(range(10, 100))
                both = client.query(statement, filter_expression=exp.int_bin("n") % 2 == 1)
                assert numbers(both) == [each for each in numbers(found.values()) if each % 2]


def test_a_query_without_an_index_is_refused(client: Client, scanned: str) -> None:
    recordset = client.query(
        Statement("test", scanned, where=filters.equal("no such bin", 1)), policy=QueryPolicy(max_retries=0)
    )
    looked_for = f"bin 'no such bin' = 1> of 'test', set '{scanned}'"
    with pytest.raises(errors.IndexNotFound, match=looked_for) as caught:
        next(recordset)
    assert caught.value.node in client.node_names()
    assert list(recordset) == [], "it has ended"
    assert not recordset.cursor.done
    with pytest.raises(errors.InvalidNamespace):
        next(client.query(Statement("no such namespace")))


# Partitions -------------------------------------------------------------------------------------------------


def test_a_partition_filter_says_which_partitions_are_asked_for(
    client: Client, scanned: str, records: dict[Key, dict[str, Any]]
) -> None:
    statement = Statement("test", scanned, [])

    def keys(partitions: PartitionFilter) -> set[Key]:
        return set(by_key(client.query(statement, partitions=partitions)))

    some = next(iter(records))
    assert keys(PartitionFilter.by_id(some.partition_id)) == {
        key for key in records if key.partition_id == some.partition_id
    }
    assert keys(PartitionFilter.by_range(1000, 500)) == {
        key for key in records if 1000 <= key.partition_id < 1500
    }
    assert keys(PartitionFilter.by_key(some)) == {
        key for key in records if key.partition_id == some.partition_id and key.digest < some.digest
    }
    parts = [keys(part) for part in PartitionFilter.all().split(7)]
    assert set().union(*parts) == records.keys()
    assert sum(map(len, parts)) == COUNT


# Pages and cursors ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("indexed", [False, True])
def test_max_records_makes_pages(
    client: Client, scanned: str, records: dict[Key, dict[str, Any]], *, indexed: bool
) -> None:
    def pages(statement: Statement, size: int) -> list[list[Record]]:
        found = []
        cursor: Cursor | None = None
        while cursor is None or not cursor.done:
            query = client.query(
                statement, cursor=cursor, policy=QueryPolicy(max_records=size, total_timeout=PATIENT)
            )
            found.append(list(query))
            cursor = query.cursor
        return found

    with index(client, scanned, "n"):
        statement = Statement("test", scanned, where=filters.range("n", 0, 249) if indexed else None)
        for size in (1000, 70, 250):
            found = pages(statement, size)
            assert all(len(page) == size for page in found[:-1])
            assert len(found[-1]) <= size
            assert len(by_key(record for page in found for record in page)) == (250 if indexed else 300)


def test_records_without_any_of_the_bins_end_no_page(client: Client, scanned: str) -> None:
    """A server counts them, and does not send them: so it must not find them (query-scan.md 8.4)."""
    some = f"{scanned}-some"
    keys = [Key("test", some, number) for number in range(60)]
    client.batch_put(
        {
            key: {"id": number} | ({"rare": number} if number % 6 == 0 else {})
            for number, key in enumerate(keys)
        },
        timeout=PATIENT,
    )
    statement = Statement("test", some, ["rare", "never"])
    for condition in (None, exp.int_bin("id") >= 12):
        expected = [number for number in range(0, 60, 6) if condition is None or number >= 12]
        for size in (1, 3, 100):
            found: list[Record] = []
            cursor: Cursor | None = None
            while cursor is None or not cursor.done:
                policy = QueryPolicy(max_records=size, total_timeout=PATIENT)
                query = client.query(statement, cursor=cursor, filter_expression=condition, policy=policy)
                page = list(query)
                assert len(page) <= size
                found += page
                cursor = query.cursor
            assert sorted(record["rare"] for record in by_key(found).values()) == expected
            of_policy = QueryPolicy(max_records=size, total_timeout=PATIENT, filter_expression=condition)
            first = list(client.query(statement, policy=of_policy))
            assert len(first) == min(size, len(expected))
    client.batch_delete(keys, timeout=PATIENT)


def test_a_query_goes_on_where_another_one_stood(
    client: Client, hosts: str, scanned: str, records: dict[Key, dict[str, Any]]
) -> None:
    statement = Statement("test", scanned, ["n"])
    query = client.query(statement)
    start = query.cursor
    assert not start.done
    with query:
        first = [next(query)["n"] for _ in range(100)]
    assert list(query) == [], "it is closed"
    kept = query.cursor.to_bytes()
    second = client.query(pickle.loads(pickle.dumps(statement)), cursor=Cursor.from_bytes(kept))
    middle = [next(second)["n"] for _ in range(50)]
    while_open = second.cursor
    rest = list(client.query(statement, cursor=pickle.loads(pickle.dumps(while_open))))
    assert sorted([*first, *middle, *numbers(rest)]) == list(range(COUNT))
    assert numbers(second) == numbers(rest), "the cursor was a value of that moment"
    assert second.cursor.done
    assert list(client.query(statement, cursor=second.cursor)) == []
    assert numbers(client.query(statement, cursor=start)) == list(range(COUNT))


# What can't be asked ----------------------------------------------------------------------------------------


def test_wrong_arguments_are_refused_at_once(client: Client, scanned: str) -> None:
    anyhow: Any = client
    statement = Statement("test", scanned)
    cursor = client.query(statement).cursor
    wrong: list[tuple[type[Exception], str, Any]] = [
        (errors.InvalidType, "must be a Statement, not 'test'", lambda: anyhow.query("test")),
        (errors.InvalidType, "partitions must be", lambda: anyhow.query(statement, partitions=7)),
        (errors.InvalidType, "cursor must be a Cursor", lambda: anyhow.query(statement, cursor=b"")),
        (errors.InvalidType, "policy must be a QueryPolicy", lambda: anyhow.query(statement, policy=7)),
        (errors.InvalidArgument, "timeout", lambda: client.query(statement, timeout=-1)),
        (
            errors.InvalidArgument,
            "exclude each other",
            lambda: client.query(statement, cursor=cursor, partitions=PartitionFilter.by_id(7)),
        ),
        (
            errors.InvalidArgument,
            "of another statement",
            lambda: client.query(Statement("test", "another"), cursor=cursor),
        ),
        (
            errors.InvalidArgument,
            "include_bin_data is off",
            lambda: client.query(
                Statement("test", scanned, ["n"]), policy=QueryPolicy(include_bin_data=False)
            ),
        ),
    ]
    for error, words, call in wrong:
        with pytest.raises(error, match=words):
            call()


def test_a_client_that_is_closed_queries_no_more(hosts: str, client: Client, scanned: str) -> None:
    with Client(hosts) as other:
        late = other.query(Statement("test", scanned))
    with pytest.raises(errors.ClientClosed):
        next(late)
    with pytest.raises(errors.ClientClosed):
        other.query(Statement("test", scanned))
