"""UDFs in the rows of a batch: there are no modules, so every call fails as that of a missing module does.

Owns: the checks that come before the call, and the answer. Not here: UDFs of single requests, which are
refused (commands.py).
"""

from __future__ import annotations

from ..protocol.constants import FieldType, Info2, Info3, OpCode, ParticleType
from ..protocol.framing import Message, encode_op, reply
from ..protocol.result import RequestError, ResultCode, bad
from ..storage.store import Store
from .commands import check_record, find_place, refuse_transaction

__all__ = ["apply_udf", "is_udf"]

_WRITE_OR_DELETE, _WRITE = int(Info2.WRITE | Info2.DELETE), int(Info2.WRITE)
_NO_INFO2 = int(Info2.GENERATION | Info2.GENERATION_GT | Info2.CREATE_ONLY)
_NO_INFO3 = int(Info3.UPDATE_ONLY | Info3.CREATE_OR_REPLACE | Info3.REPLACE_ONLY)
_NEEDED = (FieldType.UDF_FUNCTION, FieldType.UDF_ARGLIST)
_FAILURE = encode_op(OpCode.READ, ParticleType.STRING, b"FAILURE", b"UDF: Execution Error 1")


def is_udf(message: Message) -> bool:
    """Whether a request calls a UDF."""
    return FieldType.UDF_FILENAME in message.fields and message.info2 & _WRITE_OR_DELETE == _WRITE


def apply_udf(store: Store, message: Message, digest: bytes) -> bytes:
    """The reply frame to a call of a module that is not there.

    Raises:
        RequestError: the call does not come to the module: it is malformed, or the record is filtered out.

    """
    namespace = find_place(store, message, digest)
    if not all(field in message.fields for field in _NEEDED):
        raise bad("no function or no arguments")
    if message.info2 & _NO_INFO2 or message.info3 & _NO_INFO3:
        raise bad("a UDF with a write policy")
    refuse_transaction(message)
    record = namespace.find(digest)
    if record is None:
        return reply(ResultCode.UDF_EXECUTION, 0, 0, 1, _FAILURE)
    try:
        check_record(namespace, record, digest, message.fields.get(FieldType.SET, b""), message)
    except RequestError as error:
        return reply(error.code, record.generation, record.void_time)
    return reply(ResultCode.UDF_EXECUTION, record.generation, record.void_time, 1, _FAILURE)
