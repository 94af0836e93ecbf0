"""Random queries give what a filter in Python gives of the same records, also when they go on by cursors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyspike import (
    Client,
    CollectionIndexType,
    Key,
    PartitionFilter,
    QueryDuration,
    QueryPolicy,
    Replica,
    Statement,
    exp,
    filters,
)
from support.examples import examples
from support.indexes import index

pytestmark = pytest.mark.both_kinds

PATIENCE = 60_000  # ms
ROUNDS = settings(
    max_examples=examples(60),
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
Bins = dict[str, Any]
Holds = Callable[[Bins], bool]

SMALL = st.integers(-3, 3)
WORDS = st.sampled_from(["", "a", "b", "ä" * 40])
BINS: st.SearchStrategy[Bins] = st.fixed_dictionaries(
    {"id": st.integers(0, 1 << 62)},
    optional={
        "n": SMALL | st.sampled_from([-(1 << 63), (1 << 63) - 1]),
        "s": WORDS,
        "l": st.lists(SMALL | WORDS, max_size=4),
        "m": st.dictionaries(WORDS, SMALL, max_size=4),
    },
)
DEFINITIONS = (
    ("n", "numeric"),
    ("s", "string"),
    ("l", "numeric", "list"),
    ("l", "string", "list"),
    ("m", "string", "mapkeys"),
    ("m", "numeric", "mapvalues"),
)
LIST, KEYS, VALUES = CollectionIndexType.LIST, CollectionIndexType.MAP_KEYS, CollectionIndexType.MAP_VALUES


@st.composite
def wheres(draw: st.DrawFn) -> tuple[filters.IndexFilter | None, Holds]:
    """A `where`, and the same in Python."""
    low, word = draw(SMALL), draw(WORDS)
    high = draw(st.integers(low, 4))
    return draw(
        st.sampled_from(
            [
                (None, lambda bins: True),
                (filters.equal("n", low), lambda bins: bins.get("n") == low),
                (filters.range("n", low, high), lambda bins: "n" in bins and low <= bins["n"] <= high),
                (filters.range("n", low, (1 << 63) - 1), lambda bins: "n" in bins and low <= bins["n"]),
                (filters.equal("s", word), lambda bins: bins.get("s") == word),
                (filters.contains("l", low, LIST), lambda bins: low in numbers_of(bins.get("l", []))),
                (filters.contains("l", word, LIST), lambda bins: word in bins.get("l", [])),
                (
                    filters.contains_range("l", low, high, LIST),
                    lambda bins: any(low <= each <= high for each in numbers_of(bins.get("l", []))),
                ),
                (filters.contains("m", word, KEYS), lambda bins: word in bins.get("m", {})),
                (
                    filters.contains_range("m", low, high, VALUES),
                    lambda bins: any(low <= each <= high for each in bins.get("m", {}).values()),
                ),
            ]
        )
    )


def numbers_of(values: list[Any]) -> list[int]:
    return [each for each in values if isinstance(each, int)]


@st.composite
def expressions(draw: st.DrawFn) -> tuple[Any, Holds]:
    """A filter expression or None, and the same in Python."""
    bound = draw(SMALL)
    return draw(
        st.sampled_from(
            [
                (None, lambda bins: True),
                (exp.int_bin("n") >= bound, lambda bins: "n" in bins and bins["n"] >= bound),
                (exp.bin_exists("s"), lambda bins: "s" in bins),
                (exp.int_bin("id") % 2 == 0, lambda bins: bins["id"] % 2 == 0),
            ]
        )
    )


@pytest.fixture
def indexed(client: Client, client_kind: str, set_name: str) -> Iterator[str]:
    """A set with an index of each kind, whose names no index had before that is still being dropped."""
    name = f"{set_name}-query-{client_kind}"
    with ExitStack() as stack:
        for definition in DEFINITIONS:
            stack.enter_context(index(client, name, *definition))
        yield name


def test_random_queries_give_what_a_filter_gives(client: Client, indexed: str) -> None:
    @ROUNDS
    @given(
        records=st.lists(BINS, max_size=25),
        where=wheres(),
        expression=expressions(),
        names=st.none() | st.lists(st.sampled_from(["id", "n", "l"]), min_size=1, unique=True),
        begin=st.integers(0, 4095),
        size=st.sampled_from([0, 0, 1, 3, 10]),
        at_once=st.integers(0, 2),
        duration=st.sampled_from(QueryDuration),
        replica=st.sampled_from([Replica.SEQUENCE, Replica.RANDOM]),
        stop_after=st.integers(0, 30),
    )
    def check(
        records: list[Bins],
        where: tuple[Any, Holds],
        expression: tuple[Any, Holds],
        names: list[str] | None,
        begin: int,
        size: int,
        at_once: int,
        duration: QueryDuration,
        replica: Replica,
        stop_after: int,
    ) -> None:
        written = {Key("test", indexed, number): bins for number, bins in enumerate(records)}
        client.batch_put(written, timeout=PATIENCE)
        try:
            partitions = PartitionFilter.by_range(begin, 4096 - begin) if begin % 2 else PartitionFilter.all()
            statement = Statement("test", indexed, names, where=where[0])
            policy = QueryPolicy(
                max_records=size,
                max_concurrent_nodes=at_once,
                expected_duration=duration,
                replica=replica,
                total_timeout=PATIENCE,
            )
            options = {"filter_expression": expression[0], "policy": policy}
            query = client.query(statement, partitions=partitions, **options)
            found = []
            for _ in range(stop_after):
                record = next(query, None)
                if record is None:
                    break
                found.append(record)
            query.close()
            while not query.cursor.done:
                query = client.query(statement, cursor=query.cursor, **options)
                page = list(query)
                assert not size or len(page) <= size
                found += page
            expected = {
                key: {name: bins[name] for name in names if name in bins} if names is not None else bins
                for key, bins in written.items()
                if where[1](bins)
                and expression[1](bins)
                and key.partition_id >= partitions.begin
                and (names is None or not {*names}.isdisjoint(bins))
            }
            assert {record.key: record.bins for record in found} == expected
            if where[0] is None or where[0].collection is CollectionIndexType.DEFAULT:
                assert len(found) == len(expected), "a record was given twice"
            # Where another element of its list or map matches, it is found again by a query that goes on.
        finally:
            client.batch_delete(written, timeout=PATIENCE)

    check()
