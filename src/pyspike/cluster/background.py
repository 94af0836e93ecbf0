"""Queries that the nodes run by themselves: beginning one on all nodes, and waiting until all are done.

A job is begun once on each node. A node that did not answer may have begun all the same, so only one that
could not be reached at all is tried again. What is known of a job then is in `JobWatch`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from functools import partial
from types import MappingProxyType

from pyspike._types import Filter, Milliseconds, Ttl
from pyspike._wire import (
    AT_RESULT_CODE,
    Command,
    Connection,
    Operation,
    Statement,
    background_request,
    new_query_number,
    parse_answer,
)
from pyspike.cluster.addresses import left_ms
from pyspike.cluster.all_nodes import masters
from pyspike.cluster.call import ClusterCall, Request
from pyspike.cluster.info_answers import value_of
from pyspike.cluster.jobs import abort, failure, job_of, show
from pyspike.cluster.node import ClusterNode
from pyspike.cluster.parallel import LATE, ParallelJobs
from pyspike.cluster.retry import add_explanation, jittered, may_pass, name_index, note_failure
from pyspike.cluster.watch import Question, Watch
from pyspike.errors import (
    AerospikeError,
    ConnectionError,
    InvalidArgument,
    InvalidType,
    QueryAborted,
    ServerError,
    TimeoutError,
)
from pyspike.job import Job
from pyspike.nodes import NodeStatus
from pyspike.policy import (
    CommitLevel,
    GenerationPolicy,
    RecordExistsAction,
    WritePolicy,
)
from pyspike.policy.checks import MAX_UINT32, whole
from pyspike.result_code import ResultCode
from pyspike.showing import shown

__all__ = ["JobWatch", "begin"]

# What a job heeds of no policy: it only changes records that are there, whatever their generation.
_IDLE: Mapping[str, object] = MappingProxyType(
    {
        "record_exists_action": RecordExistsAction.UPDATE,
        "generation_policy": GenerationPolicy.NONE,
        "generation": 0,
        "commit_level": CommitLevel.ALL,
        "send_key": False,
        "respond_per_each_op": False,
    }
)


def begin(
    call: ClusterCall,
    statement: Statement,
    policy: WritePolicy | None,
    default: WritePolicy,
    *,
    operations: Iterable[Operation] | None = None,
    udf: tuple[str, str, bytes] | None = None,
    timeout: Milliseconds | None = None,
    ttl: Ttl | None = None,
    filter_expression: Filter | None = None,
    records_per_second: int = 0,
) -> JobWatch:
    """Have all nodes begin to apply operations or a function to the records that a statement finds.

    Args:
        call: of which call, with the time that each node has when it is asked how far it is.
        statement: which records.
        policy: how; None for the default.
        default: what of it applies counts where no policy is given.
        operations: what is done.
        udf: or what `packed_call` gives for a function.
        timeout: until when all nodes must have begun.
        ttl: how long the records live from then on.
        filter_expression: which of the records.
        records_per_second: how many records each node may look at in a second; 0 for what it allows.

    Raises:
        InvalidType, InvalidArgument: an argument can't be used; nothing was sent.
        ServerError: all nodes refuse it.
        JobError: some nodes did not begin; the others go on.
        ConnectFailed, ClientClosed: no node is known, or the client is closed.
    """
    if not isinstance(statement, Statement):
        raise InvalidType(f"what is to be changed must be told by a Statement, not {shown(statement)}")
    chosen = _without_idle(default) if policy is None else _heeded(policy)
    number = new_query_number()
    command = background_request(
        statement,
        chosen.settings,
        number - 2**64 if number >= 2**63 else number,  # the same 8 bytes
        operations=operations,
        udf=udf,
        timeout=timeout,
        ttl=ttl,
        filter_expression=filter_expression,
        records_per_second=whole(0, MAX_UINT32)(records_per_second, "records_per_second"),
    )
    call.begin_in(statement.namespace, statement.set_name)
    deadline = time.monotonic() + command.total_timeout / 1000 if command.total_timeout else float("inf")
    nodes = _wait_for_nodes(call, command, chosen, deadline)
    failures, idle = _begin_all(call, nodes, command, chosen, deadline)
    for error in failures.values():
        name_index(error, statement)
    if failures:
        raise _refusal(number, nodes, failures)
    return JobWatch(call, number, nodes, idle)


def _wait_for_nodes(
    call: ClusterCall, command: Command, policy: WritePolicy, deadline: float
) -> dict[str, ClusterNode]:
    """The nodes that change the records, as soon as all are known; for as long as the policy tries again.

    Raises:
        ConnectionError: as from `masters`.
    """
    tries = 0
    while True:
        began = time.monotonic()
        try:
            return masters(
                call.cluster, command.namespace, "nothing was begun, as their records would not be changed"
            )
        except ConnectionError as error:
            call.note_failed(None, error, began, sent=False)
            tries += 1
            pause = jittered(policy.settings.sleep_between_retries)
            if tries > (policy.max_retries or 0) or left_ms(deadline) <= pause:
                raise
            call.cluster.request_tend()
            time.sleep(pause / 1000)


def _heeded(policy: WritePolicy) -> WritePolicy:
    """The policy, if a job heeds all that it says."""
    if not isinstance(policy, WritePolicy):
        raise InvalidType(f"policy must be a WritePolicy here, not {type(policy).__name__}")
    for name, value in _IDLE.items():
        if getattr(policy, name) != value:
            raise InvalidArgument(
                f"{name} has no effect on a job in the background, which only changes records that are there",
                advice=f"a policy without {name}",
            )
    return policy


def _without_idle(policy: WritePolicy) -> WritePolicy:
    """What of the client's own policy a job heeds."""
    return policy.replace(**_IDLE)


def _refusal(
    number: int, nodes: Mapping[str, ClusterNode], failures: dict[str, AerospikeError]
) -> AerospikeError:
    """The error of a job that not all nodes have begun."""
    codes = {error.result_code for error in failures.values()}
    first = next(iter(failures.values()))
    if len(failures) == len(nodes) and len(codes) == 1 and isinstance(first, ServerError):
        return first
    error = failure(number, "did not begin", failures)
    begun = [name for name in nodes if name not in failures]
    if begun:
        error.message += f"; it goes on on {', '.join(begun)}"
        error.args = (error.message,)
        error.advice = f"wait for it with jobs(), or end it with abort_job({number})"
    return error


# Beginning --------------------------------------------------------------------------------------------------


def _begin_all(
    call: ClusterCall,
    nodes: Mapping[str, ClusterNode],
    command: Command,
    policy: WritePolicy,
    deadline: float,
) -> tuple[dict[str, AerospikeError], set[str]]:
    """Send the request to all nodes; the errors of those that failed, and which have nothing to do."""
    failures: dict[str, AerospikeError] = {}
    idle: set[str] = set()
    jobs = {name: partial(_begin, call, node, command, policy, deadline) for name, node in nodes.items()}
    began = time.monotonic()
    with ParallelJobs(jobs, lambda has_records: None) as asked:
        while (taken := asked.take(min(deadline + LATE, time.monotonic() + 3600))) is not None:
            name, outcome = taken
            if isinstance(outcome, AerospikeError):
                failures[name] = outcome
            elif isinstance(outcome, Exception):
                raise outcome
            elif not outcome:
                idle.add(name)
        for name in asked.unfinished:
            failures[name] = error = TimeoutError("timed out", node=name, in_doubt=True)
            call.note_failed(name, error, began, sent=True)
    for failed in failures.values():
        if isinstance(failed, TimeoutError):
            failed.timeout = command.total_timeout
    return {name: failures[name] for name in nodes if name in failures}, idle


def _begin(
    call: ClusterCall, node: ClusterNode, command: Command, policy: WritePolicy, deadline: float
) -> bool:
    """Have one node begin; whether it has any such records.

    Raises:
        AerospikeError: it did not, or may not have.
    """

    def talk(connection: Connection, limit: float) -> bool:
        answer = connection.exchange(command.request, limit)
        parse_answer(command, answer)
        return answer[AT_RESULT_CODE] == ResultCode.OK  # else it knows no such set

    tries = 0
    while True:
        request = Request(call, node, talk, again=tries > 0)
        try:
            return request.run(left_ms(deadline))
        except AerospikeError as error:
            if isinstance(error, ServerError):
                add_explanation(call.cluster, error, command)
                raise
            error.in_doubt = request.sent
            note_failure(call.cluster, error, request.sent)
            tries += 1
            pause = jittered(policy.settings.sleep_between_retries)
            may_again = not request.sent and may_pass(error) and tries <= (policy.max_retries or 0)
            if not may_again or left_ms(deadline) <= pause:
                raise
            time.sleep(pause / 1000)


# Waiting ----------------------------------------------------------------------------------------------------


class _JobDone(Question):
    """How far a node is with a job."""

    def __init__(self, number: int) -> None:
        self.number = number

    @property
    def what(self) -> str:
        return f"job {self.number} is done"

    def command(self, version: str) -> str:
        return show(self.number, version)

    def read(self, answer: str) -> NodeStatus:
        job = job_of(answer, "")
        if job.is_active:
            return NodeStatus(False, job.progress, f"has done {job.progress:.0%} of it")
        told = "is done" if job.outcome == "ok" else f"has ended it: {job.outcome}"
        return NodeStatus(True, 1.0, f"{told}: {job.succeeded} records, {job.failed} failed")


class JobWatch(Watch):
    """Asks the nodes that have begun a job, until each is done with it.

    A node that leaves the cluster before it is done, or was started again meanwhile, has failed; so has one
    on which the job was aborted or abandoned. The others are waited for all the same.

    Args:
        call: the call that has begun it; each node has as much time to answer as that says.
        number: of the job.
        nodes: those that have begun it.
        idle: the names of those that have nothing to do.

    Attributes:
        number: of the job.
        jobs: what each node has told at the last look, by its name.
    """

    def __init__(
        self, call: ClusterCall, number: int, nodes: Mapping[str, ClusterNode], idle: set[str]
    ) -> None:
        super().__init__(call, _JobDone(number))
        self._begun_by = call
        self.number = number
        self.jobs: dict[str, Job] = {}
        self._begun = nodes
        self._began = time.monotonic()
        self._seen = {name: NodeStatus(True, 1.0, "has no such records") for name in idle}
        self._failures: dict[str, AerospikeError] = {}

    def look(self, timeout: float | None = None) -> bool:
        """Ask each node that was not done; whether all are done now. Blocks.

        Raises:
            JobError: all are done, but some have failed.
            ClientClosed: the client is closed.
        """
        self._cluster.ensure_running()
        limit = self._call.timeout if timeout is None else min(timeout, self._call.timeout)
        here = {node.name: node for node in self._cluster.nodes}
        seen = dict(self._seen)
        waiting = []
        for name in self._begun:
            if name in seen and seen[name].done:
                continue
            if name in here:
                waiting.append(here[name])
            else:
                seen[name] = self._failed(name, ConnectionError("it has left the cluster before it was done"))
        self._seen = seen | self._ask_all(waiting, limit)
        if not all(name in self._seen and self._seen[name].done for name in self._begun):
            return False
        if self._failures:
            raise failure(self.number, "has failed", dict(sorted(self._failures.items())))
        return True

    def abort(self) -> list[str]:
        """End the job on all nodes; the names of those that were not done with it.

        Raises:
            JobError: a node did not answer, or with an error.
        """
        with self._begun_by.other("abort_job") as call:
            return abort(call, self.number)

    def _ask(self, node: ClusterNode, timeout: float) -> NodeStatus:
        command = self.question.command(node.version)
        try:
            answer = value_of(self._answers(node, command, timeout), command)
            self.jobs[node.name] = job = job_of(answer, node.name)
        except AerospikeError as error:
            error.node = node.name
            if may_pass(error):
                return self._silent(node.name, error.message)
            if not isinstance(error, ServerError) or error.result_code != ResultCode.KEY_NOT_FOUND_ERROR:
                return self._failed(node.name, error)
            return self._forgotten(node, timeout)
        if not job.is_active and job.outcome != "ok":
            self._failed(node.name, QueryAborted(f"it was ended before it was done: {job.outcome}"))
        return self.question.read(answer)

    def _forgotten(self, node: ClusterNode, timeout: float) -> NodeStatus:
        """What it means that a node knows the job no more: it was done long ago, or the node began anew."""
        elapsed = time.monotonic() - self._began
        try:
            text = value_of(self._answers(node, "statistics", timeout), "statistics")
        except AerospikeError as error:
            error.node = node.name
            return self._silent(node.name, error.message)
        uptime = re.search(r"(?:^|;)uptime=(\d+)(?:;|$)", text)
        if uptime is not None and int(uptime[1]) < elapsed:
            return self._failed(node.name, ConnectionError("it was started again before it was done"))
        return NodeStatus(True, 1.0, "does not list it any more")

    def _failed(self, name: str, error: AerospikeError) -> NodeStatus:
        error.node = name
        self._failures[name] = error
        return NodeStatus(True, 1.0, f"has failed: {error.message}")
