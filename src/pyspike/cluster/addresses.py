"""The addresses of servers: host names are resolved, and advertised addresses replaced as `ip_map` says.

Opens nothing: see `connect`.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pyspike.errors import ConnectionError, InvalidArgument
from pyspike.hosts import DEFAULT_PORT, Host
from pyspike.showing import shown

__all__ = ["Endpoint", "check_map", "left_ms", "mapped", "resolve"]

_ADDRESS = re.compile(r"(?:\[(?P<ipv6>[^\]]+)\]|(?P<name>[^:\[\]]+))(?::(?P<port>[1-9][0-9]{0,4}))?")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One resolved address: its host has the numbers as its name.

    Args:
        host, family, sockaddr: the address.
        logins: the hosts by which the server is logged in at over TLS, if that is done apart from all else.
            It is the same address whatever they are.
    """

    host: Host
    family: int
    sockaddr: tuple[Any, ...]
    logins: tuple[Host, ...] = field(default=(), compare=False)

    @property
    def is_loopback(self) -> bool:
        """Whether it is a loopback address, which reaches another machine when another machine uses it."""
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
