"""Every field of every policy changes something; each test here shows what.

A test is named `test_<field>_...`, or `test_client_policy_<field>_...` and `test_info_policy_<field>_...` for
those two; the last test sees to it that no field is forgotten.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import trustme

from pyspike import (
    AdminPolicy,
    AerospikeError,
    AsyncClient,
    AuthMode,
    BatchPolicy,
    BatchRead,
    Client,
    ClientPolicy,
    CommitLevel,
    CommitStatus,
    ConfigProvider,
    ConsistencyLevel,
    ErrorDetails,
    Expiration,
    GenerationError,
    GenerationPolicy,
    GeoJSON,
    InfoPolicy,
    InvalidArgument,
    Key,
    OrderedList,
    QueryPolicy,
    RawParticle,
    ReadModeSC,
    ReadPolicy,
    ReadTouchTTL,
    RecordExists,
    RecordExistsAction,
    RecordNotFound,
    Replica,
    Statement,
    TLSPolicy,
    TxnRollPolicy,
    TxnVerifyPolicy,
    WritePolicy,
    codecs,
    errors,
    exp,
)
from pyspike import operations as op
from pyspike.errors import (
    ConnectFailed,
    DeviceOverload,
    EnterpriseOnly,
    FilteredOut,
    KeyMismatch,
    NoMoreConnections,
)
from pyspike.operations import strings
from pyspike.server import EmbeddedCluster, EmbeddedNode, NamespaceConfig, Security
from support import tls
from support.clients import at_most
from support.cluster_tools import PATIENCE, closed, in_thread, pools, wait_until, within
from support.compressed import is_packed, opened
from support.messages import FILTER, KEY, Message, parse
from support.unsent import unsent

pytestmark = pytest.mark.both_kinds

QUICK = ClientPolicy(tend_interval=50)
KEY_1 = Key("test", "s", 1)
OVERLOAD = 18  # a result code after which a command is tried again
PLACE = '{"type": "Point", "coordinates": [1, 2]}'


def read_message(policy: ReadPolicy) -> Message:
    return parse(unsent(read=policy).get(KEY_1).request)


def put_message(policy: WritePolicy) -> Message:
    return parse(unsent(write=policy).put(KEY_1, {"a": 1}).request)


def operate_message(policy: WritePolicy, *operations: op.Operation) -> Message:
    return parse(unsent().operate(KEY_1, operations, policy=policy).request)


@pytest.fixture
def one() -> Iterator[EmbeddedCluster]:
    """A node of one's own."""
    with EmbeddedCluster() as cluster:
        yield cluster


@pytest.fixture
def three() -> Iterator[EmbeddedCluster]:
    """Three nodes of one's own, two replicas."""
    with EmbeddedCluster(nodes=3) as cluster:
        yield cluster


def asked(cluster: EmbeddedCluster) -> dict[str, int]:
    """How many commands each node was asked."""
    return {node.name: node.stats.data_requests for node in cluster.nodes}


def owners(cluster: EmbeddedCluster, key: Key) -> list[EmbeddedNode]:
    return cluster.owners(key.namespace, key.partition_id)


# Deadlines and tries ----------------------------------------------------------------------------------------


def test_total_timeout_ends_the_call_with_all_its_tries(one: EmbeddedCluster) -> None:
    with Client(one.hosts) as client:
        one.nodes[0].freeze()
        for timeout in (120, 250):
            began = time.monotonic()
            with within(timeout), pytest.raises(errors.TimeoutError) as caught:
                client.get(KEY_1, policy=ReadPolicy(total_timeout=timeout))
            assert (time.monotonic() - began) * 1000 >= timeout - 1
            assert caught.value.timeout == timeout


def test_total_timeout_of_the_call_wins(one: EmbeddedCluster) -> None:
    with Client(one.hosts) as client:
        one.nodes[0].freeze()
        with within(100), pytest.raises(errors.TimeoutError) as caught:
            client.get(KEY_1, policy=ReadPolicy(total_timeout=10_000), timeout=100)
        assert caught.value.timeout == 100


@pytest.mark.one_kind("makes no client")
def test_total_timeout_is_what_the_server_is_told() -> None:
    assert read_message(ReadPolicy(total_timeout=1234)).timeout == 1234
    assert read_message(ReadPolicy(total_timeout=0)).timeout == 0
    assert read_message(ReadPolicy(total_timeout=1234, socket_timeout=100)).timeout == 100


def test_total_timeout_of_zero_waits_as_long_as_it_takes(one: EmbeddedCluster) -> None:
    with Client(one.hosts) as client:
        client.put(KEY_1, {"a": 1})
        one.nodes[0].freeze()
        call = in_thread(lambda: client.get(KEY_1, policy=ReadPolicy(total_timeout=0)))
        time.sleep(1.2)  # longer than the default deadline
        assert not call.done
        one.nodes[0].thaw()
        assert call.result().bins == {"a": 1}


@pytest.mark.parametrize("retries", [1, 2, 5])
def test_socket_timeout_split_by_default_leaves_time_for_another_replica(
    three: EmbeddedCluster, retries: int
) -> None:
    with Client(three.hosts) as client:
        client.put(KEY_1, {"a": 1})
        master, replica = owners(three, KEY_1)
        master.freeze()
        before = replica.stats.data_requests
        with within(400):
            policy = ReadPolicy(total_timeout=400, max_retries=retries)
            assert client.get(KEY_1, policy=policy).bins == {"a": 1}
        assert replica.stats.data_requests == before + 1


def test_socket_timeout_as_long_as_the_deadline_leaves_none(three: EmbeddedCluster) -> None:
    with Client(three.hosts) as client:
        client.put(KEY_1, {"a": 1})
        owners(three, KEY_1)[0].freeze()
        with within(400), pytest.raises(errors.TimeoutError) as caught:
            client.get(KEY_1, policy=ReadPolicy(total_timeout=400, socket_timeout=400))
        assert len(caught.value.attempts) == 1


def test_socket_timeout_given_limits_each_try(one: EmbeddedCluster) -> None:
    with Client(one.hosts) as client:
        one.nodes[0].freeze()
        with pytest.raises(errors.TimeoutError) as caught:
            client.get(KEY_1, policy=ReadPolicy(socket_timeout=60, total_timeout=5000, max_retries=2))
        attempts = caught.value.attempts
        assert len(attempts) == 3
        assert all(59 <= attempt.elapsed_ms < 1000 for attempt in attempts)


def test_max_retries_says_how_often_to_try_again(one: EmbeddedCluster) -> None:
    with Client(one.hosts) as client:
        client.put(KEY_1, {"a": 1})
        for retries in (0, 1, 3):
            one.nodes[0].answer_with(OVERLOAD, times=retries)
            assert client.get(KEY_1, policy=ReadPolicy(max_retries=retries)).bins == {"a": 1}
            one.nodes[0].answer_with(OVERLOAD, times=retries + 1)
            with pytest.raises(DeviceOverload) as caught:
                client.get(KEY_1, policy=ReadPolicy(max_retries=retries))
            assert len(caught.value.attempts) == retries + 1


def test_max_retries_of_writes_is_none_by_default(one: EmbeddedCluster) -> None:
    with Client(one.hosts) as client:
        one.nodes[0].answer_with(OVERLOAD)
        with pytest.raises(DeviceOverload):
            client.put(KEY_1, {"a": 1})
        one.nodes[0].answer_with(OVERLOAD)
        client.put(KEY_1, {"a": 1}, policy=WritePolicy(max_retries=1))


def test_sleep_between_retries_waits_before_another_try_of_the_same_node(one: EmbeddedCluster) -> None:
    with Client(one.hosts) as client:
        timed_out = 9  # a write stays with the master then
        one.nodes[0].answer_with(timed_out, times=2)
        began = time.monotonic()
        client.put(KEY_1, {"a": 1}, policy=WritePolicy(max_retries=2, sleep_between_retries=100))
        assert time.monotonic() - began >= 2 * 0.075  # the pauses are spread by a quarter


def test_sleep_between_retries_does_not_outlast_the_deadline(one: EmbeddedCluster) -> None:
    with Client(one.hosts) as client:
        one.nodes[0].answer_with(9, times=5)
        policy = WritePolicy(max_retries=2, sleep_between_retries=10_000, total_timeout=200)
        with within(200), pytest.raises(errors.TimeoutError) as caught:
            client.put(KEY_1, {"a": 1}, policy=policy)
        assert len(caught.value.attempts) == 1


def test_connect_timeout_bounds_the_opening_of_a_connection_and_no_other_wait() -> None:
    security = Security(users={"ann": ("word", ["read-write"])})
    patient = ClientPolicy(
        user="ann", password="word", tend_interval=50, login_timeout=60_000, timeout=60_000
    )
    soon: dict[str, Any] = {"connect_timeout": 150, "total_timeout": 60_000, "max_retries": 1}
    with EmbeddedCluster(security=security) as cluster, Client(cluster.hosts, patient) as client:
        cluster.security.delay_logins(60)
        cluster.security.expire_sessions()  # so a new connection waits for a login, which takes long
        statement = Statement("test", "s")
        for call in (
            lambda: client.get(KEY_1, policy=ReadPolicy(**soon)),
            lambda: client.batch_exists([KEY_1], policy=BatchPolicy(**soon)),
            lambda: list(client.query(statement, policy=QueryPolicy(**soon))),
        ):
            with within(300 + 100), pytest.raises(AerospikeError) as caught:
                call()
            error = caught.value
            if isinstance(error, errors.BatchError):
                error = error.results[0].error
            assert isinstance(error, errors.TimeoutError)
            assert "not logged in" in error.message
            for attempt in error.attempts:
                assert attempt.elapsed_ms >= 140
                assert not attempt.sent
        cluster.security.delay_logins(0)
    with EmbeddedCluster() as one, Client(one.hosts) as client:
        client.put(KEY_1, {"a": 1})
        one.nodes[0].delay(0.1)
        assert client.get(KEY_1, policy=ReadPolicy(connect_timeout=1)).bins == {"a": 1}


def late_answer(cluster: EmbeddedCluster, client: Client, policy: ReadPolicy) -> None:
    cluster.nodes[0].delay(1)
    with pytest.raises(errors.TimeoutError):
        client.get(KEY_1, policy=policy)
    cluster.nodes[0].delay(0)


@pytest.mark.one_kind("pipelines await all answers")
def test_timeout_delay_awaits_a_late_answer_and_uses_the_connection_again(one: EmbeddedCluster) -> None:
    with Client(one.hosts, QUICK) as client:
        client.put(KEY_1, {"a": 1})
        late_answer(one, client, ReadPolicy(total_timeout=60, max_retries=0, timeout_delay=3000))
        assert pools(client, "draining") == 1
        wait_until(lambda: pools(client, "idle") == 1, "the connection's return")
        assert client.get(KEY_1).bins == {"a": 1}
        assert (pools(client, "opened"), closed(client)) == (1, {})


@pytest.mark.one_kind("test_async_pipeline has it of pipelines")
def test_timeout_delay_gives_up_on_an_answer_that_never_comes(one: EmbeddedCluster) -> None:
    with Client(one.hosts, QUICK) as client:
        client.put(KEY_1, {"a": 1})
        one.nodes[0].garbage((2 << 56 | 3 << 48 | 100).to_bytes(8, "big"))  # 100 bytes that do not follow
        with pytest.raises(errors.TimeoutError):
            client.get(KEY_1, policy=ReadPolicy(total_timeout=60, max_retries=0, timeout_delay=500))
        assert pools(client, "draining") == 1
        wait_until(lambda: pools(client, "draining") == 0, "the end of the wait")
        assert (pools(client, "open"), closed(client)) == (0, {"timeout": 1})


def test_timeout_delay_of_zero_closes_the_connection(one: EmbeddedCluster) -> None:
    with Client(one.hosts) as other:
        other.put(KEY_1, {"a": 1})
    with Client(one.hosts, QUICK) as client:
        late_answer(one, client, ReadPolicy(total_timeout=60, max_retries=0))
        assert (pools(client, "open"), closed(client)) == (0, {"timeout": 1})
        assert client.get(KEY_1).bins == {"a": 1}
        assert pools(client, "opened") == 2


# Reads ------------------------------------------------------------------------------------------------------


def test_replica_master_asks_the_master_only(three: EmbeddedCluster) -> None:
    with Client(three.hosts) as client:
        client.put(KEY_1, {"a": 1})
        master, replica = owners(three, KEY_1)
        before = asked(three)
        for _ in range(10):
            client.get(KEY_1, policy=ReadPolicy(replica=Replica.MASTER))
        assert asked(three) == {**before, master.name: before[master.name] + 10}
        master.freeze()
        with pytest.raises(errors.TimeoutError) as caught:
            client.get(KEY_1, policy=ReadPolicy(replica=Replica.MASTER, total_timeout=200))
        assert {attempt.node for attempt in caught.value.attempts} == {master.name}
        assert replica.stats.data_requests == before[replica.name]


def test_replica_sequence_asks_the_master_first_and_then_the_next(three: EmbeddedCluster) -> None:
    with Client(three.hosts) as client:
        client.put(KEY_1, {"a": 1})
        master, replica = owners(three, KEY_1)
        before = asked(three)
        for _ in range(10):
            client.get(KEY_1, policy=ReadPolicy(replica=Replica.SEQUENCE))
        assert asked(three) == {**before, master.name: before[master.name] + 10}
        master.answer_with(OVERLOAD)
        client.get(KEY_1, policy=ReadPolicy(replica=Replica.SEQUENCE))
        assert asked(three)[replica.name] == before[replica.name] + 1


def test_replica_random_asks_them_all(three: EmbeddedCluster) -> None:
    with Client(three.hosts) as client:
        client.put(KEY_1, {"a": 1})
        holders = {node.name for node in owners(three, KEY_1)}
        before = asked(three)
        for _ in range(50):
            client.get(KEY_1, policy=ReadPolicy(replica=Replica.RANDOM))
        after = asked(three)
        assert {name for name in after if after[name] > before[name]} == holders


@pytest.mark.one_kind("makes no client")
def test_consistency_level_is_a_bit_of_reads() -> None:
    all_copies = ConsistencyLevel.ALL
    assert (
        read_message(ReadPolicy(consistency_level=all_copies)).info1
        == read_message(ReadPolicy()).info1 | 0x40
    )
    policy = WritePolicy(consistency_level=all_copies)
    assert (
        operate_message(policy, op.get("a")).info1 == operate_message(WritePolicy(), op.get("a")).info1 | 0x40
    )
    assert put_message(policy) == put_message(WritePolicy())  # a write has no choice


@pytest.mark.one_kind("makes no client")
def test_read_mode_sc_is_bits_of_reads() -> None:
    for mode, bits in zip(ReadModeSC, (0, 0x40, 0x80, 0xC0), strict=True):
        assert read_message(ReadPolicy(read_mode_sc=mode)).info3 == bits
        policy = WritePolicy(read_mode_sc=mode)
        assert operate_message(policy, op.get("a")).info3 == bits
        assert put_message(policy) == put_message(WritePolicy())  # a write has no choice


def test_consistency_level_all_reads_all_the_same(client: Client, key: Key) -> None:
    client.put(key, {"a": 1})
    assert client.get(key, policy=ReadPolicy(consistency_level=ConsistencyLevel.ALL)).bins == {"a": 1}


@pytest.mark.parametrize(
    ("touch", "renewed"),
    [(60, True), (40, False), (ReadTouchTTL.SERVER_DEFAULT, True), (ReadTouchTTL.DONT_RESET, False)],
    ids=str,
)
def test_read_touch_ttl_renews_what_has_less_left(touch: int | ReadTouchTTL, renewed: bool) -> None:
    now = [1_700_000_000.0]
    namespaces = {"test": NamespaceConfig(default_read_touch_ttl_pct=90)}
    with (
        EmbeddedCluster(namespaces=namespaces, clock=lambda: now[0]) as cluster,
        Client(cluster.hosts) as client,
    ):
        for read in (
            lambda: client.get(KEY_1, policy=ReadPolicy(read_touch_ttl=touch)),
            lambda: client.operate(KEY_1, [op.get("a")], policy=WritePolicy(read_touch_ttl=touch)),
        ):
            client.put(KEY_1, {"a": 1}, ttl=100)
            before = client.get(KEY_1, policy=ReadPolicy(read_touch_ttl=ReadTouchTTL.DONT_RESET)).expiration
            now[0] += 50
            read()
            after = client.get(KEY_1, policy=ReadPolicy(read_touch_ttl=ReadTouchTTL.DONT_RESET)).expiration
            assert before is not None
            assert after is not None
            assert (after - before).total_seconds() == (50 if renewed else 0)


@pytest.mark.one_kind("makes no client")
def test_read_touch_ttl_is_the_ttl_of_a_reads_header() -> None:
    assert [read_message(ReadPolicy(read_touch_ttl=each)).ttl for each in (80, *ReadTouchTTL)] == [
        80,
        0,
        0xFFFF_FFFF,
    ]
    assert operate_message(WritePolicy(read_touch_ttl=80), op.get("a")).ttl == 80
    assert operate_message(WritePolicy(read_touch_ttl=80), op.put("a", 1)).ttl == 0


def test_filter_expression_goes_along_with_the_command(client: Client, key: Key) -> None:
    false = b"\xc2"
    for message in (
        read_message(ReadPolicy(filter_expression=false)),
        put_message(WritePolicy(filter_expression=false)),
        operate_message(WritePolicy(filter_expression=false), op.get("a")),
    ):
        assert message.field(FILTER) == false
    client.put(key, {"a": 1})
    for call in (
        lambda: client.get(key, policy=ReadPolicy(filter_expression=false)),
        lambda: client.delete(key, policy=WritePolicy(filter_expression=false)),
    ):
        with pytest.raises(FilteredOut):
            call()
    assert client.exists(key)


def test_filter_expression_may_be_as_long_as_a_message(client: Client, key: Key) -> None:
    long = b"x" * 1_500_000
    client.put(key, {"a": b"x"})
    for operator in (exp.eq, exp.ne):
        policy = ReadPolicy(
            filter_expression=operator(exp.blob_bin("a"), long), total_timeout=PATIENCE * 1000
        )
        if operator is exp.ne:
            assert client.get(key, policy=policy)["a"] == b"x"
        else:
            with pytest.raises(FilteredOut):
                client.get(key, policy=policy)


def test_deserialize_decides_whether_lists_and_maps_are_read_as_such(client: Client, key: Key) -> None:
    bins = {
        "l": [1, [2]],
        "m": {"k": [1.5]},
        "o": OrderedList([2, 1]),
        "i": 1,
        "b": b"x",
        "g": GeoJSON(PLACE),
    }
    client.put(key, bins)
    packed = client.get(key, policy=ReadPolicy(deserialize=False))
    assert {name: type(value) for name, value in packed.bins.items()} == {
        **dict.fromkeys("lmo", RawParticle),
        **{name: type(bins[name]) for name in "ibg"},
    }
    assert packed["l"] == RawParticle(20, b"\x92\x01\x91\x02")
    assert client.get(key, policy=ReadPolicy(deserialize=True)).bins == bins | {"o": [1, 2]}

    steps = [op.get("l"), op.lists.get("l", 1), op.lists.size("l"), op.get("i")]
    for policy in (ReadPolicy(deserialize=False), WritePolicy(deserialize=False)):
        assert client.operate(key, steps, policy=policy).results == [
            packed["l"],
            RawParticle(20, b"\x91\x02"),
            2,
            1,
        ]
    step = op.lists.append("l", 3)
    written = client.operate(key, [step, op.get("l")], policy=WritePolicy(deserialize=False))
    assert written.results == [3, RawParticle(20, b"\x93\x01\x91\x02\x03")]

    client.put(key, packed.bins)  # what was read so is written as it is
    assert client.get(key).bins == bins | {"o": [1, 2]}
    assert type(client.get(key)["o"]) is OrderedList

    batch = BatchPolicy(deserialize=False)
    [record] = client.batch_get([key], policy=batch)
    assert record is not None
    assert record.bins == packed.bins
    [row] = client.batch([BatchRead(key, operations=steps[:2])], policy=batch)
    assert row.record is not None
    assert row.record.results == [packed["l"], RawParticle(20, b"\x91\x02")]
    statement = Statement(key.namespace, key.set_name)
    for policy, wanted in (
        (QueryPolicy(deserialize=False), packed.bins),
        (QueryPolicy(), bins | {"o": [1, 2]}),
    ):
        with client.query(statement, policy=policy) as found:
            assert [each.bins for each in found if each.key == key] == [wanted]


# Writes -----------------------------------------------------------------------------------------------------


def test_record_exists_action_decides_what_a_write_may_find(client: Client, key: Key) -> None:
    create = WritePolicy(record_exists_action=RecordExistsAction.CREATE_ONLY)
    update = WritePolicy(record_exists_action=RecordExistsAction.UPDATE_ONLY)
    with pytest.raises(RecordNotFound):
        client.put(key, {"a": 1}, policy=update)
    client.put(key, {"a": 1}, policy=create)
    with pytest.raises(RecordExists):
        client.put(key, {"a": 1}, policy=create)
    client.put(key, {"b": 1}, policy=update)
    client.put(key, {"c": 1}, policy=WritePolicy(record_exists_action=RecordExistsAction.REPLACE))
    assert client.get(key).bins == {"c": 1}


@pytest.mark.parametrize("action", RecordExistsAction)
def test_record_exists_action_means_nothing_to_touch_and_delete(
    client: Client, key: Key, action: RecordExistsAction
) -> None:
    policy = WritePolicy(record_exists_action=action)
    client.put(key, {"a": 1, "b": 2})
    client.touch(key, policy=policy)
    assert client.get(key).bins == {"a": 1, "b": 2}
    assert client.delete(key, policy=policy) is True
    assert client.delete(key, policy=policy) is False
    with pytest.raises(RecordNotFound):
        client.touch(key, policy=policy)


def test_generation_policy_and_generation_demand_one(client: Client, key: Key) -> None:
    client.put(key, {"a": 1})
    equal = WritePolicy(generation_policy=GenerationPolicy.EXPECT_GEN_EQUAL, generation=1)
    client.put(key, {"a": 2}, policy=equal)
    with pytest.raises(GenerationError):
        client.put(key, {"a": 3}, policy=equal)
    client.put(key, {"a": 3}, policy=equal.replace(generation=2))
    with pytest.raises(GenerationError):
        client.put(key, {"a": 4}, policy=equal.replace(generation_policy=GenerationPolicy.EXPECT_GEN_GREATER))


@pytest.mark.one_kind("makes no client")
def test_generation_without_a_policy_is_refused_as_it_would_do_nothing() -> None:
    with pytest.raises(InvalidArgument, match="nothing compares it"):
        WritePolicy(generation=1)


def test_expiration_is_the_records_time_to_live(client: Client, key: Key) -> None:
    client.put(key, {"a": 1}, policy=WritePolicy(expiration=1000))
    assert client.get(key).ttl is not None
    client.put(key, {"a": 1}, policy=WritePolicy(expiration=Expiration.NEVER))
    assert client.get(key).ttl is None


def test_send_key_stores_the_key_with_the_record(client: Client, key: Key) -> None:
    assert put_message(WritePolicy()).field(KEY) is None
    assert put_message(WritePolicy(send_key=True)).field(KEY) == b"\x01" + (1).to_bytes(8, "big")
    other = Key.from_digest(key.namespace, key.set_name, key.digest, "another key")
    send = WritePolicy(send_key=True)
    client.put(key, {"a": 1})
    client.put(other, {"a": 1}, policy=send)  # no key was stored that could differ
    with pytest.raises(KeyMismatch):
        client.put(key, {"a": 2}, policy=send)


def test_commit_level_is_a_bit_of_writes(client: Client, key: Key) -> None:
    master_only = WritePolicy(commit_level=CommitLevel.MASTER)
    assert put_message(master_only).info3 == put_message(WritePolicy()).info3 | 0x02
    assert operate_message(master_only, op.put("a", 1)).info3 == 0x02
    client.put(key, {"a": 1}, policy=master_only)
    assert client.get(key).bins == {"a": 1}


def test_durable_delete_needs_the_enterprise_edition(client: Client, key: Key) -> None:
    client.put(key, {"a": 1})
    with pytest.raises(EnterpriseOnly):
        client.delete(key, policy=WritePolicy(durable_delete=True))
    assert client.exists(key)
    assert client.delete(key, policy=WritePolicy(durable_delete=False))


def test_respond_per_each_op_asks_for_an_answer_to_each(client: Client, key: Key) -> None:
    each = WritePolicy(respond_per_each_op=True)
    steps = [op.put("a", 1), op.get("nope"), op.get("a")]
    assert operate_message(WritePolicy(), *steps).info2 & 0x80 == 0
    assert operate_message(each, *steps).info2 & 0x80
    assert client.operate(key, steps, policy=each).results == [None, None, 1]
    with pytest.raises(InvalidArgument, match="respond_per_each_op"):
        client.operate(key, [op.get()], policy=each)


# Info -------------------------------------------------------------------------------------------------------


def test_info_policy_timeout_ends_an_info_command(one: EmbeddedCluster) -> None:
    with Client(one.hosts) as client:
        one.nodes[0].freeze()
        for timeout in (100, 200):
            began = time.monotonic()
            with within(timeout), pytest.raises(errors.TimeoutError) as caught:
                client.info("build", "A1", policy=InfoPolicy(timeout=timeout))
            assert (time.monotonic() - began) * 1000 >= timeout - 1
            assert caught.value.node == "A1"


# The client -------------------------------------------------------------------------------------------------


def test_client_policy_timeout_limits_connecting(one: EmbeddedCluster) -> None:
    one.nodes[0].freeze()
    with pytest.raises(ConnectFailed):  # takes the time of what is imported late
        Client(one.hosts, ClientPolicy(timeout=50))
    for timeout in (100, 250):
        began = time.monotonic()
        with within(timeout), pytest.raises(ConnectFailed, match=one.hosts):
            Client(one.hosts, ClientPolicy(timeout=timeout))
        assert (time.monotonic() - began) * 1000 >= timeout - 1


def test_client_policy_idle_timeout_closes_what_is_not_used(one: EmbeddedCluster) -> None:
    with Client(one.hosts, QUICK.replace(idle_timeout=80)) as quick, Client(one.hosts, QUICK) as patient:
        for client in (quick, patient):
            client.put(KEY_1, {"a": 1})
            assert pools(client, "open") == 1
        wait_until(lambda: pools(quick, "open") == 0, "the end of the idle connection")
        assert closed(quick) == {"idle": 1}
        assert pools(patient, "open") == 1
        assert quick.get(KEY_1).bins == {"a": 1}


@pytest.mark.one_kind("the next test has it of tasks")
def test_client_policy_min_conns_per_node_are_opened_in_advance_and_kept(three: EmbeddedCluster) -> None:
    with Client(three.hosts, QUICK.replace(min_conns_per_node=3, idle_timeout=50)) as client:
        wait_until(lambda: pools(client, "idle") == 9, "three connections a node")
        rounds = client.stats().tend.rounds
        wait_until(lambda: client.stats().tend.rounds > rounds + 5)
        assert pools(client, "open") == 9


@pytest.mark.one_kind("the test before has it of threads")
def test_client_policy_min_conns_per_node_are_opened_in_advance_by_each_loop(three: EmbeddedCluster) -> None:
    policy = QUICK.replace(min_conns_per_node=3, pipelines_per_node=2, idle_timeout=1)
    each = 6 if tls.wanted() else 4  # over TLS there are no pipelines, and so no limit to them

    async def run() -> None:
        async with AsyncClient(three.hosts, policy) as client:  # two for reads and two for writes

            def open_now() -> list[int]:
                loops = client.stats().loops
                return [node.open for node in loops[0].values()] if loops else []

            assert open_now() == [each, each, each]
            assert pools_of(client) == 3 * each
            await client.put(KEY_1, {"a": 1})
            await client.exists(KEY_1)
            await asyncio.sleep(1.1)  # until the loop has looked for idle connections
            assert open_now() == [each, each, each]
            three.nodes[0].restart()
            while (
                open_now() != [each, each, each] or three.nodes[0].stats.connections_open < 5
            ):  # one is for tending
                await asyncio.sleep(0.02)

    def pools_of(client: AsyncClient) -> int:
        return sum(node.pool.open for node in client.stats().nodes.values())

    asyncio.run(asyncio.wait_for(run(), PATIENCE))


@pytest.mark.parametrize("most", [1, 3])
@pytest.mark.one_kind("pipelines_per_node is that of tasks")
def test_client_policy_max_conns_per_node_is_the_limit(one: EmbeddedCluster, most: int) -> None:
    with Client(one.hosts, ClientPolicy(max_conns_per_node=most)) as client:
        one.nodes[0].freeze()
        calls = [in_thread(lambda: client.exists(KEY_1, timeout=10_000)) for _ in range(8)]
        wait_until(lambda: pools(client, "waiting") == 8 - most, "the others' wait")
        wait_until(lambda: pools(client, "open") == most, "the last connection")
        one.nodes[0].thaw()
        assert [call.result() for call in calls] == [False] * 8
        assert pools(client, "opened") == most


def test_client_policy_max_waiting_per_node_refuses_the_next_at_once(one: EmbeddedCluster) -> None:
    with Client(one.hosts, at_most(1, max_waiting_per_node=1)) as client:
        one.nodes[0].freeze()
        calls = [in_thread(lambda: client.exists(KEY_1, timeout=10_000)) for _ in range(2)]
        wait_until(lambda: pools(client, "waiting") == 1)
        with (
            within(0),
            pytest.raises(
                NoMoreConnections, match=r"as many commands as max_waiting_per_node allows \(1\) wait"
            ) as caught,
        ):
            client.get(KEY_1, timeout=10_000, policy=ReadPolicy(max_retries=0))
        assert "raise ClientPolicy.max_waiting_per_node" in caught.value.advice
        one.nodes[0].thaw()
        assert [call.result() for call in calls] == [False, False]


async def in_flight(client: AsyncClient, *, commands: int, waiting: int) -> int:
    """How many pipelines there are when so many commands are on them, and so many wait."""
    end = time.monotonic() + PATIENCE
    while True:
        channel = client.stats().loops[0]["A1"]
        if (channel.in_flight, channel.waiting) == (commands, waiting):
            return int(channel.open)
        assert time.monotonic() < end, f"it came to {channel}"
        await asyncio.sleep(0.005)


@pytest.mark.parametrize(("most", "depth"), [(1, 4), (3, 4), (1, 1), (2, 7)])
@pytest.mark.one_kind("makes an AsyncClient")
def test_client_policy_pipelines_per_node_and_commands_per_pipeline_are_the_limits(
    one: EmbeddedCluster, most: int, depth: int
) -> None:
    async def run() -> None:
        policy = ClientPolicy(pipelines_per_node=most, commands_per_pipeline=depth)
        async with AsyncClient(one.hosts, policy) as client:
            await client.exists(KEY_1)
            one.nodes[0].freeze()
            calls = [asyncio.ensure_future(client.exists(KEY_1, timeout=20_000)) for _ in range(20)]
            assert await in_flight(client, commands=most * depth, waiting=20 - most * depth) == most
            one.nodes[0].thaw()
            assert await asyncio.gather(*calls) == [False] * 20

    asyncio.run(run())


def test_client_policy_fail_if_not_connected_decides_what_no_server_means() -> None:
    cluster = EmbeddedCluster()
    with cluster:
        hosts = cluster.hosts
    with pytest.raises(ConnectFailed) as caught:
        Client(hosts)
    assert hosts in str(caught.value)
    with Client(hosts, QUICK.replace(fail_if_not_connected=False)) as client:
        assert client.is_connected() is False
        for call in (
            lambda: client.get(KEY_1),
            lambda: client.put(KEY_1, {"a": 1}),
            lambda: client.info("build"),
        ):
            with pytest.raises(ConnectFailed, match=f"{hosts}: .*connection refused"):
                call()
        with EmbeddedCluster(port=int(hosts.rpartition(":")[2])):
            wait_until(client.is_connected, "the connection")
            client.put(KEY_1, {"a": 1})
            assert client.get(KEY_1).bins == {"a": 1}


def test_client_policy_tend_interval_is_the_time_between_looks(one: EmbeddedCluster) -> None:
    with (
        Client(one.hosts, ClientPolicy(tend_interval=20)) as often,
        Client(one.hosts, ClientPolicy(tend_interval=60_000)) as seldom,
    ):
        wait_until(lambda: often.stats().tend.rounds >= 10, "the tenth look")
        assert seldom.stats().tend.rounds == 1


def test_client_policy_ip_map_replaces_advertised_addresses() -> None:
    with EmbeddedCluster(nodes=3, advertise="127.0.0.99") as cluster:
        seed = f"127.0.0.1:{cluster.nodes[0].port}"
        with Client(seed) as client:
            assert client.node_names() == ["A1"]
            advice = str(client.stats().tend.last_error)
            assert "127.0.0.99" in advice
            assert "ip_map" in advice
            assert "use_services_alternate" in advice
        with Client(seed, ClientPolicy(ip_map={"127.0.0.99": "127.0.0.1"})) as client:
            assert sorted(client.node_names()) == ["A1", "A2", "A3"]
            client.put(KEY_1, {"a": 1})
            assert client.get(KEY_1).bins == {"a": 1}


def test_client_policy_use_services_alternate_takes_the_other_addresses() -> None:
    with EmbeddedCluster(nodes=3, advertise="127.0.0.99", alternate_host="127.0.0.1") as cluster:
        seed = f"127.0.0.1:{cluster.nodes[0].port}"
        with Client(seed) as client:
            assert client.node_names() == ["A1"]
        with Client(seed, ClientPolicy(use_services_alternate=True)) as client:
            assert sorted(client.node_names()) == ["A1", "A2", "A3"]


def test_client_policy_seed_only_cluster_asks_another_seed_for_what_a_failing_one_owns_with_a_stranger(
    three: EmbeddedCluster,
) -> None:
    """A replica of a node that is no seed is unknown: any other seed passes a command on to it."""
    first, second, stranger = three.nodes
    for master, known in ((first, stranger), (second, stranger)):
        number = next(n for n in range(1000) if owners(three, Key("test", "s", n)) == [master, known])
        key = Key("test", "s", number)
        other = second if master is first else first
        seeds = f"127.0.0.1:{first.port},127.0.0.1:{second.port}"
        with Client(seeds, ClientPolicy(seed_only_cluster=True)) as client:
            client.put(key, {"a": 1})
            for replica in (Replica.SEQUENCE, Replica.RANDOM):
                before = asked(three)
                master.answer_with(OVERLOAD, times=2)
                client.get(key, policy=ReadPolicy(replica=replica))
                assert asked(three)[other.name] == before[other.name] + 1
                assert asked(three)[master.name] == before[master.name] + 1
                client.batch_get([key], policy=BatchPolicy(replica=replica))
                assert asked(three)[other.name] == before[other.name] + 2
                master.heal()


def test_client_policy_seed_only_cluster_uses_no_other_node(three: EmbeddedCluster) -> None:
    seed = f"127.0.0.1:{three.nodes[0].port}"
    with Client(seed, ClientPolicy(seed_only_cluster=True)) as client:
        assert client.node_names() == ["A1"]
        for number in range(20):  # the node passes on what it does not own
            client.put(("test", "s", number), {"n": number})
            assert client.get(("test", "s", number)).bins == {"n": number}


@pytest.mark.parametrize("alone", [True, False])
def test_client_policy_rack_ids_say_which_node_prefer_rack_means(alone: bool) -> None:
    with EmbeddedCluster(nodes=2, racks={0: 7, 1: 8}) as cluster:
        wanted = [10, 0] if alone else [0, 10]
        policy = ClientPolicy(rack_ids=[7] if alone else [8, 7], read=ReadPolicy(replica=Replica.PREFER_RACK))
        with Client(cluster.hosts, policy) as client:
            for number in range(10):
                client.exists(("test", "s", number))
        assert list(asked(cluster).values()) == wanted


def test_client_policy_rack_ids_do_no_harm_where_nodes_tell_no_racks(hosts: str, key: Key) -> None:
    near = {
        "read": ReadPolicy(replica=Replica.PREFER_RACK),
        "batch": BatchPolicy(replica=Replica.PREFER_RACK),
    }
    policy = ClientPolicy(
        rack_ids=[1, 2], query=QueryPolicy(replica=Replica.PREFER_RACK), seed_only_cluster=True, **near
    )
    with Client(hosts, policy) as client:
        client.put(key, {"n": 1})
        statement = Statement(key.namespace, key.set_name)
        found = [client.get(key), *client.batch_get([key])]
        found += [record for record in client.query(statement) if record.key.digest == key.digest]
        assert [record and record["n"] for record in found] == [1, 1, 1]
        assert client.stats().rack.in_rack == 0
        assert client.stats().rack.out_of_rack >= 3


@pytest.mark.parametrize("most", [2, 0])
def test_client_policy_max_error_rate_is_how_often_a_node_may_fail(one: EmbeddedCluster, most: int) -> None:
    with Client(one.hosts, ClientPolicy(max_error_rate=most, tend_interval=60_000)) as client:
        one.nodes[0].answer_with(OVERLOAD, times=6)
        for _ in range(6):
            with pytest.raises((DeviceOverload, errors.MaxErrorRate)):
                client.put(KEY_1, {"a": 1})
        assert asked(one) == {"A1": most + 1 if most else 6}


@pytest.mark.parametrize("window", [1, 1_000_000])
def test_client_policy_error_rate_window_is_for_how_long_errors_count(
    one: EmbeddedCluster, window: int
) -> None:
    policy = ClientPolicy(max_error_rate=100, error_rate_window=window, tend_interval=20)
    with Client(one.hosts, policy) as client:
        one.nodes[0].answer_with(OVERLOAD)
        with pytest.raises(DeviceOverload):
            client.put(KEY_1, {"a": 1})
        rounds = client.stats().tend.rounds
        wait_until(lambda: client.stats().tend.rounds > rounds + 3, "some rounds")
        assert client.stats().nodes["A1"].health.errors == (0 if window == 1 else 1)


def test_client_policy_cluster_name_refuses_another_cluster(one: EmbeddedCluster) -> None:
    with Client(one.hosts, ClientPolicy(cluster_name="embedded")) as client:
        assert client.is_connected()
    with pytest.raises(ConnectFailed, match="belongs to the cluster 'embedded', not to 'other'"):
        Client(one.hosts, ClientPolicy(cluster_name="other"))


def traced() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


@pytest.mark.parametrize(("threshold", "kept"), [(65_536, False), (4_000_000, True)])
def test_client_policy_buffer_reclaim_threshold_gives_large_buffers_back(
    hosts: str, key: Key, threshold: int, kept: bool
) -> None:
    size = 900_000
    with Client(hosts, ClientPolicy(buffer_reclaim_threshold=threshold)) as client:
        client.put(key, {"v": bytes(size)})
        client.get(key, [])
        tracemalloc.start()
        try:
            before = traced()
            assert len(client.get(key)["v"]) == size
            # The thread of the loop may still have the answer in its hands.
            wait_until(lambda: (traced() - before > size / 2) is kept, "the size that memory should have")
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize(("name", "shown"), [("shop-frontend", "shop-frontend"), (None, "not-set")])
def test_client_policy_application_id_shows_up_on_the_server(
    hosts: str, name: str | None, shown: str
) -> None:
    with Client(hosts, ClientPolicy(application_id=name)) as client:
        node = client.node_names()[0]

        def known() -> bool:
            entries = client.info("user-agents", node).split(";")
            agents = [entry.removeprefix("user-agent=").partition(":")[0] for entry in entries if entry]
            texts = [base64.b64decode(agent).decode().split(",") for agent in agents]
            return any(
                text[0] == "1" and text[1].startswith("pyspike-") and text[2] == shown for text in texts
            )

        wait_until(known, "the name on the server")


def test_client_policy_user_and_password_and_auth_mode_say_who_logs_in() -> None:
    external = {"lena": ("clear", ["read"])}
    with EmbeddedCluster(security=Security(external=external)) as cluster:
        for user, password, mode in (
            ("admin", "admin", AuthMode.INTERNAL),
            ("lena", "clear", AuthMode.EXTERNAL_INSECURE),
        ):
            with Client(cluster.hosts, ClientPolicy(user=user, password=password, auth_mode=mode)) as client:
                agents = client.info("user-agents", "A1").split(";")
                texts = [base64.b64decode(each[11:].partition(":")[0]).decode() for each in agents if each]
                assert any(text.endswith(f",{user}") for text in texts), "the application's name by default"


def test_client_policy_login_timeout_ends_a_login() -> None:
    with EmbeddedCluster(security=True) as cluster:
        cluster.security.delay_logins(60)
        with pytest.raises(ConnectFailed, match=r"no answer to the login at .* within 150 ms"):
            Client(cluster.hosts, ClientPolicy(user="admin", password="admin", login_timeout=150))


def test_client_policy_read_is_the_policy_of_reads(one: EmbeddedCluster) -> None:
    with Client(one.hosts, ClientPolicy(read=ReadPolicy(total_timeout=123, max_retries=0))) as client:
        one.nodes[0].freeze()
        for read in (client.get, client.exists):
            with pytest.raises(errors.TimeoutError) as caught:
                read(KEY_1)
            assert (caught.value.timeout, len(caught.value.attempts)) == (123, 1)


def test_client_policy_write_is_the_policy_of_writes(client: Client, hosts: str, key: Key) -> None:
    create = WritePolicy(record_exists_action=RecordExistsAction.CREATE_ONLY)
    with Client(hosts, ClientPolicy(write=create)) as once:
        once.put(key, {"a": 1})
        for write in (
            lambda: once.put(key, {"a": 2}),
            lambda: once.add(key, {"a": 2}),
            lambda: once.append(key, {"b": "x"}),
            lambda: once.operate(key, [op.put("a", 2)]),
        ):
            with pytest.raises(RecordExists):
                write()
    assert client.get(key).bins == {"a": 1}


def test_client_policy_batch_is_the_policy_of_batches(client: Client, hosts: str, key: Key) -> None:
    client.put(key, {"a": 1})
    twos = BatchPolicy(filter_expression=exp.eq(exp.int_bin("a"), 2))
    with Client(hosts, ClientPolicy(batch=twos)) as other:
        assert other.batch_get([key]) == [None]
        assert other.with_policies(batch=BatchPolicy()).batch_get([key]) == [client.get(key)]


def test_client_policy_query_is_the_policy_of_queries(one: EmbeddedCluster) -> None:
    with Client(one.hosts, ClientPolicy(query=QueryPolicy(max_records=2))) as client:
        for number in range(5):
            client.put(Key("test", "s", number), {"a": 1})
        statement = Statement("test", "s")
        assert len(list(client.query(statement))) == 2
        assert len(list(client.with_policies(query=QueryPolicy()).query(statement))) == 5


def test_client_policy_info_is_the_policy_of_info_commands(one: EmbeddedCluster) -> None:
    with Client(one.hosts, ClientPolicy(info=InfoPolicy(timeout=150))) as client:
        one.nodes[0].freeze()
        with within(150), pytest.raises(errors.TimeoutError):
            client.info("build", "A1")


def test_admin_policy_timeout_ends_what_changes_the_cluster(one: EmbeddedCluster) -> None:
    with Client(one.hosts) as client:
        one.nodes[0].freeze()
        with within(100), pytest.raises(errors.TimeoutError):
            client.remove_udf("a", policy=AdminPolicy(timeout=100))


def test_client_policy_admin_is_the_policy_of_what_changes_the_cluster(one: EmbeddedCluster) -> None:
    with Client(one.hosts, ClientPolicy(admin=AdminPolicy(timeout=150))) as client:
        one.nodes[0].freeze()
        with within(150), pytest.raises(errors.TimeoutError):
            client.remove_udf("a")


def test_error_details_has_the_server_tell_more_than_a_code(one: EmbeddedCluster) -> None:
    with Client(one.hosts) as client:
        client.put(("test", "s", 1), {"s": "text"})
        for details, subcode in ((ErrorDetails.NONE, 0), (ErrorDetails.SUBCODE, 10)):
            for policy in (ReadPolicy(error_details=details), WritePolicy(error_details=details)):
                with pytest.raises(errors.OpNotApplicable) as caught:
                    client.operate(("test", "s", 1), [strings.to_integer("s")], policy=policy)
                assert caught.value.subcode == subcode


@pytest.mark.one_kind("makes no client")
def test_use_compression_and_compression_threshold_say_which_requests_are_compressed() -> None:
    large = {"a": "x" * 300}
    for policy, compresses in (
        (WritePolicy(), False),
        (WritePolicy(use_compression=True), True),
        (WritePolicy(use_compression=True, compression_threshold=400), False),
    ):
        request = unsent(write=policy).put(KEY_1, large).request
        assert is_packed(request) is compresses
        assert parse(opened(request)).ops[0].value == b"x" * 300
    for use in (False, True):
        assert bool(read_message(ReadPolicy(use_compression=use)).info1 & 0x80) is use
    filtered = unsent(
        read=ReadPolicy(use_compression=True, filter_expression=exp.eq(exp.string_bin("a"), "x" * 300))
    )
    assert is_packed(filtered.get(KEY_1).request)
    for policy in (ReadPolicy, WritePolicy, BatchPolicy):
        with pytest.raises(InvalidArgument, match="nothing is compressed"):
            policy(compression_threshold=100)


def test_client_policy_tls_says_what_is_spoken(tmp_path: Path) -> None:
    authority = trustme.CA()
    pem = tmp_path / "server.pem"
    authority.issue_cert("db.example").private_key_and_cert_chain_pem.write_to_path(pem)
    trusting = TLSPolicy(ca_data=authority.cert_pem.bytes())
    with EmbeddedCluster(tls=(pem, pem), tls_name="db.example") as cluster:
        with Client(cluster.hosts, ClientPolicy(tls=trusting)) as client:
            client.put(KEY_1, {"a": 1})
            assert client.get(KEY_1).bins == {"a": 1}
        with pytest.raises(errors.InvalidArgument, match="there is no TLS"):
            Client(cluster.hosts)


def test_client_policy_config_provider_names_a_file_that_has_values_of_policies(
    one: EmbeddedCluster, tmp_path: Path
) -> None:
    file = tmp_path / "client.yaml"
    file.write_text("dynamic: {read: {total_timeout: 123, max_retries: 0}}\n", encoding="utf-8")
    with Client(one.hosts, ClientPolicy(config_provider=ConfigProvider(file))) as client:
        one.nodes[0].freeze()
        with pytest.raises(errors.TimeoutError) as caught:
            client.get(KEY_1)
        assert (caught.value.timeout, len(caught.value.attempts)) == (123, 1)


def test_client_policy_tracing_asks_for_the_tracer_of_the_program(
    hosts: str, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What spans say is told by `test_spans`."""
    trace = pytest.importorskip("opentelemetry.trace")
    asked: list[object] = []
    get_tracer = trace.get_tracer
    monkeypatch.setattr(trace, "get_tracer", lambda *args: asked.append(args[0]) or get_tracer(*args))
    with Client(hosts) as client:
        client.exists(key)
    assert asked == []
    with Client(hosts, ClientPolicy(tracing=True)) as client:
        client.exists(key)
    assert set(asked) == {"pyspike"}


def test_client_policy_slow_command_and_slow_command_digests_say_what_is_logged(
    hosts: str, key: Key, caplog: pytest.LogCaptureFixture
) -> None:
    """What lines say is told by `test_slow_commands`."""
    for options, digests in (
        ({}, []),
        ({"slow_command": 60_000}, []),
        ({"slow_command": 0}, [None]),
        ({"slow_command": 0, "slow_command_digests": True}, [key.digest.hex()]),
    ):
        caplog.clear()
        with Client(hosts, ClientPolicy(**options)) as client:
            client.exists(key)
        lines = [line for line in caplog.records if line.name == "pyspike.slow"]
        assert [getattr(line, "digest", None) for line in lines] == digests


def test_client_policy_codecs_store_values_of_types_that_aerospike_has_not(one: EmbeddedCluster) -> None:
    with Client(one.hosts, ClientPolicy(codecs=[codecs.DATE.tagged()])) as client:
        client.put(KEY_1, {"day": date(2026, 1, 31)})
        assert client.get(KEY_1)["day"] == date(2026, 1, 31)
    with Client(one.hosts) as client:
        assert client.get(KEY_1)["day"] == {"$date": "2026-01-31"}


@pytest.fixture(scope="module")
def strong_one() -> Iterator[EmbeddedCluster]:
    """A node with strong consistency."""
    with EmbeddedCluster(strong_consistency=True) as cluster:
        yield cluster


@pytest.mark.embedded_only
def test_on_locking_only_refuses_what_the_transaction_has_written(strong_one: EmbeddedCluster) -> None:
    with Client(strong_one.hosts) as client, client.transaction() as txn:
        client.put(KEY_1, {"a": 1}, txn=txn)
        client.put(KEY_1, {"a": 2}, txn=txn)
        with pytest.raises(errors.TransactionAlreadyLocked):
            client.put(KEY_1, {"a": 3}, txn=txn, policy=WritePolicy(on_locking_only=True))


@pytest.mark.embedded_only
def test_client_policy_txn_verify_is_how_a_commit_verifies(strong_one: EmbeddedCluster) -> None:
    for retries in (0, 1):
        verify = TxnVerifyPolicy(max_retries=retries, sleep_between_retries=0)
        with Client(strong_one.hosts, ClientPolicy(txn_verify=verify)) as client:
            txn = client.transaction()
            client.get(KEY_1, default=None, txn=txn)
            strong_one.fail_transactions("verify", "lose_answer")
            if retries:
                assert txn.commit() is CommitStatus.OK
            else:
                with pytest.raises(errors.TransactionFailed):
                    txn.commit()
        strong_one.heal()


@pytest.mark.embedded_only
def test_client_policy_txn_roll_is_how_records_are_rolled(strong_one: EmbeddedCluster) -> None:
    for retries, status in ((0, CommitStatus.ROLL_FORWARD_ABANDONED), (1, CommitStatus.OK)):
        roll = TxnRollPolicy(max_retries=retries, sleep_between_retries=0)
        for policy, view in ((ClientPolicy(txn_roll=roll), {}), (ClientPolicy(), {"txn_roll": roll})):
            with Client(strong_one.hosts, policy) as client:
                with_view = client.with_policies(**view)
                txn = with_view.transaction()
                with_view.put(KEY_1, {"a": 1}, txn=txn)
                strong_one.fail_transactions("roll_forward", "lose_request")
                assert with_view.commit(txn) is status
            strong_one.heal()
            strong_one.clock.advance(20)


@pytest.mark.one_kind("makes no client")
def test_no_field_is_without_a_test_here() -> None:
    tests = [name for name in globals() if name.startswith("test_")]

    def untested(policy: type[Any], prefix: str) -> list[str]:
        names = [entry.name for entry in fields(policy) if entry.init]
        mine = [f"{test.removeprefix(prefix)}_" for test in tests if test.startswith(prefix)]
        return [n for n in names if not any(t.startswith(f"{n}_") or f"_and_{n}_" in t for t in mine)]

    assert untested(ReadPolicy, "test_") == []
    assert untested(WritePolicy, "test_") == []
    assert untested(InfoPolicy, "test_info_policy_") == []
    assert untested(AdminPolicy, "test_admin_policy_") == []
    assert untested(ClientPolicy, "test_client_policy_") == []
