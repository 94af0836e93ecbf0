"""serve: the embedded cluster in the foreground."""

from __future__ import annotations

import click

__all__ = ["serve"]


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
def serve(nodes: int, host: str, port: int, namespaces: str, replication_factor: int) -> None:
    """Run an embedded cluster until Ctrl-C; it speaks the real protocol and keeps records in memory.

    The hosts are printed on stdout, as clients take them.
    """
    from pyspike.server.__main__ import serve as run  # the server is not needed by the other subcommands

    click.echo("an embedded cluster, for tests and demonstrations; Ctrl-C ends it", err=True)
    try:
        run(
            nodes,
            host=host,
            port=port,
            namespaces=namespaces.split(","),
            replication_factor=replication_factor,
        )
    except OSError as error:
        why = f"can't listen on {host} from port {port} on: {error.strerror or error}"
        raise click.ClickException(f"{why} (--port 0 takes free ports)") from None
    except ValueError as error:
        raise click.UsageError(str(error)) from None
