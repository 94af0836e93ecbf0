"""Lists of revoked certificates."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

if TYPE_CHECKING:
    import trustme

DAY = datetime.timedelta(days=1)


def revocations(ca: trustme.CA, *revoked: trustme.LeafCert) -> bytes:
    """The list of revoked certificates of an authority, as PEM."""
    key = serialization.load_pem_private_key(ca.private_key_pem.bytes(), None)
    issuer = x509.load_pem_x509_certificate(ca.cert_pem.bytes()).subject
    now = datetime.datetime.now(datetime.timezone.utc)
    listing = x509.CertificateRevocationListBuilder(issuer, now - DAY, now + DAY)
    for each in revoked:
        serial = x509.load_pem_x509_certificate(each.cert_chain_pems[0].bytes()).serial_number
        listing = listing.add_revoked_certificate(x509.RevokedCertificateBuilder(serial, now - DAY).build())
    return bytes(listing.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
