"""Clients of the cluster that a URL or the environment tells."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from pyspike import Client, ClientPolicy, ConnectFailed, InvalidNamespace, Key, ReadPolicy, TLSError
from pyspike.server import EmbeddedCluster, Security

pytestmark = [pytest.mark.both_kinds, pytest.mark.embedded_only]

KEY = Key("test", "urls", "ann")


@pytest.fixture(scope="module")
def secured() -> Iterator[EmbeddedCluster]:
    """A node that lets only `ann` in."""
    with EmbeddedCluster(security=Security(users={"ann": ("p@ss/word", ["read-write"])})) as cluster:
        yield cluster


def test_a_url_says_where_who_and_how(secured: EmbeddedCluster) -> None:
    url = f"aerospike://ann:p%40ss%2Fword@{secured.hosts}/test?timeout=5000&read.total_timeout=4321"
    with Client.from_url(url) as client:
        client.put(KEY, {"a": 1})
        assert client.get(KEY)["a"] == 1
        view = client.with_policies(read=ReadPolicy(max_retries=1))
        assert client.namespace == view.namespace == "test"
        assert "p@ss" not in repr(client)
    with Client.from_url(f"aerospike://ann@{secured.hosts}", password="p@ss/word") as client:
        assert client.get(KEY)["a"] == 1
        assert client.namespace is None


def test_the_policy_counts_for_what_the_url_does_not_say(secured: EmbeddedCluster) -> None:
    policy = ClientPolicy(user="ann", password="p@ss/word", cluster_name="another", timeout=5000)
    with pytest.raises(ConnectFailed, match="another"):
        Client.from_url(f"aerospike://{secured.hosts}?read.max_retries=1", policy)
    name = Client.from_url(f"aerospike://{secured.hosts}", policy.replace(cluster_name=None))
    with name as client:
        mine = next(iter(client.info("cluster-name").values()))
    with Client.from_url(f"aerospike://{secured.hosts}?cluster_name={mine}", policy) as client:
        client.put(KEY, {"a": 1})


def test_the_environment_says_it_too(secured: EmbeddedCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSPIKE_USER", "ann")
    monkeypatch.setenv("PYSPIKE_PASSWORD", "p@ss/word")
    for name, other, text in [
        ("PYSPIKE_HOSTS", "PYSPIKE_URL", secured.hosts),
        ("PYSPIKE_URL", "PYSPIKE_HOSTS", f"aerospike://{secured.hosts}/test"),
    ]:
        monkeypatch.setenv(name, text)
        monkeypatch.delenv(other, raising=False)
        with Client.from_env(ClientPolicy(timeout=5000)) as client:
            client.put(KEY, {"a": 1})
            assert client.namespace == ("test" if name == "PYSPIKE_URL" else None)


def test_a_namespace_that_the_cluster_does_not_have_is_told_at_once(secured: EmbeddedCluster) -> None:
    with pytest.raises(InvalidNamespace, match=r"(?s)no namespace 'tset'.*it has test"):
        Client.from_url(f"aerospike://ann:p%40ss%2Fword@{secured.hosts}/tset")


def test_no_error_of_a_client_shows_the_password() -> None:
    with pytest.raises(ConnectFailed) as caught:
        Client.from_url("aerospike://ann:secret@127.0.0.1:1?timeout=5000")
    assert "127.0.0.1:1" in str(caught.value)
    assert "secret" not in str(caught.value) + repr(caught.value)


def test_over_tls_the_certificate_has_to_be_that_of_the_urls_host(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with authority.issue_cert("localhost").private_key_and_cert_chain_pem.tempfile() as pem:
        server.load_cert_chain(pem)
    with EmbeddedCluster(tls=server, tls_name="localhost") as cluster:
        port = cluster.nodes[0].port
        options = f"?tls.ca_file={tmp_path / 'ca.pem'}&timeout=5000"
        with Client.from_url(f"aerospikes://localhost:{port}{options}") as client:
            client.put(KEY, {"a": 1})
        with pytest.raises((TLSError, ConnectFailed), match=r"127\.0\.0\.1"):
            Client.from_url(f"aerospikes://127.0.0.1:{port}{options}")
