"""How a query begins: what kind it is, whether the node takes it, and who runs it.

Owns: the checks that queries have in common, and their order. Not here: running them (streams.py,
background.py).
"""

from __future__ import annotations

from random import Random

from ..protocol.constants import FieldType, Info1, Info2, Info3, UdfOp
from ..protocol.framing import Message
from ..protocol.query_request import (
    DEFAULT_SOCKET_TIMEOUT,
    parse_starts,
    parse_where,
    query_id,
    records_per_second,
    socket_timeout,
)
from ..protocol.result import RequestError, ResultCode, bad
from ..records.commands import namespace_of
from ..storage.store import Namespace
from ..topology.jobs import MAX_DONE, MAX_RPS, QUERY_THREADS, THREADS_LIMIT, Job
from ..topology.replies import LongReply, Reply
from ..topology.state import ClusterState, NodeState, Session
from .aggregation import Aggregation
from .background import Background
from .search import Search, search_for
from .streams import Stream

__all__ = ["run_query"]

_BASIC, _AGGREGATION, _UDF, _OPS = "basic", "aggregation", "background-udf", "background-ops"
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
    kind = _kind(message)
    job = _job(node, session, namespace, message, kind)
    if kind == _BASIC:
        return _begin_stream(cluster, node, namespace, message, job)
    set_name = message.fields.get(FieldType.SET, b"")
    if set_name and set_name not in namespace.sets:
        raise RequestError(ResultCode.NOT_FOUND, f"no set {set_name!r}")
    if kind == _AGGREGATION:
        return _begin_aggregation(cluster, node, namespace, message, job)
    return _begin_job(cluster, node, namespace, message, job)


def _kind(message: Message) -> str:
    udf = message.fields.get(FieldType.UDF_OP)
    if udf is not None:
        if len(udf) != 1 or udf[0] not in tuple(UdfOp):
            raise bad("what is to be done with a module")
        return _AGGREGATION if udf[0] == UdfOp.AGGREGATE else _UDF
    return _OPS if message.info2 & Info2.WRITE else _BASIC


def _job(node: NodeState, session: Session, namespace: Namespace, message: Message, kind: str) -> Job:
    """What the node tells of the query, which has not begun yet."""
    return Job(
        query_id(message) or _IDS.getrandbits(_ID_BITS),
        namespace.name,
        message.fields.get(FieldType.SET, b"").decode("latin-1"),
        kind,
        session.client,
        records_per_second=records_per_second(message),
        socket_timeout=socket_timeout(message),
    )


def _begin_stream(
    cluster: ClusterState, node: NodeState, namespace: Namespace, message: Message, job: Job
) -> LongReply:
    fields = message.fields
    if not message.info3 & Info3.PARTITION_DONE:
        raise RequestError(ResultCode.UNSUPPORTED_FEATURE, "a query without notices of partitions")
    if FieldType.PID_ARRAY not in fields and FieldType.DIGEST_ARRAY not in fields:
        raise RequestError(ResultCode.UNSUPPORTED_FEATURE, "a query without partitions")
    is_short = bool(message.info1 & Info1.SHORT_QUERY)
    if is_short and job.records_per_second:
        raise bad("records per second of a short query")
    starts = parse_starts(message)
    search = _search(node, namespace, message, job)
    job.partitions = sum(start.digest is None for start in starts)
    job.resumed = len(starts) - job.partitions
    job.threads = 1 if is_short else max(min(node.query_setting(QUERY_THREADS, namespace), len(starts)), 1)
    stream = Stream(cluster, node, namespace, message, job, search, starts)
    if not is_short:
        _take(node, job)
    return LongReply(stream.frames(), job.socket_timeout / 1000 or None, is_query=True)


def _begin_aggregation(
    cluster: ClusterState, node: NodeState, namespace: Namespace, message: Message, job: Job
) -> LongReply:
    if FieldType.FILTER in message.fields:
        raise RequestError(ResultCode.UNSUPPORTED_FEATURE, "a filter of an aggregation")
    search = _search(node, namespace, message, job)
    aggregation = Aggregation(cluster, node, namespace, message, job, search)
    _take(node, job)
    return LongReply(aggregation.frames(), job.socket_timeout / 1000 or None, is_query=True)


def _begin_job(
    cluster: ClusterState, node: NodeState, namespace: Namespace, message: Message, job: Job
) -> bytes:
    most = node.query_setting(MAX_RPS, namespace)
    job.records_per_second = min(job.records_per_second or most, most)
    job.socket_timeout = DEFAULT_SOCKET_TIMEOUT
    job.udf = _udf(message)
    search = _search(node, namespace, message, job)
    work = Background(cluster, node, namespace, message, job, search)
    _take(node, job)
    return work.begin()


def _udf(message: Message) -> tuple[str, str] | None:
    """The names of the module and of the function that are called."""
    module, function = (
        message.fields.get(kind, b"").decode("latin-1")
        for kind in (FieldType.UDF_FILENAME, FieldType.UDF_FUNCTION)
    )
    return (module, function) if module else None


def _search(node: NodeState, namespace: Namespace, message: Message, job: Job) -> Search:
    where = parse_where(message)
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
