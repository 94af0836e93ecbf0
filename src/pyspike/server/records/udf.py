"""UDFs on one record, of single requests, rows of batches and background jobs.

Owns: the checks that come before the call, storing what the function has made of the record, and the answer.
Not here: calling functions (../udf/).
"""

from __future__ import annotations

from pyspike.lua.interpreter import Changes

from ..protocol.constants import (
    SET_NAME_MAX,
    TTL_DONT_UPDATE,
    TTL_MAX,
    TTL_NEVER,
    FieldType,
    Info2,
    Info3,
    OpCode,
    ParticleType,
)
from ..protocol.framing import Message, encode_op, reply
from ..protocol.result import ParameterSubcode, RequestError, ResultCode, bad
from ..storage.record import Record
from ..udf.functions import FunctionError, function_of
from ..udf.rows import row_of, stored_bin
from .commands import check_deletion, check_record, new_void_time, remove, store_bins
from .place import refuse_transaction
from .space import RecordSpace

__all__ = ["apply_udf", "is_udf"]

_WRITE_OR_DELETE, _WRITE = int(Info2.WRITE | Info2.DELETE), int(Info2.WRITE)
_NO_INFO2 = int(Info2.GENERATION | Info2.GENERATION_GT | Info2.CREATE_ONLY)
_NO_INFO3 = int(Info3.UPDATE_ONLY | Info3.CREATE_OR_REPLACE | Info3.REPLACE_ONLY)
_SUCCESS, _FAILURE = b"SUCCESS", b"FAILURE"
_SPECIAL_TTLS = {-1: TTL_NEVER, -2: TTL_DONT_UPDATE}


def is_udf(message: Message) -> bool:
    """Whether a request calls a UDF."""
    return FieldType.UDF_FILENAME in message.fields and message.info2 & _WRITE_OR_DELETE == _WRITE


def apply_udf(space: RecordSpace, message: Message, digest: bytes) -> bytes:
    """Call a function on the record of a digest, and give the reply frame.

    Raises:
        RequestError: the call does not come to the function, as it is malformed.

    """
    if message.info2 & _NO_INFO2 or message.info3 & _NO_INFO3:
        raise bad("a UDF with a write policy")
    store = space.store
    if not space.is_strong:
        refuse_transaction(store, message)
    record = space.find(digest)
    set_name = message.fields.get(FieldType.SET, b"")
    before = record or Record(set_name)
    function = None
    try:
        function = function_of(store.modules, message)
        if record is not None:
            check_record(space, record, digest, set_name, message)
        row = row_of(store, digest, record, message.fields.get(FieldType.KEY))
        (kind, result), changes = function.call(row, exists=record is not None)
        after = before if changes is None else _stored(space, digest, record, changes, message)
    except FunctionError as error:
        words = str(error).encode("utf-8", "surrogateescape")
        failure = encode_op(OpCode.READ, ParticleType.STRING, _FAILURE, words)
        return reply(ResultCode.UDF_EXECUTION, before.generation, before.void_time, 1, failure)
    except RequestError as error:
        if function is None:  # the request is malformed, and the record was not looked at
            raise
        return reply(error.code, before.generation, before.void_time)
    success = encode_op(OpCode.READ, kind, _SUCCESS, result)
    return reply(ResultCode.OK, after.generation, after.void_time, 1, success)


def _stored(
    space: RecordSpace, digest: bytes, record: Record | None, changes: Changes, message: Message
) -> Record:
    """Store what a function has made of a record, and give the record as it is now.

    Of a record that is gone now, the generation is counted on.
    """
    set_name = message.fields.get(FieldType.SET, b"")
    if changes.refused:
        raise RequestError(ResultCode.INCOMPATIBLE_TYPE, "a bin with a record as its value")
    if record is None:
        if not changes.bins:
            raise RequestError(ResultCode.NOT_FOUND, "nothing to create")
        if len(set_name) > SET_NAME_MAX or b"\0" in set_name:
            raise bad(f"the set name {set_name!r}")
    before = record or Record(set_name)
    if not changes.bins:
        durable = bool(message.info2 & Info2.DURABLE_DELETE)
        check_deletion(space, durable=durable)
        remove(space, digest, before, durable=durable)
        gone = Record(before.set_name)
        gone.generation = before.generation + 1
        return gone
    void_time = new_void_time(space, before, record is not None, _ttl(changes.ttl, message))
    bins = {
        name: before.bins[name] if before.bins.get(name) == (kind, data) else stored_bin(kind, data)
        for name, kind, data in changes.bins
    }
    key = before.key or message.fields.get(FieldType.KEY)
    return store_bins(space, digest, before, bins, void_time, None if changes.drops_key else key)


def _ttl(own: int | None, message: Message) -> int:
    """The TTL of a write as a request has it: what the function has set, or else the request."""
    if own is None:
        return message.record_ttl
    if own in _SPECIAL_TTLS:
        return _SPECIAL_TTLS[own]
    if not 0 <= own <= TTL_MAX:
        raise RequestError(ResultCode.PARAMETER, f"TTL of {own} s", ParameterSubcode.TTL)
    return own
