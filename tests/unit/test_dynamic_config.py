"""What a configuration file says of policies: each key changes one field, as a policy in code would.

How a file is read, and when, is in `tests/integration/test_config_file.py`.
"""

from __future__ import annotations

from typing import Any

import pytest

from pyspike import (
    AerospikeError,
    BatchDelete,
    BatchDeletePolicy,
    BatchPolicy,
    BatchRead,
    BatchRow,
    BatchUDF,
    BatchUDFPolicy,
    BatchWrite,
    BatchWritePolicy,
    ClientPolicy,
    Concurrency,
    ConsistencyLevel,
    Key,
    QueryDuration,
    QueryPolicy,
    ReadModeSC,
    ReadPolicy,
    Replica,
    Statement,
    WritePolicy,
    filters,
)
from pyspike import operations as op
from pyspike._wire import (
    BatchCommands,
    Command,
    DynamicSettings,
    Executor,
    Settings,
    batch_rows,
    rows_of_node,
)
from pyspike.arguments import Policies
from pyspike.policy.dynamic import Config, read_config
from pyspike.query_arguments import query_settings
from support.all_of import all_of
from support.batches import parse_batch
from support.messages import KEY, parse

ONE = Key("test", "s", 1)
SCAN, QUERY = Statement("test", "s"), Statement("test", "s", where=filters.equal("a", 1))
DURABLE = 0x10  # of info2


class Client(BatchCommands):
    """Commands that are not sent, by the policies in code and a file."""

    def __init__(self, document: object, policy: ClientPolicy = ClientPolicy()) -> None:  # noqa: B008
        policies = Policies.of(policy)
        BatchCommands.__init__(
            self, Executor(), policies.read.settings, policies.write.settings, policies.batch.settings
        )
        self.dynamic = DynamicSettings()
        self.policies = policies
        self.policy = policy
        self._follow(self.dynamic, policies)
        self.change(document)

    def change(self, document: object) -> None:
        self.dynamic.sections = read_config(document, self.policy).sections

    def query_settings(self, statement: Statement, policy: QueryPolicy | None = None) -> Settings:
        return query_settings(self.policies, policy, statement, self.dynamic)


def config(document: object) -> Config:
    return read_config(document, ClientPolicy())


def client(section: str, **keys: Any) -> Client:
    return Client({"dynamic": {section: keys}})


LIMITS: dict[str, tuple[Any, str, Any]] = {
    "socket_timeout": (300, "socket_timeout", 300),
    "total_timeout": (777, "total_timeout", 777),
    "max_retries": (9, "max_retries", 9),
    "sleep_between_retries": (4, "sleep_between_retries", 4),
    "connect_timeout": (250, "connect_timeout", 250),
}
DELAY = {"timeout_delay": (1000, "timeout_delay", 1000)}
REPLICAS = {"replica": ("MASTER", "replica", Replica.MASTER)}
ANY = {"replica": ("MASTER_PROLES", "replica", Replica.RANDOM)}
MODES = {
    "read_mode_ap": ("ALL", "consistency_level", ConsistencyLevel.ALL),
    "read_mode_sc": ("LINEARIZE", "read_mode_sc", ReadModeSC.LINEARIZE),
}
BATCHES = {
    "max_concurrent_threads": (1, "concurrency", Concurrency.SEQUENTIAL),
    "allow_inline": (False, "allow_inline", False),
    "allow_inline_ssd": (True, "allow_inline_ssd", True),
    "respond_all_keys": (False, "respond_all_keys", False),
}
WRITES = {"send_key": (True, "send_key", True), "durable_delete": (True, "durable_delete", True)}

# For each section and key: a value in a file, and the field of a policy that means the same.
KEYS: dict[str, tuple[type[Any], dict[str, tuple[Any, str, Any]]]] = {
    "read": (ReadPolicy, {**LIMITS, **DELAY, **REPLICAS, **MODES}),
    "write": (WritePolicy, {**LIMITS, **DELAY, **WRITES}),
    "query": (
        QueryPolicy,
        {**LIMITS, **DELAY, **ANY, "expected_duration": ("SHORT", "expected_duration", QueryDuration.SHORT)},
    ),
    "scan": (QueryPolicy, {**LIMITS, **DELAY, **REPLICAS}),
    "batch_read": (BatchPolicy, {**LIMITS, **DELAY, **REPLICAS, **MODES, **BATCHES}),
    "batch_write": (BatchPolicy, {**LIMITS, **DELAY, **ANY, **MODES, **BATCHES}),
}


def settings_used(made: Client, section: str, policy: Any = None) -> list[Settings]:
    """The settings of each kind of command that a section is for."""
    if section == "read":
        commands: list[Any] = [
            made.get(ONE, policy=policy),
            made.exists(ONE, policy=policy),
            made.operate(ONE, [op.get("a")], policy=policy),
        ]
    elif section == "write":
        commands = [
            made.put(ONE, {"a": 1}, policy=policy),
            made.delete(ONE, policy=policy),
            made.touch(ONE, policy=policy),
            made.operate(ONE, [op.put("a", 1)], policy=policy),
            made.execute_udf(ONE, "m", "f", policy=policy),
        ]
    elif section == "batch_read":
        commands = [made.batch_get([ONE], policy=policy), made.batch_exists([ONE], policy=policy)]
    elif section == "batch_write":
        commands = [
            made.batch([BatchRead(ONE)], policy=policy),
            made.batch_put({ONE: {"a": 1}}, policy=policy),
            made.batch_delete([ONE], policy=policy),
            made.batch_operate([ONE], [op.get("a")], policy=policy),
            made.batch_apply([ONE], "m", "f", policy=policy),
            made.batch_stream([], policy=policy),
        ]
    else:
        return [made.query_settings(SCAN if section == "scan" else QUERY, policy)]
    return [command.settings for command in commands]


@all_of("section", KEYS)
def test_each_key_changes_its_field_and_nothing_else(section: str) -> None:
    kind, keys = KEYS[section]
    for key, (value, field, meant) in keys.items():
        made = client(section, **{key: value})
        wanted = kind(**{field: meant}).settings
        assert wanted != kind().settings
        assert all(used == wanted for used in settings_used(made, section)), key
        assert all(used == wanted for used in settings_used(made, section, kind())), key
        for other, (another, _) in KEYS.items():
            if other != section:
                assert all(used == another().settings for used in settings_used(made, other)), (key, other)


@all_of("section", KEYS)
def test_the_file_wins_over_the_policy_of_the_call_and_this_over_that_of_the_client(section: str) -> None:
    kind, _ = KEYS[section]
    field = {"read": "read", "write": "write", "query": "query", "scan": "query"}.get(section, "batch")
    policy = ClientPolicy(**{field: kind(total_timeout=300, max_retries=3)})
    own = kind(total_timeout=500, max_retries=5)
    made = Client({"dynamic": {section: {"total_timeout": 777}}}, policy)
    for _ in range(2):  # the second time what was made is used again
        assert {used.total_timeout for used in settings_used(made, section)} == {777}
        assert {used.max_retries for used in settings_used(made, section)} == {3}
        assert {used.max_retries for used in settings_used(made, section, own)} == {5}
        assert {used.total_timeout for used in settings_used(made, section, own)} == {777}
    made.change({"dynamic": {section: {"max_retries": 8}}})
    assert {used.total_timeout for used in settings_used(made, section, own)} == {500}
    assert {used.max_retries for used in settings_used(made, section, own)} == {8}
    made.change({"dynamic": {}})
    assert {used.total_timeout for used in settings_used(made, section)} == {300}
    assert {used.max_retries for used in settings_used(made, section, own)} == {5}
    assert {used.total_timeout for used in settings_used(Client({}), section, own)} == {500}


def test_the_timeout_of_the_call_wins_over_all() -> None:
    made = client("read", total_timeout=777)
    command: Any = made.get(ONE, timeout=50)
    assert command.total_timeout == 50


def test_an_operate_that_only_reads_takes_the_section_of_its_policy() -> None:
    made = Client({"dynamic": {"read": {"total_timeout": 111}, "write": {"total_timeout": 222}}})
    reads = [op.get("a")]
    for policy, timeout in ((None, 111), (ReadPolicy(), 111), (WritePolicy(), 222)):
        command: Any = made.operate(ONE, reads, policy=policy)
        assert command.total_timeout == timeout
        assert not command.write


def test_what_is_sent_is_what_a_policy_in_code_sends() -> None:
    made: Any = Client(
        {"dynamic": {"read": {"read_mode_ap": "ALL"}, "write": {"send_key": True, "durable_delete": True}}}
    )
    assert parse(made.get(ONE).request).info1 & 0x40
    put = parse(made.put(ONE, {"a": 1}).request)
    assert put.field(KEY) is not None
    assert put.info2 & DURABLE


def test_a_key_is_sent_if_anybody_says_so() -> None:
    made: Any = client("write", send_key=False, durable_delete=False)
    policy = WritePolicy(send_key=True, durable_delete=True)
    put = parse(made.put(ONE, {"a": 1}, policy=policy).request)
    assert put.field(KEY) is not None
    assert not put.info2 & DURABLE


ROWS: dict[str, tuple[BatchRow, BatchRow]] = {  # a row with a policy of its own that says nothing, and all
    "batch_write": (
        BatchWrite(ONE, [op.put("a", 1)]),
        BatchWrite(ONE, [op.put("a", 1)], policy=BatchWritePolicy(send_key=True, durable_delete=True)),
    ),
    "batch_delete": (
        BatchDelete(ONE),
        BatchDelete(ONE, policy=BatchDeletePolicy(send_key=True, durable_delete=True)),
    ),
    "batch_udf": (
        BatchUDF(ONE, "m", "f"),
        BatchUDF(ONE, "m", "f", policy=BatchUDFPolicy(send_key=True, durable_delete=True)),
    ),
}


def sent_rows(made: Client) -> dict[str, list[tuple[bool, bool]]]:
    """Of both rows of each kind whether the key is sent, and whether a delete would be durable."""
    rows = [row for pair in ROWS.values() for row in pair]
    settings = made.batch([]).settings  # type: ignore[attr-defined]
    command: Command | None = rows_of_node(batch_rows(rows, settings), range(len(rows))).next_command()
    assert command is not None
    told = [
        (any(number == KEY for number, _ in row.fields), bool(row.info2 & DURABLE))
        for row in parse_batch(command.request).rows
    ]
    return {name: told[2 * place : 2 * place + 2] for place, name in enumerate(ROWS)}


@all_of("section", ROWS)
def test_sections_of_rows_are_for_rows_of_their_kind(section: str) -> None:
    plain = [(False, False), (True, True)]
    assert sent_rows(Client({})) == dict.fromkeys(ROWS, plain)
    for keys, wanted in (
        ({"send_key": True}, [(True, False), (True, True)]),
        ({"durable_delete": True}, [(False, True), (True, True)]),
        ({"durable_delete": False}, [(False, False), (True, False)]),
        ({"send_key": False}, plain),
    ):
        assert sent_rows(client(section, **keys)) == {**dict.fromkeys(ROWS, plain), section: wanted}


def test_keys_of_the_client_change_its_policy() -> None:
    found = config(
        {
            "static": {
                "client": {
                    "config_interval": 5000,
                    "max_connections_per_node": 9,
                    "min_connections_per_node": 2,
                }
            },
            "dynamic": {
                "client": {
                    "app_id": "shop",
                    "timeout": 2000,
                    "max_socket_idle": 7,
                    "tend_interval": 500,
                    "fail_if_not_connected": False,
                    "use_service_alternative": True,
                    "login_timeout": 700,
                    "max_error_rate": 5,
                    "error_rate_window": 3,
                    "rack_ids": [2, 1],
                }
            },
        }
    )
    assert found.static == {"max_conns_per_node": 9, "min_conns_per_node": 2}
    assert found.interval == 5000
    assert found.client == {
        "application_id": "shop",
        "timeout": 2000,
        "idle_timeout": 7000,
        "tend_interval": 500,
        "fail_if_not_connected": False,
        "use_services_alternate": True,
        "login_timeout": 700,
        "max_error_rate": 5,
        "error_rate_window": 3,
        "rack_ids": [2, 1],
    }
    assert found.notes == ()


@all_of(
    "section, key, value",
    [
        *[("read", "total_timeout", value) for value in (-5, "abc", 1.5, True, None, [1], 2**40)],
        ("read", "timeout_delay", 999),
        ("write", "send_key", 1),
        ("write", "durable_delete", "yes"),
        ("read", "replica", "master"),
        ("read", "read_mode_ap", "TWO"),
        ("read", "read_mode_sc", "NONE"),
        ("query", "expected_duration", 1),
        ("batch_read", "max_concurrent_threads", -1),
        ("batch_delete", "send_key", "x"),
        ("batch_udf", "durable_delete", 0),
        ("client", "tend_interval", 249),
        ("client", "app_id", ""),
        ("client", "max_socket_idle", 0),
        ("client", "rack_ids", 1),
        ("client", "rack_ids", ["a"]),
        ("client", "fail_if_not_connected", "no"),
    ],
)
def test_a_bad_value_spoils_the_whole_file_and_is_named(section: str, key: str, value: object) -> None:
    with pytest.raises(AerospikeError, match=key):
        config({"dynamic": {"scan": {"max_retries": 1}, section: {key: value}}})


@all_of("document", [None, [], "text", 1, {"dynamic": []}, {"static": None}, {"dynamic": {"read": 1}}])
def test_what_is_no_mapping_is_no_configuration(document: object) -> None:
    with pytest.raises(AerospikeError, match="must be a mapping"):
        config(document)


def test_what_has_no_effect_is_named_and_spoils_nothing() -> None:
    found = config(
        {
            "version": "2.0.0",
            "other": 1,
            "static": {"more": {}, "client": {"async_max_connections_per_node": 5}},
            "dynamic": {
                "metrics": {"enable": True, "interval": 5},
                "txn_roll": {"send_key": True, "connect_timeout": 5},
                "nothing": {},
                "read": {"fail_on_filtered_out": True, "max_retries": 3},
            },
        }
    )
    assert found.notes == (
        "its version is '2.0.0', which is read as 1.0.0",
        "'other' is unknown",
        "static.client.async_max_connections_per_node is not used",
        "static.more is unknown",
        "dynamic.read.fail_on_filtered_out is not used",
        "dynamic.txn_roll.send_key is not used",
        "dynamic.txn_roll.connect_timeout is not used",
        "dynamic.metrics.interval is not used",
        "dynamic.nothing is unknown",
    )
    assert [section is None for section in found.sections].count(False) == 1


def test_racks_are_preferred_where_there_are_some() -> None:
    preferring = {"read": {"replica": "PREFER_RACK"}}
    found = config({"dynamic": preferring})
    assert found.notes == ("dynamic.read.replica is not used: the client prefers no rack",)
    assert not any(found.sections)
    for document, policy in (
        ({"dynamic": {**preferring, "client": {"rack_ids": [1]}}}, ClientPolicy()),
        ({"dynamic": preferring}, ClientPolicy(rack_ids=[1])),
    ):
        made = Client(document, policy)
        assert settings_used(made, "read")[0] == ReadPolicy(replica=Replica.PREFER_RACK).settings


def test_a_policy_that_the_file_contradicts_stays_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    made = client("query", expected_duration="SHORT")
    slow = QueryPolicy(records_per_second=10)
    assert made.query_settings(QUERY, slow) == slow.settings
    assert "does not fit QueryPolicy(records_per_second=10)" in caplog.text
    assert made.query_settings(QUERY).info1 & 0x04
