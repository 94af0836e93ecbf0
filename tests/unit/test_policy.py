from __future__ import annotations

import copy
import math
import pickle
from dataclasses import FrozenInstanceError, fields
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspike._wire import ttl_header
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.policy import (
    AdminPolicy,
    AuthMode,
    BasePolicy,
    BatchDeletePolicy,
    BatchPolicy,
    BatchReadPolicy,
    BatchUDFPolicy,
    BatchWritePolicy,
    ClientPolicy,
    CommitLevel,
    Concurrency,
    ConfigProvider,
    ConsistencyLevel,
    ErrorDetails,
    Expiration,
    GenerationPolicy,
    InfoPolicy,
    QueryDuration,
    QueryPolicy,
    ReadModeSC,
    ReadPolicy,
    ReadTouchTTL,
    RecordExistsAction,
    Replica,
    TxnRollPolicy,
    TxnVerifyPolicy,
    WritePolicy,
    timeout_ms,
)
from support.all_of import all_of

ROW_POLICIES = [BatchReadPolicy, BatchWritePolicy, BatchDeletePolicy]
POLICIES = [
    BasePolicy,
    ReadPolicy,
    WritePolicy,
    InfoPolicy,
    AdminPolicy,
    ClientPolicy,
    BatchPolicy,
    QueryPolicy,
    *ROW_POLICIES,
]
COMMAND_POLICIES = [BasePolicy, ReadPolicy, WritePolicy]
EQUAL = GenerationPolicy.EXPECT_GEN_EQUAL
SETTINGS = [
    *(
        "info1",
        "info2",
        "info3",
        "info4",
        "generation",
        "ttl",
        "total_timeout",
        "socket_timeout",
    ),
    *("max_retries", "sleep_between_retries", "timeout_delay", "connect_timeout", "replica", "read_mode"),
    *("send_key", "respond_per_each_op"),
    *("filter_expression", "write", "as_read", "of", "batch_flags", "sequential", "write_retries"),
    *("max_records", "records_per_second", "max_concurrent_nodes", "compress_above", "raw"),
]
BASE = {
    "consistency_level": ConsistencyLevel.ALL,
    "read_mode_sc": ReadModeSC.LINEARIZE,
    "socket_timeout": 100,
    "total_timeout": 250.5,
    "connect_timeout": 400,
    "timeout_delay": 3000,
    "max_retries": 7,
    "read_touch_ttl": 80,
    "sleep_between_retries": 5,
    "filter_expression": b"\x93\x01",
    "error_details": ErrorDetails.MESSAGE,
    "use_compression": True,
    "compression_threshold": 64,
    "deserialize": False,
}
WRITE = {
    "record_exists_action": RecordExistsAction.REPLACE,
    "generation_policy": EQUAL,
    "commit_level": CommitLevel.MASTER,
    "generation": 3,
    "expiration": 60,
    "send_key": True,
    "respond_per_each_op": True,
    "durable_delete": True,
    "on_locking_only": True,
}
CLIENT = {
    "timeout": 2000,
    "idle_timeout": 55_000,
    "min_conns_per_node": 2,
    "max_conns_per_node": 4,
    "max_waiting_per_node": 0,
    "pipelines_per_node": 1,
    "commands_per_pipeline": 7,
    "fail_if_not_connected": False,
    "tend_interval": 100,
    "ip_map": {"10.0.0.1": "127.0.0.1"},
    "use_services_alternate": True,
    "cluster_name": "blue",
    "buffer_reclaim_threshold": 0,
    "application_id": "shop",
    "user": "ann",
    "password": "secret word",
    "auth_mode": AuthMode.EXTERNAL_INSECURE,
    "login_timeout": 100,
    "rack_ids": (3, 1),
    "max_error_rate": 7,
    "error_rate_window": 2,
    "seed_only_cluster": True,
    "config_provider": ConfigProvider("client.yaml"),
    "tracing": True,
    "slow_command": 50,
    "slow_command_digests": True,
    "read": ReadPolicy(max_retries=0),
    "write": WritePolicy(send_key=True),
    "info": InfoPolicy(timeout=1),
    "admin": AdminPolicy(timeout=1),
    "batch": BatchPolicy(allow_inline=False),
    "query": QueryPolicy(max_records=1),
    "txn_verify": TxnVerifyPolicy(max_retries=1),
    "txn_roll": TxnRollPolicy(max_retries=1),
}
ROW_WRITE = {name: value for name, value in WRITE.items() if name != "respond_per_each_op"} | {
    "filter_expression": b"\x93\x01"
}
BATCH = BASE | {
    "concurrency": Concurrency.SEQUENTIAL,
    "allow_inline": False,
    "allow_inline_ssd": True,
    "respond_all_keys": False,
    "replica": Replica.MASTER,
}
QUERY = {
    name: BASE[name]
    for name in (
        *("socket_timeout", "total_timeout", "connect_timeout", "timeout_delay", "max_retries"),
        "sleep_between_retries",
        *("filter_expression", "error_details", "use_compression", "deserialize"),
    )
} | {
    "max_records": 9,
    "records_per_second": 8,
    "max_concurrent_nodes": 7,
    "expected_duration": QueryDuration.LONG_RELAX_AP,
    "include_bin_data": False,
    "replica": Replica.MASTER,
}
TXN_ROLL = {
    "total_timeout": 250.5,
    "socket_timeout": 100,
    "max_retries": 7,
    "sleep_between_retries": 5,
    "replica": Replica.SEQUENCE,
    "concurrency": Concurrency.SEQUENTIAL,
}
CHANGES = [
    (TxnVerifyPolicy, {**TXN_ROLL, "read_mode_sc": ReadModeSC.SESSION}),
    (TxnRollPolicy, TXN_ROLL),
    (QueryPolicy, QUERY),
    (BatchPolicy, BATCH),
    (
        BatchReadPolicy,
        {"read_mode_sc": ReadModeSC.LINEARIZE, "read_touch_ttl": 80, "filter_expression": b"\x93\x01"},
    ),
    (BatchWritePolicy, ROW_WRITE),
    (
        BatchDeletePolicy,
        {
            k: v
            for k, v in ROW_WRITE.items()
            if k not in ("record_exists_action", "expiration", "on_locking_only")
        },
    ),
    (BasePolicy, BASE),
    (ReadPolicy, {**BASE, "replica": Replica.MASTER}),
    (WritePolicy, {**BASE, **WRITE}),
    (InfoPolicy, {"timeout": 10}),
    (AdminPolicy, {"timeout": 10}),
    (ClientPolicy, CLIENT),
]
ALONE = {"seed_only_cluster"}  # which others contradict
# The one excludes other fields: see integration/test_tls.py. The other has functions, which no repr makes
# again: see integration/test_codecs.py.
TESTED_ELSEWHERE = {"tls", "codecs"}
LOGIN = {"user", "password", "auth_mode"}  # fields that need each other, and one that is not shown: see below
EACH_CHANGE = [
    (kind, name, value) for kind, changes in CHANGES for name, value in changes.items() if name not in LOGIN
]


def together(changes):
    """The changes that can be made at once."""
    return {name: value for name, value in changes.items() if name not in ALONE}


class Expression:
    """A filter as an expression module would make it, with an == that makes an expression too."""

    def __init__(self, data=b"\x93\x01"):
        self.data = data

    def to_bytes(self):
        return self.data

    def __eq__(self, other):
        raise AssertionError("a policy must not ask for an expression's truth")

    __hash__ = None


def settings_of(policy):
    """But for what it means for reads: see `test_a_write_policy_of_a_read_means_what_a_read_policy_means`."""
    return {name: getattr(policy.settings, name) for name in SETTINGS if name != "as_read"}


def changed_settings(policy):
    default = settings_of(type(policy)())
    return {name: value for name, value in settings_of(policy).items() if value != default[name]}


def needed_by(name):
    """What a field can't be set without."""
    needed = {"generation": {"generation_policy": EQUAL}, "compression_threshold": {"use_compression": True}}
    return needed.get(name, {})


# Defaults ---------------------------------------------------------------------------------------------------


def test_defaults_of_reads_and_writes_are_those_of_the_rust_client_but_for_the_socket_timeout():
    read, write = ReadPolicy(), WritePolicy()
    for policy in (read, write):
        assert policy.socket_timeout is None  # there 30 s: longer than the whole call may take
        assert policy.consistency_level is ConsistencyLevel.ONE
        assert (policy.total_timeout, policy.timeout_delay) == (1000, 0)
        assert (policy.sleep_between_retries, policy.filter_expression) == (0, None)
        assert policy.read_touch_ttl is ReadTouchTTL.SERVER_DEFAULT
    assert (read.max_retries, read.settings.max_retries, read.replica) == (2, 2, Replica.SEQUENCE)
    assert ReadPolicy(max_retries=None) == read
    assert write.max_retries is None
    assert write.settings.max_retries == 0
    assert (write.generation, write.expiration) == (0, Expiration.NAMESPACE_DEFAULT)
    assert write.record_exists_action is RecordExistsAction.UPDATE
    assert write.generation_policy is GenerationPolicy.NONE
    assert write.commit_level is CommitLevel.ALL
    assert (write.send_key, write.respond_per_each_op, write.durable_delete) == (False, False, False)


def test_defaults_of_the_client_are_those_of_the_rust_client_but_for_the_timeout():
    policy = ClientPolicy()
    assert policy.timeout == 1000  # there 30 s
    assert (policy.idle_timeout, policy.tend_interval, policy.info.timeout) == (30_000, 1000, 3000)
    assert (policy.min_conns_per_node, policy.max_conns_per_node, policy.max_waiting_per_node) == (
        0,
        256,
        None,
    )
    assert (policy.fail_if_not_connected, policy.use_services_alternate) == (True, False)
    assert (policy.ip_map, policy.cluster_name, policy.application_id) == (None, None, None)
    assert policy.buffer_reclaim_threshold == 65536
    assert (policy.read, policy.write, policy.info) == (ReadPolicy(), WritePolicy(), InfoPolicy())
    assert policy.admin == AdminPolicy()


def test_a_default_policy_adds_nothing_to_a_request():
    for kind in COMMAND_POLICIES:
        settings = settings_of(kind())
        bits = [settings[name] for name in ("info1", "info2", "info3", "generation", "ttl")]
        assert bits == [0] * 5
        assert (settings["send_key"], settings["respond_per_each_op"]) == (False, False)
        assert settings["filter_expression"] is None
        assert settings["write"] is (kind is WritePolicy)


def test_a_write_policy_of_a_read_means_what_a_read_policy_means():
    assert WritePolicy().settings.as_read == ReadPolicy().settings
    assert WritePolicy(**BASE).settings.as_read == ReadPolicy(**BASE).settings != ReadPolicy().settings
    assert WritePolicy(send_key=True).settings.as_read.send_key is True
    assert WritePolicy(respond_per_each_op=True).settings.as_read.respond_per_each_op is True
    assert ReadPolicy().settings.as_read is None


def test_a_default_policy_of_rows_adds_nothing_and_the_touch_is_that_of_the_batch():
    for kind in ROW_POLICIES:
        settings = settings_of(kind())
        bits = [settings[name] for name in ("info1", "info2", "info3", "generation", "ttl", "batch_flags")]
        assert bits == [0] * 6
        assert settings["filter_expression"] is None
        assert settings["write"] is (kind is not BatchReadPolicy)
    assert BatchReadPolicy().settings != BatchReadPolicy(read_touch_ttl=ReadTouchTTL.SERVER_DEFAULT).settings
    assert BatchPolicy().settings.batch_flags == 0x0D, "inline, respond all, and the one that failed"


def test_defaults_of_batches_are_those_of_the_rust_client_but_for_the_socket_timeout():
    policy = BatchPolicy()
    assert (policy.total_timeout, policy.socket_timeout) == (1000, None)
    assert (policy.concurrency, policy.replica) == (Concurrency.PARALLEL, Replica.SEQUENCE)
    assert (policy.allow_inline, policy.allow_inline_ssd, policy.respond_all_keys) == (True, False, True)
    assert BatchWritePolicy().record_exists_action is RecordExistsAction.UPDATE


def test_defaults_of_queries_are_those_of_the_rust_client_but_for_the_socket_timeout():
    policy = QueryPolicy()
    assert (policy.total_timeout, policy.max_retries, policy.sleep_between_retries) == (0, 5, 0)
    assert (policy.max_records, policy.records_per_second, policy.max_concurrent_nodes) == (0, 0, 0)
    assert (policy.expected_duration, policy.include_bin_data) == (QueryDuration.LONG, True)
    assert (policy.replica, policy.filter_expression) == (Replica.SEQUENCE, None)
    assert policy.socket_timeout is None  # there 30 s, as here without a deadline
    settings = settings_of(policy)
    assert [settings[name] for name in ("info1", "info2", "info3", "generation", "ttl")] == [0] * 5


@pytest.mark.parametrize(
    ("duration", "info1", "info2"),
    [
        (QueryDuration.LONG, 0, 0),
        (QueryDuration.SHORT, 0x04, 0),
        (QueryDuration.LONG_RELAX_AP, 0, 0x40),
    ],
)
def test_each_duration_has_its_bit(duration, info1, info2):
    settings = QueryPolicy(expected_duration=duration).settings
    assert (settings.info1, settings.info2) == (info1, info2)


@pytest.mark.parametrize("name", ["record_queue_size", "consistency_level", "read_touch_ttl"])
def test_a_query_has_no_use_for_some_fields_of_the_rust_client(name):
    with pytest.raises(TypeError, match=f"^QueryPolicy has no field '{name}'"):
        QueryPolicy(**{name: 1})
    assert name in (QueryPolicy.__doc__ or "")


def test_a_short_query_can_not_be_slowed_down():
    with pytest.raises(InvalidArgument, match=r"^QueryPolicy\.records_per_second is 5") as caught:
        QueryPolicy(expected_duration=QueryDuration.SHORT, records_per_second=5)
    assert "expected_duration" in caught.value.advice


@pytest.mark.parametrize("retries", [None, 0, 3])
def test_rows_that_write_are_tried_again_only_if_the_batch_says_so(retries):
    settings = BatchPolicy(max_retries=retries).settings
    assert settings.max_retries == (2 if retries is None else retries)
    assert settings.write_retries == (retries or 0)


@pytest.mark.parametrize("retries", [None, 0, 3])
def test_max_retries_left_out_is_none_for_writes_and_two_for_reads(retries):
    settings = WritePolicy(max_retries=retries).settings
    assert settings.max_retries == (retries or 0)
    assert settings.as_read.max_retries == (2 if retries is None else retries)


# Every field changes something ------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "changes"), CHANGES)
def test_the_tests_below_change_every_field(kind, changes):
    assert {entry.name for entry in fields(kind) if entry.init} - TESTED_ELSEWHERE == set(changes)


# Fields of BasePolicy whose settings have other names.
ELSEWHERE = {
    "consistency_level",
    "read_mode_sc",
    "read_touch_ttl",
    "error_details",
    "use_compression",
    "compression_threshold",
    "deserialize",
}


@all_of(
    "kind, field, setting, compiled",
    [
        *[
            (kind, field, field, float(value) if isinstance(value, (int, float)) else value)
            for kind in COMMAND_POLICIES
            for field, value in BASE.items()
            if field not in ELSEWHERE
        ],
        *[(kind, "error_details", "info4", 0x40) for kind in (*COMMAND_POLICIES, BatchPolicy, QueryPolicy)],
        (BasePolicy, "consistency_level", "info1", 0x40),
        (ReadPolicy, "consistency_level", "info1", 0x40),
        *[(kind, "on_locking_only", "info4", 0x10) for kind in (WritePolicy, BatchWritePolicy)],
        *[(kind, "deserialize", "raw", True) for kind in (*COMMAND_POLICIES, BatchPolicy, QueryPolicy)],
        (BasePolicy, "read_touch_ttl", "ttl", 80),
        (ReadPolicy, "read_touch_ttl", "ttl", 80),
        (ReadPolicy, "replica", "replica", 0),
        (WritePolicy, "record_exists_action", "info3", 0x10),
        (WritePolicy, "generation_policy", "info2", 0x04),
        (WritePolicy, "commit_level", "info3", 0x02),
        (WritePolicy, "expiration", "ttl", 60),
        (WritePolicy, "send_key", "send_key", True),
        (WritePolicy, "respond_per_each_op", "respond_per_each_op", True),
        (WritePolicy, "durable_delete", "info2", 0x10),
        *[
            (BatchPolicy, field, field, float(BATCH[field]))
            for field in ("socket_timeout", "total_timeout", "sleep_between_retries")
        ],
        (BatchPolicy, "filter_expression", "filter_expression", b"\x93\x01"),
        (BatchPolicy, "consistency_level", "info1", 0x40),
        (BatchPolicy, "read_touch_ttl", "ttl", 80),
        (BatchPolicy, "replica", "replica", 0),
        (BatchPolicy, "concurrency", "sequential", True),
        (BatchPolicy, "allow_inline", "batch_flags", 0x0C),
        (BatchPolicy, "allow_inline_ssd", "batch_flags", 0x0F),
        (BatchPolicy, "respond_all_keys", "batch_flags", 0x09),
        *[
            (QueryPolicy, field, field, float(QUERY[field]))
            for field in ("socket_timeout", "total_timeout", "sleep_between_retries")
        ],
        *[
            (QueryPolicy, field, field, QUERY[field])
            for field in ("max_records", "records_per_second", "max_concurrent_nodes", "max_retries")
        ],
        (QueryPolicy, "filter_expression", "filter_expression", b"\x93\x01"),
        (QueryPolicy, "replica", "replica", 0),
        (QueryPolicy, "expected_duration", "info2", 0x40),
        (QueryPolicy, "include_bin_data", "info1", 0x20),
        (BatchReadPolicy, "read_touch_ttl", "ttl", 80),
        *[(kind, "filter_expression", "filter_expression", b"\x93\x01") for kind in ROW_POLICIES],
        *[(kind, "generation_policy", "info2", 0x04) for kind in ROW_POLICIES[1:]],
        *[(kind, "commit_level", "info3", 0x02) for kind in ROW_POLICIES[1:]],
        *[(kind, "send_key", "send_key", True) for kind in ROW_POLICIES[1:]],
        *[(kind, "durable_delete", "info2", 0x10) for kind in ROW_POLICIES[1:]],
        (BatchWritePolicy, "record_exists_action", "info3", 0x10),
        (BatchWritePolicy, "expiration", "ttl", 60),
        *[
            (kind, field, setting, value)
            for kind in (TxnVerifyPolicy, TxnRollPolicy)
            for field, setting, value in (
                ("total_timeout", "total_timeout", 250.5),
                ("socket_timeout", "socket_timeout", 100.0),
                ("sleep_between_retries", "sleep_between_retries", 5.0),
                ("replica", "replica", 1),
                ("concurrency", "sequential", True),
            )
        ],
    ],
)
def test_a_field_changes_its_setting_and_no_other(kind, field, setting, compiled):
    value = dict(CHANGES)[kind][field]
    assert changed_settings(kind(**{field: value})) == {setting: compiled}


@all_of(
    "kind, mode, bits",
    [
        (kind, mode, bits)
        for kind in (BasePolicy, ReadPolicy, BatchPolicy, BatchReadPolicy)
        for mode, bits in zip(ReadModeSC, (0, 0x40, 0x80, 0xC0), strict=True)
    ],
)
def test_a_read_mode_is_bits_of_the_request_and_a_way_to_choose_the_node(kind, mode, bits):
    settings = kind(read_mode_sc=mode).settings
    assert (settings.info3, settings.read_mode) == (bits, mode.value)


def test_a_call_of_a_batch_may_be_for_the_lock_only():
    assert changed_settings(BatchUDFPolicy(on_locking_only=True)) == {"info4": 0x10}


def test_retries_at_the_end_of_a_transaction_are_those_of_reads_and_writes():
    for kind in (TxnVerifyPolicy, TxnRollPolicy):
        settings = kind(max_retries=7).settings
        assert (settings.max_retries, settings.write_retries) == (7, 7)


def test_the_read_mode_of_a_verification_is_linearize_unless_it_is_told():
    assert (TxnVerifyPolicy().settings.info3, TxnVerifyPolicy().settings.read_mode) == (0x40, 1)
    session = TxnVerifyPolicy(read_mode_sc=ReadModeSC.SESSION)
    assert changed_settings(session) == {"info3": 0, "read_mode": 0}


def test_defaults_of_the_end_of_a_transaction_are_those_of_other_clients():
    for policy in (TxnVerifyPolicy(), TxnRollPolicy()):
        assert (policy.total_timeout, policy.socket_timeout) == (10_000, 3000)
        assert (policy.max_retries, policy.sleep_between_retries) == (5, 1000)
        assert policy.replica is Replica.MASTER


def test_a_write_has_no_read_mode_but_an_operate_that_reads_has():
    policy = WritePolicy(read_mode_sc=ReadModeSC.LINEARIZE)
    assert changed_settings(policy) == {}
    assert policy.settings.as_read == ReadPolicy(read_mode_sc=ReadModeSC.LINEARIZE).settings


def test_compression_is_a_bit_for_answers_and_a_size_for_requests():
    for kind in (BasePolicy, ReadPolicy, BatchPolicy):
        assert changed_settings(kind(use_compression=True)) == {"info1": 0x80, "compress_above": 128}
    thin = WritePolicy(use_compression=True, compression_threshold=64)
    assert thin.settings.as_read.info1 == 0x80
    assert thin.settings.compress_above == thin.settings.as_read.compress_above == 64
    assert changed_settings(QueryPolicy(use_compression=True)) == {"info1": 0x80}


def test_generation_changes_its_setting_beside_that_of_its_policy():
    assert changed_settings(WritePolicy(generation_policy=EQUAL, generation=3)) == {
        "info2": 0x04,
        "generation": 3,
    }


@pytest.mark.parametrize(("action", "info2", "info3"), [
    (RecordExistsAction.UPDATE, 0, 0),
    (RecordExistsAction.UPDATE_ONLY, 0, 0x08),
    (RecordExistsAction.REPLACE, 0, 0x10),
    (RecordExistsAction.REPLACE_ONLY, 0, 0x20),
    (RecordExistsAction.CREATE_ONLY, 0x20, 0),
])  # fmt: skip
def test_each_exists_action_has_its_bit(action, info2, info3):
    settings = WritePolicy(record_exists_action=action).settings
    assert (settings.info2, settings.info3) == (info2, info3)


@pytest.mark.parametrize(
    ("policy", "bits"),
    [(GenerationPolicy.NONE, 0), (EQUAL, 0x04), (GenerationPolicy.EXPECT_GEN_GREATER, 0x08)],
)
def test_each_generation_policy_has_its_bit(policy, bits):
    assert WritePolicy(generation_policy=policy).settings.info2 == bits


def test_bits_of_several_fields_stand_side_by_side():
    policy = WritePolicy(
        record_exists_action=RecordExistsAction.CREATE_ONLY, generation_policy=EQUAL, durable_delete=True
    )
    assert policy.settings.info2 == 0x20 | 0x04 | 0x10
    policy = WritePolicy(record_exists_action=RecordExistsAction.UPDATE_ONLY, commit_level=CommitLevel.MASTER)
    assert policy.settings.info3 == 0x08 | 0x02


@pytest.mark.parametrize(
    ("replica", "number"), [(Replica.MASTER, 0), (Replica.SEQUENCE, 1), (Replica.RANDOM, 2)]
)
def test_each_replica_has_its_number(replica, number):
    assert ReadPolicy(replica=replica).settings.replica == number


@pytest.mark.parametrize(
    ("touch", "header"),
    [(ReadTouchTTL.SERVER_DEFAULT, 0), (1, 1), (100, 100), (ReadTouchTTL.DONT_RESET, 0xFFFFFFFF)],
)
def test_read_touch_becomes_the_ttl_of_reads(touch, header):
    assert ReadPolicy(read_touch_ttl=touch).settings.ttl == header
    assert WritePolicy(read_touch_ttl=touch).settings.as_read.ttl == header


def test_no_socket_timeout_is_not_a_socket_timeout_of_zero():
    assert ReadPolicy().settings.socket_timeout != ReadPolicy(socket_timeout=0).settings.socket_timeout == 0


def test_a_filter_may_be_an_expression():
    policy = ReadPolicy(filter_expression=Expression())
    assert policy.settings.filter_expression == b"\x93\x01"
    assert policy.replace(max_retries=0).settings.filter_expression == b"\x93\x01"
    assert "Expression" in repr(policy)


# Times and TTLs ---------------------------------------------------------------------------------------------


@given(st.integers(0, 2**31 - 1) | st.floats(1, 2**31 - 1))
def test_milliseconds_stay_what_they_are(ms):
    assert timeout_ms(ms) == ms


@given(st.integers(0, 2**31 - 1))
def test_a_timedelta_is_its_milliseconds(ms):
    assert timeout_ms(timedelta(milliseconds=ms)) == ms
    assert ReadPolicy(total_timeout=timedelta(milliseconds=ms)) == ReadPolicy(total_timeout=ms)


@pytest.mark.parametrize("value", [-1, -0.1, math.nan, math.inf, 2**31, timedelta(days=25), timedelta(-1)])
def test_a_time_out_of_range_is_refused(value):
    with pytest.raises(InvalidArgument, match=r"^deadline must be from 0 to 2147483647 milliseconds, not "):
        timeout_ms(value, "deadline")


@pytest.mark.parametrize("value", ["1000", None, True, b"1", 1j, [1]])
def test_what_is_no_time_is_refused(value):
    with pytest.raises(InvalidType, match=r"^deadline must be milliseconds or a timedelta, not "):
        timeout_ms(value, "deadline")


@given(st.integers(1, 315_360_000))
def test_a_ttl_is_its_seconds(seconds):
    assert ttl_header(seconds) == seconds
    assert ttl_header(timedelta(seconds=seconds)) == seconds


@given(st.timedeltas(timedelta(microseconds=1), timedelta(days=3650)))
def test_a_ttl_never_ends_before_its_timedelta(ttl):
    seconds = ttl_header(ttl)
    assert timedelta(seconds=seconds - 1) < ttl <= timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("expiration", "header"),
    [
        (Expiration.NAMESPACE_DEFAULT, 0),
        (Expiration.NEVER, 0xFFFFFFFF),
        (Expiration.DONT_UPDATE, 0xFFFFFFFE),
    ],
)
def test_an_expiration_is_its_number_on_the_wire(expiration, header):
    assert ttl_header(expiration) == header
    assert WritePolicy(expiration=expiration).settings.ttl == header


@pytest.mark.parametrize(
    "value", [0, -1, -2, 315_360_001, 2**32 - 1, timedelta(0), timedelta(-1), timedelta(days=3651)]
)
def test_a_ttl_out_of_range_is_refused_with_the_names_for_the_rest(value):
    with pytest.raises(InvalidArgument, match=r"^ttl must be from 1 to 315360000 seconds, not ") as caught:
        ttl_header(value)
    assert "Expiration.NAMESPACE_DEFAULT" in caught.value.advice


@pytest.mark.parametrize("value", ["60", None, True, 1.5, ReadTouchTTL.DONT_RESET])
def test_what_is_no_ttl_is_refused(value):
    with pytest.raises(InvalidType, match=r"^ttl must be seconds, a timedelta or an Expiration, not "):
        ttl_header(value)


def test_a_policy_keeps_normal_forms():
    policy = WritePolicy(
        socket_timeout=timedelta(seconds=1),
        sleep_between_retries=timedelta(milliseconds=1.5),
        expiration=timedelta(minutes=1),
    )
    assert (policy.socket_timeout, policy.sleep_between_retries, policy.expiration) == (1000, 1.5, 60)
    assert ClientPolicy(idle_timeout=timedelta(minutes=1)).idle_timeout == 60_000


# Refusals ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name", "meant"),
    [
        (ReadPolicy, "total_timeot", "total_timeout"),
        (WritePolicy, "retries", "max_retries"),
        (WritePolicy, "durable_deletes", "durable_delete"),
        (ClientPolicy, "max_conn_per_node", "max_conns_per_node"),
        (InfoPolicy, "timout", "timeout"),
        (AdminPolicy, "timout", "timeout"),
        (QueryPolicy, "max_record", "max_records"),
        (ClientPolicy, "username", "user"),
    ],
)
def test_an_unknown_name_is_refused_and_the_meant_one_is_shown(kind, name, meant):
    message = f"^{kind.__name__} has no field '{name}'; did you mean '{meant}'\\?$"
    with pytest.raises(TypeError, match=message):
        kind(**{name: 1})
    with pytest.raises(TypeError, match=message):
        kind().replace(**{name: 1})


def test_a_name_like_none_is_refused_with_the_names_there_are():
    with pytest.raises(TypeError, match=r"^InfoPolicy has no field 'xyz'; it has timeout$"):
        InfoPolicy(xyz=1)


@pytest.mark.parametrize("kind", COMMAND_POLICIES)
def test_settings_can_not_be_given(kind):
    with pytest.raises(TypeError, match="has no field 'settings'"):
        kind(settings=None)


@pytest.mark.parametrize("kind", POLICIES)
def test_positional_arguments_are_refused(kind):
    with pytest.raises(TypeError, match=f"^{kind.__name__} takes its fields by name only$"):
        kind(1000)


@all_of("kind, name, value", EACH_CHANGE)
def test_a_value_of_a_wrong_type_is_refused_by_policy_field_and_value(kind, name, value):
    with pytest.raises(InvalidType, match=rf"^{kind.__name__}\.{name} must .* not <object object"):
        kind(**{name: object()})


@pytest.mark.parametrize(
    "name",
    sorted(
        {*BASE, *WRITE, *CLIENT}
        - {"password"}
        - {name for name, value in CLIENT.items() if isinstance(value, bool)}
    ),
)
def test_a_bool_counts_as_no_number(name):
    kind = WritePolicy if name in {*BASE, *WRITE} else ClientPolicy
    if isinstance((BASE | WRITE).get(name), bool):
        with pytest.raises(InvalidType, match="must be bool, not 1"):
            kind(**{name: 1})
    else:
        with pytest.raises(InvalidType, match=rf"{name} must .* not True"):
            kind(**{name: True})


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (ReadPolicy, "total_timeout", -1),
        (ReadPolicy, "socket_timeout", -1),
        (ReadPolicy, "timeout_delay", -1),
        (ReadPolicy, "sleep_between_retries", math.nan),
        (ReadPolicy, "max_retries", -1),
        (ReadPolicy, "max_retries", 2**31),
        (ReadPolicy, "read_touch_ttl", 0),
        (ReadPolicy, "read_touch_ttl", 101),
        (ReadPolicy, "filter_expression", b""),
        (WritePolicy, "generation", -1),
        (WritePolicy, "generation", 2**32),
        (WritePolicy, "expiration", 0),
        (WritePolicy, "expiration", timedelta(days=3651)),
        (InfoPolicy, "timeout", 0),
        (AdminPolicy, "timeout", 0),
        (BatchPolicy, "max_retries", -1),
        (QueryPolicy, "max_records", -1),
        (QueryPolicy, "max_records", 2**63),
        (QueryPolicy, "records_per_second", 2**32),
        (QueryPolicy, "max_concurrent_nodes", -1),
        (QueryPolicy, "max_retries", -1),
        (QueryPolicy, "total_timeout", -1),
        (BatchReadPolicy, "read_touch_ttl", 101),
        (BatchWritePolicy, "generation", 2**16),
        (BatchDeletePolicy, "generation", -1),
        (ClientPolicy, "timeout", 0),
        (ClientPolicy, "idle_timeout", 0),
        (ClientPolicy, "tend_interval", 0),
        (ClientPolicy, "min_conns_per_node", -1),
        (ClientPolicy, "max_conns_per_node", 0),
        (ClientPolicy, "max_waiting_per_node", -1),
        (ClientPolicy, "buffer_reclaim_threshold", -1),
        (ClientPolicy, "cluster_name", ""),
        (ClientPolicy, "application_id", ""),
    ],
)
def test_a_value_out_of_range_is_refused_by_policy_and_field(kind, name, value):
    with pytest.raises(InvalidArgument, match=rf"^{kind.__name__}\.{name} must ") as caught:
        kind(**{name: value})
    assert type(caught.value) is InvalidArgument


@pytest.mark.parametrize("value", [5, "age > 3", Expression(None), Expression("text")])
def test_what_gives_no_bytes_is_no_filter(value):
    with pytest.raises(
        InvalidType, match=r"^ReadPolicy\.filter_expression must be an expression or its bytes"
    ):
        ReadPolicy(filter_expression=value)


@pytest.mark.parametrize("value", [{"a": 1}, {1: "a"}, ["a"], "a"])
def test_an_ip_map_maps_text_to_text(value):
    with pytest.raises(InvalidType, match=r"^ClientPolicy\.ip_map must map addresses"):
        ClientPolicy(ip_map=value)


def test_a_generation_that_nothing_compares_is_refused():
    with pytest.raises(
        InvalidArgument, match=r"^WritePolicy\.generation is 3, but nothing compares it"
    ) as caught:
        WritePolicy(generation=3)
    assert "generation_policy" in caught.value.advice
    with pytest.raises(InvalidArgument):
        WritePolicy(generation=3, generation_policy=EQUAL).replace(generation_policy=GenerationPolicy.NONE)


def test_more_connections_kept_than_allowed_are_refused():
    with pytest.raises(
        InvalidArgument, match="min_conns_per_node is 5, above max_conns_per_node, which is 4"
    ):
        ClientPolicy(min_conns_per_node=5, max_conns_per_node=4)


# Values -----------------------------------------------------------------------------------------------------


def test_repr_shows_only_what_is_not_default():
    assert repr(ReadPolicy(total_timeout=50, max_retries=2)) == "ReadPolicy(total_timeout=50)"
    assert repr(ReadPolicy(replica=Replica.RANDOM)) == "ReadPolicy(replica=Replica.RANDOM)"
    assert repr(ClientPolicy(info=InfoPolicy(timeout=9))) == "ClientPolicy(info=InfoPolicy(timeout=9))"


@all_of("kind, name, value", EACH_CHANGE)
def test_repr_makes_an_equal_policy(kind, name, value):
    changes = {name: value, **needed_by(name)}
    assert repr(kind()) == f"{kind.__name__}()"
    assert eval(repr(kind(**changes))) == kind(**changes)


@all_of("kind, name, value", EACH_CHANGE)
def test_replace_changes_the_named_field_only(kind, name, value):
    policy = kind(**needed_by(name))
    changed = policy.replace(**{name: value})
    assert type(changed) is kind
    assert changed != policy
    for entry in fields(kind):
        if entry.init:
            assert getattr(changed, entry.name) == (
                value if entry.name == name else getattr(policy, entry.name)
            )


@pytest.mark.parametrize(("kind", "changes"), CHANGES)
def test_replace_keeps_what_it_does_not_name(kind, changes):
    changes = together(changes)
    policy = kind(**changes)
    assert policy.replace() == policy
    assert policy.replace(**changes) == policy


def test_replace_can_put_a_default_back():
    assert ReadPolicy(max_retries=5).replace(max_retries=2) == ReadPolicy()


@all_of("kind, name, value", EACH_CHANGE)
def test_a_policy_can_not_be_changed(kind, name, value):
    policy = kind()
    with pytest.raises(FrozenInstanceError):
        setattr(policy, name, value)
    with pytest.raises(FrozenInstanceError):
        delattr(policy, name)
    with pytest.raises((AttributeError, TypeError)):
        policy.extra = 1
    assert not hasattr(policy, "__dict__")


@all_of("kind, changes", CHANGES)
@all_of("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_policies_survive_pickling_with_their_settings(kind, changes, protocol):
    policy = kind(**{name: value for name, value in together(changes).items() if name not in LOGIN})
    for twin in (pickle.loads(pickle.dumps(policy, protocol)), copy.copy(policy), copy.deepcopy(policy)):
        assert twin == policy
        assert type(twin) is kind
        if kind in COMMAND_POLICIES:
            assert settings_of(twin) == settings_of(policy)


@pytest.mark.parametrize(("kind", "changes"), CHANGES)
def test_equal_policies_have_equal_hashes(kind, changes):
    changes = together(changes)
    assert hash(kind(**changes)) == hash(kind(**changes))
    assert len({kind(), kind(**changes), kind(**changes)}) == 2


def test_the_ip_map_is_the_policys_own():
    addresses = {"10.0.0.1": "127.0.0.1"}
    policy = ClientPolicy(ip_map=addresses)
    addresses["10.0.0.2"] = "127.0.0.2"
    assert policy.ip_map == {"10.0.0.1": "127.0.0.1"}


def test_a_policy_may_be_subclassed():
    class Patient(ReadPolicy):
        __slots__ = ()

    policy = Patient(total_timeout=5000)
    assert repr(policy) == "Patient(total_timeout=5000)"
    assert type(policy.replace(max_retries=9)) is Patient


# Login ------------------------------------------------------------------------------------------------------


def test_a_password_is_not_told():
    policy = ClientPolicy(user="ann", password="secret word", auth_mode=AuthMode.EXTERNAL_INSECURE)
    assert repr(policy) == ("ClientPolicy(user='ann', password='***', auth_mode=AuthMode.EXTERNAL_INSECURE)")
    assert policy.password == "secret word"
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(InvalidType, match="with a password can't be pickled") as caught:
            pickle.dumps(policy, protocol)
        assert "secret" not in str(caught.value)
    assert copy.copy(policy) == copy.deepcopy(policy) == policy.replace() == policy
    assert policy != policy.replace(password="another")
    assert pickle.loads(pickle.dumps(ClientPolicy())) == ClientPolicy()


@all_of(
    "kind, words, fields",
    [
        (InvalidType, "password must be str or None, not bytes", {"user": "a", "password": b"secret"}),
        (InvalidType, "user must be str or None", {"user": True, "password": "secret"}),
        (InvalidType, "auth_mode must be AuthMode", {"auth_mode": 1}),
        (InvalidArgument, "password must not be empty", {"user": "a", "password": ""}),
        (
            InvalidArgument,
            "password takes 64 bytes, 63 are allowed",
            {"user": "a", "password": "secret64" * 8},
        ),
        (InvalidArgument, "password must not have", {"user": "a", "password": "secret\0"}),
        (InvalidArgument, "password is not valid text", {"user": "a", "password": "secret\ud800"}),
        (InvalidArgument, "user takes 64 bytes", {"user": "ü" * 32, "password": "secret"}),
        (InvalidArgument, "has a user, but no password", {"user": "a"}),
        (InvalidArgument, "has a password, but no user", {"password": "secret"}),
        (InvalidArgument, "needs user and password", {"auth_mode": AuthMode.EXTERNAL_INSECURE}),
        (InvalidArgument, "needs TLS", {"user": "a", "password": "secret", "auth_mode": AuthMode.EXTERNAL}),
        (InvalidArgument, "needs TLS", {"auth_mode": AuthMode.PKI}),
    ],
)
def test_a_login_that_can_not_be_is_refused(kind, words, fields):
    with pytest.raises(kind, match=words) as caught:
        ClientPolicy(**fields)
    assert "secret" not in str(caught.value)


def test_who_logs_in():
    assert not ClientPolicy().logs_in
    assert ClientPolicy(user="a", password="b").logs_in
