"""TLS from the shell: whom to trust, who the client is, and logins over TLS."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyspike.cli import main
from pyspike.server import EmbeddedCluster, Security
from support.tls import wanted

trustme = pytest.importorskip("trustme")

pytestmark = pytest.mark.skipif(wanted(), reason="has a cluster and options of its own")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def cluster(folder: Path) -> Iterator[EmbeddedCluster]:
    """Two nodes that know "card" by its certificate, and "ann" by her password; they have clear ports too."""
    from cryptography.hazmat.primitives import serialization

    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    card = authority.issue_cert("card.example", common_name="card")
    card.cert_chain_pems[0].write_to_path(folder / "card.pem")
    key = serialization.load_pem_private_key(card.private_key_pem.bytes(), None)
    (folder / "card.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"of the key"),
        )
    )
    authority.issue_cert("db").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_OPTIONAL
    security = Security(users={"card": ("", ["read"]), "ann": ("secret word", ["read-write"])})
    with EmbeddedCluster(2, tls=context, tls_name="db", security=security, clear_ports=True) as running:
        yield running


def test_a_shell_speaks_tls(
    cluster: EmbeddedCluster,
    folder: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ca = ("--tls-ca", str(folder / "ca.pem"))
    patient = ("--timeout", "20000")
    monkeypatch.setenv("PYSPIKE_PASSWORD", "secret word")
    monkeypatch.setenv("PYSPIKE_USER", "ann")
    ports = [node.port for node in cluster.nodes]
    bare = ",".join(f"127.0.0.1:{port}" for port in ports)
    for hosts in (("--hosts", cluster.hosts), ("--hosts", bare, "--tls-name", "db")):
        assert main(["put", "test", "s", "k", '{"a": 1}', *hosts, *ca, *patient]) == 0
        assert main(["info", *hosts, *ca, *patient]) == 0
        told = capfd.readouterr().out
        assert f"127.0.0.1:db:{ports[0]}" in told
        assert f"127.0.0.1:db:{ports[1]}" in told
    assert main(["info", "--tls-login-only", "--hosts", cluster.hosts, *ca, *patient]) == 0
    told = capfd.readouterr().out
    assert all(f"127.0.0.1:{node.clear_port}" in told for node in cluster.nodes)
    demo = ["demo", "--records", "20", "--seconds", "1", "--threads", "2", *ca]
    assert main([*demo, "--hosts", cluster.hosts]) == 0
    assert "nothing acknowledged was lost" in capfd.readouterr().out
    assert main(demo) == 2
    assert "--tls-ca is of a cluster of yours" in capfd.readouterr().err
    assert main(["info", "--hosts", cluster.hosts]) == 3
    assert "authority that is not trusted" in capfd.readouterr().err
    assert main(["info", "--tls", "--hosts", bare]) == 2
    assert "has no TLS name" in capfd.readouterr().err
    assert main(["info", "--tls-ca", str(folder / "none.pem")]) == 2

    monkeypatch.delenv("PYSPIKE_USER")
    monkeypatch.setenv("PYSPIKE_TLS_KEY_PASSWORD", "of the key")
    card = ("--tls-certificate", str(folder / "card.pem"), "--tls-key", str(folder / "card.key"))
    told_by_card = ("--auth", "pki", "--hosts", cluster.hosts, *ca, *card, *patient)
    assert main(["get", "test", "s", "k", "--json", *told_by_card]) == 0
    assert '"a": 1' in capfd.readouterr().out
    assert main(["put", "test", "s", "k", '{"a": 1}', *told_by_card]) == 4
    monkeypatch.delenv("PYSPIKE_TLS_KEY_PASSWORD")
    assert main(["get", "test", "s", "k", *told_by_card]) == 2
    assert "has a password" in capfd.readouterr().err
