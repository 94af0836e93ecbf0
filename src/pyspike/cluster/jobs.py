"""What nodes tell of the queries that they run, and ending one (admin-and-info.md 9.6)."""

from __future__ import annotations

from pyspike._wire import plain_int
from pyspike.cluster.all_nodes import unreachable
from pyspike.cluster.call import ClusterCall
from pyspike.cluster.info_answers import parse_build
from pyspike.cluster.node import ClusterNode
from pyspike.errors import (
    AerospikeError,
    InvalidArgument,
    InvalidType,
    JobError,
    ProtocolError,
    ServerError,
)
from pyspike.job import Job
from pyspike.result_code import ResultCode
from pyspike.showing import shown

__all__ = ["abort", "failure", "job_id", "job_of", "list_jobs", "show"]

NEW_NAMES = (8, 1)  # from here on a job's number is called id
MAX_ID = 2**64 - 1
_DONE = "done"
_STATES = ("active", _DONE)


def list_jobs(call: ClusterCall) -> list[Job]:
    """What all nodes tell: first of those that run, and then by number and node.

    Raises:
        AerospikeError: a node did not answer, or with an error.
    """
    found: list[Job] = []
    for node, answer in _all(call, "query-show:").items():
        found += [job_of(row, node) for row in answer.split(";") if row]
    return sorted(found, key=lambda job: (not job.is_active, job.id, job.node))


def _all(call: ClusterCall, command: str) -> dict[str, str]:
    nodes = _nodes(call)
    for error in unreachable(call.cluster).values():
        raise error
    return {node.name: call.info(node, command) for node in nodes}


def _nodes(call: ClusterCall) -> list[ClusterNode]:
    """All that the client knows, also those that get no commands for now: a job may run there too."""
    cluster = call.cluster
    call.begin()
    cluster.ensure_running()
    if not any(node.active for node in cluster.nodes):
        raise cluster.not_connected()
    return list(cluster.nodes)


def abort(call: ClusterCall, number: int) -> list[str]:
    """End a query on all nodes; the names of those that ran it.

    Raises:
        InvalidType, InvalidArgument: it is no number of a query.
        JobError: a node did not answer, or with an error; the others have ended it.
    """
    number = job_id(number)
    ended: list[str] = []
    nodes = _nodes(call)
    failures = unreachable(call.cluster)
    for node in nodes:
        command = f"query-abort:{_by_id(number, node.version)}"
        try:
            call.info(node, command)
        except ServerError as error:
            if error.result_code != ResultCode.KEY_NOT_FOUND_ERROR:
                failures[node.name] = error
        except AerospikeError as error:
            failures[node.name] = error
        else:
            ended.append(node.name)
    if failures:
        raise failure(number, "was not ended", failures)
    return ended


def failure(number: int, what: str, failures: dict[str, AerospikeError]) -> JobError:
    """The error of a job with which some nodes have failed.

    Args:
        number: of the job.
        what: is said of the job on these nodes, such as "was not ended".
        failures: why, by the nodes' names.
    """
    told = "; ".join(f"on node {node}: {error.message}" for node, error in failures.items())
    first, error = next(iter(failures.items()))
    return JobError(
        f"job {number} {what} {told}",
        job_id=number,
        failures=failures,
        node=first,
        result_code=error.result_code,
        in_doubt=any(each.in_doubt for each in failures.values()),
    )


def show(number: int, version: str) -> str:
    """The command that asks a node for one job."""
    return f"query-show:{_by_id(number, version)}"


def _by_id(number: int, version: str) -> str:
    return f"{'id' if parse_build(version) >= NEW_NAMES else 'trid'}={number}"


def job_id(number: object) -> int:
    """The number of a job.

    Raises:
        InvalidType, InvalidArgument: it can't be one.
    """
    plain = plain_int(number)
    if plain is None:
        raise InvalidType(f"a job's id must be an int, not {shown(number)}")
    if not 0 < plain <= MAX_ID:
        raise InvalidArgument(f"a job's id is a number from 1 to {MAX_ID}, not {shown(plain)}")
    return plain


def job_of(row: str, node: str) -> Job:
    """The job that a row of an answer to `query-show` tells of.

    Raises:
        ProtocolError: it tells of none.
    """
    pairs = (piece.partition("=") for piece in row.split(":"))
    fields = {name: value for name, equals, value in pairs if equals}
    try:
        state, _, outcome = fields["status"].partition("(")
        if state not in _STATES:
            raise ValueError(f"status {state}")
        return Job(
            id=int(fields["trid"]),
            node=node,
            namespace=fields["ns"],
            set_name=fields.get("set"),
            index=fields.get("sindex-name"),
            kind=fields["job-type"],
            module=fields.get("udf-filename"),
            function=fields.get("udf-function"),
            is_active=state != _DONE,
            outcome=outcome.rstrip(")"),
            progress=min(max(float(fields["job-progress"]) / 100, 0.0), 1.0),
            succeeded=int(fields["recs-succeeded"]),
            failed=int(fields["recs-failed"]),
            filtered=int(fields["recs-filtered-meta"]) + int(fields["recs-filtered-bins"]),
            throttled=int(fields["recs-throttled"]),
            records_per_second=int(fields["rps"]),
            run_time=int(fields["run-time"]),
            since_done=int(fields["time-since-done"]),
            client=fields["from"],
        )
    except (KeyError, ValueError) as error:
        raise ProtocolError(f"{shown(row)} is no job: {error}") from None
