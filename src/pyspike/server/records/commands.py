"""Commands on one record: read, write, delete.

Owns: the checks of a request with a digest and their order, and its reply. Not here: what single ops do
(operations.py, ops/), how messages are split (../protocol/framing.py), which values are valid
(../values/particles.py).
"""

from __future__ import annotations

from functools import partial

from ..expressions.filters import filter_trace, passes
from ..protocol.constants import (
    BIN_NAME_MAX,
    CITRUSLEAF_EPOCH,
    DIGEST_SIZE,
    GENERATION_MAX,
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
from ..protocol.digest import partition_of
from ..protocol.error_details import details_field
from ..protocol.framing import Message, Op, encode_op, reply
from ..protocol.result import ParameterSubcode, RequestError, ResultCode
from ..storage.store import Namespace, Record, Store, stored_size
from ..versions import ServerVersion
from .op_context import OpContext
from .operations import FORBIDDEN_WITH_REPLACE, READ_OPS, operations_of, run_op

__all__ = [
    "all_bins",
    "check_record",
    "execute",
    "find_place",
    "namespace_of",
    "new_void_time",
    "read_ops",
    "refuse_transaction",
    "run_on",
    "store_bins",
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


def execute(store: Store, message: Message) -> bytes:
    """Run a request that has a digest and give its reply frame.

    Raises:
        RequestError: the reply is the code without a record's generation.

    """
    return run_on(store, message, message.fields[_F_DIGEST])


def run_on(store: Store, message: Message, digest: bytes) -> bytes:
    """Run a request on the record of a digest, and give its reply frame.

    Raises:
        RequestError: as by `execute`.

    """
    namespace = find_place(store, message, digest)
    fields = message.fields
    set_name = fields.get(_F_SET, b"")
    info2 = message.info2
    if info2 & _WRITE:
        if info2 & _DELETE:
            return _delete(namespace, digest, set_name, message)
        if message.info4 & _ROLL:
            raise RequestError(ResultCode.ENTERPRISE_ONLY, "end of a transaction")
        return _write(namespace, digest, set_name, message)
    if message.info4 & _VERIFY:
        raise RequestError(ResultCode.ENTERPRISE_ONLY, "end of a transaction")
    refuse_transaction(message)
    return _read(namespace, digest, set_name, message)


def find_place(store: Store, message: Message, digest: bytes) -> Namespace:
    """The namespace that a request on one record is about.

    Raises:
        RequestError: no such request can be run there, whatever the record.

    """
    namespace = namespace_of(store, message)
    if len(digest) != DIGEST_SIZE:
        raise RequestError(ResultCode.PARAMETER, "digest size")
    if not (message.info2 & _WRITE or message.info1 & _READ):
        raise RequestError(ResultCode.PARAMETER, "neither read nor write")
    if namespace.unavailable and partition_of(digest) in namespace.unavailable:
        raise RequestError(ResultCode.UNAVAILABLE, "partition without owner")
    return namespace


def refuse_transaction(message: Message) -> None:
    """Raise if a request is part of a transaction. Deletes do not look: the real server runs them."""
    if _F_MRT_ID in message.fields:
        raise RequestError(ResultCode.ENTERPRISE_ONLY, "transaction")


def namespace_of(store: Store, message: Message) -> Namespace:
    """The namespace that a request names.

    Raises:
        RequestError: it names none, or one that is not there.

    """
    namespace = store.namespaces.get(message.fields.get(_F_NAMESPACE, b""))
    if namespace is None:
        raise RequestError(ResultCode.NAMESPACE, "no namespace, or an unknown one")
    return namespace


def _check_bin_name(op: Op) -> None:
    """Raise if an op names a bin as none can be named."""
    if (len(op.name) > BIN_NAME_MAX or _NUL in op.name) and op.code != _OP_TOUCH:
        raise RequestError(ResultCode.BIN_NAME, f"the bin name {op.name!r}")


def _refusal(error: RequestError, record: Record, message: Message, version: ServerVersion) -> bytes:
    details = details_field(message.info4, error) if version.error_details else b""
    return reply(error.code, record.generation, record.void_time, details=details)


def check_record(
    namespace: Namespace, record: Record, digest: bytes, set_name: bytes, message: Message
) -> None:
    """Raise if the request's set is not the record's, its filter does not let the record pass, or its key is
    not the record's.

    A write that names no set means records in none; what reads or deletes without a set finds the record all
    the same.
    """
    _check_set(record, set_name, message)
    data, store = message.fields.get(_F_FILTER), namespace.store
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


def _read(namespace: Namespace, digest: bytes, set_name: bytes, message: Message) -> bytes:
    if message.info3 & _SC_BITS == _SC_LINEARIZE:
        raise RequestError(ResultCode.ENTERPRISE_ONLY, "linearized read")
    record = namespace.find(digest)
    if record is None:
        raise RequestError(ResultCode.NOT_FOUND)
    info1 = message.info1
    try:
        check_record(namespace, record, digest, set_name, message)
        void_time = record.void_time
        if void_time:
            _read_touch(namespace, record, message.record_ttl)
        if info1 & _GET_NO_BINS:
            return reply(0, record.generation, void_time)
        if info1 & _GET_ALL:
            return reply(0, record.generation, void_time, len(record.bins), all_bins(record))
        results = read_ops(namespace.store, record, digest, message)
    except RequestError as error:
        return _refusal(error, record, message, namespace.store.version)
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


def _read_touch(namespace: Namespace, record: Record, percent: int) -> None:
    """Prolong the life of a record of which `percent` or less is left.

    The reply of the request that does it still has the old time.
    """
    if percent == TTL_NEVER:
        return
    percent = percent or namespace.config.default_read_touch_ttl_pct
    if not 0 <= percent <= 100:
        raise RequestError(ResultCode.PARAMETER, f"read-touch percent {percent}")
    if not percent:
        return
    now = namespace.store.now()
    life = record.void_time - (int(record.last_update) - CITRUSLEAF_EPOCH)
    if (record.void_time - now) * 100 <= life * percent:
        record.last_update = namespace.store.clock()
        record.void_time = now + life


# --- writes -------------------------------------------------------------------------------------------------


def _check_generation(message: Message, generation: int) -> None:
    info2 = message.info2
    if info2 & _GENERATION and message.generation != generation:
        raise RequestError(ResultCode.GENERATION, "not equal")
    if info2 & _GENERATION_GT and message.generation <= generation:
        raise RequestError(ResultCode.GENERATION, "not greater")


def _delete(namespace: Namespace, digest: bytes, set_name: bytes, message: Message) -> bytes:
    if message.info2 & _DURABLE:
        raise RequestError(ResultCode.ENTERPRISE_ONLY, "durable delete")
    record = namespace.find(digest)
    if record is None:
        raise RequestError(ResultCode.NOT_FOUND)
    _check_set(record, set_name, message)
    _check_generation(message, record.generation)
    check_record(namespace, record, digest, set_name, message)
    namespace.delete(digest)
    return reply(0)


def _write(namespace: Namespace, digest: bytes, set_name: bytes, message: Message) -> bytes:
    reads_all = _check_write_ops(message, namespace.store.version)
    refuse_transaction(message)
    record = namespace.find(digest)
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
            check_record(namespace, record, digest, set_name, message)
        elif len(set_name) > SET_NAME_MAX or _NUL in set_name:
            raise RequestError(ResultCode.PARAMETER, f"the set name {set_name!r}")
        replaces = bool(message.info3 & _REPLACE)
        ctx = OpContext(
            {} if replaces else dict(record.bins),
            record,
            digest,
            namespace.store.clock(),
            version=namespace.store.version,
            respond_all=bool(message.info2 & _RESPOND_ALL),
            writes=True,
        )
        void_time = new_void_time(namespace, record, existed, message.record_ttl)
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
            return _commit(namespace, digest, record, ctx, void_time, message.fields.get(_F_KEY))
        return _commit_deletion(
            namespace, digest, existed and not replaces, ctx, durable=bool(message.info2 & _DURABLE)
        )
    except RequestError as error:
        return _refusal(error, record, message, namespace.store.version)


def _commit_deletion(
    namespace: Namespace, digest: bytes, existed: bool, ctx: OpContext, *, durable: bool
) -> bytes:
    """Delete a record that has no bins left, and give the reply."""
    if not existed:
        raise RequestError(ResultCode.NOT_FOUND, "nothing to create")
    if durable:
        raise RequestError(ResultCode.ENTERPRISE_ONLY, "durable delete")
    namespace.delete(digest)
    return reply(0, 0, 0, len(ctx.results), b"".join(ctx.results))


def _commit(
    namespace: Namespace, digest: bytes, record: Record, ctx: OpContext, void_time: int, key: bytes | None
) -> bytes:
    """Store what the ops have made of the record, and give the reply."""
    new = store_bins(namespace, digest, record, ctx.bins, void_time, record.key or key)
    return reply(0, new.generation, void_time, len(ctx.results), b"".join(ctx.results))


def store_bins(
    namespace: Namespace,
    digest: bytes,
    record: Record,
    bins: dict[bytes, tuple[int, bytes]],
    void_time: int,
    key: bytes | None,
) -> Record:
    """Store a record in the place of another, or of none, and give it.

    Args:
        namespace: where.
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
    largest = namespace.config.max_record_size
    values = sum([len(value) for _, value in new.bins.values()])
    # Far from the limit, the exact size does not matter.
    if values + _BESIDE_VALUE * len(new.bins) + _BESIDE_BINS > largest and stored_size(new) > largest:
        raise RequestError(ResultCode.RECORD_TOO_BIG)
    # 0 is the generation of no record, so it is left out when the 16 bits wrap.
    new.generation = record.generation % GENERATION_MAX + 1
    new.void_time = void_time
    new.last_update = namespace.store.clock()
    namespace.put(digest, new)
    return new


def new_void_time(namespace: Namespace, record: Record, existed: bool, ttl: int) -> int:
    """When a record expires that is written with a TTL, as requests have it; 0 is never.

    Raises:
        RequestError: PARAMETER: there is no such TTL; FORBIDDEN: nothing expires in this namespace.

    """
    config = namespace.config
    if ttl == TTL_NEVER:
        return 0
    if ttl == TTL_DONT_UPDATE and existed:
        return record.void_time
    if ttl in (0, TTL_DONT_UPDATE):
        return namespace.void_time(config.default_ttl)
    if ttl > TTL_MAX:
        raise RequestError(ResultCode.PARAMETER, f"TTL of {ttl} s", ParameterSubcode.TTL)
    if not config.nsup_period and not config.allow_ttl_without_nsup:
        raise RequestError(ResultCode.FORBIDDEN, "a TTL where nothing expires")
    return namespace.void_time(ttl)


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
