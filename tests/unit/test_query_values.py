"""What a query is made of is checked, compared, copied and shown: statements, filters, partitions, cursors."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspike import (
    CollectionIndexType,
    Cursor,
    GeoJSON,
    HyperLogLog,
    Key,
    PartitionFilter,
    QueryPolicy,
    RawParticle,
    Statement,
    errors,
    exp,
    filters,
)
from pyspike import operations as op
from pyspike._wire import (
    IndexFilter,
    Query,
    QueryPartitions,
    cursor_of,
    partitions_of_cursor,
)
from pyspike.operations import context
from support.queries import cursor_in_the_middle

LIST = CollectionIndexType.LIST
REGION = '{"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}'
POINT = '{"type": "Point", "coordinates": [1.0, 2.0]}'

FILTERS = [
    filters.equal("a", 1),
    filters.equal("a", "x"),
    filters.equal("a", b"x"),
    filters.equal("a", 1, LIST),
    filters.equal("a", 1, ctx=[context.map_key("k")]),
    filters.equal(None, 1, index="i"),
    filters.equal(None, 1, expression=exp.int_bin("a") + 1),
    filters.range("a", 1, 2),
    filters.contains("a", 1, CollectionIndexType.MAP_KEYS),
    filters.contains("a", 1, CollectionIndexType.MAP_VALUES),
    filters.contains_range("a", 1, 2, LIST),
    filters.geo_within_region("a", REGION),
    filters.geo_within_radius("a", 1, 2, 3),
    filters.geo_contains("a", POINT),
]
STATEMENTS = [
    Statement("test"),
    Statement("test", "s"),
    Statement("test", "s", ["a", "b"]),
    Statement("test", "s", []),
    Statement("test", "s", operations=[op.get("a"), op.exp.read("n", exp.int_bin("a"))]),
    *(Statement("test", "s", where=where) for where in FILTERS),
]


# Filters ----------------------------------------------------------------------------------------------------


def test_filters_are_equal_if_they_find_the_same() -> None:
    assert len(set(FILTERS)) == len(FILTERS)
    assert filters.range("a", 1, 1) == filters.equal("a", 1)
    assert filters.equal("a", bytearray(b"x")) == filters.equal("a", b"x")
    assert filters.equal("a", 1) != "a"
    assert filters.geo_within_region("a", GeoJSON(REGION)) == filters.geo_within_region("a", REGION)


@pytest.mark.parametrize("where", FILTERS, ids=repr)
def test_a_filter_is_copied_and_pickled(where: IndexFilter) -> None:
    assert pickle.loads(pickle.dumps(where)) == where
    assert copy.deepcopy(where) == where
    assert hash(where) == hash(copy.copy(where))


def test_a_filter_is_shown() -> None:
    assert repr(filters.equal("age", 7)) == "<IndexFilter bin 'age' = 7>"
    assert repr(filters.range(None, 1, 2, index="by_age")) == "<IndexFilter index 'by_age' from 1 to 2>"
    assert "an expression" in repr(filters.equal(None, 1, expression=exp.int_bin("a")))


def test_a_filter_can_not_be_changed() -> None:
    where = filters.equal("a", 1)
    with pytest.raises(AttributeError):
        where.begin = 2  # type: ignore[misc]


@pytest.mark.parametrize("value", [1.5, True, None, [1], {"a": 1}, HyperLogLog(b"x"), object()])
def test_a_filter_takes_only_what_an_index_holds(value: Any) -> None:
    with pytest.raises(errors.InvalidType, match="an index can't hold"):
        filters.equal("a", value)


def test_an_index_finds_geojson_by_its_place_only() -> None:
    with pytest.raises(errors.InvalidType, match="by its place"):
        filters.equal("a", GeoJSON(POINT))  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [1 << 63, -(1 << 63) - 1])
def test_a_number_must_fit_into_64_bits(value: int) -> None:
    with pytest.raises(errors.InvalidArgument, match="64-bit"):
        filters.equal("a", value)
    filters.range("a", -(1 << 63), (1 << 63) - 1)


@pytest.mark.parametrize("value", ["x" * 2048, "é" * 1024, b"x" * 2048])
def test_a_text_must_fit_into_an_index(value: str | bytes) -> None:
    with pytest.raises(errors.InvalidArgument, match="2047"):
        filters.equal("a", value)
    filters.equal("a", value[:1023])


def test_a_range_is_one_of_ints_and_not_empty() -> None:
    with pytest.raises(errors.InvalidArgument, match="empty"):
        filters.range("a", 2, 1)
    for begin, end in (("a", "b"), (1.0, 2.0), (1, None)):
        with pytest.raises(errors.InvalidType):
            filters.range("a", begin, end)  # type: ignore[arg-type]
    with pytest.raises(errors.InvalidType, match="two types"):
        IndexFilter("a", 1, "x")
    with pytest.raises(errors.InvalidType, match="ints"):
        IndexFilter("a", "x", "y")


def test_a_filter_says_in_one_way_which_index_is_meant() -> None:
    for given_ in ({}, {"index": "i", "expression": b"\x90"}):
        with pytest.raises(errors.InvalidArgument, match="one of bin, index and expression"):
            filters.equal(None, 1, **given_)
    with pytest.raises(errors.InvalidArgument, match="one of bin, index and expression"):
        filters.equal("a", 1, index="i")
    with pytest.raises(errors.InvalidArgument, match="ctx and index"):
        filters.equal(None, 1, index="i", ctx=[context.list_index(0)])
    with pytest.raises(errors.InvalidArgument, match="ctx and expression"):
        filters.equal(None, 1, expression=exp.int_bin("a"), ctx=[context.list_index(0)])


def test_names_of_a_filter_are_checked() -> None:
    for name in ("", "x" * 16, "a\0"):
        with pytest.raises(errors.InvalidArgument):
            filters.equal(name, 1)
    with pytest.raises(errors.InvalidType):
        filters.equal(1, 1)  # type: ignore[arg-type]
    for index in ("", "x" * 64, "a\0"):
        with pytest.raises(errors.InvalidArgument):
            filters.equal(None, 1, index=index)
    filters.equal(None, 1, index="x" * 63)


def test_contains_says_where_to_look() -> None:
    with pytest.raises(errors.InvalidArgument, match="collection"):
        filters.contains("a", 1)
    with pytest.raises(errors.InvalidArgument, match="collection"):
        filters.contains_range("a", 1, 2)
    filters.contains(None, 1, index="i")
    with pytest.raises(errors.InvalidType, match="CollectionIndexType"):
        filters.equal("a", 1, 1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "shape", ["", "{}", "[1]", '{"type": "Point"}', '{"coordinates": []}', '{"type": 1}']
)
def test_a_region_is_geojson(shape: str) -> None:
    for function in (filters.geo_within_region, filters.geo_contains):
        with pytest.raises(errors.InvalidArgument):
            function("a", shape)
        with pytest.raises(errors.InvalidType):
            function("a", 1)  # type: ignore[arg-type]


def test_a_point_is_no_region() -> None:
    with pytest.raises(errors.InvalidArgument, match="is a point"):
        filters.geo_within_region("a", POINT)
    with pytest.raises(errors.InvalidArgument, match="is no point"):
        filters.geo_contains("a", REGION)


@pytest.mark.parametrize(
    "given_", [(181, 0, 1), (0, 91, 1), (0, 0, 0), (0, 0, -1), (0, 0, float("nan")), (0, 0, float("inf"))]
)
def test_a_circle_is_on_earth(given_: tuple[float, float, float]) -> None:
    with pytest.raises(errors.InvalidArgument):
        filters.geo_within_radius("a", *given_)


def test_a_circle_is_made_of_numbers() -> None:
    for given_ in (("1", 0, 1), (0, None, 1), (0, 0, True)):
        with pytest.raises(errors.InvalidType):
            filters.geo_within_radius("a", *given_)  # type: ignore[arg-type]


# Statements -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("statement", STATEMENTS, ids=repr)
def test_a_statement_is_copied_and_pickled(statement: Statement) -> None:
    assert pickle.loads(pickle.dumps(statement)) == statement
    assert copy.deepcopy(statement) == statement
    assert hash(statement) == hash(copy.copy(statement))


def test_statements_are_equal_if_they_ask_for_the_same() -> None:
    assert len(set(STATEMENTS)) == len(STATEMENTS)
    assert Statement("test", "s", ("a",)) == Statement("test", "s", ["a"])
    assert Statement("test", None) == Statement("test", "")


def test_a_statement_is_shown() -> None:
    assert repr(Statement("test")) == "Statement('test')"
    assert repr(Statement("test", "s")) == "Statement('test', 's')"
    assert repr(Statement("test", None, ["a"])) == "Statement('test', None, ['a'])"
    assert repr(Statement("test", "s", where=filters.equal("a", 1))) == (
        "Statement('test', 's', where=<IndexFilter bin 'a' = 1>)"
    )


def test_a_statement_has_what_it_was_made_of() -> None:
    where = filters.equal("a", 1)
    statement = Statement("test", "s", ["a"], where=where)
    assert (statement.namespace, statement.set_name, statement.bins) == ("test", "s", ("a",))
    assert statement.where is where
    assert statement.operations is None
    with pytest.raises(AttributeError):
        statement.namespace = "other"  # type: ignore[misc]


def test_a_statement_refuses_what_no_query_can_ask_for() -> None:
    for names in (("",), ("x" * 32,), ("test", "x" * 64)):
        with pytest.raises(errors.InvalidArgument):
            Statement(*names)
    for bins in (["x" * 16], [""]):
        with pytest.raises(errors.InvalidArgument):
            Statement("test", "s", bins)
    for wrong in ("bins", 1, [1]):
        with pytest.raises(errors.InvalidType):
            Statement("test", "s", wrong)  # type: ignore[arg-type]
    with pytest.raises(errors.InvalidType, match=r"pyspike\.filters"):
        Statement("test", "s", where=exp.eq(exp.int_bin("a"), 1))  # type: ignore[arg-type]
    with pytest.raises(errors.InvalidArgument, match="exclude each other"):
        Statement("test", "s", ["a"], operations=[op.get("b")])


def test_operations_of_a_statement_only_read_and_each_a_bin() -> None:
    with pytest.raises(errors.InvalidType, match="writes"):
        Statement("test", "s", operations=[op.get("a"), op.put("a", 1)])
    for whole in (op.get(), op.get_header()):
        with pytest.raises(errors.InvalidArgument, match="can't be among"):
            Statement("test", "s", operations=[whole])
    for wrong in (1, [1], [None]):
        with pytest.raises(errors.InvalidType):
            Statement("test", "s", operations=wrong)  # type: ignore[arg-type]
    with pytest.raises(errors.InvalidArgument, match="at least one"):
        Statement("test", "s", operations=[])


def test_a_query_without_bins_gets_none() -> None:
    policy = QueryPolicy(include_bin_data=False)
    Query(Statement("test", "s"), policy.settings, QueryPartitions())
    for statement in (Statement("test", "s", ["a"]), Statement("test", "s", operations=[op.get("a")])):
        with pytest.raises(errors.InvalidArgument, match="include_bin_data"):
            Query(statement, policy.settings, QueryPartitions())


# Partitions -------------------------------------------------------------------------------------------------


def test_partitions_are_chosen() -> None:
    key = Key("test", "s", 1)
    assert PartitionFilter.all() == PartitionFilter(0, 4096)
    assert PartitionFilter.by_id(7) == PartitionFilter(7, 1)
    assert PartitionFilter.by_range(7, 3) == PartitionFilter(7, 3)
    assert PartitionFilter.by_key(key) == PartitionFilter(key.partition_id, 1, key.digest)
    assert PartitionFilter.by_key(("test", "s", 1)) == PartitionFilter.by_key(key)
    assert pickle.loads(pickle.dumps(PartitionFilter.by_key(key))) == PartitionFilter.by_key(key)


@pytest.mark.parametrize(
    ("begin", "count"), [(-1, 1), (4096, 1), (0, 0), (0, 4097), (4095, 2), (1, -1), (0, 1 << 70)]
)
def test_there_are_4096_partitions(begin: int, count: int) -> None:
    with pytest.raises(errors.InvalidArgument, match="0 to 4095"):
        PartitionFilter.by_range(begin, count)


def test_numbers_of_partitions_are_ints() -> None:
    for wrong in ("1", 1.5, None, True):
        with pytest.raises(errors.InvalidType):
            PartitionFilter.by_id(wrong)  # type: ignore[arg-type]
        with pytest.raises(errors.InvalidType):
            PartitionFilter.by_range(0, wrong)  # type: ignore[arg-type]
        with pytest.raises(errors.InvalidType):
            PartitionFilter.all().split(wrong)  # type: ignore[arg-type]


def test_a_digest_is_of_its_partition() -> None:
    key = Key("test", "s", 1)
    other = (key.partition_id + 1) % 4096
    for wrong in ((other, 1, key.digest), (key.partition_id, 1, b"short"), (0, 4096, key.digest)):
        with pytest.raises(errors.InvalidArgument):
            PartitionFilter(*wrong)
    with pytest.raises(errors.InvalidType):
        PartitionFilter(key.partition_id, 1, "text")  # type: ignore[arg-type]


@given(st.integers(0, 4095), st.data())
def test_parts_cover_the_same_once(begin: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 4096 - begin))
    parts = data.draw(st.integers(1, count))
    split = PartitionFilter.by_range(begin, count).split(parts)
    assert len(split) == parts
    numbers = [number for part in split for number in range(part.begin, part.begin + part.count)]
    assert numbers == list(range(begin, begin + count))
    assert max(part.count for part in split) - min(part.count for part in split) <= 1


def test_there_are_no_more_parts_than_partitions() -> None:
    for parts in (0, -1, 4097):
        with pytest.raises(errors.InvalidArgument):
            PartitionFilter.all().split(parts)
    single = PartitionFilter.by_key(("test", "s", 1))
    assert single.split(1) == [single]
    with pytest.raises(errors.InvalidArgument):
        single.split(2)


# Cursors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("statement", STATEMENTS, ids=repr)
def test_a_cursor_travels_as_bytes(statement: Statement) -> None:
    cursor = cursor_in_the_middle(statement)
    data = cursor.to_bytes()
    assert Cursor.from_bytes(data) == cursor
    assert Cursor.from_bytes(bytearray(data)) == cursor  # type: ignore[arg-type]
    assert pickle.loads(pickle.dumps(cursor)) == cursor
    assert hash(copy.deepcopy(cursor)) == hash(cursor)
    assert not cursor.done
    partitions = partitions_of_cursor(data, statement)
    assert cursor_of(statement, partitions) == data


def test_a_cursor_is_shown() -> None:
    assert repr(cursor_in_the_middle(Statement("test"))).startswith("<Cursor not done, ")
    with pytest.raises((AttributeError, TypeError)):
        cursor_in_the_middle(Statement("test")).done = True  # type: ignore[misc]


def test_a_cursor_is_of_its_statement() -> None:
    statement = Statement("test", "s", where=filters.range("a", 1, 9))
    data = cursor_in_the_middle(statement).to_bytes()
    partitions_of_cursor(data, Statement("test", "s", ["b"], where=filters.range("a", 1, 9)))
    for other, words in (
        (Statement("other", "s", where=filters.range("a", 1, 9)), "the set 's' of namespace 'test'"),
        (Statement("test", "t", where=filters.range("a", 1, 9)), "the set 's' of namespace 'test'"),
        (Statement("test", "s", where=filters.range("a", 1, 8)), "another `where`"),
        (Statement("test", "s"), "another `where`"),
    ):
        with pytest.raises(errors.InvalidArgument, match=words):
            partitions_of_cursor(data, other)


def test_a_cursor_of_another_version_is_refused() -> None:
    data = bytearray(cursor_in_the_middle(Statement("test")).to_bytes())
    data[4] = 2
    with pytest.raises(errors.InvalidArgument, match="version 2"):
        Cursor(bytes(data))


@given(st.data())
def test_bytes_that_were_changed_are_no_cursor(data: st.DataObject) -> None:
    statement = data.draw(st.sampled_from(STATEMENTS))
    whole = cursor_in_the_middle(statement).to_bytes()
    changed = bytearray(whole)
    if data.draw(st.booleans()):
        del changed[data.draw(st.integers(0, len(whole) - 1)) :]
    else:
        changed[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(errors.InvalidArgument):
        Cursor(bytes(changed))


@given(st.binary(max_size=300))
def test_any_bytes_are_no_cursor(data: bytes) -> None:
    for start in (b"", b"PSQC", b"PSQC\x01"):
        with pytest.raises(errors.InvalidArgument):
            Cursor(start + data)


def test_what_is_not_bytes_is_no_cursor() -> None:
    for wrong in ("text", 1, None):
        with pytest.raises(errors.InvalidType):
            Cursor.from_bytes(wrong)  # type: ignore[arg-type]


# Keys -------------------------------------------------------------------------------------------------------


def test_a_user_key_of_another_client_stays_as_it_is() -> None:
    raw = RawParticle(2, b"12345678")
    key = Key.from_digest("test", "s", bytes(20), raw)
    assert key.user_key == raw
    assert pickle.loads(pickle.dumps(key)).user_key == raw
