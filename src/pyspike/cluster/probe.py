"""Connecting to a server for the first time: its name and version, whether it is ready, and of which cluster.

A `Probe` has its answers, and the connection on which they came. Whether a node is made of it is decided in
`tend`, which hosts are tried in `seeds`.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from pyspike._wire import Connection
from pyspike.cluster import info_answers
from pyspike.cluster.addresses import Endpoint, left_ms, mapped, resolve
from pyspike.cluster.connect import Door
from pyspike.errors import (
    AerospikeError,
    ConnectFailed,
    ConnectionError,
    EnterpriseOnly,
    SecurityError,
    ServerError,
    TimeoutError,
)
from pyspike.hosts import Host
from pyspike.policy import ClientPolicy
from pyspike.version import __version__

__all__ = ["Probe", "addresses_command", "ask", "ask_peers", "how_to_reach", "probe", "probe_host"]

log = logging.getLogger("pyspike.cluster")

OLDEST_BUILD = (4, 9, 0, 3)
USER_AGENT_BUILD = (8, 1)


@dataclass(slots=True)
class Probe:
    """A server that answered and may become a node. Who has it closes its connection, or passes it on.

    Args:
        name: the node's name.
        endpoint: the address at which it answered.
        build: the numbers of its version.
        connection: the connection on which it answered.
        version: its version as text.
        services: the addresses that it advertises; only asked of seeds.
        peers: the other nodes that it knows; only asked of seeds.
        seed: the seed host that led to it, where nodes are the seeds only.
    """

    name: str
    endpoint: Endpoint
    build: tuple[int, ...]
    connection: Connection
    version: str = ""
    services: tuple[Host, ...] = ()
    peers: info_answers.Peers | None = field(default=None)
    seed: Host | None = None

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


def ask(connection: Connection, commands: Iterable[str], timeout: float) -> dict[str, str]:
    """Send info commands and wait for their values, which may be error texts: see `info_answers.value_of`.

    Args:
        connection: where to; in an unknown state if this raises.
        commands: the commands, each a line of text.
        timeout: how long it may take in milliseconds.

    Raises:
        TimeoutError: there was no answer in time.
        ConnectionError: the connection broke.
        ProtocolError, ServerError: the answer can't be read, or is an error as a whole.
    """
    return info_answers.decode(connection.exchange(info_answers.encode(tuple(commands)), max(timeout, 1.0)))


def addresses_command(
    what: str, policy: ClientPolicy, *, tls: bool | None = None, alternate: bool | None = None
) -> str:
    """The info command for addresses, with TLS or without, the usual or the alternate ones (framing.md 1.6).

    Args:
        what: "peers" for a node's peers, "service" for the node's own.
        policy: which addresses are used.
        tls: whether to ask for those with TLS; None as the policy says.
        alternate: whether to ask for the alternate ones; None as the policy says.
    """
    if alternate is None:
        alternate = policy.use_services_alternate
    kind = "tls" if (policy.commands_over_tls if tls is None else tls) else "clear"
    return f"{what}-{kind}-{'alt' if alternate else 'std'}"


def ask_peers(
    ask_node: Callable[[Sequence[str]], dict[str, str]], policy: ClientPolicy, host: Host
) -> info_answers.Peers:
    """Ask a node for its peers; where alternate addresses are wanted, these come before the usual ones.

    A Community Edition server, which has no TLS of its own, stands behind something that has. Then its usual
    peers are taken, with the TLS name of the node itself: they are reached over TLS too.

    Where only logins go over TLS, the TLS addresses of the peers are asked for as well.

    Args:
        ask_node: asks the node some info commands.
        policy: which addresses are used.
        host: the node's own.

    Raises:
        AerospikeError: it did not answer, or with an error.
    """
    found = _ask_with_alternates(ask_node, policy, host, tls=policy.commands_over_tls)
    if not policy.tls_for_login_only:
        return found
    over_tls = _ask_with_alternates(ask_node, policy, host, tls=True)
    logins = {peer.name: peer.hosts for peer in over_tls.peers}
    return replace(
        found, peers=tuple(replace(peer, logins=logins.get(peer.name, ())) for peer in found.peers)
    )


def _ask_with_alternates(
    ask_node: Callable[[Sequence[str]], dict[str, str]], policy: ClientPolicy, host: Host, *, tls: bool
) -> info_answers.Peers:
    usual = _ask_peers(ask_node, policy, host, tls=tls, alternate=False)
    if not policy.use_services_alternate:
        return usual
    others = _ask_peers(ask_node, policy, host, tls=tls, alternate=True)
    alternate = {peer.name: peer.hosts for peer in others.peers}
    peers = []
    for peer in usual.peers:
        hosts = alternate.get(peer.name, ())
        peers.append(replace(peer, hosts=(*hosts, *peer.hosts), alternates=len(hosts)))
    return replace(usual, peers=tuple(peers))


def _ask_peers(
    ask_node: Callable[[Sequence[str]], dict[str, str]],
    policy: ClientPolicy,
    host: Host,
    *,
    tls: bool,
    alternate: bool,
) -> info_answers.Peers:
    command = addresses_command("peers", policy, tls=tls, alternate=alternate)
    answer = ask_node([command])
    try:
        return info_answers.parse_peers(info_answers.value_of(answer, command))
    except EnterpriseOnly:
        if not policy.commands_over_tls:
            raise
    command = addresses_command("peers", policy, tls=False, alternate=alternate)
    peers = info_answers.parse_peers(info_answers.value_of(ask_node([command]), command))
    return peers.named(host.tls_name)


def how_to_reach(policy: ClientPolicy, name: str, hosts: Iterable[Host], reason: str) -> str:
    """One line that says that a node's advertised addresses can't be reached, and what can be done.

    Args:
        policy: which addresses were tried.
        name: the node's name.
        hosts: the addresses.
        reason: why they can't be reached.
    """
    places = list(hosts)
    listed = ", ".join(map(str, places)) or "no address"
    kind = "alternate or usual address" if policy.use_services_alternate else "address"
    switch = (
        "check the servers' access-address and alternate-access-address"
        if policy.use_services_alternate
        else "set ClientPolicy(use_services_alternate=True) if the servers publish alternate addresses"
    )
    example = places[0].name if places else "advertised"
    return (
        f"node {name} advertises the {kind} {listed}, which can't be reached from here ({reason}); "
        f"{switch}, or map it with ClientPolicy(ip_map={{{example!r}: '<reachable address>'}})"
    )


def probe(
    endpoint: Endpoint, door: Door, policy: ClientPolicy, deadline: float, expected: str | None = None
) -> Probe:
    """Connect to one address and ask the server there what it is.

    Args:
        endpoint: the address.
        door: opens the connection.
        policy: the cluster that is meant, and how its nodes are asked.
        deadline: in `time.monotonic()`'s time.
        expected: the node's name, where only that one will do.

    Raises:
        AerospikeError: no server answered, or one that can't be used; the message says why.
    """
    connection = door.connect_to_tend(endpoint, min(left_ms(deadline), policy.timeout), expected)
    deadline = min(deadline, time.monotonic() + policy.timeout / 1000)  # without what a login has left
    try:
        with door.waits.on(connection):
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
    services = addresses_command("service", policy)
    if expected is None and not endpoint.is_loopback:
        commands.append(services)
    values = ask(connection, commands, left_ms(deadline))
    name = info_answers.parse_node_name(info_answers.value_of(values, "node"))
    version = info_answers.value_of(values, "build")
    found = Probe(name, endpoint, info_answers.parse_build(version), connection, version)
    if expected is not None and name != expected:
        raise ConnectionError(f"node {name} answers at {endpoint}, not {expected}", node=name)
    if (
        policy.cluster_name
        and (actual := info_answers.value_of(values, "cluster-name")) != policy.cluster_name
    ):
        raise ConnectionError(
            f"node {name} belongs to the cluster {actual!r}, not to {policy.cluster_name!r}", node=name
        )
    if found.build < OLDEST_BUILD:
        raise ConnectionError(
            f"node {name} is too old: its version is {version}, not 4.9.0.3 or later", node=name
        )
    if info_answers.parse_generation(info_answers.value_of(values, "partition-generation")) < 0:
        raise ConnectionError(f"node {name} is not ready yet: it has no partitions", node=name)
    if services in values:
        with contextlib.suppress(ServerError):  # not a reason to refuse it
            found.services = info_answers.parse_services(info_answers.check(values[services]))
    _introduce_ourselves(found, policy, deadline)
    return found


def _introduce_ourselves(found: Probe, policy: ClientPolicy, deadline: float) -> None:
    """Tell the server the client's name and version, for its logs and statistics; it may refuse that."""
    if found.build < USER_AGENT_BUILD:
        return
    command = info_answers.user_agent(__version__, policy.application_id or policy.user)
    answer = ask(found.connection, [command], left_ms(deadline)).get(command, "no answer")
    if answer != "ok":
        log.info("node %s did not take the user agent: %s", found.name, answer)


def probe_host(
    host: Host,
    door: Door,
    policy: ClientPolicy,
    deadline: float,
    expected: str | None = None,
    *,
    seed: bool = False,
    logins: tuple[Host, ...] = (),
) -> Probe:
    """Try each address of a host, until a server that can be used answers.

    Args:
        host: the host, whose name is resolved here.
        door: opens the connections.
        policy: the cluster that is meant, and how its nodes are asked.
        deadline: in `time.monotonic()`'s time; each address gets an equal share of what is left.
        expected: the node's name, where only that one will do.
        seed: whether the user named the host, so that it may be a load balancer. Then, if the node does not
            advertise the address that was reached, one that it does advertise is used instead; if none of
            those can be reached, the log says so, and the seed's address is used.
        logins: the hosts by which the server is logged in at, if that is apart from all else.

    Raises:
        ConnectFailed: no server that can be used answered; the message has the reason of each address.
        SecurityError: a server does not accept the user.
    """
    endpoints = [replace(endpoint, logins=logins) for endpoint in resolve(host)]
    reasons = []
    advice = ""
    for tried, endpoint in enumerate(endpoints):
        share = time.monotonic() + left_ms(deadline) / 1000 / (len(endpoints) - tried)
        try:
            if seed and policy.tls_for_login_only:
                return _probe_after_login(endpoint, door, policy, share)
            found = probe(endpoint, door, policy, share, expected)
            return _behind_balancer(found, host, door, policy, deadline) if seed else found
        except SecurityError:  # which the other addresses of the host would not make better
            raise
        except AerospikeError as error:
            reasons.append(reason(error, endpoint if len(endpoints) > 1 else None))
            advice = advice or error.advice
    raise ConnectFailed("; ".join(reasons), advice=advice)


def _probe_after_login(place: Endpoint, door: Door, policy: ClientPolicy, deadline: float) -> Probe:
    """Log in at a seed over TLS, and connect without TLS to the first of its addresses that will do.

    Args:
        place: its TLS address.
        door, policy, deadline: as for `probe`.

    Raises:
        AerospikeError: it can't be reached in both ways.
    """
    alternates = (True, False) if policy.use_services_alternate else (False,)
    commands = [addresses_command("service", policy, alternate=alternate) for alternate in alternates]
    connection = door.connect_to_log_in(place, min(left_ms(deadline), policy.timeout))
    deadline = min(deadline, time.monotonic() + policy.timeout / 1000)  # without what a login has left
    try:
        with door.waits.on(connection):
            values = ask(connection, ["node", *commands], left_ms(deadline))
    finally:
        connection.close()
    name = info_answers.parse_node_name(info_answers.value_of(values, "node"))
    told = [
        host
        for command in commands
        for host in info_answers.parse_services(info_answers.value_of(values, command))
    ]
    endpoints = [endpoint for host in told for endpoint in resolve(mapped(host, policy.ip_map))]
    reasons = []
    for tried, endpoint in enumerate(endpoints):
        share = time.monotonic() + left_ms(deadline) / 1000 / (len(endpoints) - tried)
        door.share_login(place, endpoint)
        try:
            return probe(replace(endpoint, logins=(place.host,)), door, policy, share, name)
        except SecurityError:
            raise
        except AerospikeError as error:
            reasons.append(reason(error, endpoint))
    raise ConnectionError(
        f"node {name} let the client log in over TLS, but can't be reached without: "
        f"{'; '.join(reasons) or f'it tells no address for that ({commands[-1]})'}",
        node=name,
        advice="give the servers a port without TLS that can be reached, or leave for_login_only out",
    )


def _behind_balancer(found: Probe, host: Host, door: Door, policy: ClientPolicy, deadline: float) -> Probe:
    """The same node at an address that it advertises, if the one that was reached is none of those."""
    own = [mapped(replace(service, tls_name=host.tls_name), policy.ip_map) for service in found.services]
    here = found.endpoint.host
    if not own or any((o.name, o.port) in ((here.name, here.port), (host.name, host.port)) for o in own):
        return found
    reasons = []
    for tried, service in enumerate(own):
        share = time.monotonic() + left_ms(deadline) / 1000 / (len(own) - tried + 1)
        try:
            direct = probe_host(service, door, policy, share, found.name)
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
    """Why something failed, in few words, for a list of reasons.

    Args:
        error: how it failed.
        endpoint: the address that was tried, which is put in front if the words don't have it.
    """
    if isinstance(error, AerospikeError):
        text = error.message or type(error).__name__
        if isinstance(error, TimeoutError) and not text.startswith("no connection"):
            text = f"connected, but {text}"
    else:
        text = f"{type(error).__name__}: {error}"
    return f"{endpoint}: {text}" if endpoint and str(endpoint) not in text else text
