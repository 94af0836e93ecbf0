"""serve: the embedded cluster in the foreground."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from pyspike.cli.output import complain

if TYPE_CHECKING:
    from pyspike.server import EmbeddedCluster

__all__ = ["serve"]


FILE = click.Path(exists=True, dir_okay=False)


@click.command()
@click.option("--nodes", type=click.IntRange(min=1), default=1, show_default=True, help="How many nodes.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=3000,
    show_default=True,
    help="The first node's port, the others follow; 0 for free ones.",
)
@click.option("--namespaces", default="test,bar", show_default=True, metavar="A,B,...", help="Their names.")
@click.option(
    "--replication-factor",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="How many nodes own each partition.",
)
@click.option(
    "--server-version",
    metavar="X.Y.Z",
    help="The server to play: 8.2.0, the newest that is known, or 8.1.2, which has no string operations.",
)
@click.option("--tls-certificate", type=FILE, help="A PEM file; with --tls-key, the nodes speak TLS.")
@click.option("--tls-key", type=FILE, help="The PEM file with the certificate's key.")
@click.option("--tls-name", default="localhost", show_default=True, help="The name in the certificate.")
@click.option(
    "--security",
    is_flag=True,
    help="Let clients log in, at first as user admin with password admin, and do what their roles permit.",
)
@click.option(
    "--strong-consistency",
    is_flag=True,
    help="Make all namespaces strong-consistent, which transactions need; deletes have to be durable then.",
)
def serve(
    nodes: int,
    host: str,
    port: int,
    namespaces: str,
    replication_factor: int,
    server_version: str | None,
    tls_certificate: str | None,
    tls_key: str | None,
    tls_name: str,
    security: bool,
    strong_consistency: bool,
) -> None:
    """Run an embedded cluster in the foreground, until Ctrl-C or SIGTERM.

    It speaks the real protocol and keeps records in memory. When all nodes listen, their hosts are printed on
    stdout, as clients take them.
    """
    if (tls_certificate is None) != (tls_key is None):
        raise click.UsageError("--tls-certificate and --tls-key go together")
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with _started(
            nodes,
            host,
            port,
            namespaces=namespaces.split(","),
            replication_factor=replication_factor,
            version=server_version,
            tls=None if tls_certificate is None else (tls_certificate, tls_key),
            tls_name=tls_name,
            security=security,
            strong_consistency=strong_consistency,
        ) as cluster:
            count = "1 node listens" if nodes == 1 else f"{nodes} nodes listen"
            complain(f"an embedded cluster, for tests and demonstrations: {count}; Ctrl-C ends it")
            click.echo(cluster.hosts)
            ended.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _started(nodes: int, host: str, port: int, **settings: Any) -> EmbeddedCluster:
    import ssl

    from pyspike.server import EmbeddedCluster  # the server is not needed by the other subcommands

    try:
        return EmbeddedCluster(nodes, host=host, port=port, **settings).start()
    except ssl.SSLError as error:
        raise click.ClickException(f"the certificate or its key can't be used: {error.reason}") from None
    except OSError as error:
        why = f"can't listen on {host} from port {port} on: {error.strerror or error}"
        raise click.ClickException(f"{why} (--port 0 takes free ports)") from None
    except ValueError as error:
        raise click.UsageError(str(error)) from None
