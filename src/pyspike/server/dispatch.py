"""What a node does with a whole frame: who runs it, by its type, and the answer to a request that fails.

Owns: the choice by frame type, counting requests, turning errors into replies. Not here: how frames come and
go (topology/connection.py), and what the requests do (records/, queries/, info/,
security/).
"""

from __future__ import annotations

import logging

from . import info
from .batch_host import NodeHost
from .protocol.batch_request import batch_timeout, is_batch
from .protocol.constants import FieldType, ProtoType
from .protocol.error_details import details_field
from .protocol.framing import Message, frame, parse_message, refusal, reply
from .protocol.result import RequestError, ResultCode
from .queries.starting import run_query
from .records.batch import run_batch
from .records.running import execute
from .security import answering
from .security.checks import Guard
from .security_host import SecuredNode
from .strong_host import StrongHost, end_transactions
from .topology.compressing import as_asked
from .topology.replies import LongReply, Reply
from .topology.state import ClusterState, NodeState, Session

__all__ = ["answer"]

_LOG = logging.getLogger("pyspike.server")

_DATA = int(ProtoType.AS_MSG)
_INFO4_AT = 4
_NO_SECURITY = frame(ProtoType.SECURITY, bytes((0, ResultCode.SEC_NOT_SUPPORTED)) + bytes(14))


def answer(cluster: ClusterState, node: NodeState, session: Session, kind: int, body: bytes) -> Reply:
    """Run the request of one frame.

    Args:
        cluster: the cluster of the node.
        node: the node that was asked.
        session: what is known of the connection on which the frame came.
        kind: the frame's type.
        body: what follows the frame's header.

    Returns:
        The reply frames. A request that fails is answered with a result code; nothing is raised.

    """
    plain = _answer(cluster, node, session, kind, body)
    return as_asked(body, plain) if cluster.compression and kind == _DATA else plain


def _answer(cluster: ClusterState, node: NodeState, session: Session, kind: int, body: bytes) -> Reply:
    node.stats.requests += 1
    try:
        if kind == _DATA or kind == ProtoType.INTERNAL_XDR:
            node.stats.data_requests += 1
            if cluster.rosters:
                end_transactions(cluster)
            guard = _guard(cluster, node, session)
            if is_batch(body):
                rows = run_batch(cluster.store, body, NodeHost(cluster, node, guard))
                return LongReply(rows, batch_timeout(body))
            message = parse_message(body)
            digest = message.fields.get(FieldType.DIGEST)
            if digest is None:
                if guard is not None:
                    guard.check_query(message)
                return run_query(cluster, node, session, message)
            if guard is not None:
                guard.check_record(message)
            if cluster.rosters:
                return _run_strong(cluster, node, body, message, digest)
            return execute(cluster.store, message)
        if kind == ProtoType.INFO:
            node.stats.info_requests += 1
            end_transactions(cluster)
            return frame(ProtoType.INFO, info.answer(cluster, node, session, body))
        if kind == ProtoType.SECURITY:
            return _secured(cluster, node, session, body)
        _guard(cluster, node, session)
        return reply(ResultCode.ENTERPRISE_ONLY)
    except RequestError as error:
        return refusal(body, error.code, _details(cluster, body, error))
    except Exception:
        _LOG.exception("node %s: a request of type %d failed: %s", node.name, kind, body[:256].hex())
        return refusal(body, ResultCode.UNKNOWN) if kind != ProtoType.INFO else frame(ProtoType.INFO, b"")


def _run_strong(
    cluster: ClusterState, node: NodeState, body: bytes, message: Message, digest: bytes
) -> Reply:
    """Run a single request in a cluster that has strong-consistent namespaces."""
    host = StrongHost(cluster, node)

    def run() -> bytes:
        try:
            host.check(message, digest)
            return execute(cluster.store, message)
        except RequestError as error:
            return refusal(body, error.code, _details(cluster, body, error))
        except Exception:
            _LOG.exception("node %s: a request failed: %s", node.name, body[:256].hex())
            return refusal(body, ResultCode.UNKNOWN)

    return host.run(message, run)


def _guard(cluster: ClusterState, node: NodeState, session: Session) -> Guard | None:
    """What lets the data requests of a connection pass; None if all pass."""
    security = cluster.security
    if security is None or not security.is_on:
        return None
    return Guard(security, SecuredNode(cluster, node), session.caller)


def _secured(cluster: ClusterState, node: NodeState, session: Session, body: bytes) -> Reply:
    """The answer to a security message."""
    if cluster.security is None:
        return _NO_SECURITY
    answered = answering.answer(cluster.security, SecuredNode(cluster, node), session.caller, body)
    if not answered.delay:
        return answered.frames
    return LongReply(iter((answered.delay, answered.frames)), None, is_query=True)


def _details(cluster: ClusterState, body: bytes, error: RequestError) -> bytes:
    """The error details' field of a refusal, for clients that have asked for it."""
    if not cluster.version.error_details or len(body) <= _INFO4_AT:
        return b""
    return details_field(body[_INFO4_AT], error)
