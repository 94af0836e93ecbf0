"""Nothing grows with the number of queries, however they end: no memory, descriptor or thread stays behind.

Some 180 queries here; PYSPIKE_LEAK_QUERIES=100000 in the environment for as many (pytest -rP shows the
figures).
"""

from __future__ import annotations

import itertools
import os
import tracemalloc

import pytest
from query_leak_scenarios import QUERIES

from pyspike import Client, Key, Statement
from support.processes import PATIENCE, run_scenario

LONG = 2 * PATIENCE + QUERIES / 5  # seconds


@pytest.mark.both_kinds
@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts descriptors in /proc")
@pytest.mark.timeout(LONG + 60)
def test_nothing_grows_with_the_number_of_queries(set_name: str) -> None:
    run_scenario("query_leak_scenarios.py", "queries", "", set_name, patience=LONG)


def test_memory_does_not_grow_with_the_number_of_records(client: Client, set_name: str) -> None:
    name = f"{set_name}-memory"
    keys = [Key("test", name, number) for number in range(400)]
    client.batch_put({key: {"fill": bytes(20_000)} for key in keys}, timeout=60_000)

    def peak(count: int) -> int:
        tracemalloc.start()
        try:
            with client.query(Statement("test", name), timeout=60_000) as records:
                assert sum(1 for _ in itertools.islice(records, count)) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)
    assert peak(400) < 8_000_000, (
        "three nodes have sent a frame of a MiB each; the records have 8,000,000 bytes"
    )
    client.batch_delete(keys, timeout=60_000)
