"""The addresses from which users of a role may connect.

Owns: reading a list of addresses and networks, and looking an address up in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

from ..protocol.result import RequestError, ResultCode

__all__ = ["Network", "is_within", "parse_allowlist"]

Network: TypeAlias = "IPv4Network | IPv6Network"


def parse_allowlist(text: str) -> tuple[Network, ...]:
    """The networks of a list such as "10.0.0.0/8,127.0.0.1"; none if it is empty.

    Raises:
        RequestError: ALLOWLIST: one is neither an address nor a network.

    """
    try:
        return tuple(ip_network(part.strip(), strict=False) for part in text.split(",")) if text else ()
    except ValueError as error:
        raise RequestError(ResultCode.SEC_ALLOWLIST, str(error)) from None


def is_within(address: str, networks: Iterable[Network]) -> bool:
    """Whether an address is in one of some networks."""
    found = ip_address(address)
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in networks)
