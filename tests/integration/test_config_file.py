"""A client follows a configuration file: when it is there, changed, broken, or gone.

What a file can say of policies is in `tests/unit/test_dynamic_config.py`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pyspike import (
    Client,
    ClientPolicy,
    ConfigProvider,
    InvalidArgument,
    InvalidType,
    Key,
    ReadPolicy,
    Replica,
    UnsupportedFeature,
    errors,
)
from pyspike._wire import ThreadExecutor, advance_clock
from pyspike.cluster import Cluster
from pyspike.cluster.config_file import ConfigFile
from pyspike.server import EmbeddedCluster
from pyspike.server.control import backends
from pyspike.telemetry import prometheus
from support.all_of import all_of
from support.cluster_tools import in_thread, wait_until
from support.messages import KEY as USER_KEY
from support.messages import Message, parse
from support.unsent import UNSENT

pytest.importorskip("yaml")
pytestmark = [pytest.mark.both_kinds, pytest.mark.embedded_only]

VARIABLE = "AEROSPIKE_CLIENT_CONFIG_URL"
OVERLOAD = 18
BROKEN = (
    *("", "dynamic: [", "dynamic: {read: {max_retries: -1}}", "\tx: y"),
    *("a: !!bool maybe", "a: !!timestamp soon", "a: !!int ''"),  # PyYAML fails with errors of its own making
    f"static: {{client: {{config_interval: 1{'0' * 400}}}}}",
)
IN_CODE = ReadPolicy(max_retries=1, total_timeout=60_000)


@pytest.fixture(scope="module")
def kept() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster() as cluster:
        yield cluster


@pytest.fixture
def failing(kept: EmbeddedCluster) -> Iterator[EmbeddedCluster]:
    """A cluster that answers commands with an error after which they are tried again."""
    kept.nodes[0].answer_with(OVERLOAD, times=1_000_000)
    yield kept
    kept.nodes[0].heal()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "client.yaml"


def retries(most: int) -> str:
    return f"version: 1.0.0\ndynamic: {{read: {{max_retries: {most}}}}}\n"


def following(path: Path | str | None, **fields: Any) -> ClientPolicy:
    provider = None if path is None else ConfigProvider(path, 50)
    return ClientPolicy(**{"tend_interval": 50, "config_provider": provider, "read": IN_CODE, **fields})


def tries(client: Client) -> int:
    """How often a read is tried."""
    with pytest.raises(errors.DeviceOverload) as caught:
        client.get(Key("test", "s", 1))
    return len(caught.value.attempts)


def levels(caplog: pytest.LogCaptureFixture) -> list[int]:
    return [record.levelno for record in caplog.records if record.name == "pyspike.config"]


def test_a_file_is_followed_and_what_is_wrong_with_it_changes_nothing_and_is_told_once(
    failing: EmbeddedCluster, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pyspike.config")
    with Client(failing.hosts, following(path)) as client:
        view = client.with_policies(read=ReadPolicy(max_retries=0))

        def waits(told: Callable[[], bool]) -> None:
            wait_until(told, "what the file says")

        assert (tries(client), tries(view)) == (2, 1)
        assert levels(caplog) == [logging.ERROR], "there is no file yet"
        path.write_text(retries(4))
        waits(lambda: tries(client) == 5)
        assert tries(view) == 5
        rounds = client.stats().tend.rounds
        path.write_text("dynamic: {read: {max_retries: 3, other: 1}}\n")
        waits(lambda: tries(client) == 4)
        for number, broken in enumerate(BROKEN):
            path.write_text(broken)
            waits(lambda: levels(caplog).count(logging.ERROR) == number + 2)  # noqa: B023
        path.unlink()
        waits(lambda: levels(caplog).count(logging.ERROR) == len(BROKEN) + 2)
        rounds = client.stats().tend.rounds
        waits(lambda: client.stats().tend.rounds > rounds + 4)
        assert levels(caplog).count(logging.ERROR) == len(BROKEN) + 2, "told once"
        assert levels(caplog).count(logging.INFO) == 1, "the key that is not known"
        assert (tries(client), tries(view)) == (4, 4)
        path.write_text("dynamic: {read: {}}\n")
        waits(lambda: tries(client) == 2)
        assert tries(view) == 1


def test_the_environment_names_a_file_that_wins(
    failing: EmbeddedCluster, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text(retries(4))
    other = path.with_name("other.yaml")
    other.write_text(retries(6))
    for url in (f"file://{other}", str(other)):
        monkeypatch.setenv(VARIABLE, url)
        for provider in (path, None):
            with Client(failing.hosts, following(provider)) as client:
                assert tries(client) == 7
    monkeypatch.setenv(VARIABLE, "http://elsewhere/client.yaml")
    with Client(failing.hosts, following(path)) as client:
        assert tries(client) == 2, "no such file"
    monkeypatch.setenv(VARIABLE, "")
    with Client(failing.hosts, following(f"file://{path}")) as client:
        assert tries(client) == 5


@pytest.mark.one_kind("makes no client")
def test_client_policy_takes_what_the_file_says_of_it(kept: EmbeddedCluster, path: Path) -> None:
    path.write_text(
        "static: {client: {max_connections_per_node: 3, config_interval: 50}}\n"
        "dynamic: {client: {app_id: shop, max_socket_idle: 9, tend_interval: 250, max_error_rate: 5,"
        " rack_ids: [1]}}\n"
    )
    with contextlib.closing(Cluster(kept.hosts, following(path, application_id="code"))) as cluster:
        cluster.start()
        (node,) = cluster.nodes
        assert node.limits.max_connections == 3
        assert (node.breaker.most, cluster.routing.prefers_racks) == (5, True)
        assert cluster.policy.application_id == "shop"
        assert cluster.policy.tend_interval == 250
        assert cluster.policy.idle_timeout == 9000
        path.write_text(
            "static: {client: {max_connections_per_node: 5}}\ndynamic: {client: {max_socket_idle: 8}}\n"
        )
        wait_until(lambda: cluster.policy.idle_timeout == 8000, "the new idle timeout")
        assert cluster.policy.application_id == "code"
        assert node.breaker.most == 100
        assert cluster.policy.tend_interval == 50
        assert cluster.policy.max_conns_per_node == 3, "it is static"
        ThreadExecutor(cluster).execute(UNSENT.get(Key("test", "s", 1), default=None))
        advance_clock(8500)
        wait_until(lambda: cluster.stats().nodes[node.name].pool.closed == {"idle": 1}, "the end of a pause")


def test_racks_that_a_file_takes_out_again_fail_no_command(path: Path) -> None:
    racks, near = {0: 1, 1: 2}, ReadPolicy(replica=Replica.PREFER_RACK)
    path.write_text("dynamic: {}\n")
    with (
        EmbeddedCluster(nodes=2, racks=racks, replication_factor=2) as cluster,
        Client(cluster.hosts, following(path)) as client,
    ):
        keys = [Key("test", "s", number) for number in range(20)]
        with pytest.raises(InvalidArgument, match="prefers no rack"):
            client.get(keys[0], default=None, policy=near)

        def asked_of(rack: int) -> bool:
            """Whether the node of a rack is asked for all of the keys; else that of the master is."""
            before = cluster.nodes[rack - 1].stats.data_requests
            for key in keys:
                client.get(key, default=None)
            return cluster.nodes[rack - 1].stats.data_requests - before == len(keys)

        for rack_ids in ([2], [1], [], [2]):
            wanted = f"{{client: {{rack_ids: {rack_ids}}}, read: {{replica: PREFER_RACK}}}}"
            path.write_text(f"dynamic: {wanted if rack_ids else '{}'}\n")
            if rack_ids:
                wait_until(lambda: asked_of(rack_ids[0]), "the rack")  # noqa: B023
            else:
                wait_until(lambda: not asked_of(1), "the end of the preference")
                shares = [asked_of(1), asked_of(2)]
                assert client.get(keys[0], default=None, policy=near) is None
                assert shares == [False, False]


def test_without_pyyaml_a_provider_is_refused_and_the_environment_is_logged(
    failing: EmbeddedCluster, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_text(retries(4))
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(UnsupportedFeature, match=r"pip install 'pyspike-aerospike\[config\]'"):
        Client(failing.hosts, following(path))
    monkeypatch.setenv(VARIABLE, str(path))
    with Client(failing.hosts, following(None)) as client:
        assert tries(client) == 2
    assert "needs PyYAML" in caplog.text


@pytest.mark.one_kind("makes no client")
def test_a_provider_is_checked_when_it_is_made(path: Path) -> None:
    assert ConfigProvider(path) == ConfigProvider(f"file://{path}", 60_000)
    assert ConfigProvider(path).path == str(path)

    @all_of(
        "arguments, kind",
        [
            ((1,), InvalidType),
            ((b"x",), InvalidType),
            (("",), InvalidArgument),
            (("file://",), InvalidArgument),
            ((path, "1"), InvalidType),
            ((path, 0), InvalidArgument),
        ],
    )
    def refused(arguments: tuple[Any, ...], kind: type[Exception]) -> None:
        with pytest.raises(kind, match=r"ConfigProvider\."):
            ConfigProvider(*arguments)

    refused()
    with pytest.raises(InvalidType, match="config_provider must be ConfigProvider or None"):
        ClientPolicy(config_provider=str(path))  # type: ignore[arg-type]


def test_a_file_can_t_be_looked_at_more_often_than_the_cluster(kept: EmbeddedCluster, path: Path) -> None:
    policy = ClientPolicy(config_provider=ConfigProvider(path, 500))
    with pytest.raises(InvalidArgument, match="interval is 500 ms, shorter than tend_interval"):
        Client(kept.hosts, policy)


@pytest.mark.one_kind("makes no client")
def test_a_file_is_read_again_when_its_time_or_size_has_changed(path: Path) -> None:
    def write(most: int, when: int) -> None:
        path.write_text(retries(most))
        os.utime(path, (when, when))

    write(4, 1000)
    file = ConfigFile(str(path), 1e-6, ClientPolicy())
    assert file.read_first() is not None
    write(5, 1000)
    assert file.changed() is None
    for most, when in ((5, 1001), (5, 999), (11, 999)):
        write(most, when)
        assert file.changed() is not None
        assert file.changed() is None


@pytest.mark.one_kind("makes no client")
def test_a_file_that_would_take_long_to_read_is_refused_at_once(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    laughs = ["a0: &a0 {x: 1, y: 2}"]
    laughs += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}], z{n}: 1}}" for n in range(1, 12)]
    for text, why in (
        ("[" * 30_000, "nested more than 32 deep"),
        ("{a: " * 10_000, "nested more than 32 deep"),
        ("- " * 30_000, "nested more than 32 deep"),
        (f"dynamic: {'[' * 40}{']' * 40}", "nested more than 32 deep"),
        ("\n".join(laughs), ""),  # which a newer PyYAML reads, without taking keys over again and again
        ("#" * 65_537, "it has 65537 bytes, more than 65536"),
    ):
        path.write_text(text)
        caplog.clear()
        began = time.process_time()
        config = ConfigFile(str(path), 1000, ClientPolicy()).read_first()
        assert config is None or not why
        assert time.process_time() - began < 1
        assert why in caplog.text
    path.write_text(f"{retries(4)}#{'x' * 65_000}")
    assert ConfigFile(str(path), 1000, ClientPolicy()).read_first() is not None


@pytest.mark.one_kind("makes no client")
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        file = ConfigFile(str(path), 1000, ClientPolicy())
        assert in_thread(file.read_first).result() is None
    assert levels(caplog) == [logging.ERROR] * 2


@pytest.mark.one_kind("it is the official client that is compared")
def test_the_ends_of_transactions_follow_a_file(path: Path) -> None:
    key = Key("test", "s", 1)
    with EmbeddedCluster(namespaces=("test",), strong_consistency=True) as cluster:
        for section, step in (("txn_verify", "verify"), ("txn_roll", "mark")):
            path.write_text(f"dynamic: {{{section}: {{max_retries: 0}}}}\n")
            for policy, retried in ((following(None), True), (following(path), False)):
                with Client(cluster.hosts, policy) as client:
                    client.put(key, {"a": 1})
                    cluster.fail_transactions(step, "lose_request")
                    with contextlib.ExitStack() as stack:
                        if not retried:
                            stack.enter_context(pytest.raises(errors.TransactionFailed))
                        with client.transaction() as txn:
                            client.get(key, txn=txn)
                            client.put(Key("test", "s", 2), {"a": 1}, txn=txn)
                    if txn.in_doubt:
                        client.commit(txn)


def test_the_official_client_sends_the_same_by_the_same_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aerospike = pytest.importorskip("aerospike")
    if not hasattr(aerospike, "ConfigProvider"):
        pytest.skip("this version of the official client follows no file")
    asked: list[Message] = []
    answer = backends.answer

    def noting(cluster: Any, node: Any, session: Any, kind: int, body: bytes) -> Any:
        if kind == 3:
            asked.append(parse((2 << 56 | 3 << 48 | len(body)).to_bytes(8, "big") + body))
        return answer(cluster, node, session, kind, body)

    monkeypatch.setattr(backends, "answer", noting)
    path.write_text(
        "dynamic:\n"
        "  read: {total_timeout: 7000, socket_timeout: 6000, read_mode_ap: ALL}\n"
        "  write: {total_timeout: 8000, socket_timeout: 0, send_key: true}\n"
        "  batch_write: {total_timeout: 9000, send_key: true, allow_inline: false}\n"
    )
    with EmbeddedCluster() as cluster:
        node = cluster.nodes[0]
        config = {
            "hosts": [(node.host, node.port)],
            "config_provider": aerospike.ConfigProvider(str(path)),
        }
        theirs = aerospike.client(config).connect()
        try:
            theirs.put(("test", "s", 1), {"a": 1})
            theirs.get(("test", "s", 1), policy={"total_timeout": 10_000})
            theirs.exists(("test", "s", 1))
        finally:
            theirs.close()
        official = asked.copy()
        asked.clear()
        with Client(cluster.hosts, ClientPolicy(config_provider=ConfigProvider(path))) as client:
            client.put(("test", "s", 1), {"a": 1})
            client.get(("test", "s", 1), policy=ReadPolicy(total_timeout=10_000))
            client.exists(("test", "s", 1))
    assert [(each.timeout, each.info1, each.info2, each.field(USER_KEY) is None) for each in official] == [
        (8000, 0, 1, False),
        (6000, 0x43, 0, True),
        (6000, 0x61, 0, True),
    ]
    assert asked == official


def labelled(region: str) -> str:
    return f"dynamic: {{metrics: {{enable: false, labels: {{region: {region}}}}}}}\n"


def test_labels_of_metrics_are_those_of_the_file_now_and_are_exported(
    kept: EmbeddedCluster, path: Path
) -> None:
    path.write_text(labelled("eu"))
    provider = ConfigProvider(path, interval=250)
    with Client(kept.hosts, ClientPolicy(config_provider=provider, tend_interval=50)) as client:
        assert client.metrics().labels == {"region": "eu"}
        path.write_text(labelled("us-1"))
        wait_until(lambda: client.metrics().labels == {"region": "us-1"})
        client.exists(("test", "labelled", 1))
        assert client.metrics().total.count == 1  # they are counted whatever the file says
        assert 'region="us-1"' in prometheus.text(client)
        path.write_text("dynamic: {}\n")
        wait_until(lambda: client.metrics().labels == {})
