"""Which servers a client trusts over TLS, and how it shows them who it is."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspike._wire import plain_bytes, plain_text
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.plain_value import value_class
from pyspike.policy.base import Policy, policy_field
from pyspike.policy.checks import instance, text_or_none
from pyspike.showing import shown

if TYPE_CHECKING:
    import ssl  # not at run time: a program without TLS need not wait for it

__all__ = ["PROTOCOLS", "TLSPolicy", "tls_or_none"]

PROTOCOLS = ("TLSv1.2", "TLSv1.3")
PEM = b"-----BEGIN "  # before a certificate in text


def _path_or_none(value: object, name: str) -> str | None:
    """A path that is not empty, as text, or None."""
    if value is None:
        return None
    if not isinstance(value, (str, os.PathLike)):
        raise InvalidType(f"{name} must be a path or None, not {shown(value)}")
    path = os.fspath(value)
    if not isinstance(path, str):
        raise InvalidType(f"{name} must be a path of text, not {shown(path)}")
    return text_or_none(path, name)


def _certificates_or_none(value: object, name: str) -> str | bytes | None:
    """Certificates as PEM text or DER bytes, or None; PEM may be bytes too."""
    if value is None:
        return None
    given = plain_text(value) if isinstance(value, str) else plain_bytes(value)
    if given is None:
        raise InvalidType(f"{name} must be PEM text, DER bytes or None, not {type(value).__name__}")
    if not given:
        raise InvalidArgument(f"{name} must not be empty", advice="None leaves it out")
    if isinstance(given, bytes) and PEM in given:
        return given.decode("latin-1")
    return given


def _password_or_none(value: object, name: str) -> str | None:
    """A password, which no message shows."""
    if value is not None and not isinstance(value, str):
        raise InvalidType(f"{name} must be str or None, not {type(value).__name__}")
    return value if value is None else plain_text(value)


def _protocols(value: object, name: str) -> tuple[str, ...]:
    """Versions of TLS, each once, the oldest first."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) for each in value):
        raise InvalidType(
            f"{name} must be a list of {' and '.join(map(repr, PROTOCOLS))}, not {shown(value)}"
        )
    for each in value:
        if each not in PROTOCOLS:
            raise InvalidArgument(
                f"{shown(each)} in {name} is no version of TLS that can be used",
                advice=f"there are {' and '.join(PROTOCOLS)}; older ones are not safe",
            )
    if not value:
        raise InvalidArgument(f"{name} must not be empty", advice="leave it out for both versions")
    return tuple(each for each in PROTOCOLS if each in value)


@value_class(frozen=True, kw_only=True, slots=True, repr=False, eq=False)
class TLSPolicy(Policy):
    """Which servers a client trusts over TLS, and how it shows them who it is.

    Files are read when a connection is opened and one of them was changed since the last one: a certificate
    that is renewed on disk is used for new connections, without a call. While the files can't be used, as one
    of them is not written completely, the client goes on with what it read before, and says so in its log.
    Connections that are open stay as they are.

    A server's certificate has to be signed by an authority that is trusted, and to have the TLS name that its
    host was given (`"10.0.0.1:tls-name:4333"`) as one of its names. For anything else that `ssl` can do, give
    `ClientPolicy` an `ssl.SSLContext`.

    Args:
        ca_file: a PEM file with the certificates of the authorities that are trusted.
        ca_path: a directory of such certificates, hashed as OpenSSL has them.
        ca_data: such certificates themselves, as PEM, in text or bytes, or as DER. Without any of these
            three, the authorities are trusted that the system trusts.
        certificate_file: a PEM file with the client's own certificate, and those that lead from it to its
            authority; for servers that ask for one.
        key_file: a PEM file with its private key; None if it is in `certificate_file`.
        key_password: the password of the key. It is not shown, and a policy that has one can't be pickled.
        protocols: which versions of TLS may be used, of "TLSv1.2" and "TLSv1.3".
        ciphers: the ciphers for TLS 1.2, as OpenSSL writes such lists; None for OpenSSL's own choice.
        revocation_file: a PEM file with lists of revoked certificates (CRL), one of each authority that signs
            servers: then a server is refused whose certificate is on such a list, or whose authority has none
            in the file.
        for_login_only: whether logins are done over TLS and nothing else; the hosts have the TLS ports. The
            password stays secret, and is told to the right server only. All else goes in clear
            text, to the ports without TLS that the servers tell: every record, the hashes of new passwords
            where users are administered, and the token by which connections show that they are the user's;
            whoever reads along can use it until it expires. Needs a user, or a certificate as one.

    Raises:
        TypeError: there is no such field.
        InvalidType: a value is of the wrong type.
        InvalidArgument: a value is out of range, or means nothing without another one.
    """

    ca_file: str | os.PathLike[str] | None = policy_field(None, _path_or_none)
    ca_path: str | os.PathLike[str] | None = policy_field(None, _path_or_none)
    ca_data: str | bytes | None = policy_field(None, _certificates_or_none)
    certificate_file: str | os.PathLike[str] | None = policy_field(None, _path_or_none)
    key_file: str | os.PathLike[str] | None = policy_field(None, _path_or_none)
    key_password: str | None = policy_field(None, _password_or_none, secret=True)
    protocols: Sequence[str] = policy_field(PROTOCOLS, _protocols)
    ciphers: str | None = policy_field(None, text_or_none)
    revocation_file: str | os.PathLike[str] | None = policy_field(None, _path_or_none)
    for_login_only: bool = policy_field(False, instance(bool))

    def _complete(self) -> None:
        if self.certificate_file is None:
            for name in ("key_file", "key_password"):
                if getattr(self, name) is not None:
                    raise InvalidArgument(f"TLSPolicy.{name} is of no use without certificate_file")
        if self.ciphers is not None and self.protocols == ("TLSv1.3",):
            raise InvalidArgument(
                "TLSPolicy.ciphers are those of TLS 1.2, which protocols leaves out",
                advice="the ciphers of TLS 1.3 can't be chosen by Python; leave ciphers out",
            )


def tls_or_none(value: object, name: str) -> TLSPolicy | ssl.SSLContext | None:
    """What `ClientPolicy.tls` may be; who has an SSLContext has imported `ssl`."""
    module = sys.modules.get("ssl")
    kinds: tuple[type, ...] = (TLSPolicy, module.SSLContext) if module is not None else (TLSPolicy,)
    if value is not None and not isinstance(value, kinds):
        raise InvalidType(
            f"{name} must be a TLSPolicy, an ssl.SSLContext or None, not {shown(value)}",
            advice="TLSPolicy() trusts the authorities that the system trusts",
        )
    if module is not None and getattr(value, "protocol", None) == module.PROTOCOL_TLS_SERVER:
        raise InvalidArgument(
            f"{name} is an ssl.SSLContext for servers", advice="ssl.create_default_context() is for clients"
        )
    return value  # type: ignore[return-value]
