"""Info commands about queries that run, and those that are done.

Owns: the checks of their parameters, and the rows that they answer. Not here: what is told
(../topology/jobs.py), running queries (../queries/).
"""

from __future__ import annotations

import time

from ..protocol.result import ResultCode
from ..topology.jobs import Job
from .call import Call, InfoError

__all__ = ["COMMANDS"]


def _trid(call: Call) -> int | None:
    text = call.param("id", "trid")
    if text is not None and not text.isdigit():
        raise InfoError("bad id")
    return None if text is None else int(text)


def _show(call: Call) -> str:
    trid = _trid(call)
    if trid is None:
        return ";".join(map(_row, call.node.jobs))
    job = call.node.jobs.find(trid)
    if job is None:
        raise InfoError("job not found", ResultCode.NOT_FOUND)
    return _row(job)


def _abort(call: Call) -> str:
    trid = _trid(call)
    if trid is None:
        raise InfoError("missing 'id'")
    if not call.node.jobs.abort(trid):
        raise InfoError("id not active", ResultCode.NOT_FOUND)
    return "ok"


def _abort_all(call: Call) -> str:
    return f"number-of-queries-killed:{call.node.jobs.abort_all()}"


def _row(job: Job) -> str:
    """What is told of a query: names and values, of which some kinds of queries have more."""
    is_active, now = job.ended is None, time.monotonic()
    ended = now if job.ended is None else job.ended
    is_basic = job.kind == "basic"
    table: dict[str, object] = {"trid": job.trid, "ns": job.namespace}
    if job.set_name:
        table["set"] = job.set_name
    if job.index_name is not None:
        table["sindex-name"] = job.index_name
    if is_basic:
        table["n-pids-requested"] = job.partitions
        table["n-keyds-requested"] = job.resumed
    table |= {
        "rps": job.records_per_second,
        "active-threads": job.threads if is_active else 0,
        "status": f"{'active' if is_active else 'done'}({job.outcome})",
        "job-progress": f"{job.progress:.2f}",
        "run-time": int((ended - job.begun) * 1000),
        "time-since-done": int((now - ended) * 1000),
        "recs-throttled": job.throttled,
        "recs-filtered-meta": job.filtered_early,
        "recs-filtered-bins": job.filtered - job.filtered_early,
        "recs-succeeded": job.succeeded,
        "recs-failed": job.failed,
        "from": job.client,
        "job-type": job.kind,
        "net-io-bytes": job.sent_bytes,
    }
    if is_basic or job.kind == "aggregation":
        table["net-io-time"] = 0
    table["socket-timeout"] = job.socket_timeout
    if job.udf is not None and job.kind == "background-udf":
        table |= {"udf-filename": job.udf[0], "udf-function": job.udf[1], "udf-active": 0}
    elif job.kind == "background-ops":
        table["ops-active"] = 0
    return ":".join(f"{name}={value}" for name, value in table.items())


COMMANDS = {
    "query-show": _show,
    "query-abort": _abort,
    "query-abort-all": _abort_all,
}
"""The function that answers each command, by the command's name."""
