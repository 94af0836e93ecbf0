"""How a query begins: what kind it is, whether the node takes it, and who runs it.

Owns: the checks that queries have in common, and their order. Not here: running them (streams.py,
background.py).
"""

from __future__ import annotations

from random import Random

from ..protocol.constants import SET_NAME_MAX, FieldType, Info1, Info2, Info3, UdfOp
from ..protocol.framing import Message
from ..protocol.query_plan import parse_condition
from ..protocol.query_request import (
    DEFAULT_SOCKET_TIMEOUT,
    Where,
    parse_starts,
    parse_where,
    query_id,
    records_per_second,
    socket_timeout,
)
from ..protocol.result import RequestError, ResultCode, bad
from ..records.operations import READ_OPS
from ..records.place import namespace_of
from ..storage.store import Namespace
from ..topology.jobs import MAX_DONE, MAX_RPS, QUERY_THREADS, THREADS_LIMIT, Job
from ..topology.replies import LongReply, Reply
from ..topology.state import ClusterState, NodeState, Session
from .aggregation import Aggregation
from .background import Background
from .plans import explain, with_filter
from .search import Search, search_for
from .streams import Stream

__all__ = ["run_query"]

_BASIC, _AGGREGATION, _UDF, _OPS = "basic", "aggregation", "background-udf", "background-ops"
_UDF_KINDS = {bytes((UdfOp.AGGREGATE,)): _AGGREGATION, bytes((UdfOp.BACKGROUND,)): _UDF}
_IDS = Random()
_ID_BITS = 64


def run_query(cluster: ClusterState, node: NodeState, session: Session, message: Message) -> Reply:
    """Begin a query, which is a request without a digest.

    Args:
        cluster: the cluster of the node.
        node: the node that is asked.
        session: what is known of the connection.
        message: the request.

    Returns:
        The reply, which is drawn as the client reads, or one frame.

    Raises:
        RequestError: the query is not taken.

    """
    namespace = namespace_of(cluster.store, message)
    if namespace.is_strong and message.info2 & Info2.RELAX_AP_LONG_QUERY:
        raise bad("a relaxed query of a strong-consistent namespace")
    kind = _kind(message)
    condition = parse_condition(message) if namespace.store.version.query_plans else None
    if condition is not None:
        if kind != _BASIC:
            raise RequestError(ResultCode.UNSUPPORTED_FEATURE, "a filter in words of such a query")
        if condition.is_explained:
            return explain(namespace, node, message, condition)
        message = with_filter(message, condition)
    set_name = message.fields.get(FieldType.SET, b"")
    if len(set_name) > SET_NAME_MAX:
        raise bad("the name of a set that is too long")
    job = _job(node, session, namespace, message, kind)
    if kind == _BASIC and not message.info3 & Info3.PARTITION_DONE:
        raise RequestError(ResultCode.UNSUPPORTED_FEATURE, "a query without notices of partitions")
    where = parse_where(message, is_planned=condition is not None)
    if kind == _BASIC:
        return _begin_stream(cluster, node, namespace, message, job, where)
    if message.info1 & Info1.SHORT_QUERY:
        raise bad("a short query that gives no records")
    if kind == _AGGREGATION and FieldType.FILTER in message.fields:
        raise RequestError(ResultCode.UNSUPPORTED_FEATURE, "a filter of an aggregation")
    if set_name and set_name not in namespace.sets:
        raise RequestError(ResultCode.NOT_FOUND, f"no set {set_name!r}")
    begin = _begin_aggregation if kind == _AGGREGATION else _begin_job
    return begin(cluster, node, namespace, message, job, where)


def _kind(message: Message) -> str:
    fields = message.fields
    if FieldType.UDF_FILENAME not in fields:
        return _OPS if message.info2 & Info2.WRITE else _BASIC
    kind = _UDF_KINDS.get(fields.get(FieldType.UDF_OP, b""))
    if kind is None or FieldType.UDF_FUNCTION not in fields or FieldType.UDF_ARGLIST not in fields:
        raise bad("a call of a module that is not complete")
    return kind


def _job(node: NodeState, session: Session, namespace: Namespace, message: Message, kind: str) -> Job:
    """What the node tells of the query, which has not begun yet."""
    return Job(
        query_id(message) or _IDS.getrandbits(_ID_BITS),
        namespace.name,
        message.fields.get(FieldType.SET, b"").decode("latin-1"),
        kind,
        session.client,
        "" if session.caller.user is None else session.caller.user.name,
        records_per_second=records_per_second(message),
        socket_timeout=socket_timeout(message),
    )


def _begin_stream(
    cluster: ClusterState,
    node: NodeState,
    namespace: Namespace,
    message: Message,
    job: Job,
    where: Where | None,
) -> LongReply:
    fields = message.fields
    if FieldType.PID_ARRAY not in fields and FieldType.DIGEST_ARRAY not in fields:
        raise RequestError(ResultCode.UNSUPPORTED_FEATURE, "a query without partitions")
    is_short = bool(message.info1 & Info1.SHORT_QUERY)
    if is_short and job.records_per_second:
        raise bad("records per second of a short query")
    starts = parse_starts(message)
    search = _search(node, namespace, message, job, where)
    job.partitions = sum([start.digest is None for start in starts])
    job.resumed = len(starts) - job.partitions
    if not is_short and not job.records_per_second:
        job.threads = min(node.query_setting(QUERY_THREADS, namespace), len(starts))
    stream = Stream(cluster, node, namespace, message, job, search, starts)
    if not is_short:
        _take(node, job)
    return LongReply(stream.frames(), job.socket_timeout / 1000 or None, is_query=True)


def _begin_aggregation(
    cluster: ClusterState,
    node: NodeState,
    namespace: Namespace,
    message: Message,
    job: Job,
    where: Where | None,
) -> LongReply:
    search = _search(node, namespace, message, job, where)
    aggregation = Aggregation(cluster, node, namespace, message, job, search)
    _take(node, job)
    return LongReply(aggregation.frames(), job.socket_timeout / 1000 or None, is_query=True)


def _begin_job(
    cluster: ClusterState,
    node: NodeState,
    namespace: Namespace,
    message: Message,
    job: Job,
    where: Where | None,
) -> bytes:
    if job.kind == _OPS:
        _check_operations(message)
    most = node.query_setting(MAX_RPS, namespace)
    if job.records_per_second > most:
        raise bad(f"more than {most} records a second")
    job.records_per_second = job.records_per_second or most
    job.socket_timeout = DEFAULT_SOCKET_TIMEOUT
    job.udf = _udf(message)
    search = _search(node, namespace, message, job, where)
    work = Background(cluster, node, namespace, message, job, search)
    _take(node, job)
    return work.begin()


def _check_operations(message: Message) -> None:
    """Find out whether the ops of a query can be run in the background.

    Raises:
        RequestError: PARAMETER: there are none, or one reads.

    """
    if message.info1 & Info1.READ or not message.ops or any(op.code in READ_OPS for op in message.ops):
        raise bad("a query in the background that reads, or does nothing")


def _udf(message: Message) -> tuple[str, str] | None:
    """The names of the module and of the function that are called."""
    module, function = (
        message.fields.get(kind, b"").decode("latin-1")
        for kind in (FieldType.UDF_FILENAME, FieldType.UDF_FUNCTION)
    )
    return (module, function) if module else None


def _search(node: NodeState, namespace: Namespace, message: Message, job: Job, where: Where | None) -> Search:
    search = search_for(namespace, node, message.fields.get(FieldType.SET, b""), where)
    if search.index is not None:
        job.index_name = search.index.name
    return search


def _take(node: NodeState, job: Job) -> None:
    """Let a query be one of the node's.

    Raises:
        RequestError: PARAMETER: there is one of that number. FORBIDDEN: there are too many.

    """
    if node.jobs.find(job.trid) is not None:
        raise bad(f"query {job.trid} is known")
    if node.jobs.threads >= node.query_setting(THREADS_LIMIT):
        raise RequestError(ResultCode.FORBIDDEN, "too many queries at once")
    node.jobs.remember(node.query_setting(MAX_DONE))
    node.jobs.begin(job)
