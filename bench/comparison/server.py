"""The server that all clients use: an embedded one in a process of its own, or the one at `--hosts`; and the
records on it, which are taken away at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .cases import NAMESPACE, RECORDS, SETS

__all__ = ["Server", "serving"]


@dataclass(frozen=True, slots=True)
class Server:
    """Where it is and what it says it is."""

    hosts: str
    nodes: int
    version: str
    embedded: bool


@contextmanager
def serving(hosts: str | None) -> Iterator[Server]:
    """The server, with the records of all cases on it."""
    if hosts:
        with _seeded(hosts, embedded=False) as server:
            yield server
        return
    from pyspike.server import EmbeddedCluster

    with EmbeddedCluster(nodes=1, process=True) as cluster, _seeded(cluster.hosts, embedded=True) as server:
        yield server


@contextmanager
def _seeded(hosts: str, *, embedded: bool) -> Iterator[Server]:
    from pyspike import Client, Key

    with Client(hosts) as client:
        version = client.info("build", client.nodes()[0])
        nodes = len(client.nodes())
        for set_name, bins in SETS.items():
            for number in range(RECORDS):
                key = Key(NAMESPACE, set_name, number)
                client.delete(key)
                if bins:
                    client.put(key, bins)
    try:
        yield Server(hosts, nodes, version, embedded)
    finally:
        with Client(hosts) as client:
            for set_name in SETS:
                for number in range(RECORDS):
                    client.delete(Key(NAMESPACE, set_name, number))
