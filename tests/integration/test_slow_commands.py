"""The log of slow commands: `ClientPolicy.slow_command`, the logger `pyspike.slow`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pyspike import (
    AdminPolicy,
    AerospikeError,
    AsyncClient,
    BatchPolicy,
    BatchRead,
    Client,
    ClientPolicy,
    InfoPolicy,
    JobError,
    Key,
    QueryPolicy,
    ReadPolicy,
    RecordNotFound,
    ResultCode,
    Statement,
)
from pyspike import operations as op
from pyspike.server import EmbeddedCluster
from support.cluster_tools import pools, wait_until

pytestmark = pytest.mark.both_kinds

ALL = ClientPolicy(slow_command=0)


def lines(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name == "pyspike.slow"]


def fields(record: logging.LogRecord) -> dict[str, Any]:
    return vars(record)


def test_a_line_has_the_call_its_node_and_where_the_time_went(
    hosts: str, key: Key, caplog: pytest.LogCaptureFixture
) -> None:
    with Client(hosts, ALL) as client:
        client.put(key, {"secret": "word"})
        [line] = lines(caplog)
        found = fields(line)
        assert (found["method"], found["namespace"], found["set"]) == ("put", "test", key.set_name)
        assert found["node"] in client.node_names()
        assert (found["attempts"], found["failed_attempts"], found["error"]) == (1, 0, None)
        parts = [found[f"{part}_ms"] for part in ("queue", "connect", "network", "decode", "lag")]
        assert all(part >= 0 for part in parts)
        assert 0 < sum(parts) <= found["elapsed_ms"]
        assert found["connect_ms"] > 0  # the first command opens a connection
        assert found["sent_bytes"] > 40 < found["received_bytes"] + 40
        text = line.getMessage()
        assert text.startswith(f"slow put test/{key.set_name}: ")
        assert "word" not in text
        assert "secret" not in text
        assert str(key.user_key) not in text.replace(str(key.set_name), "")
        assert "digest" not in found


def test_a_call_below_the_threshold_has_no_line(
    hosts: str, key: Key, caplog: pytest.LogCaptureFixture
) -> None:
    with Client(hosts, ClientPolicy(slow_command=60_000)) as client:
        client.get(key, default=None)
    assert not lines(caplog)


def test_the_digest_is_there_if_the_policy_says_so(
    hosts: str, key: Key, caplog: pytest.LogCaptureFixture
) -> None:
    with Client(hosts, ALL.replace(slow_command_digests=True)) as client:
        client.exists(key)
    [line] = lines(caplog)
    assert fields(line)["digest"] == key.digest.hex()
    assert key.digest.hex() in line.getMessage()


def test_a_call_that_fails_says_with_what(hosts: str, key: Key, caplog: pytest.LogCaptureFixture) -> None:
    with Client(hosts, ALL) as client, pytest.raises(RecordNotFound):
        client.get(key)
    [line] = lines(caplog)
    assert fields(line)["error"] == "RecordNotFound"
    assert line.getMessage().endswith("raised RecordNotFound")


def test_a_batch_is_a_line_with_the_number_of_its_rows(
    hosts: str, set_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with Client(hosts, ALL) as client:
        client.batch_get([Key("test", set_name, number) for number in range(20)])
    [line] = lines(caplog)
    assert fields(line)["rows"] == 20
    assert fields(line)["attempts"] >= 1


@pytest.mark.embedded_only
def test_failed_attempts_and_a_slow_node_are_told(key: Key, caplog: pytest.LogCaptureFixture) -> None:
    policy = ALL.replace(timeout=10_000, tend_interval=60_000)
    with EmbeddedCluster(nodes=3) as cluster, Client(cluster.hosts, policy) as client:
        owner = cluster.owner(key)
        client.put(key, {"a": 1})
        caplog.clear()
        owner.answer_with(ResultCode.TIMEOUT)
        client.get(key, policy=ReadPolicy(total_timeout=20_000))
        [line] = lines(caplog)
        assert (fields(line)["attempts"], fields(line)["failed_attempts"]) == (2, 1)
        assert "attempt of " in line.getMessage()
        caplog.clear()
        owner.delay(0.05)
        client.get(key, policy=ReadPolicy(total_timeout=20_000))
        [line] = lines(caplog)
        assert fields(line)["network_ms"] >= 50
        assert fields(line)["node"] == owner.name


def only_failure(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    """The only failed attempt of the last call, whose parts are all of its time."""
    found: dict[str, Any]
    [found] = fields(lines(caplog)[-1])["failures"]
    parts = [found[f"{part}_ms"] for part in ("queue", "connect", "network", "decode")]
    assert all(part >= 0 for part in parts)
    assert sum(parts) == pytest.approx(found["elapsed_ms"], abs=0.001)
    return found


ONE_TRY = ReadPolicy(total_timeout=20_000, socket_timeout=100, max_retries=0)
CALLS: dict[str, Callable[[Any, Key], Any]] = {
    "get": lambda client, key: client.get(key, policy=ONE_TRY),
    "batch_get": lambda client, key: client.batch_get(
        [key], policy=BatchPolicy(total_timeout=20_000, socket_timeout=100, max_retries=0)
    ),
    "batch_stream": lambda client, key: list(
        client.batch_stream(
            [BatchRead(key)], policy=BatchPolicy(total_timeout=20_000, socket_timeout=100, max_retries=0)
        )
    ),
    "query": lambda client, key: list(
        client.query(
            Statement("test", key.set_name),
            policy=QueryPolicy(total_timeout=20_000, socket_timeout=100, max_retries=0),
        )
    ),
    "query_operate": lambda client, key: client.query_operate(
        Statement("test", key.set_name), [op.add("a", 1)], timeout=100
    ),
    "info": lambda client, key: client.info("build", policy=InfoPolicy(timeout=100)),
    "list_udfs": lambda client, key: client.list_udfs(policy=AdminPolicy(timeout=100)),
}


@pytest.mark.embedded_only
@pytest.mark.parametrize("method", CALLS)
def test_of_an_attempt_that_gets_no_answer_the_network_has_the_time(
    key: Key, caplog: pytest.LogCaptureFixture, method: str
) -> None:
    policy = ALL.replace(timeout=10_000, tend_interval=60_000)
    with EmbeddedCluster(nodes=1) as cluster, Client(cluster.hosts, policy) as client:
        client.put(key, {"a": 1})
        caplog.clear()
        cluster.nodes[0].mute()
        with contextlib.suppress(AerospikeError):
            CALLS[method](client, key)
        failed = only_failure(caplog)
        assert failed["network_ms"] >= 90
        assert failed["sent"]
        assert failed["node"] == cluster.nodes[0].name
        assert failed["error"].startswith("timed out")
        line = lines(caplog)[-1]
        assert fields(line)["network_ms"] == failed["network_ms"]  # as no request was answered
        text = f"attempt of {failed['elapsed_ms']:.1f} ms failed (queue {failed['queue_ms']:.1f}, connect "
        assert text in line.getMessage()


@pytest.mark.embedded_only
@pytest.mark.parametrize("method", ["get", "batch_get", "query_operate", "list_udfs"])
def test_of_an_attempt_that_gets_no_connection_connecting_has_the_time(
    key: Key, caplog: pytest.LogCaptureFixture, method: str
) -> None:
    policy = ALL.replace(timeout=10_000, tend_interval=60_000)
    with EmbeddedCluster(nodes=1) as cluster, Client(cluster.hosts, policy) as client:
        cluster.nodes[0].refuse()
        with contextlib.suppress(AerospikeError):
            CALLS[method](client, key)
        failed = only_failure(caplog)
        assert failed["connect_ms"] > 0
        assert (failed["network_ms"], failed["decode_ms"], failed["sent"]) == (0, 0, False)


@pytest.mark.embedded_only
def test_of_an_attempt_that_waits_in_line_the_queue_has_the_time(
    key: Key, caplog: pytest.LogCaptureFixture
) -> None:
    policy = ALL.replace(
        tend_interval=60_000, max_conns_per_node=1, pipelines_per_node=1, commands_per_pipeline=1
    )
    with (
        EmbeddedCluster(nodes=1) as cluster,
        Client(cluster.hosts, policy) as client,
        ThreadPoolExecutor(1) as threads,
    ):
        client.put(key, {"a": 1})
        client.get(key)  # so that there is a connection for reads
        cluster.nodes[0].mute()
        first = threads.submit(client.get, key, timeout=3000)
        wait_until(lambda: pools(client, "in_flight") == 1)
        caplog.clear()
        with pytest.raises(AerospikeError):
            client.get(key, policy=ReadPolicy(total_timeout=60, max_retries=0))
        failed = only_failure(caplog)
        assert failed["queue_ms"] >= 50
        assert (failed["network_ms"], failed["sent"]) == (0, False)
        cluster.nodes[0].unmute()
        first.result()


@pytest.mark.embedded_only
def test_an_answer_that_is_an_error_was_read(key: Key, caplog: pytest.LogCaptureFixture) -> None:
    with EmbeddedCluster(nodes=1) as cluster, Client(cluster.hosts, ALL) as client:
        client.put(key, {"a": 1})
        client.get(key)
        cluster.nodes[0].answer_with(ResultCode.TIMEOUT)
        client.get(key, policy=ReadPolicy(total_timeout=20_000))
        failed = only_failure(caplog)
        assert failed["decode_ms"] > 0 < failed["network_ms"]
        assert failed["connect_ms"] == 0


@pytest.mark.embedded_only
def test_a_job_has_a_line_with_its_nodes_and_attempts(
    set_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    policy = ALL.replace(tend_interval=60_000)
    with EmbeddedCluster(nodes=2) as cluster, Client(cluster.hosts, policy) as client:
        client.put(Key("test", set_name, 1), {"a": 1})
        statement = Statement("test", set_name)
        caplog.clear()
        client.query_operate(statement, [op.add("a", 1)]).wait(30_000)
        found = fields(lines(caplog)[0])
        assert found["method"] == "query_operate"
        assert found["node"] in client.node_names()
        assert (found["attempts"], found["failed_attempts"]) == (2, 0)
        assert found["network_ms"] > 0
        assert found["connect_ms"] > 0
        assert found["sent_bytes"] > 60 < found["received_bytes"] + 60
        caplog.clear()
        cluster.nodes[0].cut(5)
        with pytest.raises(JobError):
            client.query_operate(statement, [op.add("a", 1)])
        found = fields(lines(caplog)[0])
        assert (found["attempts"], found["failed_attempts"], found["error"]) == (2, 1, "JobError")
        assert only_failure(caplog)["connect_ms"] > 0


def test_a_call_about_the_cluster_has_a_line_too(hosts: str, caplog: pytest.LogCaptureFixture) -> None:
    with Client(hosts, ALL) as client:
        client.info("build", client.nodes()[0])
    [line] = lines(caplog)
    assert line.getMessage().startswith("slow info: ")
    found = fields(line)
    assert (found["method"], found["namespace"], found["attempts"]) == ("info", "", 1)
    assert found["connect_ms"] > 0 < found["network_ms"]
    assert found["sent_bytes"] > 8 < found["received_bytes"]


@pytest.mark.one_kind("it is about tasks")
def test_what_a_busy_loop_adds_is_told_as_its_lag(
    hosts: str, key: Key, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with AsyncClient(hosts, ALL) as client:
            await client.get(key, default=None)
            caplog.clear()
            loop = asyncio.get_running_loop()
            call = asyncio.ensure_future(client.get(key, default=None))
            done = asyncio.Event()

            def hold_up() -> None:
                if lines(caplog):
                    done.set()
                    return
                time.sleep(0.02)
                loop.call_soon(hold_up)

            loop.call_soon(hold_up)
            await call
            await done.wait()

    asyncio.run(main())
    found = fields(lines(caplog)[0])
    assert found["lag_ms"] >= 15
    assert found["elapsed_ms"] >= found["lag_ms"]
