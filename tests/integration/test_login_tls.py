"""Logins that need TLS: by a certificate, and by a password that another system is asked for."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyspike import AuthMode, Client, ClientPolicy, TLSPolicy, errors
from pyspike.server import EmbeddedCluster, Security
from support.tls import wanted

trustme = pytest.importorskip("trustme")

pytestmark = [
    pytest.mark.both_kinds,
    pytest.mark.embedded_only,
    pytest.mark.skipif(wanted(), reason="has clusters and policies of its own"),
]

KEYS = [("test", "s", number) for number in range(20)]
PATIENT = {"timeout": 10_000, "tend_interval": 50}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def cluster(folder: Path) -> Iterator[EmbeddedCluster]:
    """A node that asks clients for certificates, and knows "card" by its certificate and "lena" by LDAP."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    for name in ("card", "nobody"):
        found = authority.issue_cert(f"{name}.example", common_name=name)
        found.private_key_and_cert_chain_pem.write_to_path(folder / f"{name}.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_OPTIONAL
    external = {"lena": ("clear", ["read-write"])}
    security = Security(users={"card": ("", ["read-write"])}, external=external)
    with EmbeddedCluster(tls=context, security=security) as running:
        yield running


def tls(folder: Path, certificate: str | None = None) -> TLSPolicy:
    if certificate is None:
        return TLSPolicy(ca_file=folder / "ca.pem")
    return TLSPolicy(ca_file=folder / "ca.pem", certificate_file=folder / f"{certificate}.pem")


def test_a_user_logs_in_by_a_certificate(cluster: EmbeddedCluster, folder: Path) -> None:
    policy = ClientPolicy(auth_mode=AuthMode.PKI, tls=tls(folder, "card"), **PATIENT)
    with Client(cluster.hosts, policy) as client:
        client.put(KEYS[0], {"a": 1})
        assert client.query_user("card").roles == ("read-write",)
        cluster.security.expire_sessions()
        assert len(client.batch_get(KEYS)) == len(KEYS)
        client.put(KEYS[1], {"a": 1})
    nobody = tls(folder, "nobody")
    own = ssl.create_default_context(cafile=str(folder / "ca.pem"))  # which may have a certificate, or none
    for context in (nobody, own):
        policy = ClientPolicy(auth_mode=AuthMode.PKI, tls=context, **PATIENT)
        with pytest.raises(errors.SecurityError, match="login of the client's certificate"):
            Client(cluster.hosts, policy)


def test_an_external_user_logs_in_over_tls(cluster: EmbeddedCluster, folder: Path) -> None:
    policy = ClientPolicy(
        user="lena", password="clear", auth_mode=AuthMode.EXTERNAL, tls=tls(folder), **PATIENT
    )
    with Client(cluster.hosts, policy) as client:
        client.put(KEYS[0], {"a": 1})
        cluster.security.expire_sessions()
        client.batch_put({key: {"a": 1} for key in KEYS})
        assert client.get(KEYS[3])["a"] == 1


@pytest.mark.one_kind("makes no client")
def test_a_certificate_comes_without_user_and_password(cluster: EmbeddedCluster, folder: Path) -> None:
    with pytest.raises(errors.InvalidArgument, match="the certificate tells the user"):
        ClientPolicy(auth_mode=AuthMode.PKI, user="card", password="x", tls=tls(folder, "card"))
    with pytest.raises(errors.InvalidArgument, match="tls has no certificate"):
        ClientPolicy(auth_mode=AuthMode.PKI, tls=tls(folder))
