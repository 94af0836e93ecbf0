"""Getting to know a server: who are you, are you ready, do you belong to the cluster that is meant?

A `Probe` is what it answered, with the connection on which it did. Whether a node comes of it is for `tend`
to say; which hosts to try is for `seeds`.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from pyspike._wire import Connection
from pyspike.cluster import info
from pyspike.cluster.addresses import Endpoint, left_ms, mapped, resolve
from pyspike.cluster.connect import connect
from pyspike.errors import AerospikeError, ConnectFailed, ConnectionError, ServerError, TimeoutError
from pyspike.hosts import Host
from pyspike.policy import ClientPolicy
from pyspike.version import __version__

__all__ = ["Probe", "ask", "how_to_reach", "peers_command", "probe", "probe_host"]

log = logging.getLogger("pyspike.cluster")

OLDEST_BUILD = (4, 9, 0, 3)
USER_AGENT_BUILD = (8, 1)


@dataclass(slots=True)
class Probe:
    """A server that answered and may become a node; whoever has it closes its connection or hands it on."""

    name: str
    endpoint: Endpoint
    build: tuple[int, ...]
    connection: Connection
    version: str = ""
    services: tuple[Host, ...] = ()
    peers: info.Peers | None = field(default=None)

    def close(self) -> None:
        """Hang up."""
        self.connection.close()


def ask(connection: Connection, commands: Iterable[str], timeout: float) -> dict[str, str]:
    """The unchecked values of info commands."""
    return info.decode(connection.exchange(info.encode(tuple(commands)), max(timeout, 1.0)))


def peers_command(alternate: bool) -> str:
    """The command for a node's peers, by the addresses that the policy wants."""
    return "peers-clear-alt" if alternate else "peers-clear-std"


def services_command(alternate: bool) -> str:
    """The command for a node's own addresses."""
    return "service-clear-alt" if alternate else "service-clear-std"


def how_to_reach(policy: ClientPolicy, name: str, hosts: Iterable[Host], reason: str) -> str:
    """The words for an advertised address that does not work from here, with what mends it."""
    places = list(hosts)
    listed = ", ".join(map(str, places)) or "no address"
    kind = "alternate address" if policy.use_services_alternate else "address"
    switch = (
        "leave use_services_alternate off if the servers' own addresses work"
        if policy.use_services_alternate
        else "set ClientPolicy(use_services_alternate=True) if the servers publish alternate addresses"
    )
    example = places[0].name if places else "advertised"
    return (
        f"node {name} advertises the {kind} {listed}, which can't be reached from here ({reason}); "
        f"{switch}, or map it with ClientPolicy(ip_map={{{example!r}: '<reachable address>'}})"
    )


def probe(endpoint: Endpoint, policy: ClientPolicy, deadline: float, expected: str | None = None) -> Probe:
    """Connect to one address and ask who is there.

    Args:
        endpoint: the address.
        policy: the cluster that is meant, and how its nodes are asked.
        deadline: in `time.monotonic()`'s time.
        expected: the node's name, where only that one will do.

    Raises:
        AerospikeError: nobody answered, or somebody who will not do; the message says why.
    """
    connection = connect(endpoint, left_ms(deadline), expected)
    try:
        return _introduce(connection, endpoint, policy, deadline, expected)
    except BaseException:
        connection.close()
        raise


def _introduce(
    connection: Connection, endpoint: Endpoint, policy: ClientPolicy, deadline: float, expected: str | None
) -> Probe:
    commands = ["node", "partition-generation", "build"]
    if policy.cluster_name:
        commands.append("cluster-name")
    services = services_command(policy.use_services_alternate)
    if expected is None and not endpoint.is_loopback:
        commands.append(services)
    values = ask(connection, commands, left_ms(deadline))
    name = info.parse_node_name(info.value_of(values, "node"))
    version = info.value_of(values, "build")
    found = Probe(name, endpoint, info.parse_build(version), connection, version)
    if expected is not None and name != expected:
        raise ConnectionError(f"node {name} answers at {endpoint}, not {expected}", node=name)
    if policy.cluster_name and (actual := info.value_of(values, "cluster-name")) != policy.cluster_name:
        raise ConnectionError(
            f"node {name} belongs to the cluster {actual!r}, not to {policy.cluster_name!r}", node=name
        )
    if found.build < OLDEST_BUILD:
        raise ConnectionError(
            f"node {name} is too old: its version is {version}, not 4.9.0.3 or later", node=name
        )
    if info.parse_generation(info.value_of(values, "partition-generation")) < 0:
        raise ConnectionError(f"node {name} is not ready yet: it has no partitions", node=name)
    if services in values:
        with contextlib.suppress(ServerError):  # not a reason to refuse it
            found.services = info.parse_services(info.check(values[services]))
    _introduce_ourselves(found, policy, deadline)
    return found


def _introduce_ourselves(found: Probe, policy: ClientPolicy, deadline: float) -> None:
    """Tell the server who asks, for its operators; nothing depends on it."""
    if found.build < USER_AGENT_BUILD:
        return
    command = info.user_agent(__version__, policy.application_id)
    answer = ask(found.connection, [command], left_ms(deadline)).get(command, "no answer")
    if answer != "ok":
        log.info("node %s did not take the user agent: %s", found.name, answer)


def probe_host(
    host: Host, policy: ClientPolicy, deadline: float, expected: str | None = None, *, seed: bool = False
) -> Probe:
    """Try each address of a host, until one answers as it should.

    A seed may be a load balancer: if the node does not list the address that was reached among its own, one
    of its own is used instead. If none of those can be reached, the log says so, and the seed's address it
    is.

    Raises:
        ConnectFailed: none did; the message has the reason of each.
    """
    endpoints = resolve(host)
    reasons = []
    for tried, endpoint in enumerate(endpoints):
        share = time.monotonic() + left_ms(deadline) / 1000 / (len(endpoints) - tried)
        try:
            found = probe(endpoint, policy, share, expected)
            return _behind_balancer(found, host, policy, deadline) if seed else found
        except AerospikeError as error:
            reasons.append(reason(error, endpoint if len(endpoints) > 1 else None))
    raise ConnectFailed("; ".join(reasons))


def _behind_balancer(found: Probe, host: Host, policy: ClientPolicy, deadline: float) -> Probe:
    own = [mapped(service, policy.ip_map) for service in found.services]
    here = found.endpoint.host
    if not own or any((o.name, o.port) in ((here.name, here.port), (host.name, host.port)) for o in own):
        return found
    reasons = []
    for tried, service in enumerate(own):
        share = time.monotonic() + left_ms(deadline) / 1000 / (len(own) - tried + 1)
        try:
            direct = probe_host(service, policy, share, found.name)
        except AerospikeError as error:
            reasons.append(reason(error))
        else:
            found.close()
            return direct
    log.warning(
        "%s; it is used by the address of the seed, %s",
        how_to_reach(policy, found.name, found.services, "; ".join(reasons)),
        here,
    )
    return found


def reason(error: BaseException, endpoint: Endpoint | None = None) -> str:
    """Why something failed, in words short enough for a list of reasons."""
    if isinstance(error, AerospikeError):
        text = error.message or type(error).__name__
        if isinstance(error, TimeoutError) and not text.startswith("no connection"):
            text = f"connected, but {text}"
    else:
        text = f"{type(error).__name__}: {error}"
    return f"{endpoint}: {text}" if endpoint and str(endpoint) not in text else text
