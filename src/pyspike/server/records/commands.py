"""Commands on one record: read, write, delete.

Owns: the checks of a request with a digest and their order, and its reply. Not here: whether it is run at all
(place.py, strong.py), what single ops do (operations.py, ops/), how messages are split
(../protocol/framing.py), which values are valid (../values/particles.py).
"""

from __future__ import annotations

from functools import partial

from ..expressions.evaluation import filter_trace, passes
from ..protocol.constants import (
    BIN_NAME_MAX,
    CITRUSLEAF_EPOCH,
    SET_NAME_MAX,
    TTL_DONT_UPDATE,
    TTL_MAX,
    TTL_NEVER,
    FieldType,
    Info1,
    Info2,
    Info3,
    Info4,
    OpCode,
    ParticleType,
)
from ..protocol.error_details import details_field
from ..protocol.framing import Message, Op, encode_op, reply
from ..protocol.result import ForbiddenSubcode, ParameterSubcode, RequestError, ResultCode
from ..storage.record import Record, stored_size
from ..storage.store import Store
from ..versions import ServerVersion
from .op_context import OpContext
from .operations import FORBIDDEN_WITH_REPLACE, READ_OPS, operations_of, run_op
from .place import refuse_transaction
from .space import RecordSpace

__all__ = [
    "all_bins",
    "check_deletion",
    "check_record",
    "delete",
    "new_void_time",
    "read",
    "read_ops",
    "remove",
    "store_bins",
    "write",
]


_BESIDE_VALUE, _BESIDE_BINS = 32, 4096

# Plain numbers: flag arithmetic on IntFlag members is slow, and this is the path of every request.
_READ, _GET_ALL = int(Info1.READ), int(Info1.GET_ALL)
_GET_NO_BINS = int(Info1.GET_NO_BINS)
_WRITE, _DELETE, _DURABLE = int(Info2.WRITE), int(Info2.DELETE), int(Info2.DURABLE_DELETE)
_GENERATION, _GENERATION_GT = int(Info2.GENERATION), int(Info2.GENERATION_GT)
_CREATE_ONLY, _RESPOND_ALL = int(Info2.CREATE_ONLY), int(Info2.RESPOND_ALL_OPS)
_UPDATE_ONLY, _CREATE_OR_REPLACE = int(Info3.UPDATE_ONLY), int(Info3.CREATE_OR_REPLACE)
_REPLACE_ONLY = int(Info3.REPLACE_ONLY)
_REPLACE = _CREATE_OR_REPLACE | _REPLACE_ONLY
_SC_BITS = int(Info3.SC_READ_TYPE | Info3.SC_READ_RELAX)
_SC_LINEARIZE = int(Info3.SC_READ_TYPE)
_VERIFY, _ROLL = int(Info4.MRT_VERIFY_READ), int(Info4.MRT_ROLL_FORWARD | Info4.MRT_ROLL_BACK)
_F_NAMESPACE, _F_SET, _F_KEY = int(FieldType.NAMESPACE), int(FieldType.SET), int(FieldType.KEY)
_F_DIGEST, _F_MRT_ID, _F_FILTER = int(FieldType.DIGEST), int(FieldType.MRT_ID), int(FieldType.FILTER)
_OP_READ, _OP_TOUCH = int(OpCode.READ), int(OpCode.TOUCH)
MAY_ANSWER = frozenset((OpCode.CDT_MODIFY, OpCode.HLL_MODIFY))
"""Ops that write and may have results."""
_NUL = 0


def _check_bin_name(op: Op) -> None:
    """Raise if an op names a bin as none can be named."""
    if (len(op.name) > BIN_NAME_MAX or _NUL in op.name) and op.code != _OP_TOUCH:
        raise RequestError(ResultCode.BIN_NAME, f"the bin name {op.name!r}")


def _refusal(error: RequestError, record: Record, message: Message, version: ServerVersion) -> bytes:
    details = details_field(message.info4, error) if version.error_details else b""
    return reply(error.code, record.generation, record.void_time, details=details)


def check_record(
    space: RecordSpace, record: Record, digest: bytes, set_name: bytes, message: Message
) -> None:
    """Raise if the request's set is not the record's, its filter does not let the record pass, or its key is
    not the record's.

    A write that names no set means records in none; what reads or deletes without a set finds the record all
    the same.
    """
    _check_set(record, set_name, message)
    data, store = message.fields.get(_F_FILTER), space.store
    if data is not None and not passes(data, record, digest, now := store.clock(), store.version):
        trace = partial(filter_trace, data, record, digest, now, store.version)
        raise RequestError(ResultCode.FILTERED_OUT, "the filter is not true for the record", trace=trace)
    key = message.fields.get(_F_KEY)
    if key is not None and record.key is not None and key != record.key:
        raise RequestError(ResultCode.KEY_MISMATCH, "another key is stored")


def _check_set(record: Record, set_name: bytes, message: Message) -> None:
    if record.set_name != set_name and (set_name or message.info2 & (_WRITE | _DELETE) == _WRITE):
        raise RequestError(ResultCode.PARAMETER, "the record is in another set")


# --- reads --------------------------------------------------------------------------------------------------


def read(space: RecordSpace, digest: bytes, message: Message) -> bytes:
    """Read a record, and give the reply frame.

    Raises:
        RequestError: there is none, or it can't be read so.

    """
    if not space.is_strong:
        refuse_transaction(space.store, message)
        if message.info3 & _SC_BITS == _SC_LINEARIZE and not space.store.is_enterprise:
            raise RequestError(ResultCode.ENTERPRISE_ONLY, "linearized read")
    set_name = message.fields.get(_F_SET, b"")
    record = space.find(digest)
    if record is None:
        raise RequestError(ResultCode.NOT_FOUND)
    info1 = message.info1
    try:
        check_record(space, record, digest, set_name, message)
        void_time = record.void_time
        if void_time and space.prolongs:
            _read_touch(space, record, message.record_ttl)
        if info1 & _GET_NO_BINS:
            return reply(0, record.generation, void_time)
        if info1 & _GET_ALL:
            return reply(0, record.generation, void_time, len(record.bins), all_bins(record))
        results = read_ops(space.store, record, digest, message)
    except RequestError as error:
        return _refusal(error, record, message, space.store.version)
    return reply(0, record.generation, void_time, len(results), b"".join(results))


def all_bins(record: Record) -> bytes:
    """The ops of a reply with all bins of a record."""
    ops = record.all_ops
    if ops is None:
        bins = record.bins.items()
        ops = record.all_ops = b"".join(
            [encode_op(_OP_READ, kind, name, value) for name, (kind, value) in bins]
        )
    return ops


def read_ops(store: Store, record: Record, digest: bytes, message: Message) -> list[bytes]:
    """Run the ops of a request that only reads, and give the ops of the reply.

    Raises:
        RequestError: there are none, one is malformed, or it can't be done on this record.

    """
    if not message.ops:
        raise RequestError(ResultCode.PARAMETER, "no ops")
    ctx = OpContext(
        record.bins,
        record,
        digest,
        store.clock(),
        version=store.version,
        respond_all=bool(message.info2 & _RESPOND_ALL),
        writes=False,
    )
    operations = operations_of(store.version)
    for op in message.ops:
        _check_bin_name(op)
        if op.code not in READ_OPS:
            raise RequestError(ResultCode.PARAMETER, f"op code {op.code} in a read")
        if op.name or op.code != _OP_READ:
            run_op(operations, ctx, op)
        else:
            ctx.answer_nothing(op)
    return ctx.results


def _read_touch(space: RecordSpace, record: Record, percent: int) -> None:
    """Prolong the life of a record of which `percent` or less is left.

    The reply of the request that does it still has the old time.
    """
    if percent == TTL_NEVER:
        return
    percent = percent or space.config.default_read_touch_ttl_pct
    if not 0 <= percent <= 100:
        raise RequestError(ResultCode.PARAMETER, f"read-touch percent {percent}")
    if not percent:
        return
    now = space.store.now()
    life = record.void_time - (int(record.last_update) - CITRUSLEAF_EPOCH)
    if (record.void_time - now) * 100 <= life * percent:
        record.last_update = space.store.clock()
        record.void_time = now + life
        if space.is_strong:
            space.renew_version(record)


# --- writes -------------------------------------------------------------------------------------------------


def _check_generation(message: Message, generation: int) -> None:
    info2 = message.info2
    if info2 & _GENERATION and message.generation != generation:
        raise RequestError(ResultCode.GENERATION, "not equal")
    if info2 & _GENERATION_GT and message.generation <= generation:
        raise RequestError(ResultCode.GENERATION, "not greater")


def delete(space: RecordSpace, digest: bytes, message: Message) -> bytes:
    """Delete a record, and give the reply frame.

    Raises:
        RequestError: there is none, or it can't be deleted so.

    """
    set_name, durable = message.fields.get(_F_SET, b""), bool(message.info2 & _DURABLE)
    if not space.is_strong and space.store.is_enterprise:
        refuse_transaction(space.store, message)
    if durable:
        check_deletion(space, durable=True)
    record = space.find(digest)
    if record is None:
        raise RequestError(ResultCode.NOT_FOUND)
    check_deletion(space, durable=durable)
    _check_set(record, set_name, message)
    _check_generation(message, record.generation)
    check_record(space, record, digest, set_name, message)
    remove(space, digest, record, durable=durable)
    return reply(0)


def check_deletion(space: RecordSpace, *, durable: bool) -> None:
    """Raise if records are not deleted in this way (strong-consistency.md 13.3).

    Raises:
        RequestError: ENTERPRISE_ONLY: durably, in Community Edition. FORBIDDEN: not durably, in a namespace
            that is strong-consistent.

    """
    if durable:
        if not space.store.is_enterprise:
            raise RequestError(ResultCode.ENTERPRISE_ONLY, "durable delete")
    elif space.is_strong and not space.config.strong_consistency_allow_expunge:
        raise RequestError(ResultCode.FORBIDDEN, "a delete that is not durable", ForbiddenSubcode.DURABILITY)


def remove(space: RecordSpace, digest: bytes, record: Record, *, durable: bool) -> None:
    """Delete a record, and leave a tombstone if that is to be durable."""
    if not durable:
        space.delete(digest)
        return
    tombstone = Record(record.set_name)
    tombstone.generation = space.next_generation(digest, record.generation)
    tombstone.last_update = space.store.clock()
    space.bury(digest, tombstone)


def write(space: RecordSpace, digest: bytes, message: Message) -> bytes:
    """Write a record, and give the reply frame.

    Raises:
        RequestError: the request is malformed, or there is no record to write.

    """
    set_name = message.fields.get(_F_SET, b"")
    if message.info4 & _ROLL and not space.is_strong:
        refuse_transaction(space.store, message)
    reads_all = _check_write_ops(message, space.store.version)
    if not space.is_strong:
        refuse_transaction(space.store, message)
    record = space.find(digest)
    existed = record is not None
    if record is None:
        if message.info3 & (_UPDATE_ONLY | _REPLACE_ONLY) or any(op.code == _OP_TOUCH for op in message.ops):
            raise RequestError(ResultCode.NOT_FOUND)
        record = Record(set_name)
    try:
        if existed and message.info2 & _CREATE_ONLY:
            raise RequestError(ResultCode.RECORD_EXISTS)
        _check_generation(message, record.generation)
        if existed:
            check_record(space, record, digest, set_name, message)
        elif len(set_name) > SET_NAME_MAX or _NUL in set_name:
            raise RequestError(ResultCode.PARAMETER, f"the set name {set_name!r}")
        replaces = bool(message.info3 & _REPLACE)
        ctx = OpContext(
            {} if replaces else dict(record.bins),
            record,
            digest,
            space.store.clock(),
            version=space.store.version,
            respond_all=bool(message.info2 & _RESPOND_ALL),
            writes=True,
        )
        void_time = new_void_time(space, record, existed, message.record_ttl)
        operations = operations_of(ctx.version)
        for op in message.ops:
            if op.name or op.code != _OP_READ:
                run_op(operations, ctx, op)
            elif reads_all:
                bins = ctx.bins.items()
                ctx.results += [encode_op(_OP_READ, kind, name, value) for name, (kind, value) in bins]
            else:
                ctx.answer_nothing(op)
        if ctx.bins:
            return _commit(space, digest, record, ctx, void_time, message.fields.get(_F_KEY))
        if not existed or replaces:
            raise RequestError(ResultCode.NOT_FOUND, "nothing to create")
        durable = bool(message.info2 & _DURABLE)
        check_deletion(space, durable=durable)
        remove(space, digest, record, durable=durable)
        return reply(0, 0, 0, len(ctx.results), b"".join(ctx.results))
    except RequestError as error:
        return _refusal(error, record, message, space.store.version)


def _commit(
    space: RecordSpace, digest: bytes, record: Record, ctx: OpContext, void_time: int, key: bytes | None
) -> bytes:
    """Store what the ops have made of the record, and give the reply."""
    new = store_bins(space, digest, record, ctx.bins, void_time, record.key or key)
    return reply(0, new.generation, void_time, len(ctx.results), b"".join(ctx.results))


def store_bins(
    space: RecordSpace,
    digest: bytes,
    record: Record,
    bins: dict[bytes, tuple[int, bytes]],
    void_time: int,
    key: bytes | None,
) -> Record:
    """Store a record in the place of another, or of none, and give it.

    Args:
        space: where.
        digest: its digest.
        record: the record as it was; without bins and generation if there was none.
        bins: the bins that it has now.
        void_time: when it expires.
        key: the key to store with it.

    Raises:
        RequestError: RECORD_TOO_BIG.

    """
    new = Record(record.set_name)
    new.bins = bins
    new.key = key
    largest = space.config.max_record_size
    values = sum([len(value) for _, value in new.bins.values()])
    # Far from the limit, the exact size does not matter.
    if values + _BESIDE_VALUE * len(new.bins) + _BESIDE_BINS > largest and stored_size(new) > largest:
        raise RequestError(ResultCode.RECORD_TOO_BIG)
    new.generation = space.next_generation(digest, record.generation)
    new.void_time = void_time
    new.last_update = space.store.clock()
    space.put(digest, new)
    return new


def new_void_time(space: RecordSpace, record: Record, existed: bool, ttl: int) -> int:
    """When a record expires that is written with a TTL, as requests have it; 0 is never.

    Raises:
        RequestError: PARAMETER: there is no such TTL; FORBIDDEN: nothing expires in this space.

    """
    config = space.config
    if ttl == TTL_NEVER:
        return 0
    if ttl == TTL_DONT_UPDATE and existed:
        return record.void_time
    if ttl in (0, TTL_DONT_UPDATE):
        return space.void_time(config.default_ttl)
    if ttl > TTL_MAX:
        raise RequestError(ResultCode.PARAMETER, f"TTL of {ttl} s", ParameterSubcode.TTL)
    if not config.nsup_period and not config.allow_ttl_without_nsup:
        raise RequestError(ResultCode.FORBIDDEN, "a TTL where nothing expires")
    return space.void_time(ttl)


def _check_write_ops(message: Message, version: ServerVersion) -> bool:
    """Raise for ops that can't be in one request, and tell whether the request reads all bins."""
    ops = message.ops
    if not ops:
        raise RequestError(ResultCode.PARAMETER, "no ops")
    gets_all, replaces = message.info1 & _GET_ALL, message.info3 & _REPLACE
    known = operations_of(version)
    all_bins = results = 0
    has_reads = False
    for op in ops:
        code = op.code
        _check_bin_name(op)
        if code not in known:
            continue  # it fails when it is run
        if code in READ_OPS:
            has_reads = True
            if code == _OP_READ and not op.name and gets_all:
                all_bins += 1
            else:
                results += 1
        elif replaces and (code in FORBIDDEN_WITH_REPLACE or _is_bin_delete(op)):
            raise RequestError(ResultCode.PARAMETER, f"op code {code} with replace")
        elif code in MAY_ANSWER:
            results += 1
    if has_reads and not message.info1 & _READ:
        raise RequestError(ResultCode.PARAMETER, "a read op in a request that does not read")
    if gets_all:
        if message.info2 & _RESPOND_ALL or all_bins != 1 or results:
            raise RequestError(ResultCode.PARAMETER, "all bins and other results")
        return True
    return False


def _is_bin_delete(op: Op) -> bool:
    return op.code == OpCode.WRITE and op.particle == ParticleType.NULL
