"""What a node knows of its queries: those that run, and the last of those that are done.

Owns: the figures of a query, the settings by which queries are refused or forgotten, aborting. Not here:
running queries (../queries/), and the commands that tell of them (../info/jobs.py).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

__all__ = [
    "ABORTED",
    "MAX_DONE",
    "MAX_RPS",
    "NAMESPACE_SETTINGS",
    "OK",
    "QUERY_SETTINGS",
    "QUERY_THREADS",
    "THREADS_LIMIT",
    "Job",
    "Jobs",
]

MAX_DONE, THREADS_LIMIT = "query-max-done", "query-threads-limit"
MAX_RPS, QUERY_THREADS = "background-query-max-rps", "single-query-threads"
QUERY_SETTINGS: Mapping[str, int] = {MAX_DONE: 100, THREADS_LIMIT: 128}
"""The settings of queries with the values that a server starts with; `set-config` changes them."""
NAMESPACE_SETTINGS: Mapping[str, int] = {MAX_RPS: 10000, QUERY_THREADS: 4}
"""Those of one namespace."""

OK, ABORTED = "ok", "user-aborted"
_ALL = 100.0


@dataclass(slots=True, eq=False)
class Job:
    """A query of a node: what `query-show` tells of it. Times are of `time.monotonic()`.

    Attributes:
        kind: "basic", "aggregation", "background-udf" or "background-ops".
        client: the address of the client, as `host+port`.
        user: the user whose query it is; empty if the cluster has no security.
        partitions: how many partitions were asked for from their beginning.
        resumed: how many partitions were asked for from after a record.
        udf: the names of the module and the function.
        threads: how many threads a server would run it in.
        outcome: how it has ended.
        is_aborted: whether it is to end before it is complete.
        progress: in percent.
        throttled: how many records were looked at under a limit of records a second.
        filtered: how many records its filter has left out.
        filtered_early: how many of them without a look at their bins.

    """

    trid: int
    namespace: str
    set_name: str
    kind: str
    client: str
    user: str = ""
    index_name: str | None = None
    records_per_second: int = 0
    socket_timeout: int = 0
    partitions: int = 0
    resumed: int = 0
    udf: tuple[str, str] | None = None
    threads: int = 1
    begun: float = field(default_factory=time.monotonic)
    ended: float | None = None
    outcome: str = OK
    is_aborted: bool = False
    progress: float = 0.0
    throttled: int = 0
    filtered: int = 0
    filtered_early: int = 0
    succeeded: int = 0
    failed: int = 0
    sent_bytes: int = 0


@dataclass(slots=True)
class Jobs:
    """The queries of a node."""

    _active: dict[int, Job] = field(default_factory=dict)
    _done: dict[int, Job] = field(default_factory=dict)
    _remembered: int = QUERY_SETTINGS[MAX_DONE]

    def __iter__(self) -> Iterator[Job]:
        """All that are known: those that run, and then the last that has ended first."""
        yield from self._active.values()
        yield from reversed(self._done.values())

    def remember(self, count: int) -> None:
        """Let so many queries that are done be remembered."""
        self._remembered = count
        self._forget()

    def find(self, trid: int) -> Job | None:
        """The query of a number; None if none is known."""
        return self._active.get(trid) or self._done.get(trid)

    @property
    def threads(self) -> int:
        """How many threads a server would run queries in now."""
        return sum(job.threads for job in self._active.values())

    def begin(self, job: Job) -> None:
        """Take note that a query has begun."""
        self._active[job.trid] = job

    def end(self, job: Job, outcome: str = OK) -> None:
        """Take note that a query is done, and how. Does nothing if it was noted before."""
        if job.ended is not None:
            return
        job.ended, job.outcome = time.monotonic(), outcome
        job.progress = _ALL
        if self._active.pop(job.trid, None) is not None:  # a short query never was one of the node's
            self._done[job.trid] = job
            self._forget()

    def _forget(self) -> None:
        while len(self._done) > self._remembered:
            del self._done[next(iter(self._done))]

    def abort(self, trid: int) -> bool:
        """Let a query that runs end, and tell whether there was one."""
        job = self._active.get(trid)
        if job is None:
            return False
        job.is_aborted = True
        return True

    def abort_all(self) -> int:
        """Let all queries end that run; give how many these are."""
        for job in self._active.values():
            job.is_aborted = True
        return len(self._active)
