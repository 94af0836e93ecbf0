"""How users name the hosts of a cluster, and the one form in which the rest of pyspike sees them.

Pure text: whether a host exists, and what its name resolves to, is the business of `pyspike.cluster`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pyspike._wire import plain_int, plain_text
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.plain_value import PlainValue, value_class
from pyspike.showing import shown

__all__ = ["DEFAULT_PORT", "Host", "HostsLike", "parse_hosts"]

DEFAULT_PORT = 3000
MAX_NAME = 255  # characters, which no name that can be resolved has

_NAME = re.compile(r"[^\s\0,;/\[\]]+")
_TLS_NAME = re.compile(r"[^\s\0,;/:\[\]]+")
_PIECE = re.compile(r"(?:\[(?P<ipv6>[^\]]*)\]|(?P<name>[^:\[\]]*))(?P<rest>(?::[^:]*)*)")


@value_class(frozen=True, slots=True, repr=False, eq=False)
class Host(PlainValue):
    """One host of a cluster.

    Args:
        name: a host name or an IP address; an IPv6 address without brackets.
        port: its service port.
        tls_name: the name that its TLS certificate must carry.

    Raises:
        InvalidArgument: one of them can't be what it says.
    """

    name: str
    port: int = DEFAULT_PORT
    tls_name: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise InvalidType(f"a host's name must be a str, not {shown(self.name)}")
        name = plain_text(self.name)
        if len(name) > MAX_NAME or not _NAME.fullmatch(name):
            raise InvalidArgument(f"{shown(name)} can't be the name of a host")
        port = plain_int(self.port)
        if port is None:
            raise InvalidType(f"the port of {name} must be an int, not {shown(self.port)}")
        if not 1 <= port <= 65535:
            raise InvalidArgument(f"the port of {name} must be from 1 to 65535, not {shown(port)}")
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "port", port)
        if self.tls_name is None:
            return
        if not isinstance(self.tls_name, str):
            raise InvalidType(f"the TLS name of {name} must be a str, not {shown(self.tls_name)}")
        tls_name = plain_text(self.tls_name)
        if len(tls_name) > MAX_NAME or not _TLS_NAME.fullmatch(tls_name):
            raise InvalidArgument(f"{shown(tls_name)} can't be the TLS name of {name}")
        object.__setattr__(self, "tls_name", tls_name)

    def __str__(self) -> str:
        name = f"[{self.name}]" if ":" in self.name else self.name
        return ":".join([name, *([self.tls_name] if self.tls_name else []), str(self.port)])


HostsLike = str | Host | Sequence[str | Host | tuple[str] | tuple[str, int] | tuple[str, int, str | None]]
"""Where a cluster is: a text such as `"a,b:3100"`, `"a:tls-name:3000"` or `"[::1]:3000"`, a `Host`, or a list
of such texts, hosts and tuples `(name,)`, `(name, port)` or `(name, port, tls_name)`. The port is 3000 if
left out."""


def parse_hosts(hosts: HostsLike) -> tuple[Host, ...]:
    """The hosts that are meant, each once, in the order in which they were given.

    Args:
        hosts: text such as `"a,b:3100"`, `"a:tls-name:3000"` or `"[::1]:3000"`, a `Host`, or a list of such
            texts, hosts and tuples `(name,)`, `(name, port)` or `(name, port, tls_name)`. The port is 3000 if
            left out.

    Raises:
        InvalidArgument: there is no host, or a piece can't be read; the message names it.
    """
    items: Sequence[object] = [hosts] if isinstance(hosts, (str, Host)) else hosts
    if not isinstance(items, (list, tuple)):
        raise InvalidType(f"hosts must be text such as 'a:3000,b:3000' or a list, not {shown(hosts)}")
    found = dict.fromkeys(host for item in items for host in _hosts_of(item, hosts))
    if not found:
        raise InvalidArgument("no host was given", advice="name at least one, such as '127.0.0.1:3000'")
    return tuple(found)


def _hosts_of(item: object, hosts: object) -> list[Host]:
    if isinstance(item, Host):
        return [item]
    if isinstance(item, str):
        text = plain_text(item)
        return [_parse(piece.strip(), text) for piece in text.split(",")]
    if isinstance(item, (tuple, list)) and 1 <= len(item) <= 3:
        return [Host(*item)]
    raise InvalidType(
        f"{shown(item)} in {shown(hosts)} is no host",
        advice="a host is text such as 'a:3000', a tuple ('a', 3000) or a Host; several are a list",
    )


def _parse(piece: str, text: str) -> Host:
    """The host that one piece between commas means."""
    if not piece:
        raise InvalidArgument(f"a host is missing in {shown(text)}")
    if "://" in piece:
        raise InvalidArgument(
            f"{shown(piece)} is a URL, not a host", advice="write it as 'host:port', or call from_url"
        )
    if ";" in piece or len(piece.split()) > 1:
        raise InvalidArgument(
            f"{shown(piece)} is no host", advice="commas stand between hosts, as in 'a:3000,b:3000'"
        )
    match = _PIECE.fullmatch(piece)
    name, rest = (match["ipv6"] or match["name"], match["rest"].split(":")[1:]) if match else (None, [])
    if match is None or not name or not all(rest) or len(rest) > 2:
        raise InvalidArgument(
            f"{shown(piece)} is no host",
            advice="write 'host', 'host:port' or 'host:tls-name:port', IPv6 as '[::1]:3000'",
        )
    if match["ipv6"] and ":" not in name:
        raise InvalidArgument(f"{shown(piece)} is no host: only IPv6 addresses stand in brackets")
    if not rest:
        return Host(name)
    *tls_name, port = rest
    if not (port.isascii() and port.isdigit()):
        raise InvalidArgument(
            f"{shown(port)} in {shown(piece)} is no port", advice="the port comes last and is a number"
        )
    return Host(name, int(port), *tls_name)
