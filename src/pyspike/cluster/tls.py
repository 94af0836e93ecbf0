"""TLS of new connections: the context that they are made with, the handshake, and why it failed.

Imported only by programs that use TLS. Not here: the sockets (`connect`), and how bytes are sealed and opened
after the handshake (`src/wire/threads/tls.pyx`, and `tls_in_loop` for tasks).
"""

from __future__ import annotations

import encodings.idna  # noqa: F401 - ssl wants it for names: here, as a child process might wait for its import for ever
import logging
import os
import socket
import ssl
from typing import NoReturn

from pyspike._wire import TlsStream
from pyspike.cluster.addresses import left_ms
from pyspike.errors import AerospikeError, ConnectionError, InvalidArgument, TLSError
from pyspike.hosts import Host
from pyspike.policy.tls import TLSPolicy

__all__ = ["Contexts", "ended", "explain"]


log = logging.getLogger("pyspike.cluster")

RECEIVE_SIZE = 16 * 1024
VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}
FILES = ("ca_file", "certificate_file", "key_file", "revocation_file")

# What a host's own certificate may be refused for, by OpenSSL's number (X509_V_ERR_...).
REFUSALS = {
    9: ("its certificate is not valid yet", "see whether the clocks of both sides are right"),
    10: (
        "its certificate has expired",
        "renew it; see whether the clock of this machine is right",
    ),
    12: ("the list of revoked certificates has expired", "renew TLSPolicy.revocation_file"),
    3: (
        "the revocation file has no list of the authority that signed its certificate",
        "add the authority's list to TLSPolicy.revocation_file",
    ),
    23: ("its certificate was revoked", "give the server a new certificate"),
    62: ("", "write the TLS name as the certificate has it, or give the server a certificate with this name"),
    64: ("", "write the TLS name as the certificate has it, or give the server a certificate with this name"),
}
UNKNOWN_AUTHORITY = (
    "its certificate was signed by an authority that is not trusted",
    "name the authority that signed it in TLSPolicy.ca_file",
)
AUTHORITY_CODES = (2, 18, 19, 20, 21)

# What both sides can fail with, by words in OpenSSL's reasons.
OWN_CERTIFICATE = "give TLSPolicy.certificate_file and key_file that the server accepts"
REASONS = (
    ("CERTIFICATE_REQUIRED", "the server asks for a certificate of the client", OWN_CERTIFICATE),
    ("ALERT_UNKNOWN_CA", "the server does not trust who signed the client's certificate", OWN_CERTIFICATE),
    ("ALERT_BAD_CERTIFICATE", "the server refused the client's certificate", OWN_CERTIFICATE),
    ("ALERT_CERTIFICATE_EXPIRED", "the client's certificate has expired", "renew TLSPolicy.certificate_file"),
    ("ALERT_CERTIFICATE_REVOKED", "the client's certificate was revoked", OWN_CERTIFICATE),
    ("ALERT_CERTIFICATE_UNKNOWN", "the server refused the client's certificate", OWN_CERTIFICATE),
    ("ALERT_ACCESS_DENIED", "the server refused the client's certificate", OWN_CERTIFICATE),
    ("ALERT_UNRECOGNIZED_NAME", "the server has no certificate for the TLS name", "check the TLS name"),
    ("ALERT_HANDSHAKE_FAILURE",
     "the server found no cipher in common, or asks for a certificate of the client",
     "see TLSPolicy.ciphers, and certificate_file"),
    ("ALERT_PROTOCOL_VERSION", "there is no version of TLS that both sides speak", "see TLSPolicy.protocols"),
    ("UNSUPPORTED_PROTOCOL", "there is no version of TLS that both sides speak", "see TLSPolicy.protocols"),
    ("WRONG_VERSION_NUMBER", "the port does not speak TLS", "name the server's TLS port, often 4333"),
)  # fmt: skip


class Contexts:
    """Gives the `ssl.SSLContext` for each new connection of a client.

    That of a `TLSPolicy` is made again when one of its files was changed, without a lock: threads that see
    the change at the same moment each make one.

    Args:
        tls: what the client's policy has.

    Raises:
        InvalidArgument: the policy's files can't be used.
    """

    __slots__ = ("_context", "_policy", "_seen")

    def __init__(self, tls: TLSPolicy | ssl.SSLContext) -> None:
        self._policy = tls if isinstance(tls, TLSPolicy) else None
        self._seen = self._look()
        self._context = tls if isinstance(tls, ssl.SSLContext) else _context(tls)

    def current(self) -> ssl.SSLContext:
        """The context by the files as they are now; if these can't be used, the last one."""
        seen = self._look()
        if seen != self._seen and self._policy is not None:
            self._seen = seen
            try:
                self._context = _context(self._policy)
            except InvalidArgument as error:
                log.warning("changed TLS files can't be used, those read before still are: %s", error.message)
            else:
                log.info("TLS files were changed; new connections use them")
        return self._context

    def check(self, host: Host) -> None:
        """Refuse a host whose certificate could not be checked.

        Raises:
            TLSError: it has no TLS name.
        """
        if host.tls_name is None and self._context.check_hostname:
            raise TLSError(
                f"{host} has no TLS name, which the server's certificate is checked against",
                advice=f"write '{host.name}:<tls-name>:{host.port}', or set tls-name on the server of a peer",
            )

    def shake_hands(self, sock: socket.socket, host: Host, deadline: float) -> TlsStream:
        """Do the handshake on a socket that was just connected, and give what seals and opens its bytes.

        Args:
            sock: the socket, whose timeout is changed.
            host: to which it is connected.
            deadline: in `time.monotonic()`'s time.

        Raises:
            TLSError: the server was refused, or refused the client.
            ConnectionError: the server closed the connection.
            builtins.TimeoutError: it took too long.
        """
        context = self.context_for(host)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_hostname=host.tls_name)
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                shaken = False
            except ssl.SSLError as error:
                _send(sock, outgoing, deadline)  # the alert that tells the server why
                raise explain(error) from error
            else:
                shaken = True
            _send(sock, outgoing, deadline)
            if shaken:
                return TlsStream(tls, incoming, outgoing, explain)
            incoming.write(_receive(sock, deadline))

    def context_for(self, host: Host) -> ssl.SSLContext:
        """The context of a new connection to a host.

        Raises:
            TLSError: the host has no TLS name.
        """
        context = self.current()
        self.check(host)
        return context

    def _look(self) -> tuple[object, ...]:
        """What shows that one of the files was changed."""
        found: list[object] = []
        for name in FILES if self._policy is not None else ():
            path = getattr(self._policy, name)
            if path is None:
                continue
            try:
                status = os.stat(path)
            except OSError as error:
                found.append(error.errno)
            else:
                found += (status.st_mtime_ns, status.st_size, status.st_ino)
        return tuple(found)


def _context(policy: TLSPolicy) -> ssl.SSLContext:
    """A context as the policy says, by its files as they are now."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.minimum_version = VERSIONS[policy.protocols[0]]
    context.maximum_version = VERSIONS[policy.protocols[-1]]
    what = ""
    try:
        what = "ca_file, ca_path and ca_data"
        if policy.ca_file is None and policy.ca_path is None and policy.ca_data is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(policy.ca_file, policy.ca_path, policy.ca_data)
        if policy.certificate_file is not None:
            what = "certificate_file, key_file and key_password"
            password = policy.key_password
            context.load_cert_chain(
                policy.certificate_file, policy.key_file, _no_password if password is None else password
            )
        what = "ciphers"
        if policy.ciphers is not None:
            context.set_ciphers(policy.ciphers)
        what = "revocation_file"
        if policy.revocation_file is not None:
            context.load_verify_locations(policy.revocation_file)
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    except (OSError, ValueError) as error:
        if isinstance(error, InvalidArgument):
            raise
        words = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
        words = words.lower().replace("_", " ")
        raise InvalidArgument(f"TLSPolicy: {what} can't be used: {words}") from error
    return context


def _no_password() -> NoReturn:
    """Is called for the password of a key if the policy has none; else OpenSSL would ask on the terminal."""
    raise InvalidArgument("the key of TLSPolicy has a password", advice="give it as key_password")


def _send(sock: socket.socket, outgoing: ssl.MemoryBIO, deadline: float) -> None:
    if outgoing.pending:
        sock.settimeout(_left(deadline))
        try:
            sock.sendall(outgoing.read())
        except TimeoutError:
            raise
        except OSError as error:
            raise ended() from error


def _receive(sock: socket.socket, deadline: float) -> bytes:
    sock.settimeout(_left(deadline))
    try:
        received = sock.recv(RECEIVE_SIZE)
    except TimeoutError:
        raise
    except OSError as error:
        raise ended() from error
    if not received:
        raise ended()
    return received


def ended() -> ConnectionError:
    """The error of a handshake that the server breaks off without a word."""
    return ConnectionError(
        "the server closed the connection during the TLS handshake",
        advice="see whether the port speaks TLS, and what the server's log says",
    )


def _left(deadline: float) -> float:
    return max(left_ms(deadline), 1.0) / 1000


def explain(error: Exception) -> AerospikeError:
    """The error to raise when `ssl` failed, in the handshake or later."""
    if isinstance(error, ssl.SSLCertVerificationError):
        code = error.verify_code
        words, advice = UNKNOWN_AUTHORITY if code in AUTHORITY_CODES else REFUSALS.get(code, ("", ""))
        return TLSError(words or f"its certificate was refused: {error.verify_message}", advice=advice)
    reason = getattr(error, "reason", None) or ""
    for part, words, advice in REASONS:
        if part in reason:
            return TLSError(words, advice=advice)
    return TLSError(f"TLS failed: {reason.lower().replace('_', ' ') or error}")
