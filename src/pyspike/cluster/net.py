"""Addresses and sockets: names become addresses, an address becomes a connection.

`connect` is the one place where a socket to a server is opened, for tending and for the pools alike; TLS and
login belong there once they exist. What is said on a connection is none of its business.
"""

from __future__ import annotations

import builtins
import errno
import ipaddress
import os
import re
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspike._wire import Connection, disown_socket, own_socket
from pyspike.errors import ConnectionError, InvalidArgument, TimeoutError
from pyspike.hosts import DEFAULT_PORT, Host
from pyspike.showing import shown

__all__ = ["Endpoint", "check_map", "connect", "left_ms", "mapped", "prepare", "resolve"]

_ADDRESS = re.compile(r"(?:\[(?P<ipv6>[^\]]+)\]|(?P<name>[^:\[\]]+))(?::(?P<port>[1-9][0-9]{0,4}))?")
_NO_SIGPIPE = getattr(socket, "SO_NOSIGPIPE", None)  # macOS, which has no MSG_NOSIGNAL


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One resolved address: its host has the numbers as its name."""

    host: Host
    family: int
    sockaddr: tuple[Any, ...]

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine, by an address that means another one elsewhere."""
        return ipaddress.ip_address(self.host.name.partition("%")[0]).is_loopback

    def __str__(self) -> str:
        return str(self.host)


def left_ms(deadline: float) -> float:
    """The milliseconds until a point in `time.monotonic()`'s time; never less than 0."""
    return max(0.0, (deadline - time.monotonic()) * 1000)


def resolve(host: Host) -> tuple[Endpoint, ...]:
    """All addresses of a host; may take as long as the system's resolver likes.

    Raises:
        ConnectionError: the name has none.
    """
    numeric = _numeric(host)
    if numeric is not None:
        return (numeric,)
    # As bytes where possible: a str goes through a codec that is imported at its first use, and a child
    # process that was forked meanwhile would wait for the import's lock for ever.
    name = host.name.encode() if host.name.isascii() else host.name
    try:
        found = socket.getaddrinfo(name, host.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # UnicodeError: a label that is too long or empty
        words = getattr(error, "strerror", None) or str(error)
        raise ConnectionError(f"the name can't be resolved: {words}") from error
    endpoints = dict.fromkeys(
        Endpoint(Host(str(sockaddr[0]), host.port, host.tls_name), family, sockaddr)
        for family, _, _, _, sockaddr in found
        if family in (socket.AF_INET, socket.AF_INET6)
    )
    if not endpoints:
        raise ConnectionError("the name has no IP address")
    return tuple(endpoints)


def _numeric(host: Host) -> Endpoint | None:
    """The endpoint of a host whose name is an address already: no resolver, none of its locks, no waiting."""
    try:
        address = ipaddress.ip_address(host.name)
    except ValueError:
        return None
    if address.version == 4:
        return Endpoint(host, socket.AF_INET, (str(address), host.port))
    if address.scope_id is not None:
        return None  # the interface's number is the resolver's to know
    return Endpoint(
        Host(str(address), host.port, host.tls_name), socket.AF_INET6, (str(address), host.port, 0, 0)
    )


def mapped(host: Host, ip_map: Mapping[str, str] | None) -> Host:
    """Where to reach what is advertised as `host`.

    The map's keys are advertised addresses, with a port or without; its values are the reachable ones, and
    may have another port.
    """
    if not ip_map:
        return host
    name = f"[{host.name}]" if ":" in host.name else host.name
    target = ip_map.get(f"{name}:{host.port}") or ip_map.get(host.name) or ip_map.get(name)
    if not target:
        return host
    target, port = _split(target)
    return Host(target, port or host.port, host.tls_name)


def check_map(ip_map: Mapping[str, str] | None) -> None:
    """Refuse a map that `mapped` could not use.

    Raises:
        InvalidArgument: a key or a target is no address.
    """
    for advertised, target in (ip_map or {}).items():
        _split(advertised)
        _split(target)


def _split(text: str) -> tuple[str, int | None]:
    """A name and, if there is one, a port: `a`, `a:3000`, `::1`, `[::1]:3000`."""
    match = _ADDRESS.fullmatch(text)
    name, port = (match["ipv6"] or match["name"], match["port"]) if match else (text, None)
    try:
        if match is None or match["ipv6"]:
            ipaddress.IPv6Address(name)
        host = Host(name, int(port or DEFAULT_PORT))
    except ValueError:  # InvalidArgument is one too
        raise InvalidArgument(
            f"{shown(text)} in ip_map is no address", advice="write 'address' or 'address:port'"
        ) from None
    return host.name, host.port if port else None


def connect(endpoint: Endpoint, timeout: float, node: str | None = None) -> Connection:
    """A connection that is ready for commands.

    Args:
        endpoint: where to.
        timeout: in milliseconds, for all that it takes.
        node: the name of the node that is expected there, for the errors.

    Raises:
        TimeoutError: nobody answered in time.
        ConnectionError: the connection was refused or could not be made.
    """
    with NewSocket(endpoint, timeout, node) as sock:
        sock.settimeout(max(timeout, 1) / 1000)
        sock.connect(endpoint.sockaddr)
        prepare(sock)
        sock.setblocking(True)
    return Connection(sock.detach())


class NewSocket:
    """A socket to be connected by whoever enters this; what goes wrong closes it, with an error of `connect`.

    It is this process's alone: a child that is forked meanwhile lets go of it.

    No `contextmanager`: an error that passes through its generator may be left to the garbage collector.
    """

    __slots__ = ("_node", "_socket", "_ticket", "_timeout", "_whom")

    def __init__(self, endpoint: Endpoint, timeout: float, node: str | None = None) -> None:
        self._node = node
        self._whom = f"node {node} at {endpoint}" if node else str(endpoint)
        self._timeout = timeout
        self._socket = socket.socket(endpoint.family, socket.SOCK_STREAM)
        self._ticket = own_socket(self._socket.fileno())

    def __enter__(self) -> socket.socket:
        return self._socket

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is None:
            return
        disown_socket(self._socket.fileno(), self._ticket)
        self._socket.close()
        if isinstance(error, builtins.TimeoutError):
            message = f"no connection to {self._whom} within {self._timeout:.0f} ms"
            raise TimeoutError(message, node=self._node) from error
        if isinstance(error, OSError):
            # asyncio replaces the system's words by the address, which is told already
            words = os.strerror(error.errno) if error.errno else error.strerror or str(error)
            message = f"no connection to {self._whom}: {words.lower()}"
            raise ConnectionError(message, node=self._node) from error


def prepare(sock: socket.socket) -> None:
    """Set up a socket that was just connected, by whoever did it: commands leave at once, and a peer that
    vanished is found out.

    Raises:
        ConnectionRefusedError: it is connected to itself.
    """
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if _NO_SIGPIPE is not None:
        sock.setsockopt(socket.SOL_SOCKET, _NO_SIGPIPE, 1)
    if sock.getsockname() == sock.getpeername():
        # The system chose the port that nobody listens on as our own, and we reached ourselves.
        raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
