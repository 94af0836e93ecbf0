"""The way to the servers, as `doctor` sees it: names, addresses, ports, and whether a port speaks TLS.

Owns: trying that, with plain sockets. Not here: the protocol, and what the servers say of themselves.
"""

from __future__ import annotations

import builtins
import contextlib
import errno
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from pyspike.cli.findings import Finding, ok, problem
from pyspike.cluster.addresses import Endpoint, resolve
from pyspike.errors import AerospikeError
from pyspike.hosts import Host

__all__ = ["examine_hosts", "speaks_tls", "why_unreachable"]

AT_ONCE = 16


def examine_hosts(hosts: Iterable[Host], timeout: float) -> list[Finding]:
    """Whether the hosts' names have addresses, and whether these take connections.

    Args:
        hosts: those that the user named.
        timeout: how long each may take, in milliseconds.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [each for found in pool.map(lambda host: [*_examine(host, timeout)], hosts) for each in found]


def why_unreachable(hosts: Iterable[Host], timeout: float) -> str:
    """Why none of these takes connections, in few words; empty if one does."""
    reasons = []
    for host in hosts:
        try:
            endpoints = resolve(host)
        except AerospikeError as error:
            reasons.append(f"{host}: {error.message}")
            continue
        for endpoint in endpoints:
            _, failed = _connect(endpoint, timeout)
            if failed is None:
                return ""
            reasons.append(f"{endpoint}: {_told(failed)[0]}")
    return "; ".join(reasons) or "there is no address"


def speaks_tls(host: Host, timeout: float) -> bool:
    """Whether a server at this host answers a TLS handshake, whoever it is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with contextlib.suppress(OSError, ValueError, AerospikeError):
        for endpoint in resolve(host):
            with socket.create_connection(endpoint.sockaddr[:2], timeout / 1000) as sock:
                sock.settimeout(timeout / 1000)
                try:
                    context.wrap_socket(sock, server_hostname=host.tls_name).close()
                except ssl.SSLError as error:
                    # It has answered in TLS, if only to refuse this client, as it shows no certificate.
                    return "alert" in str(error).lower()
                return True
    return False


def _examine(host: Host, timeout: float) -> Iterator[Finding]:
    subject = f"host {host}"
    try:
        endpoints = resolve(host)
    except AerospikeError as error:
        yield problem(subject, error.message, "check the name, and the name server of this machine")
        return
    for endpoint in endpoints:
        place = subject if str(endpoint) == str(host) else f"{subject}, address {endpoint}"
        took, failed = _connect(endpoint, timeout)
        if failed is None:
            yield ok(place, f"takes connections, within {took:.1f} ms")
        else:
            yield problem(place, *_told(failed))


def _connect(endpoint: Endpoint, timeout: float) -> tuple[float, OSError | None]:
    """How many milliseconds a connection took, and why there is none."""
    begun = time.perf_counter()
    failed: OSError | None = None
    try:
        with socket.socket(endpoint.family, socket.SOCK_STREAM) as sock:
            sock.settimeout(timeout / 1000)
            sock.connect(endpoint.sockaddr)
    except OSError as error:
        failed = error
    return (time.perf_counter() - begun) * 1000, failed


def _told(error: OSError) -> tuple[str, str]:
    """What is wrong, and what to do."""
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there", "start the server, or correct the port (service.port of the server)"
    if isinstance(error, builtins.TimeoutError):
        return (
            "does not answer",
            "see whether the machine is up, and whether a firewall drops what is sent there",
        )
    words = error.strerror or str(error)
    if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return words, "this machine has no way to that network: check routes, VPN and the address"
    return words, "check the address and the port"
