"""What test_query_leaks has measured in a process of its own: `python query_leak_scenarios.py queries`.

PYSPIKE_LEAK_QUERIES is how many queries there are, about.
"""

from __future__ import annotations

import asyncio
import os
import signal
from itertools import count, islice

from leak_scenarios import expect_flat

from pyspike import AerospikeError, AsyncClient, ClientPolicy, Key, QueryPolicy, Statement, exp, filters
from pyspike import operations as op
from pyspike.server import EmbeddedCluster
from support.clients import Client
from support.cluster_tools import pools, wait_until
from support.facade import TaskClient, wait_for
from support.indexes import index
from support.processes import main

QUERIES = int(os.environ.get("PYSPIKE_LEAK_QUERIES") or 180)
SELDOM = 5  # so many rounds have one in which queries are interrupted and cancelled
SCAN = Statement("test", "leak")
PATIENT = QueryPolicy(total_timeout=60_000)
ONCE = QueryPolicy(total_timeout=60_000, max_retries=0)


class Stop(Exception):  # noqa: N818 - no error
    """What a signal raises in the middle of a query."""


def stop(*_: object) -> None:
    raise Stop


async def cancel_some(client: AsyncClient) -> None:
    """Queries whose tasks are cancelled before they are sent, while they are, and while they wait."""

    async def read() -> None:
        async for _ in client.query(SCAN):
            pass

    tasks = []
    for turns in range(6):
        tasks.append(asyncio.ensure_future(read()))
        for _ in range(turns):
            await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
    await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Round:
    """Some ten queries a call: those that succeed, and those that end in each other way there is."""

    def __init__(self, cluster: EmbeddedCluster, client: Client) -> None:
        self.cluster, self.client, self.node = cluster, client, cluster.nodes[0]
        self.numbers = count()

    def __call__(self) -> None:
        client = self.client
        assert len(list(client.query(SCAN))) == 60
        assert len(list(client.query(Statement("test", "leak", where=filters.range("n", 0, 9))))) == 10
        assert len(list(client.query(Statement("test", "leak", operations=[op.get("n")])))) == 60
        page = client.query(SCAN, policy=QueryPolicy(max_records=20, total_timeout=60_000))
        assert len(list(page)) == 20
        assert len(list(client.query(SCAN, cursor=page.cursor))) == 40
        with client.query(SCAN, filter_expression=exp.int_bin("n") > 5) as query:
            list(islice(query, 5))
        dropped = client.query(SCAN)
        next(dropped)
        del dropped
        client.query(SCAN).close()
        self.fails(client.query(SCAN, filter_expression=b"\xc1"))
        self.node.fail_query(14, after_frames=1)
        self.fails(client.query(SCAN, policy=ONCE))
        self.node.cut(50, after_frames=1)
        self.fails(client.query(SCAN, policy=ONCE))
        self.node.garbage(after_frames=1)
        self.fails(client.query(SCAN, policy=ONCE))
        self.cluster.heal()
        self.frame()
        if next(self.numbers) % SELDOM == 0:
            self.end_early()
        self.client.stats()

    def frame(self) -> None:
        for node in self.cluster.nodes:
            node.frame_queries(200)

    def fails(self, query: object) -> None:
        try:
            for _ in query:  # type: ignore[attr-defined]
                pass
        except (AerospikeError, Stop) as error:
            str(error)
        repr(query)

    def end_early(self) -> None:
        for node in self.cluster.nodes:
            node.freeze()
        signal.setitimer(signal.ITIMER_REAL, 0.03)
        self.fails(self.client.query(SCAN, policy=QueryPolicy(socket_timeout=0, total_timeout=60_000)))
        if isinstance(self.client, TaskClient):
            wait_for(cancel_some(self.client.tasks))
        self.cluster.heal()
        self.frame()


def queries(_: str) -> None:
    """All kinds of queries, in rounds."""
    signal.signal(signal.SIGALRM, stop)
    policy = ClientPolicy(tend_interval=20, query=PATIENT)
    with EmbeddedCluster(2, process=True) as cluster, Client(cluster.hosts, policy) as client:
        client.batch_put({Key("test", "leak", n): {"n": n, "s": "x" * 50} for n in range(60)}, timeout=60_000)
        with index(client, "leak", "n"):
            work = Round(cluster, client)
            work()
            work.frame()
            expect_flat(work, first=15, then=max(15, QUERIES // 12), each=12, what="queries of 60 records")
            wait_until(lambda: pools(client, "in_flight") == 0)


if __name__ == "__main__":
    main((queries,))
