"""TLS: which servers are refused and what is said of it, names, files that change, and faults of nodes."""

from __future__ import annotations

import copy
import datetime
import os
import pickle
import shutil
import signal
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pyspike import (
    BatchRead,
    Client,
    ClientPolicy,
    QueryPolicy,
    ReadPolicy,
    Statement,
    TLSPolicy,
    WritePolicy,
    operations,
)
from pyspike._wire import advance_clock
from pyspike.cluster.addresses import resolve
from pyspike.cluster.connect import Door
from pyspike.errors import (
    AerospikeError,
    ConnectFailed,
    ConnectionError,
    InvalidArgument,
    InvalidType,
    TimeoutError,
    TLSError,
)
from pyspike.hosts import Host
from pyspike.server import EmbeddedCluster
from support.all_of import all_of
from support.cluster_tools import closed, in_thread, pools, wait_until, within
from support.interrupts import press_when
from support.tls import wanted

trustme = pytest.importorskip("trustme")
pytest.importorskip("cryptography")
from support.revocations import revocations  # noqa: E402

pytestmark = pytest.mark.skipif(wanted(), reason="has clusters and policies of its own")

PATIENT = ClientPolicy(timeout=20_000)  # what is refused is refused at once, not when that is over
DAY = datetime.timedelta(days=1)


def server_context(certificate: trustme.LeafCert, authority: trustme.CA | None = None) -> ssl.SSLContext:
    """A server's context; with an authority it asks for certificates of clients."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    if authority is not None:
        authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class Names:
    """A server's context whose certificate depends on the name that the client asks for."""

    def __init__(self, **certificates: trustme.LeafCert) -> None:
        contexts = {name: server_context(each) for name, each in certificates.items()}
        self.context = next(iter(contexts.values()))

        def choose(sock: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
            sock.context = contexts.get(name or "", self.context)

        self.context.sni_callback = choose


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """An authority, files of it, and certificates that it has signed."""
    folder = tmp_path_factory.mktemp("pki")
    ca, other = trustme.CA(), trustme.CA()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    good, revoked, client = ca.issue_cert("good"), ca.issue_cert("revoked"), ca.issue_cert("client")
    client.private_key_and_cert_chain_pem.write_to_path(folder / "client.pem")
    stranger = other.issue_cert("client")
    stranger.private_key_and_cert_chain_pem.write_to_path(folder / "stranger.pem")
    (folder / "revoked.pem").write_bytes(revocations(ca, revoked))
    return SimpleNamespace(folder=folder, ca=ca, other=other, good=good, revoked=revoked, client=client)


@pytest.fixture(scope="module")
def cluster(pki: SimpleNamespace) -> Iterator[EmbeddedCluster]:
    """A cluster with many certificates: a client gets the one of the TLS name that it asks for."""
    now = datetime.datetime.now(datetime.timezone.utc)
    certificates = {
        "good": pki.good,
        "revoked": pki.revoked,
        "expired": pki.ca.issue_cert("expired", not_before=now - 3 * DAY, not_after=now - DAY),
        "stranger": pki.other.issue_cert("stranger"),
        "shop.wild.example": pki.ca.issue_cert("*.wild.example"),
        "deep.shop.wild.example": pki.ca.issue_cert("*.wild.example"),
        "only-common": pki.ca.issue_cert(common_name="only-common"),
    }
    context = Names(**certificates).context
    with EmbeddedCluster(nodes=2, tls=context, tls_name="good") as cluster:
        yield cluster


@pytest.fixture
def tls(pki: SimpleNamespace) -> TLSPolicy:
    return TLSPolicy(ca_file=pki.folder / "ca.pem")


def hosts_of(cluster: EmbeddedCluster, name: str) -> list[Host]:
    return [Host("127.0.0.1", node.port, name) for node in cluster.nodes[:1]]


def refused(hosts: object, tls: TLSPolicy | ssl.SSLContext) -> ConnectFailed:
    """The error with which a client is refused, or refuses, at the first try."""
    with pytest.raises(ConnectFailed) as caught:
        Client(hosts, PATIENT.replace(tls=tls))  # type: ignore[arg-type]
    assert len(caught.value.attempts) <= 1
    return caught.value


# Whom a client trusts ---------------------------------------------------------------------------------------

REFUSED = [
    ("expired", "its certificate has expired", "renew it"),
    ("stranger", "signed by an authority that is not trusted", "TLSPolicy.ca_file"),
    ("another", "not valid for 'another'", "write the TLS name as the certificate has it"),
    ("deep.shop.wild.example", "not valid for 'deep.shop.wild.example'", "write the TLS name"),
]


@pytest.mark.one_kind("clients connect in the same way, whatever kind they are")
@all_of("name, words, advice", REFUSED)
def test_a_server_that_can_not_be_trusted_is_refused_at_once(cluster, tls, name, words, advice):
    error = refused(hosts_of(cluster, name), tls)
    assert words in error.message
    assert advice in error.advice
    (endpoint,) = resolve(hosts_of(cluster, name)[0])
    with pytest.raises(TLSError, match=f"no connection to node A1 at .*{words}") as caught:
        Door(PATIENT.replace(tls=tls)).connect(endpoint, 5000, "A1")
    assert not caught.value.retryable


@pytest.mark.one_kind("clients connect in the same way, whatever kind they are")
@all_of("name", ["good", "GOOD", "shop.wild.example", "only-common"])
def test_a_certificate_has_the_name_by_the_usual_rules(cluster, tls, name):
    (endpoint,) = resolve(hosts_of(cluster, name)[0])
    Door(ClientPolicy(tls=tls)).connect(endpoint, 5000).close()


@pytest.mark.one_kind("clients connect in the same way, whatever kind they are")
def test_revoked_certificates_are_refused_where_a_list_is_given(cluster, tls, pki):
    strict = tls.replace(revocation_file=pki.folder / "revoked.pem")
    for policy, name, words in (
        (tls, "revoked", None),
        (strict, "good", None),
        (strict, "revoked", "its certificate was revoked"),
    ):
        (endpoint,) = resolve(hosts_of(cluster, name)[0])
        door = Door(ClientPolicy(tls=policy))
        if words is None:
            door.connect(endpoint, 5000).close()
        else:
            with pytest.raises(TLSError, match=words):
                door.connect(endpoint, 5000)


@pytest.mark.one_kind("clients connect in the same way, whatever kind they are")
def test_versions_of_tls_that_only_one_side_speaks(pki, tls):
    context = server_context(pki.good)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with EmbeddedCluster(tls=context, tls_name="good") as old:
        error = refused(old.hosts, tls.replace(protocols=["TLSv1.3"]))
        assert "no version of TLS that both sides speak" in error.message
        assert "TLSPolicy.protocols" in error.advice
        for policy in (tls, tls.replace(protocols=["TLSv1.2"], ciphers="ECDHE+AESGCM")):
            with Client(old.hosts, ClientPolicy(tls=policy)) as client:
                client.put(("test", "tls", 1), {"a": 1})
        error = refused(old.hosts, tls.replace(protocols=["TLSv1.2"], ciphers="ECDHE-RSA-AES128-SHA"))
        assert "no cipher in common" in error.message


@pytest.mark.one_kind("clients connect in the same way, whatever kind they are")
def test_a_port_with_tls_and_a_client_without_and_the_other_way_round(cluster, tls):
    with EmbeddedCluster() as plain:
        error = refused([Host("127.0.0.1", plain.nodes[0].port, "good")], tls)
        assert "the server closed the connection during the TLS handshake" in error.message
        assert "see whether the port speaks TLS" in error.advice
    with pytest.raises(ConnectFailed) as caught:
        Client([("127.0.0.1", cluster.nodes[0].port)], PATIENT)
    assert "ClientPolicy(tls=...)" in caught.value.advice
    with pytest.raises(InvalidArgument, match="has the TLS name 'good', but there is no TLS"):
        Client(cluster.hosts)
    with pytest.raises(InvalidArgument, match=r"127\.0\.0\.1:3000 has no TLS name"):
        Client("127.0.0.1:3000", ClientPolicy(tls=tls))


@pytest.mark.one_kind("clients connect in the same way, whatever kind they are")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_a_server_may_want_to_know_who_the_client_is(pki, tls, version):
    context = server_context(pki.good, pki.ca)
    context.maximum_version = version
    own = tls.replace(certificate_file=pki.folder / "client.pem")
    with EmbeddedCluster(tls=context, tls_name="good") as asking:
        with Client(asking.hosts, ClientPolicy(tls=own)) as client:
            client.put(("test", "tls", 1), {"a": 1})
        error = refused(asking.hosts, tls)
        assert "a certificate of the client" in error.message
        assert "certificate_file" in error.advice
        error = refused(asking.hosts, own.replace(certificate_file=pki.folder / "stranger.pem"))
        assert "does not trust who signed the client's certificate" in error.message


@pytest.mark.one_kind("the context is what matters")
def test_a_context_of_ones_own_is_used_as_it_is(cluster, pki):
    context = ssl.create_default_context(cafile=str(pki.folder / "ca.pem"))
    with Client(cluster.hosts, ClientPolicy(tls=context)) as client:
        assert len(client.nodes()) == 2
    context.check_hostname = False
    with Client([("127.0.0.1", node.port) for node in cluster.nodes], ClientPolicy(tls=context)) as client:
        assert len(client.nodes()) == 2


@pytest.mark.one_kind("the context is what matters")
def test_authorities_are_named_by_a_file_a_directory_or_as_text(cluster, pki, tmp_path):
    (endpoint,) = resolve(hosts_of(cluster, "good")[0])
    pem = pki.ca.cert_pem.bytes()
    policies = [TLSPolicy(ca_data=pem), TLSPolicy(ca_data=pem.decode())]
    if openssl := shutil.which("openssl"):  # which knows the name that a file of a directory has to have
        ask = [openssl, "x509", "-hash", "-noout", "-in", str(pki.folder / "ca.pem")]
        name = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
        (tmp_path / f"{name}.0").write_bytes(pem)
        policies.append(TLSPolicy(ca_path=tmp_path))
    for policy in policies:
        Door(ClientPolicy(tls=policy)).connect(endpoint, 5000).close()
    with pytest.raises(TLSError, match="not trusted"):
        Door(ClientPolicy(tls=TLSPolicy(ca_data=pki.other.cert_pem.bytes()))).connect(endpoint, 5000)


# Files ------------------------------------------------------------------------------------------------------


def test_files_that_change_are_used_for_new_connections(cluster, pki, tmp_path, caplog):
    ca = tmp_path / "ca.pem"
    ca.write_bytes(pki.ca.cert_pem.bytes())
    door = Door(ClientPolicy(tls=TLSPolicy(ca_file=ca)))
    (endpoint,) = resolve(hosts_of(cluster, "good")[0])
    door.connect(endpoint, 5000).close()
    ca.write_text("half of a fi")
    door.connect(endpoint, 5000).close()
    door.connect(endpoint, 5000).close()
    assert [record.message for record in caplog.records if "can't be used" in record.message] == [
        "changed TLS files can't be used, those read before still are: "
        "TLSPolicy: ca_file, ca_path and ca_data can't be used: no certificate or crl found"
    ]
    ca.write_bytes(pki.other.cert_pem.bytes())
    with pytest.raises(TLSError, match="not trusted"):
        door.connect(endpoint, 5000)
    ca.write_bytes(pki.ca.cert_pem.bytes())
    door.connect(endpoint, 5000).close()


@pytest.mark.one_kind("nothing is connected")
def test_files_that_can_not_be_used_are_told_when_a_client_is_made(tmp_path, pki):
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(pki.client.private_key_pem.bytes(), None)
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret word"),
        )
    )
    certificate = tmp_path / "certificate.pem"
    certificate.write_bytes(pki.client.cert_chain_pems[0].bytes())
    with_key = TLSPolicy(certificate_file=certificate, key_file=locked)
    for policy, words in (
        (
            TLSPolicy(ca_file=tmp_path / "none.pem"),
            "ca_file, ca_path and ca_data can't be used: no such",
        ),
        (with_key, "the key of TLSPolicy has a password"),
        (with_key.replace(key_password="wrong word"), "certificate_file, key_file and key_password can't"),
        (TLSPolicy(ciphers="no such cipher"), "ciphers can't be used"),
        (TLSPolicy(revocation_file=tmp_path / "none.pem"), "revocation_file can't be used"),
    ):
        with pytest.raises(InvalidArgument, match=words) as caught:
            Door(ClientPolicy(tls=policy))
        assert "word" not in str(caught.value).replace("password", "")
    Door(ClientPolicy(tls=with_key.replace(key_password="secret word")))


def test_a_policy_shows_no_password_and_refuses_what_means_nothing():
    policy = TLSPolicy(certificate_file="a.pem", key_password="secret word")
    assert repr(policy) == "TLSPolicy(certificate_file='a.pem', key_password='***')"
    assert "secret" not in repr(ClientPolicy(tls=policy))
    with pytest.raises(InvalidType, match="can't be pickled"):
        pickle.dumps(ClientPolicy(tls=policy))
    assert copy.deepcopy(ClientPolicy(tls=policy)) == ClientPolicy(tls=policy)
    assert pickle.loads(pickle.dumps(TLSPolicy(ca_file=Path("a")))) == TLSPolicy(ca_file="a")
    wrong: list[tuple[type[TLSPolicy] | type[ClientPolicy], dict[str, Any], type[Exception], str]] = [
        (TLSPolicy, {"key_file": "a"}, InvalidArgument, "of no use without certificate_file"),
        (TLSPolicy, {"protocols": ["TLSv1.1"]}, InvalidArgument, "no version of TLS that can be used"),
        (TLSPolicy, {"protocols": "TLSv1.2"}, InvalidType, "must be a list of"),
        (TLSPolicy, {"protocols": []}, InvalidArgument, "must not be empty"),
        (TLSPolicy, {"protocols": ["TLSv1.3"], "ciphers": "ALL"}, InvalidArgument, "those of TLS 1.2"),
        (TLSPolicy, {"ca_file": 1}, InvalidType, "ca_file must be a path"),
        (TLSPolicy, {"ca_data": 1}, InvalidType, "ca_data must be PEM text"),
        (TLSPolicy, {"key_password": 1, "certificate_file": "a"}, InvalidType, "key_password must be str"),
        (ClientPolicy, {"tls": True}, InvalidType, "must be a TLSPolicy, an ssl.SSLContext or None"),
        (ClientPolicy, {"tls": ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)}, InvalidArgument, "is for clients"),
        (
            ClientPolicy,
            {"tls": TLSPolicy(), "pipelines_per_node": 1},
            InvalidArgument,
            "can't be given with tls",
        ),
    ]
    for kind, fields, error, words in wrong:
        with pytest.raises(error, match=words):
            kind(**fields)
    with pytest.raises(ValueError, match="that SSLContext is for clients"):
        EmbeddedCluster(tls=ssl.create_default_context())


# Commands ---------------------------------------------------------------------------------------------------

SHORT = ReadPolicy(total_timeout=300, max_retries=0)


@pytest.fixture
def one(pki: SimpleNamespace) -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(tls=server_context(pki.good), tls_name="good") as cluster:
        yield cluster


@pytest.mark.both_kinds
def test_a_node_with_tls_may_fail_as_one_without(one, tls):
    """Cut, silent and slow in the middle of answers, of each kind of command."""
    node = one.nodes[0]
    keys = [("test", "tls", n) for n in range(300)]
    with Client(one.hosts, ClientPolicy(tls=tls)) as client:
        client.batch_put({key: {"n": n, "pad": "x" * 500} for n, key in enumerate(keys)})
        everything = Statement("test", "tls")

        node.cut(100)
        with pytest.raises(ConnectionError, match="in the middle of the answer"):
            client.get(keys[0], policy=ReadPolicy(max_retries=0))
        node.cut(40_000)
        assert [record["n"] for record in client.batch_get(keys)] == list(range(300))
        node.cut(40_000)
        assert len(list(client.query(everything))) == 300

        node.stall(100)
        with pytest.raises(TimeoutError, match=r"in the middle of the answer \(100 of \d+ bytes\)"):
            client.get(keys[0], policy=SHORT)
        node.stall(40_000, times=9)
        with pytest.raises(AerospikeError):
            client.batch_get(keys, timeout=300)
        node.stall(10, times=9)
        with pytest.raises(TimeoutError):
            list(client.query(everything, policy=QueryPolicy(total_timeout=300)))
        node.heal()

        node.drip(1000)
        node.frame_queries(2000)
        assert client.get(keys[3])["n"] == 3
        assert [record["n"] for record in client.batch_get(keys, timeout=20_000)] == list(range(300))
        assert len(list(client.query(everything))) == 300
        node.drip(0)

        client.put(keys[0], {"n": 0})
        node.freeze()
        with pytest.raises(TimeoutError, match="waiting for the answer") as caught:
            client.put(keys[0], {"n": 0}, policy=WritePolicy(total_timeout=300))
        assert caught.value.in_doubt
        with pytest.raises(TimeoutError):
            client.get(keys[0], policy=SHORT)
        node.thaw()
        node.garbage(b"\x00" * 30)
        with pytest.raises(AerospikeError, match="not an answer"):
            client.get(keys[0], policy=ReadPolicy(max_retries=0))
        node.restart()
        client.put(keys[0], {"n": 7}, policy=WritePolicy(total_timeout=20_000))
        assert client.get(keys[0], timeout=20_000)["n"] == 7


@pytest.mark.both_kinds
def test_large_requests_and_answers_go_over_tls(one, tls):
    text = "x" * 3_000_000
    with Client(one.hosts, ClientPolicy(tls=tls)) as client:
        for size in (16_000, 16_384, 65_536, 700_000):
            client.put(("test", "tls", size), {"text": text[:size]}, timeout=20_000)
            assert len(client.get(("test", "tls", size), timeout=20_000)["text"]) == size
        rows = [operations.put("text", text[:100_000])]
        outcome = client.batch_operate([("test", "many", n) for n in range(30)], rows, timeout=20_000)
        assert all(row.ok for row in outcome)
        found = client.batch([BatchRead(("test", "many", n)) for n in range(30)], timeout=20_000)
        assert sum(len(row.record["text"]) for row in found if row.record) == 3_000_000


class PressedError(Exception):
    """What a signal's handler raises."""


@pytest.mark.one_kind("threads wait in calls of the system")
def test_a_thread_that_waits_over_tls_holds_up_no_other_and_heeds_signals(one, tls):
    def press(number: int, frame: object) -> None:
        raise PressedError

    node, key = one.nodes[0], ("test", "tls", 1)
    with Client(one.hosts, ClientPolicy(tls=tls, min_conns_per_node=3)) as client:
        client.put(key, {"a": 1})
        wait_until(lambda: pools(client, "idle") >= 3)  # as a node that is frozen shakes no hands
        node.freeze()
        calls = [in_thread(lambda: client.get(key, timeout=60_000)) for _ in range(2)]
        wait_until(lambda: pools(client, "in_flight") == 2)  # this thread goes on meanwhile
        before = signal.signal(signal.SIGUSR1, press)
        pressing = press_when(
            lambda: pools(client, "in_flight") == 3, lambda: os.kill(os.getpid(), signal.SIGUSR1)
        )
        try:
            with within(2000), pytest.raises(PressedError):
                client.get(key, timeout=60_000)
        finally:
            pressing.join()
            signal.signal(signal.SIGUSR1, before)
        node.thaw()
        assert [call.result()["a"] for call in calls] == [1, 1]
        assert closed(client) == {"interrupted": 1}
        child = os.fork()
        if child == 0:  # which has connections of its own
            os._exit(client.get(key, timeout=20_000)["a"] - 1)
        assert os.waitpid(child, 0)[1] == 0
        assert client.get(key)["a"] == 1
        assert closed(client) == {"interrupted": 1}


@pytest.mark.one_kind("connections for threads are those that are kept in advance")
def test_tickets_for_later_sessions_do_not_make_an_idle_connection_unusable(one, tls):
    policy = ClientPolicy(tls=tls.replace(protocols=["TLSv1.3"]), min_conns_per_node=1)
    with Client(one.hosts, policy) as client:  # the server's tickets wait in the socket since the handshake
        advance_clock(100)
        client.put(("test", "tls", 1), {"a": 1})
        pool = client.stats().nodes["A1"].pool
        assert (pool.opened, pool.closed) == (1, {})
        one.nodes[0].restart()
        advance_clock(100)
        client.put(("test", "tls", 1), {"a": 2}, timeout=20_000)
        assert not client.stats().nodes["A1"].pool.failures


@pytest.mark.one_kind("asyncio does the handshakes of tasks")
def test_a_handshake_that_the_server_does_not_go_on_with_ends_in_time(tls):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        (endpoint,) = resolve(Host("127.0.0.1", deaf.getsockname()[1], "good"))
        with pytest.raises(TimeoutError, match=r"no connection to 127\.0\.0\.1:good:.* within 60 ms"):
            Door(ClientPolicy(tls=tls)).connect(endpoint, 60)
        accepted = deaf.accept()[0]
        threading.Thread(target=lambda: deaf.accept()[0].close(), daemon=True).start()
        with pytest.raises(ConnectionError, match="closed the connection during the TLS handshake"):
            Door(ClientPolicy(tls=tls)).connect(endpoint, 5000)
        accepted.close()


@pytest.mark.one_kind("the official client")
def test_the_official_client_speaks_tls_with_the_embedded_server(one, pki, tls):
    aerospike = pytest.importorskip("aerospike")
    config = {
        "hosts": [("127.0.0.1", one.nodes[0].port, "good")],
        "tls": {"enable": True, "cafile": str(pki.folder / "ca.pem")},
    }
    official = aerospike.client(config).connect()
    try:
        official.put(("test", "tls", "official"), {"a": 1})
        with Client(one.hosts, ClientPolicy(tls=tls)) as client:
            assert client.get(("test", "tls", "official")).bins == {"a": 1}
    finally:
        official.close()
