"""A node of a real cluster is killed under load: `kill -9`, and nothing else is told to anybody.

The embedded cluster has no replication that could wait for a dead node, so this needs three real nodes on
this machine, with two replicas, and the process id of one of them, which stays dead (CONTRIBUTING.md).
"""

from __future__ import annotations

import os
import signal

import pytest

from pyspike import AsyncClient
from support.counting import Count
from support.pipes import in_loop

PID = int(os.environ.get("PYSPIKE_KILL_PID", "0"))
SEED = int(os.environ.get("PYSPIKE_KILL_SEED", "1"))


@pytest.mark.skipif(not PID, reason="PYSPIKE_KILL_PID names no process of a node that may be killed")
@in_loop
async def test_a_killed_node_brings_no_older_value_back_and_fails_no_get(hosts: str, set_name: str) -> None:
    async with AsyncClient(hosts) as client:
        count = Count(client, f"{set_name}-{PID}", SEED)
        await count.run(1.5 + SEED % 10 / 30, lambda: os.kill(PID, signal.SIGKILL), 7.0)
        print(f"seed {SEED}: {dict(count.numbers)}")
