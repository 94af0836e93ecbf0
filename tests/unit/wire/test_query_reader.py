"""Answers to queries are read record by record, and bytes that are none raise a ProtocolError."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspike import Key, QueryPolicy, RawParticle, Record, Statement, errors, filters
from pyspike import operations as op
from pyspike._wire import Command, NodeQuery, Query, QueryPartitions, pack_value, parse_answer
from support.messages import DIGEST, KEY, NAMESPACE, SET, Message, Op
from support.queries import (
    asked_of_one,
    denial_body,
    digest_in,
    last_body,
    record_body,
)
from support.strategies import scalars

BVAL = 15
SCAN = Statement("test", "s")


def asked(statement: Statement = SCAN, begin: int = 0, count: int = 4096) -> NodeQuery:
    """A request for some partitions, whose answer is to be read."""
    return asked_of_one(Query(statement, QueryPolicy().settings, QueryPartitions(begin, count)))


def read(body: bytes, statement: Statement = SCAN, begin: int = 0, count: int = 4096) -> list[Record]:
    records, _ = asked(statement, begin, count).reader.records(body)
    return records


def record_of(*fields: tuple[int, bytes], ops: tuple[Op, ...] = (), **header: int) -> bytes:
    return Message(fields=fields, ops=ops, **header).body


NAME, ONE = (NAMESPACE, b"test"), (DIGEST, digest_in(3, 1))


# Records ----------------------------------------------------------------------------------------------------


def test_a_record_has_key_bins_generation_and_expiration() -> None:
    body = record_of(
        NAME, ONE, (SET, b"s"), ops=(Op(1, b"a", 1, (7).to_bytes(8, "big")),), generation=3, ttl=500
    )
    (record,) = read(body)
    assert record.key == Key.from_digest("test", "s", digest_in(3, 1))
    assert (record.key.namespace, record.key.set_name, record.key.user_key) == ("test", "s", None)
    assert (record.bins, record.generation, record.results) == ({"a": 7}, 3, [])
    assert record.expiration is not None


@pytest.mark.parametrize(
    ("stored", "user_key"),
    [
        (b"\x01" + struct.pack(">q", -5), -5),
        (b"\x03text", "text"),
        (b"\x04\x00\xff", b"\x00\xff"),
        (b"\x02" + struct.pack(">d", 1.5), RawParticle(2, struct.pack(">d", 1.5))),
        (b"\x03\xff", RawParticle(3, b"\xff")),
    ],
)
def test_the_user_key_is_the_stored_one(stored: bytes, user_key: object) -> None:
    (record,) = read(record_of(NAME, ONE, (KEY, stored)))
    assert record.key.user_key == user_key
    assert type(record.key.user_key) is type(user_key)


def test_the_set_is_the_records_own_where_a_whole_namespace_is_asked_for() -> None:
    bodies = [record_of(NAME, ONE, (SET, name)) for name in (b"s", b"t", "ä".encode())]
    names = [
        record.key.set_name for record in read(b"".join([*bodies, record_of(NAME, ONE)]), Statement("test"))
    ]
    assert names == ["s", "t", "ä", ""]


def test_bins_that_were_asked_for_come_alone_or_not_at_all() -> None:
    (record,) = read(record_of(NAME, ONE, info1=0x20))
    assert record.bins == {}


def test_operations_give_results_in_their_order() -> None:
    statement = Statement("test", "s", operations=[op.get("a"), op.get("b"), op.get("a")])
    ops = (Op(1, b"a", 1, bytes(8)), Op(1, b"b"), Op(1, b"a", 3, b"x"))
    (record,) = read(record_of(NAME, ONE, ops=ops), statement)
    assert record.results == [0, None, "x"]
    assert record.bins == {"a": [0, "x"]}


def test_records_of_a_frame_are_given_one_by_one() -> None:
    request = asked()
    bodies = [record_body(digest_in(number, 1)) for number in range(5)]
    records, sign = request.reader.records(b"".join(bodies))
    assert [record.key.partition_id for record in records] == [0, 1, 2, 3, 4]
    assert repr(sign) == "MORE"
    assert (request.given, request.query.given) == (5, 5)
    records, sign = request.reader.records(record_body(digest_in(9, 1)) + last_body())
    assert [record.key.partition_id for record in records] == [9]
    assert sign is request.query


def test_what_is_read_as_a_whole_pauses_at_the_first_record() -> None:
    request = asked()
    command: Command = request.make_command()
    assert repr(parse_answer(command, denial_body(7))) == "MORE"
    assert repr(parse_answer(command, record_body(digest_in(1, 1)))) == "PAUSE"
    assert request.given == 0, "nobody has taken it"
    other = asked()
    assert parse_answer(other.make_command(), last_body()) is other.query


# Notices and errors -----------------------------------------------------------------------------------------


def test_partitions_that_the_node_does_not_have_are_noted() -> None:
    request = asked(begin=5, count=3)
    body = denial_body(5) + record_body(digest_in(6, 1)) + denial_body(7)
    records, sign = request.reader.records(body)
    assert (len(records), repr(sign)) == (1, "MORE")
    request.reader.records(last_body())
    assert request.end() == [5, 7]


def test_a_notice_that_a_partition_is_done_says_nothing_new() -> None:
    request = asked(begin=5, count=3)
    records, sign = request.reader.records(Message(info3=0x04, generation=5).body)
    assert (records, repr(sign)) == ([], "MORE")


@pytest.mark.parametrize("code", [4, 15, 201])
def test_an_error_ends_the_answer(code: int) -> None:
    for body in (Message(result=code).body, last_body(code)):
        with pytest.raises(errors.ServerError) as caught:
            read(body)
        assert caught.value.result_code == code


def test_what_came_before_an_error_is_given() -> None:
    request = asked()
    command = request.make_command()
    assert repr(parse_answer(command, record_body(digest_in(1, 1)) + last_body(15))) == "PAUSE"
    with pytest.raises(errors.QueryAborted):
        asked().reader.records(record_body(digest_in(1, 1)) + last_body(15))


# What is no answer ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "a frame without a message"),
        (record_of(NAME), "a record without a digest"),
        (record_of(NAME, (DIGEST, bytes(19))), "a digest of 19 bytes"),
        (record_of(NAME, ONE, (KEY, b"")), "a user key without a type"),
        (record_of(NAME, ONE, (BVAL, bytes(7))), "an index value of 7 bytes"),
        (record_of(NAME, (DIGEST, digest_in(9, 1))), "a record of partition 9, which was not asked for"),
        (denial_body(9), "a refusal of partition 9, which was not asked for"),
        (denial_body(0xFFFFFFFF), "a refusal of partition 4294967295"),
        (Message(info3=0x40).body, "a message of no kind that queries have"),
        (last_body() + b"x", "1 bytes behind"),
        (last_body() + last_body(), "22 bytes behind"),
        (record_of(NAME, ONE, ops=(Op(1, b"a", 1, bytes(3)),)), "an integer of 3 bytes"),
    ],
)
def test_what_can_not_be_right_is_refused(body: bytes, words: str) -> None:
    with pytest.raises(errors.ProtocolError, match=words):
        read(body, begin=0, count=8)


def test_a_record_that_can_not_be_read_was_not_given() -> None:
    request = asked(begin=0, count=8)
    good, bad = record_body(digest_in(1, 1)), record_of(NAME, ONE, ops=(Op(1, b"a", 1, bytes(3)),))
    with pytest.raises(errors.ProtocolError):
        request.reader.records(good + bad)
    assert request.given == 1


def test_a_request_that_was_given_up_takes_no_records() -> None:
    query = Query(SCAN, QueryPolicy().settings, QueryPartitions())
    old = asked_of_one(query)
    assert len(old.give_up()) == 4096
    new = asked_of_one(query)
    with pytest.raises(errors.ProtocolError, match="not asked for"):
        old.reader.records(record_body(digest_in(1, 1)))
    assert len(new.reader.records(record_body(digest_in(1, 1)))[0]) == 1


@given(st.data())
def test_no_part_of_an_answer_is_an_answer(data: st.DataObject) -> None:
    bins = (Op(1, b"a", 1, bytes(8)), Op(1, b"b", 20, b"\x93\x01\xa2\x03x\xc0"))
    whole = record_body(digest_in(1, 1), bval=4, bins=bins)
    cut = data.draw(st.integers(1, len(whole) - 1))
    with pytest.raises(errors.ProtocolError):
        read(whole + whole[:cut])


@given(
    st.dictionaries(st.text("abcdefghij", min_size=1, max_size=15), scalars, max_size=5),
    st.integers(0, 4095),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.integers(0, (1 << 32) - 1),
)
def test_any_record_is_read_as_it_was_sent(
    bins: dict[str, Any], partition_id: int, bval: int, generation: int
) -> None:
    statement = Statement("test", "s", where=filters.equal("a", 1))
    ops = []
    for name, value in bins.items():
        particle, packed = pack_value(value)
        ops.append(Op(1, name.encode(), particle, packed))
    digest = digest_in(partition_id, 77)
    fields = (NAME, (DIGEST, digest), (SET, b"s"), (BVAL, bval.to_bytes(8, "little", signed=True)))
    request = asked(statement)
    (record,), _ = request.reader.records(Message(fields=fields, ops=tuple(ops), generation=generation).body)
    assert record.bins == bins
    assert (record.key.digest, record.generation) == (digest, generation)
    request.give_up()
    again = asked_of_one(request.query).make_command().request
    assert digest in again
    assert bval.to_bytes(8, "little", signed=True) in again
