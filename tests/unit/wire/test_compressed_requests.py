"""What `use_compression` changes in requests: which are compressed, and which ask for that in return."""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from pyspike import BatchPolicy, BatchRead, BatchWrite, Key, QueryPolicy, ReadPolicy, Statement, WritePolicy
from pyspike import operations as op
from pyspike._wire import Command, Query, QueryPartitions, aggregate_request, batch_rows, rows_of_node
from support.all_of import all_of
from support.batches import parse_batch
from support.compressed import is_packed, opened
from support.messages import parse
from support.queries import asked_of_one
from support.unsent import UNSENT, unsent

KEY = Key("test", "s", 1)
ASKS = 0x80  # of info1
TEXT = "x" * 1000
THIN = unsent(ReadPolicy(use_compression=True), WritePolicy(use_compression=True))


def batched(policy: BatchPolicy) -> Command:
    rows = [BatchRead(KEY), BatchRead(KEY, ["a"]), BatchWrite(KEY, [op.put("a", TEXT)])]
    command = rows_of_node(batch_rows(rows, policy.settings), range(len(rows))).next_command()
    assert command is not None
    return command


def queried(policy: QueryPolicy) -> Command:
    return asked_of_one(Query(Statement("test", "s"), policy.settings, QueryPartitions())).make_command()


# The request with compression and without; whether it asks for a compressed answer, and whether it is large.
KINDS: dict[str, tuple[Command, Command, bool, bool]] = {
    "get": (THIN.get(KEY), UNSENT.get(KEY), True, False),
    "get of bins": (THIN.get(KEY, ["a"]), UNSENT.get(KEY, ["a"]), True, False),
    "exists": (THIN.exists(KEY), UNSENT.exists(KEY), False, False),
    "put": (THIN.put(KEY, {"a": TEXT}), UNSENT.put(KEY, {"a": TEXT}), False, True),
    "small put": (THIN.put(KEY, {"a": 1}), UNSENT.put(KEY, {"a": 1}), False, False),
    "append": (THIN.append(KEY, {"a": TEXT}), UNSENT.append(KEY, {"a": TEXT}), False, True),
    "delete": (THIN.delete(KEY), UNSENT.delete(KEY), False, False),
    "touch": (THIN.touch(KEY), UNSENT.touch(KEY), False, False),
    "operate that reads": (THIN.operate(KEY, [op.get("a")]), UNSENT.operate(KEY, [op.get("a")]), True, False),
    "operate that writes": (
        THIN.operate(KEY, [op.put("a", TEXT), op.get("a")]),
        UNSENT.operate(KEY, [op.put("a", TEXT), op.get("a")]),
        True,
        True,
    ),
    "operate that reads, by a WritePolicy": (
        UNSENT.operate(KEY, [op.get("a")], policy=WritePolicy(use_compression=True)),
        UNSENT.operate(KEY, [op.get("a")], policy=WritePolicy()),
        True,
        False,
    ),
    "call": (
        THIN.execute_udf(KEY, "m", "f", [TEXT]),
        UNSENT.execute_udf(KEY, "m", "f", [TEXT]),
        True,
        True,
    ),
    "batch": (batched(BatchPolicy(use_compression=True)), batched(BatchPolicy()), True, True),
    "query": (queried(QueryPolicy(use_compression=True)), queried(QueryPolicy()), True, False),
}


@all_of("name", KINDS)
def test_large_requests_are_compressed_and_those_with_large_answers_ask_for_that(name: str) -> None:
    thin, plain, asks, is_large = KINDS[name]
    assert is_packed(thin.request) is is_large
    assert len(thin.request) < len(plain.request) or not is_large
    found = bytearray(opened(thin.request))
    assert bool(found[9] & ASKS) is asks
    found[9] &= ~ASKS
    if name != "query":  # each has a number of its own
        assert bytes(found) == plain.request


def test_rows_of_a_batch_do_not_ask_one_by_one() -> None:
    thin = opened(batched(BatchPolicy(use_compression=True)).request)
    assert parse_batch(thin).rows == parse_batch(batched(BatchPolicy()).request).rows


def put_of(size: int, policy: WritePolicy) -> bytes:
    """A `put` that takes so many bytes."""
    return (
        unsent(write=policy).put(KEY, {"a": "x" * (size - len(UNSENT.put(KEY, {"a": ""}).request))}).request
    )


def test_the_threshold_is_what_is_sent_plain_at_most() -> None:
    for policy, most in (
        (WritePolicy(use_compression=True), 128),
        (WritePolicy(use_compression=True, compression_threshold=200), 200),
    ):
        assert len(put_of(most, policy)) == most
        assert not is_packed(put_of(most, policy))
        assert is_packed(put_of(most + 1, policy))
    assert is_packed(put_of(120, WritePolicy(use_compression=True, compression_threshold=0)))


def test_what_compressing_makes_no_smaller_is_sent_plain() -> None:
    noise = os.urandom(1000)
    assert THIN.put(KEY, {"a": noise}).request == UNSENT.put(KEY, {"a": noise}).request


def test_the_stream_is_of_the_quickest_level() -> None:
    assert THIN.put(KEY, {"a": TEXT}).request[16:18] == b"\x78\x01"


@given(st.dictionaries(st.text("abc", min_size=1, max_size=9), st.binary(max_size=400), min_size=1))
def test_what_is_in_a_compressed_request_is_the_plain_one(bins: dict[str, bytes]) -> None:
    assert opened(THIN.put(KEY, bins).request) == UNSENT.put(KEY, bins).request


def test_an_aggregation_asks_for_nothing_compressed() -> None:
    settings = QueryPolicy(use_compression=True).settings
    request = aggregate_request(Statement("test"), settings, 1, ("m", "f", b"")).request
    assert not parse(request).info1 & ASKS
