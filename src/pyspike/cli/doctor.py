"""doctor: looks at a cluster from here, and says what is wrong and what to do."""

from __future__ import annotations

import time
from collections.abc import Iterator

import click

from pyspike import AerospikeError, Client, ClientPolicy, Node, ServerError
from pyspike.cli.doctor_network import examine_hosts, speaks_tls, why_unreachable
from pyspike.cli.doctor_servers import (
    Server,
    counted,
    examine_cluster,
    examine_namespace,
    examine_server,
    pairs,
    rows,
)
from pyspike.cli.failures import ExitCode, advise, exit_code
from pyspike.cli.findings import Finding, Level, findings_to_json, ok, print_findings, problem
from pyspike.cli.options import as_json, connect, connecting
from pyspike.cli.output import print_json
from pyspike.cluster.info_answers import parse_peers, parse_services
from pyspike.cluster.probe import how_to_reach
from pyspike.hosts import Host, parse_hosts

__all__ = ["doctor"]


@click.command()
@click.argument("places", metavar="[HOSTS]", required=False)
@connecting
@as_json
@click.pass_context
def doctor(context: click.Context, places: str | None, hosts: str, timeout: float, as_json: bool) -> None:
    """Look at a cluster from here, and say what is wrong and what to do.

    HOSTS are as --hosts has them. Looked at are the way to them (names, addresses, ports, TLS), the login,
    the addresses that nodes advertise, versions, clocks, and what is near its limits. Nothing is written.
    The exit code is 1 if there is a problem, and 3 if the cluster can't be reached.
    """
    found, code = _examine(hosts if places is None else places, timeout)
    if as_json:
        print_json(findings_to_json(found))
    else:
        print_findings(found)
        counts = [sum(each.level is level for each in found) for level in (Level.PROBLEM, Level.WARNING)]
        click.echo(f"{counted(counts[0], 'problem')}, {counted(counts[1], 'warning')}")
    context.exit(code)


def _examine(places: str, timeout: float) -> tuple[list[Finding], int]:
    """What there is to say, and the exit code."""
    hosts = parse_hosts(places)
    found = examine_hosts(hosts, timeout)
    try:
        client = connect(places, timeout)
    except AerospikeError as error:
        advise(error)
        found.append(problem("cluster", error.message, _how_to_connect(hosts, error, timeout)))
        return found, exit_code(error)
    with client:
        found += _examine_cluster(client, timeout)
    return found, ExitCode.NOT_FOUND if any(each.level is Level.PROBLEM for each in found) else ExitCode.DONE


def _how_to_connect(hosts: tuple[Host, ...], error: AerospikeError, timeout: float) -> str:
    over_tls = click.get_current_context().meta["pyspike.tls"] or any(host.tls_name for host in hosts)
    if not over_tls and any(speaks_tls(host, timeout) for host in hosts):
        return "the port speaks TLS: give --tls, and the hosts as host:tls-name:port or --tls-name"
    return error.advice


def _examine_cluster(client: Client, timeout: float) -> Iterator[Finding]:
    servers: list[Server] = []
    failed: list[Finding] = []
    unreachable: list[Finding] = []
    peers: dict[str, tuple[Host, ...]] = {}
    for node in client.nodes():
        try:
            server, own, told = _asked(client, node), _addresses(client, node), _peers(client, node)
        except AerospikeError as error:  # noqa: PERF203 - the others are looked at all the same
            failed.append(problem(f"node {node.name}", error.message, error.advice))
        else:
            servers.append(server)
            unreachable += _advertised(node.name, own, timeout)
            peers |= told
    for name in sorted(peers.keys() - set(client.node_names())):
        unreachable += _advertised(name, peers[name], timeout) or [
            problem(
                f"node {name}", "takes connections, but the client can't use it", "see its log, or ask again"
            )
        ]
    yield _connected(client)
    if servers:
        yield from examine_cluster(servers)
    yield from failed
    yield from unreachable
    for server in servers:
        yield from examine_server(server)
        for namespace in server.namespaces:
            yield from examine_namespace(server, namespace)


def _connected(client: Client) -> Finding:
    """By what the client is connected, and as whom."""
    user = click.get_current_context().meta["pyspike.user"]
    over_tls = any(node.host.tls_name for node in client.nodes())
    login = "without a login" if user is None else f"logged in as {user}"
    return ok("connections", f"{'over TLS' if over_tls else 'in clear text'}, {login}")


def _asked(client: Client, node: Node) -> Server:
    """What a node says of itself."""
    asked = time.time()
    names = [name for name in client.info("namespaces", node).split(";") if name]
    return Server(
        node.name,
        node.address,
        node.version,
        pairs(client.info("statistics", node)),
        pairs(_if_told(client, "get-config:context=service", node)),
        {name: pairs(client.info(f"namespace/{name}", node)) for name in names},
        {name: rows(_if_told(client, f"sets/{name}", node)) for name in names},
        asked,
    )


def _addresses(client: Client, node: Node) -> tuple[Host, ...]:
    """Those that a node advertises; none if it does so only for clients without TLS, and this one has it."""
    return parse_services(_if_told(client, f"service-{_kind(node)}-std", node))


def _peers(client: Client, node: Node) -> dict[str, tuple[Host, ...]]:
    """The other nodes that a node knows, with the addresses that they advertise."""
    told = _if_told(client, f"peers-{_kind(node)}-std", node)
    return {peer.name: peer.hosts for peer in parse_peers(told).peers} if told else {}


def _kind(node: Node) -> str:
    return "clear" if node.host.tls_name is None else "tls"


def _if_told(client: Client, command: str, node: Node) -> str:
    """What a node answers; nothing if it refuses to, as where its edition or version has no such command."""
    try:
        return client.info(command, node)
    except ServerError:
        return ""


def _advertised(name: str, hosts: tuple[Host, ...], timeout: float) -> list[Finding]:
    """A finding if no address that a node advertises can be reached from here."""
    reason = why_unreachable(hosts, timeout) if hosts else ""
    if not reason:
        return []
    told, _, advice = how_to_reach(ClientPolicy(), name, hosts, reason).rpartition("; ")
    return [problem(f"node {name}", told, f"see whether it runs; if it does: {advice}")]
