"""The monitor of a transaction: what clients do with it.

Owns: creating it, adding the records that are written, marking it as committed, closing it. Not here: what
becomes of one that expires (ending.py).

A monitor looks like a record of a set that nobody sees: it has a bin with the transaction's id, one with the
digests of what is written, and one that says that all is to be rolled forward (transactions.md 12.3).
"""

from __future__ import annotations

from struct import Struct

from ..protocol.constants import (
    CITRUSLEAF_EPOCH,
    DIGEST_SIZE,
    MRT_MONITOR_SIZE_MAX,
    MRT_TIMEOUT_MAX,
    MRT_WRITES_MAX,
    FieldType,
    Info2,
    Info4,
    OpCode,
    ParticleType,
)
from ..protocol.framing import Message, encode_field, reply, with_field
from ..protocol.result import RequestError, ResultCode, bad
from ..storage.record import Record
from ..storage.store import Namespace
from ..storage.transactions import Monitor
from ..values.bin_values import value_of
from ..values.packed import PackedList
from .op_context import Bins, OpContext
from .operations import operations_of, run_op
from .space import live_monitor

__all__ = ["run_on_monitor"]

_WRITE, _DELETE = int(Info2.WRITE), int(Info2.DELETE)
_ENDS = int(Info4.MRT_VERIFY_READ | Info4.MRT_ROLL_FORWARD | Info4.MRT_ROLL_BACK)
_ID, _DIGESTS, _MARK = b"id", b"keyds", b"fwd"
_DEADLINE = Struct("<I")
_BLOB = bytes((ParticleType.BLOB,))


def run_on_monitor(namespace: Namespace, message: Message, digest: bytes) -> bytes:
    """Run a request on the monitor of a digest, and give the reply frame.

    Raises:
        RequestError: MRT_EXPIRED: there is no such monitor, or no more. MRT_MONITOR_EXISTS: there is one
            already. MRT_COMMITTED, MRT_ABORTED: it can't be changed any more. MRT_TOO_MANY_WRITES. NOT_FOUND:
            it is read, which nobody can, or closed and not there. PARAMETER: no such request is made of
            monitors.

    """
    if FieldType.MRT_ID in message.fields or message.info4 & _ENDS:
        raise bad("a monitor as part of a transaction")
    if not message.info2 & _WRITE:
        raise RequestError(ResultCode.NOT_FOUND, "monitors are not read")
    if message.info2 & _DELETE:
        return _close(namespace, digest)
    monitor = namespace.transactions.monitors.get(digest)
    if monitor is not None and monitor.is_closed:
        monitor = None
    names = [op.name for op in message.ops]
    if _ID in names:
        if monitor is not None:
            raise RequestError(ResultCode.MRT_MONITOR_EXISTS, "the transaction has a monitor")
        return _create(namespace, message, digest)
    if monitor is None:
        raise RequestError(ResultCode.MRT_EXPIRED, "the transaction is unknown, or has expired")
    live_monitor(namespace, monitor.id)
    if _MARK in names:
        return _mark(namespace, message, digest, monitor)
    return _add(namespace, message, digest, monitor)


def _create(namespace: Namespace, message: Message, digest: bytes) -> bytes:
    config = namespace.config
    if config.disable_mrt_writes:
        raise RequestError(ResultCode.FORBIDDEN, "transactions that write are switched off")
    seconds = message.record_ttl or config.mrt_duration
    if seconds > MRT_TIMEOUT_MAX:
        raise bad(f"a transaction of {seconds} s")
    monitor = Monitor(0, Record(message.fields[FieldType.SET]), namespace.store.clock() + seconds)
    answer = _add(namespace, message, digest, monitor)
    found = monitor.record.bins[_ID]
    id_ = int.from_bytes(found[1], "big") if found[0] == ParticleType.INTEGER else 0
    if not id_ or id_ in namespace.transactions.by_id:
        raise bad("a transaction's id that is none, or is in use")
    monitor.id = id_
    namespace.transactions.add(digest, monitor)
    return answer


def _add(namespace: Namespace, message: Message, digest: bytes, monitor: Monitor) -> bytes:
    """Add the records that the transaction is about to write."""
    bins, results = _run(namespace, message, digest, monitor)
    count = _count(bins)
    if count > MRT_WRITES_MAX or sum(len(each) for _, each in bins.values()) > MRT_MONITOR_SIZE_MAX:
        raise RequestError(ResultCode.MRT_TOO_MANY_WRITES, f"{count} records")
    answer = _written(monitor, bins, results)
    if not results:
        return answer
    ends = _DEADLINE.pack(int(monitor.ends) - CITRUSLEAF_EPOCH)
    return with_field(answer, encode_field(FieldType.MRT_DEADLINE, ends))


def _mark(namespace: Namespace, message: Message, digest: bytes, monitor: Monitor) -> bytes:
    """Let the transaction be committed."""
    bins, results = _run(namespace, message, digest, monitor)
    monitor.is_committed = True
    return _written(monitor, bins, results)


def _close(namespace: Namespace, digest: bytes) -> bytes:
    """Forget a monitor. What the transaction has left locked is rolled without its client, and soon."""
    monitor = namespace.transactions.monitors.get(digest)
    if monitor is None or monitor.is_closed:
        raise RequestError(ResultCode.NOT_FOUND, "no monitor")
    monitor.is_closed = True
    if not monitor.locked:
        namespace.transactions.remove(digest)
    return reply(0)


def _run(namespace: Namespace, message: Message, digest: bytes, monitor: Monitor) -> tuple[Bins, list[bytes]]:
    """Run the ops of a request; give the bins as they are then, and the ops of the reply."""
    store = namespace.store
    ctx = OpContext(
        dict(monitor.record.bins),
        monitor.record,
        digest,
        store.clock(),
        version=store.version,
        respond_all=bool(message.info2 & Info2.RESPOND_ALL_OPS),
        writes=True,
    )
    if not message.ops:
        raise bad("no ops")
    operations = operations_of(store.version)
    for op in message.ops:
        if op.name not in (_ID, _DIGESTS, _MARK) or op.code not in (OpCode.WRITE, OpCode.CDT_MODIFY):
            raise bad(f"op code {op.code} on the bin {op.name!r} of a monitor")
        run_op(operations, ctx, op)
    return ctx.bins, ctx.results


def _written(monitor: Monitor, bins: Bins, results: list[bytes]) -> bytes:
    """Keep what a monitor has become, and give the reply."""
    before, monitor.record = monitor.record, Record(monitor.record.set_name)
    monitor.record.bins, monitor.record.generation = bins, before.generation + 1
    return reply(0, monitor.record.generation, 0, len(results), b"".join(results))


def _count(bins: Bins) -> int:
    """How many digests are in the bins of a monitor."""
    found = bins.get(_DIGESTS)
    if found is None:
        return 0
    value = value_of(*found)
    if not isinstance(value, PackedList):
        raise bad("digests that are no list")
    for each in value.items:
        if not isinstance(each, bytes) or each[:1] != _BLOB or len(each) != len(_BLOB) + DIGEST_SIZE:
            raise bad("a digest that is none")
    return len(value.items)
