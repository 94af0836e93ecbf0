"""TLS for logins only: the password goes over TLS, and all else in clear, to each node of a cluster."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pyspike import AdminPolicy, Client, ClientPolicy, Statement, TLSPolicy, errors
from pyspike.cluster import login
from pyspike.cluster.addresses import Endpoint, resolve
from pyspike.cluster.connect import Door
from pyspike.hosts import Host
from pyspike.server import EmbeddedCluster, Security
from pyspike.server.control import backends
from pyspike.server.topology.tls import TlsTransport
from support.cluster_tools import wait_until
from support.tls import wanted

trustme = pytest.importorskip("trustme")

pytestmark = [
    pytest.mark.both_kinds,
    pytest.mark.embedded_only,
    pytest.mark.skipif(wanted(), reason="has clusters and policies of its own"),
]

KEYS = [("test", "s", number) for number in range(30)]
INFO, ADMIN, LOG_IN = 1, 2, 20
LOGIN = {"user": "ann", "password": "secret word"}


class Frame(NamedTuple):
    """A request, as a node got it."""

    node: str
    over_tls: bool
    kind: int
    body: bytes

    @property
    def is_login(self) -> bool:
        return self.kind == ADMIN and self.body[2] == LOG_IN


class Judge:
    """An embedded cluster that tells by which port each request came."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.frames: list[Frame] = []
        run = backends.answer

        def noted(cluster: Any, node: Any, session: Any, kind: int, body: bytes) -> Any:
            transport = session.caller.certificate.func.__self__
            self.frames.append(Frame(node.name, isinstance(transport, TlsTransport), kind, body))
            return run(cluster, node, session, kind, body)

        patch.setattr(backends, "answer", noted)
        self.ca = folder / "ca.pem"
        authority, self.context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.cert_pem.write_to_path(self.ca)
        authority.issue_cert("db").configure_cert(self.context)
        users = {"ann": ("secret word", ["read-write", "user-admin"])}
        self.cluster = EmbeddedCluster(
            3, tls=self.context, tls_name="db", security=Security(users=users), clear_ports=True
        )

    def taken(self) -> list[Frame]:
        """The requests since the last call."""
        taken, self.frames = self.frames, []
        return taken

    def policy(self, **more: Any) -> ClientPolicy:
        tls = TLSPolicy(ca_file=self.ca, for_login_only=True)
        options = {"timeout": 10_000, "tend_interval": 50, "tls": tls, **LOGIN, **more}
        return ClientPolicy(**options)

    def endpoint(self, node: int, *logins: int) -> Endpoint:
        """The clear address of a node, with the TLS addresses of others for its logins."""
        (found,) = resolve(Host("127.0.0.1", self.cluster.nodes[node].clear_port or 0))
        return replace(
            found, logins=tuple(Host("127.0.0.1", self.cluster.nodes[n].port, "db") for n in logins)
        )


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    with pytest.MonkeyPatch.context() as patch:
        judge = Judge(tmp_path_factory.mktemp("ca"), patch)
        with judge.cluster:
            yield judge


@pytest.fixture
def judge(running: Judge) -> Judge:
    running.cluster.reset()
    running.taken()
    return running


def test_nothing_but_logins_goes_over_tls(judge: Judge) -> None:
    cluster = judge.cluster
    with Client(cluster.hosts.split(",")[0], judge.policy()) as client:
        assert {node.host.port for node in client.nodes()} == {node.clear_port for node in cluster.nodes}
        client.batch_put({key: {"n": key[2]} for key in KEYS})
        assert [record and record["n"] for record in client.batch_get(KEYS)] == list(range(30))
        assert sum(record["n"] for record in client.query(Statement("test", "s"))) == sum(range(30))
        client.change_password("ann", "other word", policy=AdminPolicy(timeout=10_000))
        told = judge.taken()
        cluster.security.expire_sessions()
        cluster.nodes[1].restart()
        cluster.wait_until_seen(client)
        client.batch_put({key: {"n": 7} for key in KEYS})
        assert client.get(KEYS[5])["n"] == 7
        later = judge.taken()
    assert {frame.node for frame in told if frame.is_login} == {"A1", "A2", "A3"}
    assert "A2" in {frame.node for frame in later if frame.is_login}
    for frame in told + later:
        if frame.over_tls:
            assert frame.is_login or frame.body == b"node\nservice-clear-std\n"
        else:
            assert not frame.is_login
    logins = [frame for frame in told if frame.is_login]
    assert len(logins) == 3, "one at each node"


def test_sessions_are_renewed_over_tls(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "MARGIN", 60.9)
    judge.cluster.security.set_session_ttl(61)
    with Client(judge.cluster.hosts, judge.policy()) as client:
        judge.taken()
        wait_until(lambda: {each.node for each in judge.frames if each.is_login} == {"A1", "A2", "A3"})
        client.put(KEYS[0], {"n": 1})
        assert all(frame.over_tls for frame in judge.taken() if frame.is_login)


def test_who_is_not_let_in_is_told_so(judge: Judge) -> None:
    with pytest.raises(errors.InvalidCredential, match=r"login of user 'ann' at 127.0.0.1:db:\d+"):
        Client(judge.cluster.hosts, judge.policy(password="wrong"))


@pytest.mark.one_kind("makes no client")
def test_what_leads_nowhere_is_explained(judge: Judge) -> None:
    door = Door(judge.policy())
    for endpoint, why in (
        (judge.endpoint(0), "it has told no TLS address"),
        (judge.endpoint(0, 1), "does not know the session of the login over TLS"),
    ):
        with pytest.raises(errors.ConnectionError, match=why):
            door.connect_to_tend(endpoint, 10_000, "A1")
    door.connect_to_tend(judge.endpoint(0, 0), 10_000, "A1").close()


@pytest.mark.one_kind("is about the seed")
def test_a_server_without_a_clear_port_is_refused(judge: Judge) -> None:
    users = {"ann": ("secret word", ["read"])}
    with (
        EmbeddedCluster(tls=judge.context, tls_name="db", security=Security(users=users)) as cluster,
        pytest.raises(errors.ConnectFailed, match="it tells no address for that") as caught,
    ):
        Client(cluster.hosts, judge.policy())
    assert "for_login_only" in caught.value.advice


@pytest.mark.one_kind("is about addresses")
def test_addresses_of_both_ports_are_mapped(judge: Judge) -> None:
    security = Security(users={"ann": ("secret word", ["read-write"])})
    here, nowhere = "127.0.0.1", "192.0.2.1"
    with EmbeddedCluster(
        2, tls=judge.context, tls_name="db", security=security, clear_ports=True,
        advertise=nowhere, alternate_host=here,
    ) as cluster:  # fmt: skip
        for more in ({"use_services_alternate": True}, {"ip_map": {nowhere: here}}):
            with Client(cluster.hosts.split(",")[0], judge.policy(**more)) as client:
                client.batch_put({key: {"n": 1} for key in KEYS})
                assert {str(node.host) for node in client.nodes()} == {
                    f"{here}:{node.clear_port}" for node in cluster.nodes
                }


@pytest.mark.one_kind("makes no client")
def test_it_is_refused_where_it_means_nothing() -> None:
    tls = TLSPolicy(for_login_only=True)
    for options, why in (
        ({"tls": tls}, "there is no login"),
        ({"tls": tls, **LOGIN, "seed_only_cluster": True}, "these are used for logins only"),
    ):
        with pytest.raises(errors.InvalidArgument, match=why):
            ClientPolicy(**options)  # type: ignore[arg-type]
    policy = ClientPolicy(tls=tls, pipelines_per_node=3, **LOGIN)  # type: ignore[arg-type]
    assert policy.pipelines_per_node == 3
    with pytest.raises(ValueError, match="clear_ports are beside those with TLS"):
        EmbeddedCluster(clear_ports=True)


@pytest.mark.one_kind("is about the official client")
def test_the_official_client_does_so_too(judge: Judge) -> None:
    aerospike = pytest.importorskip("aerospike")
    config = {
        "hosts": [("127.0.0.1", judge.cluster.nodes[0].port, "db")],
        "tls": {"enable": True, "cafile": str(judge.ca), "for_login_only": True},
        **LOGIN,
    }
    client = aerospike.client(config).connect("ann", "secret word")
    try:
        client.put(KEYS[0], {"n": 1})
        assert client.get(KEYS[0])[2] == {"n": 1}
        assert len(client.get_node_names()) == 3
    finally:
        client.close()
    frames = judge.taken()
    assert {frame.node for frame in frames if frame.is_login} == {"A1", "A2", "A3"}
    assert all(frame.is_login or frame.body == b"service-clear-std\n" for frame in frames if frame.over_tls)
    assert not any(frame.is_login for frame in frames if not frame.over_tls)
