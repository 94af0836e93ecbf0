"""TLS between a socket and a `Connection`: what comes is opened before it, what goes is sealed behind it.

Owns: the handshake, and the transport that the connection is given. Not here: certificates, which are in the
context that the cluster is given. This is not asyncio's own TLS, so that faults, and the last bytes of
a connection, are as exact as without TLS.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from typing import Any, cast

__all__ = ["TlsProtocol", "TlsTransport", "context_of"]

_PIECE = 64 * 1024


def context_of(certificate: str, key: str, clients: str | None = None) -> ssl.SSLContext:
    """A context by the paths of PEM files.

    Args:
        certificate: the servers' certificate, and those that lead from it to its authority.
        key: its private key.
        clients: the authorities of clients, which then have to show a certificate; None: they need none.

    Raises:
        OSError: a file can't be used.

    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if clients is not None:
        context.load_verify_locations(clients)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class TlsProtocol(asyncio.Protocol):
    """The protocol of a socket that speaks TLS.

    Args:
        context: the certificate, and which clients are taken.
        make: makes the protocol that gets what was opened.

    """

    __slots__ = ("_inner", "_transport")

    def __init__(self, context: ssl.SSLContext, make: Callable[[], asyncio.Protocol]) -> None:
        self._inner = make()
        self._transport = TlsTransport(context)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport of a client that has connected; the handshake is still to come."""
        self._transport.begin(cast(asyncio.Transport, transport))
        self._inner.connection_made(self._transport)

    def data_received(self, data: bytes) -> None:
        """Take sealed bytes."""
        opened = self._transport.opened(data)
        if opened:
            self._inner.data_received(opened)

    def connection_lost(self, error: Exception | None) -> None:
        """Tell that the connection is closed."""
        self._inner.connection_lost(error)

    def pause_writing(self) -> None:
        """Tell that the client does not read."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Tell that the client reads again."""
        self._inner.resume_writing()


class TlsTransport(asyncio.Transport):
    """The transport of the inner protocol."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._shaken = False
        self._outer: asyncio.Transport = cast(asyncio.Transport, None)

    def begin(self, outer: asyncio.Transport) -> None:
        """Write to the socket of a transport from now on."""
        self._outer = outer

    def opened(self, data: bytes) -> bytes:
        """What can be opened now that these bytes have come; who breaks the rules is disconnected."""
        self._incoming.write(data)
        pieces = []
        try:
            if not self._shaken:
                self._tls.do_handshake()
                self._shaken = True
            while piece := self._tls.read(_PIECE):
                pieces.append(piece)
            self._outer.close()  # the client has ended the stream
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLError:
            self._flush()  # the alert that tells the client why
            self._outer.close()
        return b"".join(pieces)

    def _flush(self) -> None:
        if self._outgoing.pending and not self._outer.is_closing():
            self._outer.write(self._outgoing.read())

    # --- asyncio's transport ---

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Seal bytes and send them."""
        self._tls.write(data)
        self._flush()

    def close(self) -> None:
        """Send what is to be sent, tell the client that this was all, and close the socket."""
        if self._shaken and not self._outer.is_closing():
            with contextlib.suppress(ssl.SSLError):  # the client has not told the same yet
                self._tls.unwrap()
            self._flush()
        self._outer.close()

    def abort(self) -> None:
        """Close the socket at once."""
        self._outer.abort()

    def is_closing(self) -> bool:
        """Whether the socket is closed, or is about to be."""
        return self._outer.is_closing()

    def pause_reading(self) -> None:
        """Receive nothing until `resume_reading`."""
        self._outer.pause_reading()

    def resume_reading(self) -> None:
        """Receive again."""
        self._outer.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What is known of the socket; "peercert" is what the client's certificate says, if it gave one."""
        if name == "peercert":
            return self._tls.getpeercert() if self._shaken else default
        return self._outer.get_extra_info(name, default)
