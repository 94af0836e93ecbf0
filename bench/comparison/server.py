"""The server that all clients use: an embedded one in a process of its own, or the one at `--hosts`; and the
records on it, which are taken away at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .cases import NAMESPACE, QUERIED_SET, RECORDS, SETS, SMALL

__all__ = ["Server", "serving"]

INDEX = "bench-queried-a"
PART = 1000  # records that are written at a time
PATIENCE = 60_000  # ms


@dataclass(frozen=True, slots=True)
class Server:
    """Where it is and what it says it is."""

    hosts: str
    nodes: int
    version: str
    embedded: bool


@contextmanager
def serving(hosts: str | None, *, queried: int = 0) -> Iterator[Server]:
    """The server, with the records of all cases on it, and so many that queries find."""
    if hosts:
        with _seeded(hosts, embedded=False, queried=queried) as server:
            yield server
        return
    from pyspike.server import EmbeddedCluster

    with (
        EmbeddedCluster(nodes=1, process=True) as cluster,
        _seeded(cluster.hosts, embedded=True, queried=queried) as server,
    ):
        yield server


@contextmanager
def _seeded(hosts: str, *, embedded: bool, queried: int) -> Iterator[Server]:
    from pyspike import Client, IndexType, Key

    keys = [Key(NAMESPACE, QUERIED_SET, number) for number in range(queried)]
    parts = [keys[start : start + PART] for start in range(0, len(keys), PART)]
    with Client(hosts) as client:
        version = client.info("build", client.nodes()[0])
        nodes = len(client.nodes())
        for set_name, bins in SETS.items():
            for number in range(RECORDS):
                key = Key(NAMESPACE, set_name, number)
                client.delete(key)
                if bins:
                    client.put(key, bins)
        for part in parts:
            client.batch_put({key: {**SMALL, "a": key.user_key} for key in part}, timeout=PATIENCE)
        if queried:
            client.create_index(NAMESPACE, QUERIED_SET, INDEX, bin="a", type=IndexType.NUMERIC).wait(PATIENCE)
    try:
        yield Server(hosts, nodes, version, embedded)
    finally:
        with Client(hosts) as client:
            for set_name in SETS:
                for number in range(RECORDS):
                    client.delete(Key(NAMESPACE, set_name, number))
            for part in parts:
                client.batch_delete(part, timeout=PATIENCE)
            if queried:
                client.drop_index(NAMESPACE, INDEX)
