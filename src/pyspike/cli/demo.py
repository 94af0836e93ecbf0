"""demo: the main job of a client, seen from the shell; what it does is in `phases`."""

from __future__ import annotations

import contextlib

import click
from rich.console import Console

from pyspike import Client
from pyspike.cli.options import connect_with, refuse_security, secured
from pyspike.cli.phases import CLIENT, SET, Phases
from pyspike.cli.report import Report
from pyspike.errors import AerospikeError

__all__ = ["demo"]

NODES = 3
COUNT, SECONDS = click.IntRange(1), click.FloatRange(1)
SHOWN = 10  # problems told one by one


@click.command()
@click.option(
    "--hosts",
    metavar="HOST:PORT,...",
    help=f"Run on this cluster, in the set {SET}, which is emptied at the end; no node is taken down.",
)
@secured
@click.option("--namespace", default="test", show_default=True, help="Where the records go.")
@click.option("--records", type=COUNT, default=100_000, show_default=True, help="How many users.")
@click.option("--threads", type=COUNT, default=8, show_default=True, help="How many threads.")
@click.option("--seconds", type=SECONDS, default=8, show_default=True, help="How long to update.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of the users' data.")
@click.pass_context
def demo(
    context: click.Context,
    hosts: str | None,
    namespace: str,
    records: int,
    threads: int,
    seconds: float,
    seed: int,
) -> None:
    """Load users into a cluster, read them, update them, and prove that nothing is lost.

    One client, shared by all threads and by the tasks of an asyncio loop, talks to an embedded cluster of
    three nodes in a process of its own. While updates go on, a node is killed, and comes back. The users are
    generated, with nested profiles, and whenever one is read every value is compared. Each update adds to a
    counter: in the end it must hold what was acknowledged, and beyond that nothing but what is in doubt. The
    exit code is 1 if that is not so.
    """
    report = Report(Console())
    with contextlib.ExitStack() as stack:
        cluster = None
        if hosts is None:
            refuse_security("is of a cluster of yours: give --hosts too")
            from pyspike.server import EmbeddedCluster

            cluster = stack.enter_context(EmbeddedCluster(NODES, namespaces=[namespace], process=True))
            client = stack.enter_context(Client(cluster.hosts, CLIENT))
        else:
            client = stack.enter_context(connect_with(hosts, CLIENT))
        phases = Phases(client, report, namespace=namespace, records=records, threads=threads, seed=seed)
        phases.introduce(embedded=cluster is not None)
        try:
            phases.load()
            phases.read()
            phases.read_with_tasks()
            phases.update(seconds, cluster)
            phases.verify()
        finally:
            if cluster is None:
                _empty(client, namespace, report)
    report.table()
    for problem in phases.problems[:SHOWN]:
        report.say(problem)
    if len(phases.problems) > SHOWN:
        report.say(f"... and {len(phases.problems) - SHOWN:,} more")
    report.say(phases.verdict())
    if phases.problems:
        context.exit(1)


def _empty(client: Client, namespace: str, report: Report) -> None:
    """Drop what was loaded; one node passes it on to the others."""
    try:
        client.info(f"truncate:namespace={namespace};set={SET}", client.nodes()[0])
    except (AerospikeError, IndexError) as error:
        report.say(f"the set {namespace}.{SET} could not be emptied: {error}")
    else:
        report.say(f"cleaned  the set {namespace}.{SET} was emptied")
