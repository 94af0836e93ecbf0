"""What a batch is given: any iterable, any keys, any number; and what comes of iterables that misbehave."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from pyspike import (
    BatchDelete,
    BatchPolicy,
    BatchRead,
    BatchReadPolicy,
    BatchRow,
    BatchWrite,
    BatchWritePolicy,
    Client,
    Key,
    KeyOrderedDict,
    ResultCode,
    errors,
    exp,
)
from pyspike import operations as op
from pyspike.server import EmbeddedCluster
from support.cluster_tools import pools, wait_until

pytestmark = pytest.mark.both_kinds

PATIENCE = 120_000  # ms, for what a slow machine takes long for
MANY = 100_000


@pytest.fixture
def keys(key: Key, client: Client) -> list[Key]:
    """Ten keys of a test, of which the first eight have a record {"a": number}."""
    found = [Key(key.namespace, key.set_name, f"{key.user_key!r}-{number}") for number in range(10)]
    client.batch_delete(found)
    client.batch_put({each: {"a": number} for number, each in enumerate(found[:8])})
    return found


def values(client: Client, keys: list[Key]) -> list[Any]:
    return [record and record["a"] for record in client.batch_get(keys)]


class Broken(Exception):  # noqa: N818 - a user's own
    pass


def breaking(*given: Any) -> Iterator[Any]:
    yield from given
    raise Broken


# Each call that takes an iterable, as a function of the client and what one item of it is made of.
CALLS: dict[str, Callable[[Client, Iterator[Key]], Any]] = {
    "batch": lambda client, keys: client.batch(BatchWrite(key, [op.put("a", 99)]) for key in keys),
    "batch_operate": lambda client, keys: client.batch_operate(keys, [op.put("a", 99)]),
    "batch_get": lambda client, keys: client.batch_get(keys),
    "batch_exists": lambda client, keys: client.batch_exists(keys),
    "batch_delete": lambda client, keys: client.batch_delete(keys),
    "batch_put": lambda client, keys: client.batch_put((key, {"a": 99}) for key in keys),
}


# Iterables --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CALLS)
def test_an_iterable_that_raises_is_not_sent(client: Client, keys: list[Key], name: str) -> None:
    with pytest.raises(Broken):
        CALLS[name](client, breaking(*keys[:5]))
    assert values(client, keys) == [*range(8), None, None]
    assert pools(client, "in_flight") == 0


@pytest.mark.parametrize("name", CALLS)
def test_an_iterable_may_run_commands_of_the_same_client(client: Client, keys: list[Key], name: str) -> None:
    seen: list[Any] = []

    def given() -> Iterator[Key]:
        for key in keys[:3]:
            seen.append((client.get(key)["a"], values(client, keys[:2])))
            yield key

    CALLS[name](client, given())
    assert seen == [(0, [0, 1]), (1, [0, 1]), (2, [0, 1])], "nothing is sent before all is known"


@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_key_is_refused_and_nothing_sent(client: Client, keys: list[Key], name: str) -> None:
    for wrong in (None, 5, "ann", ("test", "s"), ("test", "s", 1.5), object()):
        with pytest.raises(errors.InvalidType):
            CALLS[name](client, iter([keys[0], wrong, keys[1]]))  # type: ignore[list-item]
    assert values(client, keys[:2]) == [0, 1]


@pytest.mark.parametrize("name", CALLS)
def test_no_rows_are_no_call(client: Client, name: str) -> None:
    before = sum(node.pool.opened for node in client.stats().nodes.values())
    found = CALLS[name](client, iter(()))
    assert found is None or list(found) == []
    assert sum(node.pool.opened for node in client.stats().nodes.values()) == before


def test_bins_that_an_iterable_changes_meanwhile_are_put_as_they_were(
    client: Client, keys: list[Key]
) -> None:
    """One dict for all records, as in a loop that fills it anew."""

    def given(bins: dict[str, Any]) -> Iterator[tuple[Key, dict[str, Any]]]:
        for number, key in enumerate(keys):
            bins["a"] = number + 50
            bins["l"][0] = number
            yield key, bins

    client.batch_put(given({"l": [0]}))
    assert values(client, keys) == list(range(50, 60))
    assert [record and record["l"] for record in client.batch_get(keys)] == [[number] for number in range(10)]


def test_a_key_that_comes_again_has_an_outcome_each_time(client: Client, keys: list[Key]) -> None:
    rows: list[BatchRow] = [BatchWrite(keys[0], [op.add("a", 1), op.get("a")]) for _ in range(200)]
    results = client.batch(rows, timeout=PATIENCE)
    done = sorted(row.record["a"] for row in results if row.record is not None)
    assert done == list(range(1, len(done) + 1))
    # Where writes wait for replicas, more of them than a server lets wait for one record are refused.
    assert {row.result_code for row in results.failed} <= {ResultCode.KEY_BUSY}
    assert not any(row.in_doubt for row in results)
    assert client.batch_exists([keys[0], keys[9]] * 50) == [True, False] * 50
    assert sorted(client.batch_delete([keys[1]] * 5)) == [False] * 4 + [True]


# Keys -------------------------------------------------------------------------------------------------------


def test_keys_of_every_type_and_form(client: Client, key: Key) -> None:
    users: list[Any] = [0, -1, 2**63 - 1, -(2**63), "", "0", "ä" * 50, b"", b"0", b"\x00\xff", "x" * 5000]
    keys = [Key(key.namespace, key.set_name, (user)) for user in users]
    client.batch_put({each: {"a": number} for number, each in enumerate(keys)})
    assert values(client, keys) == list(range(len(users)))
    assert [client.get(each)["a"] for each in keys] == list(range(len(users)))
    tuples = [(each.namespace, each.set_name, user) for each, user in zip(keys, users, strict=True)]
    assert values(client, tuples) == list(range(len(users)))  # type: ignore[arg-type]
    digests = [Key.from_digest(each.namespace, each.set_name, each.digest) for each in keys]
    assert values(client, digests) == list(range(len(users)))
    sent = BatchWritePolicy(send_key=True)
    client.batch_put(zip(digests, [{"a": 7}] * len(users), strict=True), row_policy=sent)
    client.batch_put(zip(keys, [{"a": 8}] * len(users), strict=True), row_policy=sent)
    assert values(client, keys) == [8] * len(users)
    assert all(client.batch_delete(keys))


def test_a_key_of_several_namespaces_and_sets(client: Client, key: Key) -> None:
    namespaces = [name for name in ("test", "bar") if name in client.info("namespaces", client.nodes()[0])]
    places = [(ns, name) for ns in namespaces for name in (key.set_name, None, f"{key.set_name}b")]
    keys = [Key(ns, name, f"{key.user_key!r}-{n}") for n in range(40) for ns, name in places]
    client.batch_put((each, {"a": str(each)}) for each in keys)
    assert values(client, keys) == [str(each) for each in keys]
    assert all(client.batch_delete(keys))


def test_a_namespace_that_is_not_there_fails_its_rows_alone(client: Client, keys: list[Key]) -> None:
    lost = [Key("no-such-ns", "s", number) for number in range(5000)]
    rows: list[BatchRow] = [BatchRead(each) for each in lost]
    rows[100:100] = [BatchRead(each) for each in keys[:8]]
    rows.append(BatchDelete(lost[0]))
    results = client.batch(rows, timeout=PATIENCE)
    assert len(results) == 5009
    assert [row.ok for row in results] == [False] * 100 + [True] * 8 + [False] * 4901
    for row in results.failed:
        assert isinstance(row.error, errors.InvalidNamespace)
        assert (row.error.key, row.in_doubt, row.error.attempts) == (row.key, False, ())
    with pytest.raises(errors.BatchError, match="1 of 1 rows failed"):
        client.batch_get(lost[:1])


# How many ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 4095, 4096, 4097])
def test_so_many_rows(client: Client, set_name: str, count: int) -> None:
    keys = [Key("test", set_name, f"count-{number}") for number in range(count)]
    client.batch_put(((each, {"a": number}) for number, each in enumerate(keys)), timeout=PATIENCE)
    records = client.batch_get(keys, timeout=PATIENCE)
    assert [record and record["a"] for record in records] == list(range(count))
    assert client.batch_delete(keys, timeout=PATIENCE) == [True] * count


def test_very_many_rows_come_back_each_with_its_own(client: Client, set_name: str) -> None:
    """More than two bytes count; of all there is one record in a hundred."""
    there = {number: Key("test", set_name, f"many-{number}") for number in range(0, MANY, 100)}
    client.batch_put({each: {"a": number} for number, each in there.items()}, timeout=PATIENCE)
    keys = [Key("test", set_name, f"many-{number}") for number in range(MANY)]
    records = client.batch_get(keys, timeout=PATIENCE)
    assert len(records) == MANY
    assert {number: record["a"] for number, record in enumerate(records) if record} == {n: n for n in there}
    assert all(record.key is keys[number] for number, record in enumerate(records) if record)
    client.batch_delete(there.values(), timeout=PATIENCE)


def test_records_of_a_mebibyte_and_more(client: Client, keys: list[Key]) -> None:
    """Each has a frame of its own, and a request holds one or two."""
    big = {each: {"a": bytes([number]) * 1_000_000} for number, each in enumerate(keys)}
    client.batch_put(big, timeout=PATIENCE)
    records = client.batch_get(keys, timeout=PATIENCE)
    assert [record and record.bins for record in records] == list(big.values())
    too_big: dict[Key, dict[str, object]] = {
        keys[0]: {"a": 1},
        keys[1]: {"a": bytes(9 << 20)},
        keys[2]: {"a": 2},
    }
    with pytest.raises(errors.BatchError) as caught:
        client.batch_put(too_big, timeout=PATIENCE)
    assert [row.result_code for row in caught.value.results] == [0, ResultCode.RECORD_TOO_BIG, 0]
    client.batch_delete(keys)


# Deadlines --------------------------------------------------------------------------------------------------


def test_a_deadline_may_be_anything_that_one_of_a_command_may_be(client: Client, keys: list[Key]) -> None:
    for timeout in (0, 1e6, 2**31 - 1, timedelta(days=20), timedelta(0)):
        assert client.batch_exists(keys[:2], timeout=timeout) == [True, True]
        policy = BatchPolicy(total_timeout=timeout, socket_timeout=0)
        assert client.batch_exists(keys[:2], policy=policy) == [True, True]
    for wrong in (-1, 0.5, 2**31, float("nan"), float("inf")):
        with pytest.raises(errors.InvalidArgument, match="timeout"):
            client.batch_exists(keys, timeout=wrong)
    for kind in ("1", True, [1]):
        with pytest.raises(errors.InvalidType, match="timeout"):
            client.batch_exists(keys, timeout=kind)  # type: ignore[arg-type]


def test_a_deadline_that_is_over_at_once_fails_each_row_and_leaves_nothing(
    client: Client, keys: list[Key]
) -> None:
    rows = [BatchWrite(key, [op.put("a", 1)]) for key in keys for _ in range(2000)]
    results = client.batch(rows, timeout=1)
    assert len(results) == 20_000
    for row in results.failed:
        if isinstance(row.error, errors.KeyBusy):  # a real node is asked for one record too often at once
            continue
        assert isinstance(row.error, (errors.TimeoutError, errors.ServerTimeout))
        assert row.in_doubt == any(attempt.sent for attempt in row.error.attempts)
    wait_until(lambda: pools(client, "in_flight") == 0)
    assert client.batch_exists(keys[:1]) == [True]


@pytest.mark.embedded_only
def test_rows_that_were_not_sent_any_more_are_not_in_doubt_nor_do_their_attempts_say_so(
    client: Client, cluster: EmbeddedCluster, keys: list[Key]
) -> None:
    rows = [BatchWrite(key, [op.put("a", 1)]) for key in keys for _ in range(5000)]
    for node in cluster.nodes:
        node.freeze()
    once = BatchPolicy(max_retries=0)
    results = client.batch(rows, timeout=500, policy=once)
    told = Counter(
        (row.in_doubt, [attempt.sent for attempt in row.error.attempts] == [True])
        for row in results.failed
        if row.error is not None
    )
    assert told.keys() == {(True, True), (False, False)}
    assert told.total() == len(rows)


# Options ----------------------------------------------------------------------------------------------------


def test_the_filter_of_a_row_wins_over_that_of_the_call_and_that_over_the_policys(
    client: Client, keys: list[Key]
) -> None:
    def equal(number: int) -> exp.Expression:
        return exp.int_bin("a") == number

    own = BatchReadPolicy(filter_expression=equal(1))
    policy = BatchPolicy(filter_expression=equal(3))
    rows = [BatchRead(key, policy=row_policy) for row_policy in (None, own) for key in keys[:4]]

    def read(**options: Any) -> list[int]:
        return [number for number, row in enumerate(client.batch(rows, **options)) if row.ok]

    assert read() == [0, 1, 2, 3, 5]
    assert read(policy=policy) == [3, 5]
    assert read(policy=policy, filter_expression=equal(2)) == [2, 5]
    assert read(filter_expression=equal(2)) == [2, 5]


def test_options_that_can_not_apply_are_refused(client: Client, keys: list[Key]) -> None:
    wrong: Any = 5
    writes: Any = BatchWritePolicy()
    reads: Any = BatchReadPolicy()
    refused: list[tuple[type[Exception], str, Callable[[], object]]] = [
        (errors.InvalidArgument, "ttl has no effect", lambda: client.batch_operate(keys, [op.get()], ttl=5)),
        (
            errors.InvalidType,
            "must be a BatchReadPolicy",
            lambda: client.batch_operate(keys, [op.get()], row_policy=writes),
        ),
        (
            errors.InvalidType,
            "must be a BatchWritePolicy",
            lambda: client.batch_operate(keys, [op.put("a", 1)], row_policy=reads),
        ),
        (
            errors.InvalidType,
            "must be a BatchWritePolicy",
            lambda: client.batch_put({keys[0]: {"a": 1}}, row_policy=reads),
        ),
        (
            errors.InvalidType,
            "must be a BatchDeletePolicy",
            lambda: client.batch_delete(keys, row_policy=writes),
        ),
        (
            errors.InvalidType,
            "filter_expression must be",
            lambda: client.batch_get(keys, filter_expression=wrong),
        ),
        (errors.InvalidType, "policy must be a BatchPolicy", lambda: client.batch([], policy=writes)),
        (
            TypeError,
            "unexpected keyword argument",
            lambda: client.batch_get(keys, ttl=5),  # type: ignore[call-arg]
        ),
        (
            TypeError,
            "unexpected keyword argument",
            lambda: client.batch_get(keys, row_policy=reads),  # type: ignore[call-arg]
        ),
    ]
    for kind, words, call in refused:
        with pytest.raises(kind, match=words):
            call()
    assert values(client, keys) == [*range(8), None, None]


# Threads ----------------------------------------------------------------------------------------------------


def test_values_that_other_threads_change_are_packed_whole_or_refused(
    client: Client, keys: list[Key]
) -> None:
    end = threading.Event()
    bins: dict[str, Any] = {"a": 1, "m": KeyOrderedDict({"x": 1})}

    def change() -> None:
        while not end.is_set():
            bins["b"] = 1
            bins.pop("b", None)

    changing = threading.Thread(target=change)
    changing.start()
    try:
        for _ in range(50):
            with contextlib.suppress(errors.InvalidArgument):  # it changed its size while it was packed
                client.batch_put([(key, bins) for key in keys])
    finally:
        end.set()
        changing.join()
    assert {record["a"] for record in client.batch_get(keys) if record} <= {*range(8), 1}
