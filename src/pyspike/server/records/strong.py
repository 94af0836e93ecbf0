"""Requests on one record of a strong-consistent namespace.

Owns: what transactions add to a request: who may read and write the record, and what the reply tells of it.
Not here: the request itself (commands.py, udf.py), the copies of a record (space.py), ends (ending.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from ..protocol.constants import MRT_MONITOR_SET, RECORD_VERSION_SIZE, FieldType, Info2, Info4
from ..protocol.error_details import details_field
from ..protocol.framing import PROTO, Message, encode_field, reply, with_field
from ..protocol.result import RequestError, ResultCode
from ..storage.store import Namespace
from .ending import check_version, roll, transaction_id, verify, version_of
from .monitors import run_on_monitor
from .space import LockedSpace, RecordSpace, TransactionSpace, blocked

__all__ = ["Command", "run_strong"]

Command: TypeAlias = Callable[[RecordSpace, Message, bytes], bytes]
"""Runs a request on the record of a digest, and gives the reply frame."""

_WRITE, _DELETE = int(Info2.WRITE), int(Info2.DELETE)
_VERIFY, _ROLL = int(Info4.MRT_VERIFY_READ), int(Info4.MRT_ROLL_FORWARD | Info4.MRT_ROLL_BACK)
_ON_LOCKING_ONLY = int(Info4.MRT_ON_LOCKING_ONLY)
_F_SET, _F_UDF = int(FieldType.SET), int(FieldType.UDF_FILENAME)
_CODE_AT = PROTO.size + 5
_UNSEEN = frozenset(
    (
        ResultCode.MRT_BLOCKED,
        ResultCode.MRT_VERSION_MISMATCH,
        ResultCode.MRT_EXPIRED,
        ResultCode.MRT_COMMITTED,
        ResultCode.MRT_ABORTED,
        ResultCode.MRT_ALREADY_LOCKED,
    )
)
"""The results of requests that have not seen the record: the reply tells no version."""


def run_strong(namespace: Namespace, message: Message, digest: bytes, command: Command) -> bytes:
    """Run a request, and give the reply frame.

    Args:
        namespace: where; it is strong-consistent.
        message: the request.
        digest: the digest of the record.
        command: runs what the request asks for, if it is about a record.

    Raises:
        RequestError: as `command` does, and for what transactions refuse.

    """
    if message.fields.get(_F_SET) == MRT_MONITOR_SET:
        return run_on_monitor(namespace, message, digest)
    writes = bool(message.info2 & _WRITE)
    if writes and message.info4 & _ROLL:
        return roll(namespace, message, digest)
    if not writes and message.info4 & _VERIFY:
        return verify(namespace, message, digest)
    id_ = transaction_id(message)
    if id_ is not None:
        return _run_in_transaction(namespace, message, digest, id_, command)
    if digest not in namespace.transactions.provisionals:
        return command(namespace, message, digest)
    if writes and (not _calls(message) or namespace.find(digest) is None):
        raise blocked()
    return command(LockedSpace(namespace), message, digest)


def _run_in_transaction(
    namespace: Namespace, message: Message, digest: bytes, id_: int, command: Command
) -> bytes:
    space = TransactionSpace(namespace, id_)
    writes = bool(message.info2 & _WRITE)
    try:
        own = space.own(digest)
        if writes and own is None and not _calls(message) and digest in namespace.transactions.provisionals:
            raise blocked()
        check_version(namespace, message, digest)
        if own is not None and writes and not message.info2 & _DELETE and message.info4 & _ON_LOCKING_ONLY:
            raise RequestError(ResultCode.MRT_ALREADY_LOCKED, "the transaction has written the record before")
        answer = command(space, message, digest)
    except RequestError as error:
        details = details_field(message.info4, error) if namespace.store.version.error_details else b""
        answer = reply(error.code, details=details)
    if answer[_CODE_AT] in _UNSEEN or space.own(digest) is not None:
        return answer
    version = version_of(namespace, digest).to_bytes(RECORD_VERSION_SIZE, "little")
    return with_field(answer, encode_field(FieldType.RECORD_VERSION, version))


def _calls(message: Message) -> bool:
    """Whether a request that writes calls a function, which may only read."""
    return _F_UDF in message.fields and not message.info2 & _DELETE
