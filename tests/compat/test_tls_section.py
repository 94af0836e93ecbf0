"""The section `tls` of a configuration: versions, lists of revoked certificates, serial numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pyspike import TLSPolicy
from pyspike.compat import aerospike
from pyspike.compat.aerospike import exception as ex
from pyspike.compat.translate.tls import tls_of
from pyspike.server import EmbeddedCluster
from support.all_of import all_of
from support.tls import wanted

trustme = pytest.importorskip("trustme")
x509 = pytest.importorskip("cryptography.x509")
from support.revocations import revocations  # noqa: E402

pytestmark = pytest.mark.skipif(wanted(), reason="has clusters and certificates of its own")


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """Two clusters, of which one has a certificate that is revoked."""
    folder: Path = tmp_path_factory.mktemp("pki")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    made: dict[str, Any] = {"folder": folder, "ca": x509.load_pem_x509_certificate(ca.cert_pem.bytes())}
    certificates = {name: ca.issue_cert(name) for name in ("good", "bad")}
    (folder / "lists.pem").write_bytes(ca.cert_pem.bytes() + revocations(ca, certificates["bad"]))
    clusters = []
    for name, certificate in certificates.items():
        files = str(folder / f"{name}.pem"), str(folder / f"{name}.key")
        certificate.cert_chain_pems[0].write_to_path(files[0])
        certificate.private_key_pem.write_to_path(files[1])
        clusters.append(EmbeddedCluster(tls=files, tls_name=name).start())
        serial = x509.load_pem_x509_certificate(certificate.cert_chain_pems[0].bytes()).serial_number
        made[name] = SimpleNamespace(name=name, port=clusters[-1].nodes[0].port, serial=serial)
    yield SimpleNamespace(**made)
    for cluster in clusters:
        cluster.stop()


def connect(node: SimpleNamespace, **section: Any) -> None:
    hosts = [("127.0.0.1", node.port, node.name)]
    aerospike.client({"hosts": hosts, "tls": {"enable": True, **section}}).close()


def refused(node: SimpleNamespace, **section: Any) -> str:
    with pytest.raises(ex.ClientError) as caught:
        connect(node, **section)
    return str(caught.value.msg)


@all_of("key", ["crl_check", "crl_check_all"])
def test_lists_among_the_authorities_files_are_heeded(pki: SimpleNamespace, key: str) -> None:
    authorities = str(pki.folder / "lists.pem")
    connect(pki.bad, cafile=authorities)
    connect(pki.good, cafile=authorities, **{key: True})
    assert "was revoked" in refused(pki.bad, cafile=authorities, **{key: True})
    assert "no list" in refused(pki.good, cafile=str(pki.folder / "ca.pem"), **{key: True})


def issuer(ca: Any) -> str:
    oid = x509.NameOID
    names = {oid.ORGANIZATION_NAME: "O", oid.ORGANIZATIONAL_UNIT_NAME: "OU", oid.COMMON_NAME: "CN"}
    return "".join(f"/{names[each.oid]}={each.value}" for each in ca.subject)


def test_serial_numbers_of_a_file_are_refused(pki: SimpleNamespace, tmp_path: Path) -> None:
    authorities, file = str(pki.folder / "ca.pem"), tmp_path / "refused"
    for text, refuses in (
        ("", False),
        (f"# comment\n\n{pki.bad.serial:x}\n", True),
        (f"0001\n  {pki.bad.serial:X}  {issuer(pki.ca)}\n", True),
        (f"{pki.bad.serial:x} /C=US/O=Another", False),
        (f"{pki.ca.serial_number:x}", True),  # of the authority
    ):
        file.write_text(text)
        if refuses:
            assert "was revoked" in refused(pki.bad, cafile=authorities, cert_blacklist=str(file))
        else:
            connect(pki.bad, cafile=authorities, cert_blacklist=str(file))
    file.write_text(f"{pki.bad.serial:x}")
    connect(pki.good, cafile=authorities, cert_blacklist=str(file))


def test_files_of_serial_numbers_that_can_not_be_used(pki: SimpleNamespace, tmp_path: Path) -> None:
    file = tmp_path / "refused"
    file.write_text("/C=US 0001")
    for given, words in (
        (str(file), "serial number"),
        (str(tmp_path / "gone"), "can't be read"),
        (5, "string"),
    ):
        with pytest.raises(ex.ParamError, match=words):
            connect(pki.good, cert_blacklist=given)
    file.write_text("01")
    with pytest.raises(ex.ParamError, match="for_login_only"):
        connect(pki.good, cert_blacklist=str(file), for_login_only=True)


@all_of(
    "text, versions",
    [
        ("-all +TLSv1.2", ["TLSv1.2"]),
        ("all", ["TLSv1.2", "TLSv1.3"]),
        ("all -TLSv1.2", ["TLSv1.3"]),
        ("TLSv1.2", ["TLSv1.2"]),
        ("TLSv1 TLSv1.3", ["TLSv1.3"]),
        ("+SSLv3 +tlsv1.2 +TLSv1.3", ["TLSv1.2", "TLSv1.3"]),
    ],
)
def test_versions_of_tls(text: str, versions: list[str]) -> None:
    assert tls_of({"enable": True, "protocols": text}) == TLSPolicy(protocols=versions)


@all_of("value", ["TLSv1.1", "-all", "all -all", "TLSv9", "+", 5])
def test_versions_that_there_are_not(value: object) -> None:
    with pytest.raises(ex.ParamError, match="protocols"):
        tls_of({"enable": True, "protocols": value})


def test_a_section_that_is_not_enabled_asks_for_nothing() -> None:
    assert tls_of({"protocols": "nonsense", "cafile": "gone"}) is None
