"""The embedded server as a program: `python -m pyspike.server --nodes 3 --port 3000`.

Owns: the command line and running in the foreground. `--control` is how `EmbeddedCluster(process=True)` runs
it.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType

from .backends import serve_control
from .cluster import EmbeddedCluster

__all__ = ["main", "serve"]

DEFAULT_PORT = 3000


def serve(
    nodes: int = 1,
    *,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    namespaces: Sequence[str] = ("test", "bar"),
    replication_factor: int = 2,
) -> None:
    """Run a cluster in the foreground until SIGINT or SIGTERM; print one line with its hosts. Main thread
    only.

    Args:
        nodes: how many.
        host: the address to listen on.
        port: the first node's port, the others follow; 0: free ports.
        namespaces: their names.
        replication_factor: how many nodes own each partition.

    Raises:
        OSError: a port is taken.

    """
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        cluster = EmbeddedCluster(
            nodes, namespaces=namespaces, replication_factor=replication_factor, host=host, port=port
        )
        with cluster:
            print(cluster.hosts, flush=True)
            ended.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; give the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m pyspike.server", description="Run an embedded Aerospike cluster."
    )
    parser.add_argument("--nodes", type=int, default=1, help="how many nodes (default: 1)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument(
        "--port",
        type=int,
        default=DEFAULT_PORT,
        help="the first node's port, 0 for free ones (default: 3000)",
    )
    parser.add_argument("--namespaces", default="test,bar", help="names, with commas (default: test,bar)")
    parser.add_argument(
        "--replication-factor", type=int, default=2, help="owners of each partition (default: 2)"
    )
    parser.add_argument("--control", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.control:
        serve_control(sys.stdin, sys.stdout)
        return 0
    try:
        serve(
            options.nodes,
            host=options.host,
            port=options.port,
            namespaces=options.namespaces.split(","),
            replication_factor=options.replication_factor,
        )
    except (OSError, ValueError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
