"""doctor: what it finds of clusters that are well, and of those that are not."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trustme

from pyspike.cli import main
from pyspike.cli.doctor_network import examine_hosts, speaks_tls, why_unreachable
from pyspike.cli.doctor_servers import (
    EPOCH,
    Server,
    examine_cluster,
    examine_namespace,
    examine_server,
    pairs,
    rows,
)
from pyspike.cli.findings import Level
from pyspike.hosts import Host, parse_hosts
from pyspike.server import EmbeddedCluster, Security
from support.all_of import all_of

NOW = 1_800_000_000.0
WELL = Server(
    "A1",
    "127.0.0.1:3000",
    "8.1.2.0",
    pairs("cluster_size=1;cluster_key=AB;cluster_integrity=true;client_connections=5;system_free_mem_pct=84"),
    pairs("proto-fd-max=15000"),
    {
        "test": pairs(
            f"objects=7;current_time={int(NOW) - EPOCH};stop_writes=false;hwm_breached=false;"
            "data_used_pct=10;data_avail_pct=88;storage-engine.stop-writes-used-pct=70;storage-engine.stop-writes-avail-pct=5;"
            "stop-writes-sys-memory-pct=90;effective_replication_factor=1;replication-factor=1;default-ttl=60;"
            "nsup-period=10;fail_key_busy=0;dead_partitions=0;unavailable_partitions=0"
        )
    },
    {"test": rows("ns=test:set=users:objects=7:stop-writes-count=0:data_used_bytes=9:stop-writes-size=0;")},
    NOW,
)


def changed(numbers: str = "", *, of_node: str = "", of_set: str = "", **others: Any) -> Server:
    """The same server, with other numbers of its namespace, of itself, and of its set."""
    return replace(
        WELL,
        statistics={**WELL.statistics, **pairs(of_node)},
        namespaces={"test": {**WELL.namespaces["test"], **pairs(numbers)}},
        sets={"test": [{**WELL.sets["test"][0], **pairs(of_set)}]},
        **others,
    )


def told(findings: Any) -> list[tuple[str, str]]:
    """Level and text of those that are not well."""
    found = list(findings)
    assert found
    assert all(each.advice for each in found if each.level is not Level.OK)
    return [(each.level.value, each.text) for each in found if each.level is not Level.OK]


def test_a_server_that_is_well_has_nothing_told() -> None:
    assert told(examine_cluster([WELL])) == told(examine_server(WELL)) == []
    assert told(examine_namespace(WELL, "test")) == []
    # An old one, or another edition, tells less.
    silent = Server("A1", "a:3000", "6.0.0.0", namespaces={"test": {}})
    assert told(examine_cluster([silent])) == told(examine_server(silent)) == []
    assert told(examine_namespace(silent, "test")) == []


NAMESPACE = [
    ({"numbers": "stop_writes=true"}, "problem", "takes no writes, as it is full"),
    ({"numbers": "clock_skew_stop_writes=true"}, "problem", "as clocks differ"),
    ({"numbers": "hwm_breached=true"}, "warning", "evicts records"),
    ({"numbers": "unavailable_partitions=3"}, "problem", "has 3 partitions unavailable"),
    ({"numbers": "dead_partitions=2"}, "problem", "has 2 partitions dead"),
    ({"numbers": "data_used_pct=60"}, "warning", "uses 60 % of storage, of 70 %"),
    ({"numbers": "memory_used_pct=75;stop-writes-pct=90"}, "warning", "uses 75 % of memory, of 90 %"),
    ({"numbers": "indexes_memory_used_pct=85"}, "warning", "of 100 % that it may"),
    ({"numbers": "data_avail_pct=9"}, "warning", "has 9 % of its storage left"),
    ({"numbers": "effective_replication_factor=1;replication-factor=2"}, "warning", "keeps 1 of 2 copies"),
    ({"numbers": "nsup-period=0"}, "warning", "nothing that removes them"),
    ({"numbers": "fail_key_busy=12"}, "warning", "has refused 12 commands"),
    ({"of_node": "system_free_mem_pct=12"}, "warning", "88 % are used, of 90 %"),
    ({"of_set": "stop-writes-count=8"}, "warning", "has 7 records, of 8 that it may"),
    ({"of_set": "stop-writes-count=7"}, "problem", "has 7 records, of 7 that it may"),
    ({"of_set": "stop-writes-size=10"}, "warning", "has 9 bytes, of 10"),
]


@all_of("case", NAMESPACE)
def test_what_is_wrong_with_a_namespace_is_told(case: tuple[dict[str, str], str, str]) -> None:
    changes, level, words = case
    ((found, text),) = told(examine_namespace(changed(**changes), "test"))
    assert found == level
    assert words in text


@all_of(
    "numbers", ["data_used_pct=55", "data_avail_pct=11", "nsup-period=0;default-ttl=0", "data_used_pct=x"]
)
def test_what_is_not_near_a_limit_is_not_told(numbers: str) -> None:
    assert told(examine_namespace(changed(numbers), "test")) == []


@all_of(
    "case",
    [
        ({"of_node": "cluster_integrity=false"}, "problem", "no whole cluster"),
        ({"of_node": "migrate_partitions_remaining=9"}, "warning", "9 partitions still on the way"),
        ({"of_node": "client_connections=12000"}, "warning", "12000 connections of clients, of 15000"),
        ({"of_node": "failed_best_practices=true"}, "warning", "best practices"),
    ],
)
def test_what_is_wrong_with_a_node_is_told(case: tuple[dict[str, str], str, str]) -> None:
    changes, level, words = case
    ((found, text),) = told(examine_server(changed(**changes)))
    assert found == level
    assert words in text


TWO = "cluster_size=2"
CLUSTERS = [
    ([changed(of_node=TWO)], "problem", "count 2 nodes, 1 can be reached"),
    (
        [changed(of_node=TWO), changed(of_node=f"{TWO};cluster_key=C", name="B1")],
        "problem",
        "are not one cluster",
    ),
    (
        [changed(of_node=TWO), changed(of_node=TWO, name="B1", build="7.0")],
        "warning",
        "versions differ: A1 has 8",
    ),
    ([changed(asked=NOW + 60)], "warning", "A1 is 60 s behind this machine's"),
    ([changed(asked=NOW - 60)], "warning", "A1 is 60 s ahead of this machine's"),
    (
        [changed(of_node=TWO), changed(of_node=TWO, name="B1", asked=NOW - 30)],
        "problem",
        "those of the nodes differ by 30 s",
    ),
    ([changed(of_node="cluster_clock_skew_ms=9000")], "problem", "differ by 9 s"),
]


@all_of("case", CLUSTERS, ids=lambda case: str(case[2]))
def test_what_is_wrong_with_a_cluster_is_told(case: tuple[list[Server], str, str]) -> None:
    servers, level, words = case
    ((found, text),) = told(examine_cluster(servers))
    assert found == level
    assert words in text


# --- the way there ---


@pytest.fixture(scope="module")
def listening() -> Iterator[Host]:
    """A port that takes connections, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield Host("127.0.0.1", server.getsockname()[1])


def test_the_way_to_each_host_is_told(listening: Host) -> None:
    hosts = [listening, *parse_hosts("127.0.0.1:1,nosuch.invalid")]
    well, refused, unknown = examine_hosts(hosts, 5000)
    assert well.level is Level.OK
    assert (refused.level, refused.text) == (Level.PROBLEM, "nothing listens there")
    assert unknown.text.startswith("the name can't be resolved")
    assert why_unreachable(hosts, 5000) == ""
    assert why_unreachable(hosts[1:], 5000).startswith(
        "127.0.0.1:1: nothing listens there; nosuch.invalid:3000"
    )
    assert not speaks_tls(hosts[1], 5000)


# --- the command ---


def ask(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[dict[str, str]]]:
    code = main(["doctor", *words, "--json", "--timeout", "5000"])
    found: list[dict[str, str]] = json.loads(capsys.readouterr().out)
    return code, found


@pytest.mark.embedded_only
def test_a_cluster_that_is_well(capsys: pytest.CaptureFixture[str], hosts: str) -> None:
    code, found = ask(capsys, hosts)
    assert (code, {each["level"] for each in found}) == (0, {"ok"}), found
    kinds = {"host", "connections", "cluster", "clocks", "node", "namespace"}
    assert {each["subject"].split()[0] for each in found} == kinds
    assert "in clear text, without a login" in [each["text"] for each in found]
    assert main(["doctor", "--hosts", hosts, "--timeout", "5000"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "0 problems, 0 warnings"


def test_a_real_cluster_is_looked_at_too(capsys: pytest.CaptureFixture[str], hosts: str) -> None:
    code, found = ask(capsys, "--hosts", hosts)
    assert code in (0, 1)
    assert {"cluster", "clocks"} <= {each["subject"] for each in found}


@pytest.mark.embedded_only
def test_nodes_that_can_not_be_reached_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    with EmbeddedCluster(2, process=True) as cluster:
        cluster.nodes[1].kill()
        code, found = ask(capsys, f"127.0.0.1:{cluster.nodes[0].port}")
        wrong = [each for each in found if each["level"] == "problem"]
        assert code == 1
        assert any("count 2 nodes" in each["text"] for each in wrong)
        assert any("node A2 advertises the address" in each["text"] for each in wrong), wrong
        assert any("ip_map" in each["advice"] for each in wrong)


@pytest.mark.embedded_only
def test_an_address_that_a_node_advertises_and_nobody_reaches_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with EmbeddedCluster(advertise="nosuch.invalid", process=True) as cluster:
        code, found = ask(capsys, f"127.0.0.1:{cluster.nodes[0].port}")
        assert code == 1
        (wrong,) = (each for each in found if each["level"] == "problem")
        assert "advertises the address nosuch.invalid" in wrong["text"]
        assert wrong["subject"] == "node A1"


@pytest.mark.embedded_only
def test_clocks_that_differ_are_told(
    hosts: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = SimpleNamespace(time=lambda: time.time() - 100)
    monkeypatch.setattr("pyspike.cli.doctor.time", here)
    code, found = ask(capsys, hosts)
    (wrong,) = (each for each in found if each["level"] != "ok")
    assert (code, wrong["level"], wrong["subject"]) == (0, "warning", "clocks")
    assert "s ahead of this machine's" in wrong["text"]


def test_a_cluster_that_can_not_be_reached_has_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = ask(capsys, "127.0.0.1:1")
    assert code == 3
    assert [each["level"] for each in found] == ["problem", "problem"]
    assert main(["doctor", "http://x", "--json"]) == 2


@pytest.mark.embedded_only
def test_tls_and_logins_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with authority.issue_cert("localhost").private_key_and_cert_chain_pem.tempfile() as pem:
        server.load_cert_chain(pem)
    monkeypatch.setenv("PYSPIKE_PASSWORD", "x")
    security = Security(users={"eve": ("x", ["read"])})
    with EmbeddedCluster(tls=server, tls_name="localhost", security=security) as cluster:
        code, found = ask(capsys, f"127.0.0.1:{cluster.nodes[0].port}")
        assert code == 3
        assert found[-1]["advice"].startswith("the port speaks TLS: give --tls")
        trusting = ("--tls-ca", str(tmp_path / "ca.pem"))
        code, found = ask(capsys, cluster.hosts, *trusting, "--user", "eve")
        assert code == 0
        assert "over TLS, logged in as eve" in [each["text"] for each in found]
        code, found = ask(capsys, cluster.hosts, *trusting)
        assert code == 4
        assert "log in with --user" in found[-1]["advice"]
