"""What users hold of the queries that nodes run: a `Job` tells how far one node is with one of them.

A leaf: plain values. What asks for them is `pyspike.cluster.jobs`.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Job"]


@dataclass(frozen=True, slots=True)
class Job:
    """A query that a node runs or has run, in the background or for a client that reads its records.

    Args:
        id: its number, which is the same on all nodes.
        node: the name of the node that tells of it.
        namespace: the namespace's name.
        set_name: the set's name; None for the whole namespace.
        index: the name of the index that it finds records by; None without one.
        kind: in the server's words: "basic", "aggregation", "background-ops" or "background-udf".
        module: the name of the module that it calls; None if it calls none.
        function: the name of the function.
        is_active: whether it still runs.
        outcome: how it has ended, in the server's words: "ok", "user-aborted", or "abandoned-" with the
            reason; "ok" as long as it runs.
        progress: how much of it is done, from 0 to 1; 1 however it has ended.
        succeeded: how many records it has given or changed.
        failed: with how many it has failed.
        filtered: how many its filter expression has left out.
        throttled: how many it has looked at under its limit of records a second.
        records_per_second: that limit; 0 for none.
        run_time: for how many milliseconds it has run.
        since_done: how many milliseconds ago it has ended; 0 as long as it runs.
        client: the address that it was asked for from, as `host+port`.
    """

    id: int
    node: str
    namespace: str
    set_name: str | None
    index: str | None
    kind: str
    module: str | None
    function: str | None
    is_active: bool
    outcome: str
    progress: float
    succeeded: int
    failed: int
    filtered: int
    throttled: int
    records_per_second: int
    run_time: int
    since_done: int
    client: str
