"""Users that log in by a certificate: the official client has the name that stands in its certificate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pyspike.server import EmbeddedCluster, Security

aerospike = pytest.importorskip("aerospike")
trustme = pytest.importorskip("trustme")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

KEY = ("test", "demo", 1)


def files(folder: Path, name: str, certificate: Any) -> tuple[str, str]:
    """The paths of a certificate and its key."""
    paths = folder / f"{name}.pem", folder / f"{name}-key.pem"
    certificate.private_key_pem.write_to_path(paths[1])
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(paths[0], append=True)
    return str(paths[0]), str(paths[1])


def test_a_user_with_a_certificate_needs_no_password(tmp_path: Path) -> None:
    authority = trustme.CA()
    trusted = str(tmp_path / "ca.pem")
    authority.cert_pem.write_to_path(trusted)
    served = files(tmp_path, "server", authority.issue_cert("localhost"))
    card = files(tmp_path, "card", authority.issue_cert("card.example", common_name="card"))
    stranger = files(tmp_path, "stranger", authority.issue_cert("x.example", common_name="stranger"))
    users = {"card": ("", ["read"])}
    with EmbeddedCluster(tls=(*served, trusted), security=Security(users=users)) as cluster:

        def connect(certificate: tuple[str, str], **more: Any) -> Any:
            tls = {
                "enable": True,
                "cafile": trusted,
                **dict(zip(("certfile", "keyfile"), certificate, strict=True)),
            }
            config = {"hosts": [("127.0.0.1", cluster.nodes[0].port, "localhost")], "tls": tls, **more}
            return aerospike.client(config).connect()

        pki = {"policies": {"auth_mode": aerospike.AUTH_PKI}}
        client = connect(card, **pki)
        with pytest.raises(aerospike.exception.RecordNotFound):
            client.get(KEY)
        with pytest.raises(aerospike.exception.RoleViolation):
            client.put(KEY, {"a": 1})
        admin = connect(stranger, user="admin", password="admin")
        assert admin.admin_query_user_info("card")["conns_in_use"] == 2
        with pytest.raises(aerospike.exception.InvalidUser):
            connect(stranger, **pki)
        with pytest.raises(aerospike.exception.InvalidCredential):
            connect(card, user="card", password="guess")
        admin.admin_create_pki_user("stranger", ["read-write"])
        other = connect(stranger, **pki)
        other.put(KEY, {"a": 1})
        assert client.get(KEY)[2] == {"a": 1}
        for each in (client, admin, other):
            each.close()
