"""How a transaction ends: its reads are verified, its writes rolled forward or back, by clients or by time.

Owns: verify and roll requests, and what is done with a monitor that has expired. Not here: writing in a
transaction (strong.py), and marking its monitor (monitors.py).
"""

from __future__ import annotations

from collections.abc import Callable

from ..protocol.constants import RECORD_VERSION_SIZE, FieldType, Info4
from ..protocol.framing import Message, reply
from ..protocol.result import RequestError, ResultCode, bad
from ..storage.store import Namespace
from ..storage.transactions import Monitor
from .space import blocked

__all__ = [
    "check_version",
    "end_expired",
    "finish",
    "roll",
    "transaction_id",
    "verify",
    "version_of",
]

_FORWARD, _BACK = int(Info4.MRT_ROLL_FORWARD), int(Info4.MRT_ROLL_BACK)
_F_VERSION, _F_MRT_ID = int(FieldType.RECORD_VERSION), int(FieldType.MRT_ID)
_ID_SIZE = 8


def transaction_id(message: Message) -> int | None:
    """The transaction that a request is part of; None if it is part of none.

    Raises:
        RequestError: PARAMETER: the field is none.

    """
    data = message.fields.get(_F_MRT_ID)
    if data is None:
        return None
    id_ = int.from_bytes(data, "little")
    if len(data) != _ID_SIZE or not id_:
        raise bad("a transaction's id that is none")
    return id_


def version_of(namespace: Namespace, digest: bytes) -> int:
    """The version of an original; 0 if there is none."""
    record = namespace.find(digest)
    return 0 if record is None else record.version


def check_version(namespace: Namespace, message: Message, digest: bytes) -> None:
    """Raise if a request tells the version of a record, and that was written since.

    Raises:
        RequestError: MRT_VERSION_MISMATCH; PARAMETER: the field is none.

    """
    data = message.fields.get(_F_VERSION)
    if data is None:
        return
    if len(data) != RECORD_VERSION_SIZE:
        raise bad("a record version that is none")
    if int.from_bytes(data, "little") != version_of(namespace, digest):
        raise RequestError(ResultCode.MRT_VERSION_MISMATCH, "the record was written since it was read")


def verify(namespace: Namespace, message: Message, digest: bytes) -> bytes:
    """Tell whether a record is still as a transaction has read it; give the reply frame.

    That another transaction has locked it is reason enough to fail: it may be committed already, and of two
    transactions that have each read what the other has written only one may be.

    Raises:
        RequestError: MRT_VERSION_MISMATCH, MRT_BLOCKED; PARAMETER: no version.

    """
    if _F_VERSION not in message.fields:
        raise bad("a verification without a version")
    check_version(namespace, message, digest)
    if digest in namespace.transactions.provisionals:
        raise blocked()
    return reply(0)


def roll(namespace: Namespace, message: Message, digest: bytes) -> bytes:
    """Roll a record forward or back, if the transaction has locked it; give the reply frame.

    A record that it has not locked was rolled before, or never written: that is no error.

    Raises:
        RequestError: PARAMETER: no transaction, or both directions.

    """
    id_ = transaction_id(message)
    directions = message.info4 & (_FORWARD | _BACK)
    if id_ is None or directions == _FORWARD | _BACK:
        raise bad("a roll without a transaction, or in both directions")
    _unlock(namespace, digest, id_, forward=directions == _FORWARD)
    return reply(0)


def _unlock(namespace: Namespace, digest: bytes, id_: int, *, forward: bool) -> None:
    """Let a provisional record take the place of the original, or drop it, if the transaction has one."""
    provisionals = namespace.transactions.provisionals
    found = provisionals.get(digest)
    if found is None or found.id != id_:
        return
    del provisionals[digest]
    monitor = namespace.transactions.by_id.get(id_)
    if monitor is not None:
        monitor.locked.discard(digest)
    if not forward:
        return
    if found.is_tombstone:
        namespace.bury(digest, found.record)
    else:
        namespace.put(digest, found.record)


# --- by time ------------------------------------------------------------------------------------------------

Reachable = Callable[[bytes], bool]
"""Whether the record of a digest can be read and written now."""


def end_expired(namespace: Namespace, is_reachable: Reachable, count: Callable[[bytes, bool], None]) -> None:
    """Roll what expired transactions have written, forward if they are marked, and forget their monitors.

    What can't be reached now is left for later.

    Args:
        namespace: the namespace.
        is_reachable: whether a record can be written now, by its digest.
        count: is told each record that was rolled, and whether forward.

    """
    now = namespace.store.clock()
    for digest, monitor in list(namespace.transactions.monitors.items()):
        if (monitor.ends <= now or monitor.is_closed) and is_reachable(digest):
            monitor.is_aborted = not monitor.is_committed
            finish(namespace, digest, monitor, is_reachable, count)


def finish(
    namespace: Namespace,
    digest: bytes,
    monitor: Monitor,
    is_reachable: Reachable,
    count: Callable[[bytes, bool], None],
) -> None:
    """Roll what a transaction has written, as its monitor says, and forget the monitor if nothing is left.

    Args:
        namespace: the namespace.
        digest: the digest of the monitor.
        monitor: the monitor.
        is_reachable: whether a record can be written now, by its digest.
        count: is told each record that was rolled, and whether forward.

    """
    for written in list(monitor.locked):
        if is_reachable(written):
            _unlock(namespace, written, monitor.id, forward=monitor.is_committed)
            count(written, monitor.is_committed)
    if not monitor.locked:
        namespace.transactions.remove(digest)
