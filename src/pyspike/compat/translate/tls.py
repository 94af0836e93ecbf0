"""The section `tls` of a configuration: which servers a client trusts, and how it shows them who it is.

Most of it is what pyspike's `TLSPolicy` has. Lists of revoked certificates among the authorities' files, and
a file of serial numbers that are refused, it has not: for these a context of `ssl` is made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pyspike import TLSPolicy, errors
from pyspike.compat.model.exceptions import param_error

if TYPE_CHECKING:
    import ssl  # not at run time: a program without TLS need not wait for it

__all__ = ["tls_of"]

# Keys of `tls` and the fields of `TLSPolicy`; `log_session_info` changes nothing here.
FIELDS = {
    "cafile": "ca_file",
    "capath": "ca_path",
    "cipher_suite": "ciphers",
    "keyfile": "key_file",
    "keyfile_pw": "key_password",
    "certfile": "certificate_file",
    "for_login_only": "for_login_only",
}
BY_CONTEXT = ("crl_check", "crl_check_all", "cert_blacklist")
# Versions by the names that Apache's SSLProtocol has for them; older ones than TLS 1.2 are not spoken.
OLD_VERSIONS = frozenset(("sslv2", "sslv3", "tlsv1", "tlsv1.1"))
VERSIONS = {"tlsv1.2": "TLSv1.2", "tlsv1.3": "TLSv1.3"}
REVOKED = 23  # OpenSSL's number of this reason
# Parts of names as OpenSSL writes them in a line.
SHORT_NAMES = {
    "countryName": "C",
    "stateOrProvinceName": "ST",
    "localityName": "L",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "commonName": "CN",
    "domainComponent": "DC",
    "surname": "SN",
    "givenName": "GN",
    "userId": "UID",
}


def tls_of(section: Mapping[str, Any]) -> TLSPolicy | ssl.SSLContext | None:
    """What the section asks for; None if TLS is not enabled.

    Raises:
        ParamError: a value can't be used.
    """
    if not section.get("enable"):
        return None
    fields = {ours: section[key] for key, ours in FIELDS.items() if section.get(key)}
    protocols = section.get("protocols")
    if protocols:
        fields["protocols"] = _versions(protocols)
    try:
        policy = TLSPolicy(**fields)
        if not any(section.get(key) for key in BY_CONTEXT):
            return policy
        if policy.for_login_only:
            raise param_error(f"for_login_only can't be used with {', '.join(BY_CONTEXT)}")
        return _context(policy, section)
    except errors.InvalidArgument as error:
        raise param_error(error.message) from error


def _versions(text: Any) -> tuple[str, ...]:
    """The versions of TLS that a text such as "-all +TLSv1.2" stands for."""
    if not isinstance(text, str):
        raise param_error("protocols must be a string")
    chosen: set[str] = set()
    for word in text.split():
        sign, name = (word[0], word[1:]) if word[0] in "+-" else ("", word)
        name = name.lower()
        if name != "all" and name not in VERSIONS and name not in OLD_VERSIONS:
            raise param_error(f"protocols has {word!r}, which is no version of TLS")
        named = set(VERSIONS) if name == "all" else {name}
        if sign == "-":
            chosen -= named
        else:
            chosen = chosen | named if sign else named
    found = tuple(version for name, version in VERSIONS.items() if name in chosen)
    if not found:
        raise param_error(f"protocols {text!r} has neither {' nor '.join(VERSIONS.values())}")
    return found


def _context(policy: TLSPolicy, section: Mapping[str, Any]) -> ssl.SSLContext:
    import ssl

    from pyspike.cluster.tls import Contexts

    context = Contexts(policy).current()
    if section.get("crl_check"):
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    if section.get("crl_check_all"):
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
    if section.get("cert_blacklist"):
        context.sslobject_class = _refusing(_blacklist(section["cert_blacklist"]))
    return context


# Serial numbers that are refused ----------------------------------------------------------------------------

Refused = set[tuple[int, "str | None"]]
ENTRY = re.compile(r"\s*([0-9A-Fa-f]+)(?:\s+(\S.*?))?\s*")


def _blacklist(path: Any) -> Refused:
    """The serial numbers of a file, each with the issuer, or None for any."""
    if not isinstance(path, str):
        raise param_error("cert_blacklist must be a string")
    try:
        with open(path, encoding="utf-8") as lines:
            found = [ENTRY.fullmatch(line) for line in lines if line.strip() and not line.startswith("#")]
    except (OSError, UnicodeDecodeError) as error:
        raise param_error(f"cert_blacklist {path!r} can't be read: {error}") from error
    refused: Refused = set()
    for entry in found:
        if entry is None:
            raise param_error(
                f"cert_blacklist {path!r} has a line that begins with no hexadecimal serial number"
            )
        refused.add((int(entry[1], 16), entry[2]))
    return refused


def _refusing(refused: Refused) -> type[ssl.SSLObject]:
    """The class of connections that fail where a certificate of the server's chain is among these."""
    import ssl

    class Checked(ssl.SSLObject):
        def do_handshake(self) -> None:
            """Do the handshake, and refuse the server if its certificates say so."""
            super().do_handshake()
            chain: Any = self._sslobj.get_verified_chain()  # type: ignore[attr-defined]
            for told in (certificate.get_info() for certificate in chain):
                serial = int(told["serialNumber"], 16)
                if (serial, None) in refused or (serial, _line(told["issuer"])) in refused:
                    error = ssl.SSLCertVerificationError(f"the certificate {serial:X} is refused")
                    error.verify_code, error.verify_message = REVOKED, "certificate revoked"
                    raise error

    return Checked


def _line(name: Any) -> str:
    """A name of a certificate as OpenSSL writes it in a line: "/C=US/O=Acme"."""
    parts = (pair for group in name for pair in group)
    return "".join(f"/{SHORT_NAMES.get(kind, kind)}={_escaped(text)}" for kind, text in parts)


def _escaped(text: str) -> str:
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02X}" for byte in text.encode())
